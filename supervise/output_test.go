package supervise

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"
)

// reader is a Process.Output that remembers what it was told, in order.
type reader struct {
	mu    sync.Mutex
	lives []*life
}

type life struct {
	r      *reader
	pid    int
	start  uint64
	text   bytes.Buffer
	closed int
}

func (r *reader) output(pid int, start uint64) io.WriteCloser {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lives = append(r.lives, &life{r: r, pid: pid, start: start})
	return r.lives[len(r.lives)-1]
}

func (l *life) Write(p []byte) (int, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	if l.closed > 0 {
		return 0, fmt.Errorf("written after Close")
	}
	return l.text.Write(p)
}

func (l *life) Close() error {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.closed++
	return nil
}

func TestOutputIsReadAlongToTheLastByteBeforeTheExit(t *testing.T) {
	var r reader
	p := sh(t, "a", "echo one; echo two >&2; sleep 0.01; printf 'three of %d' $$; exit 1")
	p.Policy = eager()
	p.Output = r.output
	var seen []string
	b := run(t, Config{Processes: []Process{p}})
	for range 3 {
		started, exited := b.next(Started), b.next(Exited)
		r.mu.Lock()
		l := r.lives[len(seen)]
		got := fmt.Sprint(l.pid, l.start, l.closed, l.text.String())
		r.mu.Unlock()
		want := fmt.Sprint(started.PID, started.StartTime, 1, fmt.Sprintf("one\ntwo\nthree of %d", started.PID))
		if got != want || exited.Exit.Output != l.text.String() {
			t.Errorf("read along %q, want %q, as the exit has it: %q", got, want, exited.Exit.Output)
		}
		seen = append(seen, got)
	}
}

func TestNobodyNeedReadAlong(t *testing.T) {
	p := sh(t, "a", "echo one; exit 1")
	p.Policy = eager()
	p.Output = func(int, uint64) io.WriteCloser { return nil }
	b := run(t, Config{Processes: []Process{p}})
	if e := b.next(Exited).Exit; e.Output != "one\n" {
		t.Errorf("output %q", e.Output)
	}
}
