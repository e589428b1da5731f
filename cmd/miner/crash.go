package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
)

// haltInStage4 stops the process that has just begun stage 3 while it is in
// stage 4. That takes a few milliseconds only, so the process runs on the core
// of the one who looks, in short slices, and stands still while it is looked at.
// It reports whether the process stands in stage 4 now; otherwise it runs on.
func haltInStage4(ctx context.Context, home string, begun stagewatch.Event) bool {
	const slice = 300 * time.Microsecond
	pid := begun.Owner.PID
	release, err := shareCore(pid)
	if err != nil {
		return false
	}
	defer release()
	for seen := int64(-1); ctx.Err() == nil && unix.Kill(pid, 0) == nil; {
		if size := journalSize(home); size != seen { // else nothing was told
			seen = size
			if unix.Kill(pid, unix.SIGSTOP) != nil {
				break
			}
			if stage, running := stageOf(home, begun.Run); stage >= 4 {
				if stage == 4 && running {
					return true
				}
				break // it went past between two looks
			}
			if unix.Kill(pid, unix.SIGCONT) != nil {
				break
			}
		}
		pause := unix.NsecToTimespec(slice.Nanoseconds())
		_ = unix.Nanosleep(&pause, nil) // interrupted: one look more
	}
	_ = unix.Kill(pid, unix.SIGCONT) // unless it has ended
	return false
}

// journalSize is the size of a home's journal: a look that costs nearly nothing.
func journalSize(home string) (size int64) {
	segments, err := os.ReadDir(filepath.Join(home, "journal"))
	if err != nil {
		return 0
	}
	for _, s := range segments {
		if info, err := s.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}

// shareCore puts a process and the calling goroutine on one core. The goroutine
// asks for the shortest turns there are and sleeps nearly always, so the kernel
// lets it in as soon as it wakes: nothing happens to the process between two
// looks, and yet it gets its share of a busy machine. The function undoes it.
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
	place := func(cores *unix.CPUSet, turn time.Duration) error {
		for _, thread := range threads(pid) {
			if err := unix.SchedSetaffinity(thread, cores); err != nil && !errors.Is(err, unix.ESRCH) { // a thread may end meanwhile
				return err
			}
		}
		own := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Runtime: uint64(turn.Nanoseconds())}
		return errors.Join(unix.SchedSetaffinity(0, cores), unix.SchedSetAttr(0, &own, 0))
	}
	release = func() {
		_ = place(&all, 0) // unless it has ended
		runtime.UnlockOSThread()
	}
	if err := place(&one, 100*time.Microsecond); err != nil {
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
