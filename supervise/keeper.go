package supervise

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// unkillable is how long a process may take to end after SIGKILL. Only one that
// is stuck inside the kernel takes that long.
const unkillable = 5 * time.Second

// child is one life of a process.
type child interface {
	pid() int
	startTime() uint64
	// ended is closed when the process has ended.
	ended() <-chan struct{}
	// signal sends to the whole group. It must not be called after finish.
	signal(syscall.Signal)
	// finish is called once, after ended: it kills what is left of the group and
	// says how the process ended. Asked, AlreadyRunning and Wall are not filled in.
	finish() Exit
}

// keeper leads one process through its lives: it is the state machine that the
// package comment shows.
type keeper struct {
	process  Process
	restarts restarts
	launch   func(Process) (child, error)
	onEvent  func(Event)
}

// run returns when ctx has ended and the process is stopped. An error says that
// the process could not be stopped.
func (k *keeper) run(ctx context.Context) error {
	var err error
	var forced bool
	for ctx.Err() == nil && err == nil {
		k.emit(Event{Kind: Starting})
		if ctx.Err() != nil {
			break
		}
		var next pause
		c, failure := k.launch(k.process)
		if failure != nil {
			k.emit(Event{Kind: CouldNotStart, Err: failure})
			next = k.restarts.died(0, time.Now())
		} else {
			next, forced, err = k.live(ctx, c)
		}
		if ctx.Err() == nil && next.kind != "" {
			k.emit(Event{Kind: next.kind, Wait: next.wait})
			wait(ctx, next.wait)
		}
	}
	k.emit(Event{Kind: Stopped, Forced: forced, Err: err})
	return err
}

// live sees one life through to its end.
func (k *keeper) live(ctx context.Context, c child) (next pause, forced bool, err error) {
	began := time.Now()
	k.emit(Event{Kind: Started, PID: c.pid(), StartTime: c.startTime()})
	asked := false
	select {
	case <-c.ended():
	case <-ctx.Done():
		asked = true
		k.emit(Event{Kind: Stopping, PID: c.pid()})
		if forced, err = k.stop(c); err != nil {
			return pause{}, forced, err
		}
	}
	wall := time.Since(began)
	exit := c.finish()
	exit.Wall, exit.Asked = wall, asked
	exit.AlreadyRunning = !asked && exit.Code == k.process.Policy.AlreadyRunning
	next = k.restarts.after(exit, time.Now())
	k.emit(Event{Kind: Exited, PID: c.pid(), StartTime: c.startTime(), Exit: exit})
	return next, forced, nil
}

// stop asks the group of c to end, then kills it.
func (k *keeper) stop(c child) (forced bool, err error) {
	c.signal(syscall.SIGTERM)
	c.signal(syscall.SIGCONT) // one that is stopped can act on nothing else
	if endedWithin(c, k.process.StopGrace) {
		return false, nil
	}
	c.signal(syscall.SIGKILL)
	if !endedWithin(c, unkillable) {
		return true, fmt.Errorf("process %s (pid %d) did not end in %v after SIGKILL", k.process.Name, c.pid(), unkillable)
	}
	return true, nil
}

func (k *keeper) emit(e Event) {
	e.Process, e.Time = k.process.Name, time.Now()
	k.onEvent(e)
}

func endedWithin(c child, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.ended():
		return true
	case <-timer.C:
		return false
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
