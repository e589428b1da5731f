package stagewatch

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/stagewatch/stagewatch/internal/journal"
)

const (
	patience     = 50 * time.Millisecond // what a call waits for disk at most
	retryEvery   = 250 * time.Millisecond
	maxWaiting   = 8192    // records
	maxBuffered  = 8 << 20 // bytes of records
	closePatient = time.Second
)

// sink brings records to the journal from a goroutine of its own, so that a
// disk that hangs holds up nobody but that goroutine.
type sink struct {
	writer   *journal.Writer
	queue    chan *waiting
	quit     chan struct{}
	ended    chan struct{}
	hung     atomic.Bool // a write takes longer than the patience: calls only buffer
	buffered atomic.Int64
	dropped  atomic.Uint64
	lossNote func(count uint64) []byte // the record that tells of dropped ones
}

type waiting struct {
	payload []byte // nil: only tell when it is your turn
	done    chan struct{}
}

func newSink(w *journal.Writer, lossNote func(uint64) []byte) *sink {
	s := &sink{
		writer: w, queue: make(chan *waiting, maxWaiting),
		quit: make(chan struct{}), ended: make(chan struct{}), lossNote: lossNote,
	}
	go s.run()
	return s
}

// put hands over a record without waiting; [sink.await] waits. What cannot be
// kept is counted, and nil comes back.
func (s *sink) put(payload []byte) *waiting {
	if s.buffered.Add(int64(len(payload))) <= maxBuffered {
		w := &waiting{payload: payload, done: make(chan struct{})}
		select {
		case s.queue <- w:
			return w
		default:
		}
	}
	s.buffered.Add(-int64(len(payload)))
	s.dropped.Add(1)
	return nil
}

// await waits until a record is written, for as long as the patience lasts.
func (s *sink) await(w *waiting) {
	if w == nil || s.hung.Load() {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-timer.C:
		s.hung.Store(true)
	}
}

// flush waits until everything handed over so far is written.
func (s *sink) flush(ctx context.Context) error {
	w := &waiting{done: make(chan struct{})}
	select {
	case s.queue <- w:
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-w.done:
		return nil
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *sink) run() {
	defer close(s.ended)
	defer s.writer.Close()
	for {
		select {
		case w := <-s.queue:
			if !s.deliver(w) {
				return
			}
		case <-s.quit:
			for { // what was handed over before the end is tried once more
				select {
				case w := <-s.queue:
					if !s.deliver(w) {
						return
					}
				default:
					return
				}
			}
		}
	}
}

// deliver writes one record and, when nothing waits behind it, tells of those
// that were dropped. It reports whether the sink goes on.
func (s *sink) deliver(w *waiting) bool {
	defer close(w.done)
	if w.payload != nil {
		defer s.buffered.Add(-int64(len(w.payload)))
		if !s.write(w.payload) {
			return false
		}
	}
	if len(s.queue) > 0 {
		return true
	}
	if lost := s.dropped.Swap(0); lost > 0 && !s.write(s.lossNote(lost)) {
		return false
	}
	s.hung.Store(false)
	return true
}

// write writes one record, again and again until it is written. It reports
// false when the sink was told to end meanwhile.
func (s *sink) write(payload []byte) bool {
	for {
		err := s.writer.Append(payload)
		if errors.Is(err, journal.ErrTooLarge) {
			s.dropped.Add(1)
			return true
		}
		if err == nil {
			return true
		}
		s.hung.Store(true)
		select {
		case <-s.quit:
			return false
		case <-time.After(retryEvery):
		}
	}
}

// close ends the sink. A write that hangs is left behind after a second.
func (s *sink) close() {
	close(s.quit)
	select {
	case <-s.ended:
	case <-time.After(closePatient):
	}
}
