package supervise

import (
	"fmt"
	"syscall"
	"time"
)

// Kind is what an [Event] says happened.
type Kind string

// The kinds of events. Those of a process come in the order that the package
// comment shows; those of the guard come with an empty Event.Process.
const (
	Starting      Kind = "starting"        // about to fork
	Started       Kind = "started"         // runs: PID, StartTime
	CouldNotStart Kind = "could not start" // Err
	Exited        Kind = "exited"          // PID, StartTime, Exit
	Backoff       Kind = "backoff"         // Wait
	Failed        Kind = "failed"          // crash loop: Wait
	Stopping      Kind = "stopping"        // SIGTERM is about to be sent: PID
	Stopped       Kind = "stopped"         // the last event of a process: Forced, Err

	GuardStarted Kind = "guard started" // PID
	GuardEnded   Kind = "guard ended"   // it is replaced after Wait: Err
)

// Event is one step in the life of a process, or of the guard.
type Event struct {
	Process string // the name; empty for the guard
	Kind    Kind
	Time    time.Time
	PID     int
	// StartTime is when the kernel started the process, in clock ticks since
	// boot (field 22 of /proc/<pid>/stat): with PID and the boot's id it names
	// the process for ever. It is 0 if it could not be read.
	StartTime uint64
	// Err is why the process could not be started, why the guard ended, or, in
	// Stopped, that the process did not end although it was killed.
	Err error
	// Exit describes the end of the process in Exited.
	Exit Exit
	// Wait is how long it will be until the next try. The time of that is Time
	// plus Wait.
	Wait time.Duration
	// Forced says in Stopped that the process had to be killed.
	Forced bool
}

// Exit is how a process ended and what it had used.
type Exit struct {
	// Code is the exit code, or minus the number of the signal that ended it. It
	// is 255 if another part of this program took the exit status from us.
	Code       int
	CoreDumped bool
	// Asked says that it was told to stop before it ended.
	Asked bool
	// AlreadyRunning says that Code is the policy's code for that.
	AlreadyRunning bool

	Wall, User, System time.Duration
	// MaxRSS is the most memory that was resident, in bytes.
	MaxRSS int64
	// Output is the end of what it printed: valid UTF-8, at most 8 KiB, from
	// the beginning of a line where one begins in that, and with the last line
	// also when that has no newline.
	Output string
	// Dropped counts the bytes of this life's output that are missing in the
	// log file.
	Dropped int64
}

// String says "exit code 3", "signal: killed" or "signal: aborted (core dumped)".
func (e Exit) String() string {
	switch {
	case e.Code >= 0:
		return fmt.Sprintf("exit code %d", e.Code)
	case e.CoreDumped:
		return fmt.Sprintf("signal: %v (core dumped)", syscall.Signal(-e.Code))
	default:
		return fmt.Sprintf("signal: %v", syscall.Signal(-e.Code))
	}
}
