package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// launcher starts real processes.
type launcher struct {
	thread  *thread
	guard   *guardian
	buffers buffers
	logs    map[string]*logFile
}

// launch starts one life of p. The guard knows of its output before the fork
// and of its group right after it.
func (l *launcher) launch(p Process) (child, error) {
	from, to, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the output pipe: %w", err)
	}
	defer func() { _ = to.Close() }() // the child has its own copy
	pipe, err := inode(to)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("output pipe: %w", err), from.Close())
	}
	pidfd := -1
	cmd := exec.Command(p.Command[0], p.Command[1:]...)    //nolint:noctx // it is ended by signals, in steps
	cmd.Dir, cmd.Env = p.Dir, append([]string{}, p.Env...) // never nil: that would mean our own
	cmd.Stdout, cmd.Stderr = to, to
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &pidfd}

	output := ward{wardOutput, pipe}
	l.guard.add(output)
	l.thread.do(func() {
		if err = cmd.Start(); err == nil {
			l.guard.add(ward{wardGroup, uint64(cmd.Process.Pid)})
		}
	})
	if err != nil {
		l.guard.remove(output)
		return nil, errors.Join(err, from.Close())
	}
	c := &process{cmd: cmd, guard: l.guard, output: output, gone: make(chan struct{})}
	c.started, _ = startTime(cmd.Process.Pid) // 0 says that it is not known
	go c.await(pidfd)

	log := l.logs[p.Name]
	log.note(fmt.Sprintf("%s: started, pid %d", p.Name, cmd.Process.Pid))
	var taker io.WriteCloser
	if p.Output != nil {
		taker = p.Output(cmd.Process.Pid, c.started)
	}
	c.drain = newDrain(from, log, taker)
	go c.drain.run(l.buffers)
	return c, nil
}

// process is one life of a real process.
type process struct {
	cmd     *exec.Cmd
	started uint64
	gone    chan struct{}
	guard   *guardian
	output  ward
	drain   *drain
}

func (p *process) pid() int               { return p.cmd.Process.Pid }
func (p *process) startTime() uint64      { return p.started }
func (p *process) ended() <-chan struct{} { return p.gone }

// signal reaches only this life's group: its leader is not reaped before
// finish, so nobody else can have its number. An error would say that all
// members are beyond our rights or gone; there is no better way to reach them.
func (p *process) signal(s syscall.Signal) { _ = unix.Kill(-p.pid(), s) }

// await closes gone when the process has ended, and does not reap it. The
// descriptor is polled by the runtime, which costs no thread a process.
func (p *process) await(pidfd int) {
	defer close(p.gone)
	if err := awaitReadable(pidfd); err != nil {
		// Without the poller (no more descriptors, say) a thread must wait.
		_ = ignoreEINTR(func() error {
			return unix.Waitid(unix.P_PID, p.pid(), nil, unix.WEXITED|unix.WNOWAIT, nil)
		})
	}
}

func awaitReadable(pidfd int) error {
	if err := unix.SetNonblock(pidfd, true); err != nil {
		return errors.Join(err, unix.Close(pidfd))
	}
	f := os.NewFile(uintptr(pidfd), "pidfd")
	defer func() { _ = f.Close() }() // it was only read
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Read(func(fd uintptr) bool {
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(polled, 0)
		return n > 0 && err == nil
	})
}

// finish kills what is left of the group while the dead leader still holds its
// number, then reaps the leader.
func (p *process) finish() Exit {
	p.signal(syscall.SIGKILL)
	p.guard.remove(ward{wardGroup, uint64(p.pid())})
	err := p.cmd.Wait()
	p.drain.finish(p.output.id)
	p.guard.remove(p.output)

	e := Exit{Code: 255, Output: p.drain.tail.String(), Dropped: p.drain.dropped()}
	if p.cmd.ProcessState == nil {
		// Somebody else in this program reaped it: how it ended is not known.
		e.Output += fmt.Sprintf("\n(%v)", err)
		return e
	}
	e.fill(p.cmd.ProcessState)
	return e
}

func (e *Exit) fill(state *os.ProcessState) {
	e.Code, e.User, e.System = state.ExitCode(), state.UserTime(), state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.MaxRSS = usage.Maxrss << 10
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Code, e.CoreDumped = -int(status.Signal()), status.CoreDump()
	}
}

// startTime reads field 22 of /proc/<pid>/stat. The second field is a name in
// parentheses that can hold anything, so fields are counted after its end.
func startTime(pid int) (uint64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("start time: %w", err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, fmt.Errorf("start time: %d fields after the name", len(fields))
	}
	return strconv.ParseUint(string(fields[19]), 10, 64)
}

func ignoreEINTR(f func() error) error {
	for {
		if err := f(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
