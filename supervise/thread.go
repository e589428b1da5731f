package supervise

import "runtime"

// thread runs functions on one operating-system thread that lives until stop.
//
// A parent-death signal is sent when the thread that forked ends, not when its
// program does. The Go runtime ends threads as it likes, so every process is
// forked from this one.
type thread struct {
	jobs chan func()
	done chan struct{}
}

func startThread() *thread {
	t := &thread{jobs: make(chan func()), done: make(chan struct{})}
	go t.run()
	return t
}

func (t *thread) run() {
	defer close(t.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for job := range t.jobs {
		job()
	}
}

// do returns when f has returned.
func (t *thread) do(f func()) {
	returned := make(chan struct{})
	t.jobs <- func() {
		defer close(returned)
		f()
	}
	<-returned
}

// stop is called when no process is left.
func (t *thread) stop() {
	close(t.jobs)
	<-t.done
}
