package supervise

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// buffers lends the space that output is read into. A process that prints
// nothing has none.
type buffers chan []byte

const bufferSize = 64 << 10 // what a pipe holds

// Times for what remains of the output after the end of a process. Normally the
// pipe is at its end at once.
const (
	settleTime = 100 * time.Millisecond // for killed members of the group to be gone
	sweepTime  = time.Second            // for killed writers elsewhere to be gone
)

func newBuffers() buffers { return make(buffers, 4) }

func (b buffers) take() []byte {
	select {
	case buffer := <-b:
		return buffer
	default:
		return make([]byte, bufferSize)
	}
}

func (b buffers) give(buffer []byte) {
	select {
	case b <- buffer:
	default:
	}
}

// drain moves the output of one life from its pipe into the log file and to
// whoever else takes it, and keeps the end of it.
type drain struct {
	from    *os.File
	log     *logFile
	output  io.WriteCloser // nil: nobody else
	dropped func() int64   // by this life
	tail    tail
	done    chan struct{}
}

func newDrain(from *os.File, log *logFile, output io.WriteCloser) *drain {
	before, _ := log.dropped()
	return &drain{from: from, log: log, output: output, done: make(chan struct{}), dropped: func() int64 {
		now, _ := log.dropped()
		return now - before
	}}
}

// run returns at the end of the pipe, or when it is closed.
func (d *drain) run(lent buffers) {
	defer close(d.done)
	conn, err := d.from.SyscallConn()
	for more := true; more && err == nil; {
		err = conn.Read(func(fd uintptr) (ready bool) {
			ready, more = d.step(int(fd), lent)
			return ready
		})
	}
}

// step moves what one read gives. It is not ready when there was nothing yet.
// A read of its own for each step lets finish close the pipe between two, also
// under a flood.
func (d *drain) step(fd int, lent buffers) (ready, more bool) {
	buffer := lent.take()
	defer lent.give(buffer)
	n, err := unix.Read(fd, buffer)
	if n > 0 {
		d.tail.write(buffer[:n])
		if d.output != nil {
			_, _ = d.output.Write(buffer[:n]) // its own matter
		}
		d.log.write(buffer[:n])
		return true, true
	}
	return !errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
}

// finish is called after the process has ended and its group was killed. It
// returns when the pipe has been read to its end. Should it have no end because
// somebody outside the group still writes to it, these are killed; should they
// not go, what they write is lost.
func (d *drain) finish(pipe uint64) {
	if !d.endsWithin(settleTime) {
		killWriters(map[uint64]bool{pipe: true})
		d.endsWithin(sweepTime)
	}
	_ = d.from.Close() // a pipe that is only read has nothing to report
	<-d.done
	if d.output != nil {
		_ = d.output.Close() // its own matter
	}
}

func (d *drain) endsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-d.done:
		return true
	case <-timer.C:
		return false
	}
}
