package supervise

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Guard is the whole work of the guard process: it reads from a pipe, whose
// only other end the supervisor holds, what there is to guard, and at the end of
// the pipe it kills what it has not been told is gone, and returns. It ignores
// the signals by which a terminal or a service manager ends a program, since it
// has to outlive its supervisor.
//
// # How the guard knows in time
//
// A process can fork as soon as it runs, and its group has no name before that.
// So the guard is told twice. Before the fork it is told the number of the pipe
// that will be the process's output; right after it, from the thread that
// forked, the group. Between the two, if the supervisor is killed, the kernel
// kills the process itself (the parent-death signal was set before it ran its
// first instruction), and whatever it forked in that moment is found by the
// output that it inherited. What is written to a pipe outlives the writer, so
// no answer has to be waited for, and a guard that starts late reads it all.
// The same search finds those who left their group. What remains is a process
// that is forked in these microseconds and also manages to redirect its output
// in them.
//
// A group is taken off the guard's list before its leader is reaped, while its
// number cannot belong to anybody else; so the guard never knows a group that
// has become a stranger's while the supervisor lives. After the supervisor's
// death init reaps, and the guard acts within milliseconds.
//
// The guard is a session of its own, out of reach of the terminal. If it ends,
// or is stuck, it is replaced: the new one finds all there is to guard in its
// pipe when it starts. Until then a kill of the supervisor as well would spare
// the descendants, not the processes.
func Guard(from io.Reader) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	w := make(wards)
	err := w.read(from)
	w.kill()
	return err
}

// ward is something that the guard has to kill.
type ward struct {
	kind wardKind
	id   uint64 // of the process group, or the inode of the output pipe
}

type wardKind string

const (
	wardGroup  wardKind = "group"
	wardOutput wardKind = "output"
)

// wards is a set. The protocol is one line a change: "+group 123" adds,
// "-output 456" takes away.
type wards map[ward]struct{}

// line is the line that adds w, or takes it away.
func (w ward) line(sign byte) string {
	return fmt.Sprintf("%c%s %d\n", sign, w.kind, w.id)
}

// read follows the protocol to its end. A last line without newline may be the
// beginning of another and does not count, nor does a line that it cannot read:
// better to guard the rest than nothing.
func (w wards) read(from io.Reader) error {
	lines := bufio.NewReaderSize(from, 4<<10)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case err == nil:
			w.apply(strings.TrimSuffix(string(line), "\n"))
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil
		default:
			return fmt.Errorf("read what to guard: %w", err)
		}
	}
}

func (w wards) apply(line string) {
	subject, number, _ := strings.Cut(line, " ")
	id, err := strconv.ParseUint(number, 10, 64)
	if err != nil || subject == "" {
		return
	}
	changed := ward{wardKind(subject[1:]), id}
	switch {
	case changed.kind != wardGroup && changed.kind != wardOutput:
	case changed.kind == wardGroup && (id <= 1 || id > math.MaxInt32):
		// To kill these would be to kill ourselves, or everybody.
	case subject[0] == '+':
		w[changed] = struct{}{}
	case subject[0] == '-':
		delete(w, changed)
	}
}

// kill kills all groups, then looks for the writers of the outputs until there
// are none, or for a second.
func (w wards) kill() {
	pipes := make(map[uint64]bool)
	for each := range w {
		if each.kind == wardGroup {
			_ = unix.Kill(-int(each.id), unix.SIGKILL) // gone already, or not ours
			continue
		}
		pipes[each.id] = true
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for range 50 {
		if len(pipes) == 0 || killWriters(pipes) == 0 {
			return
		}
		<-again.C
	}
}
