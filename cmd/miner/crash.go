package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
)

// haltInStage4 stops the process that has just begun stage 3 while it is in
// stage 4. That takes a few milliseconds only, so the process is let run in
// short slices and the journal is looked at in between. It reports whether the
// process stands in stage 4 now; otherwise it runs on.
func haltInStage4(ctx context.Context, home string, begun stagewatch.Event) bool {
	const slice = 300 * time.Microsecond
	pid := begun.Owner.PID
	release, err := shareCore(pid)
	if err != nil {
		return false
	}
	defer release()
	for ctx.Err() == nil && unix.Kill(pid, unix.SIGSTOP) == nil {
		if stage, running := stageOf(home, begun.Run); stage >= 4 {
			if stage == 4 && running {
				return true
			}
			break // it went past between two looks
		}
		if unix.Kill(pid, unix.SIGCONT) != nil {
			break
		}
		pause := unix.NsecToTimespec(slice.Nanoseconds())
		_ = unix.Nanosleep(&pause, nil) // interrupted: one look more
	}
	_ = unix.Kill(pid, unix.SIGCONT) // unless it has ended
	return false
}

// shareCore puts a process and the calling goroutine on one core, where the
// process runs only while the goroutine sleeps: nothing happens to it between
// two looks, however busy the machine is. The function undoes it.
func shareCore(pid int) (release func(), err error) {
	runtime.LockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("share a core with process %d: %w", pid, err)
	}
	for cpu := range 1024 {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	place := func(cores *unix.CPUSet, policy uint32) error {
		for _, thread := range threads(pid) {
			attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy}
			err := errors.Join(unix.SchedSetaffinity(thread, cores), unix.SchedSetAttr(thread, &attr, 0))
			if err != nil && !errors.Is(err, unix.ESRCH) { // a thread may end meanwhile
				return err
			}
		}
		return unix.SchedSetaffinity(0, cores)
	}
	release = func() {
		_ = place(&all, unix.SCHED_NORMAL) // unless it has ended
		runtime.UnlockOSThread()
	}
	if err := place(&one, unix.SCHED_IDLE); err != nil {
		release()
		return nil, fmt.Errorf("share a core with process %d: %w", pid, err)
	}
	return release, nil
}

func threads(pid int) []int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil // it has ended
	}
	var ids []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// stageOf returns the newest stage of a run, and whether it runs.
func stageOf(home, run string) (number int, running bool) {
	state, err := stagewatch.ReadState(home)
	if err != nil {
		return 0, false
	}
	for _, r := range state.Runs {
		if r.ID == run {
			stage := r.Newest()
			return stage.Number, stage.State == stagewatch.StatusRunning
		}
	}
	return 0, false
}
