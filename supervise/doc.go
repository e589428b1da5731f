// Package supervise keeps operating-system processes alive. It runs on Linux
// (5.4 or newer), prints nothing, logs nothing and knows nothing of what the
// processes are for: the caller learns all of it from [Event] values.
//
// # The life of a process
//
//	          ┌────────────────────── wait is over ──────────────────────┐
//	          ▼                                                          │
//	Run → Starting ──► Started ──► Exited ──┬─ healthy ─► (at once) ─────┤
//	          │                             ├────────────► Backoff ──────┤
//	          └──► CouldNotStart ───────────┴────────────► Failed ───────┘
//
//	ctx ends while it runs:   Stopping → Exited (Asked) → Stopped
//	ctx ends at another time: Stopped
//
// A process is meant to live: an exit with code 0 that nobody asked for is a
// death like any other. What follows a death is decided by [Policy]. Each step
// is told to Config.OnEvent, in this order, and the next step is taken only
// after OnEvent has returned; so a caller that writes a record in it knows that
// the record of a death stands before the process is started again. Each
// process has exactly one Stopped event, its last.
//
// # Nothing is left behind
//
// A process leads a process group of its own. When it ends, for whatever
// reason, its group is killed before the process itself is reaped: until then
// its number cannot be given to anybody else, so no stranger is hit. Whoever
// left the group (setsid, a shell's job control) but still writes to the output
// of the process is found by that and killed too. Only what leaves the group
// and redirects its output, as a daemon does, is beyond reach.
//
// For the same reason the program must reap no children that it did not start
// (no wait for any child).
//
// If the supervising program itself is killed, the kernel kills the processes
// (a parent-death signal) and a guard, one small extra process, kills their
// groups. See [Guard] for how the guard comes to know of them in time.
//
// # Output
//
// Standard output and standard error of a process are one pipe that is always
// drained, into a file that rotates by size. When the file cannot be written
// the output is dropped and counted: neither a full disk nor a missing
// directory can block a process or take memory. Process.Output takes a copy of
// it, for callers who want to read along. Standard input is /dev/null.
package supervise
