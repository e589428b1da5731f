package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is a child. Its standard input is a pipe of ours: it ends when that
// is closed, so none is left behind when this program dies.
type process struct {
	kind  string
	cmd   *exec.Cmd
	stdin io.Closer
	errs  bytes.Buffer
	ended chan struct{} // closed when it was collected and every line of it was read

	mu     sync.Mutex
	asked  bool      // it was killed, or told to end
	killed time.Time // when its kill had been sent
}

// start begins a process, whose lines go to each in order. It runs as the
// given user, nil for our own.
func start(ctx context.Context, kind string, each func(line string), as *syscall.Credential, command ...string) (*process, error) {
	p := &process{kind: kind, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	p.cmd.Stderr = &p.errs
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", kind, err)
	}
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			each(lines.Text())
		}
		_ = p.cmd.Wait() // how it ended stands in its state
	}()
	return p, nil
}

// kill kills the process and waits until it is gone. It reports whether it
// still lived.
func (p *process) kill() bool {
	select {
	case <-p.ended:
		return false
	default:
	}
	p.mu.Lock()
	p.asked = true
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // one that just ended needs none
	p.killed = time.Now()
	p.mu.Unlock()
	<-p.ended
	return true
}

// end asks the process to end and waits for it.
func (p *process) end(patience time.Duration) error {
	p.mu.Lock()
	p.asked = true
	p.mu.Unlock()
	_ = p.stdin.Close()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%s did not end within %v", p.kind, patience)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s ended with %v: %s", p.kind, p.cmd.ProcessState, p.errs.Bytes())
	}
	return nil
}

// killSent returns when the process was killed, or false while it may live.
func (p *process) killSent() (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed, !p.killed.IsZero()
}

// wasAsked reports whether anyone wanted the process to end.
func (p *process) wasAsked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// finished reports whether an ended process came to a good end by itself.
func (p *process) finished() bool { return p.cmd.ProcessState.Success() }
