package stagewatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch/internal/journal"
)

const (
	patience     = 50 * time.Millisecond // what a call waits for disk at most
	retryEvery   = 250 * time.Millisecond
	maxHeld      = 16 << 10  // records that wait to be written
	maxHeldBytes = 16 << 20  // and what they take in memory
	rowBytes     = 256 << 10 // of waiting records that are written at once
	rowAlone     = 64 << 10  // a record beyond this is written by itself
)

// appender is the part of a journal's writer that a sink uses.
type appender interface {
	Append(payloads ...[]byte) error
	Sync() error
	Header() journal.Header
	Close()
}

// sink brings records to the journal from a goroutine of its own, so that a
// disk that hangs holds up nobody but that goroutine. A call hands its record
// over and waits until it is written, or until the patience ends: from then on
// calls only hand over, until the pending write returns.
type sink struct {
	open     func() (appender, error)
	lossNote func(count uint64) []byte // the record that tells of dropped ones
	quit     chan struct{}             // closed when close gives up
	payloads [][]byte                  // of the records that are being written
	opened   chan struct{}             // closed when open has succeeded or can never succeed
	ended    chan struct{}             // closed when the goroutine has ended
	spare    sync.Pool                 // of *handover

	mu        sync.Mutex
	more      sync.Cond   // there is something in queue, or closed
	queue     []*handover // oldest first
	batch     []*handover // taken from the queue, nil where it is done with
	held      int         // records in queue and batch
	heldBytes int
	dropped   uint64                   // records since the last note of them
	handed    uint64                   // records ever put into the queue, and notes of dropped ones
	done      uint64                   // of those, done with
	flushes   map[chan struct{}]uint64 // closed when done has reached the number
	stuck     bool                     // calls do not wait
	packed    bool                     // nor for room: one has waited for it in vain
	room      chan struct{}            // closed when there is room again
	failed    error                    // the journal cannot be used, ever
	closed    bool
	hurry     bool          // closed, and there is no time left to write everything
	began     time.Time     // of the disk's pending work, zero without any
	spent     time.Duration // on the disk's work before; what the host's scheduler takes is not in it
	alarm     *time.Timer   // set while a call waits, to the end of its patience or earlier
	armed     bool
}

// newSink starts a sink on the journal that open opens. What open does may
// take its time: records are buffered meanwhile.
func newSink(open func() (appender, error), lossNote func(uint64) []byte) *sink {
	s := &sink{
		open: open, lossNote: lossNote,
		quit: make(chan struct{}), opened: make(chan struct{}), ended: make(chan struct{}),
		flushes: map[chan struct{}]uint64{},
	}
	s.more.L = &s.mu
	s.spare.New = func() any { return &handover{payload: make([]byte, 0, 512), written: make(chan bool, 1)} }
	go s.run()
	return s
}

// ready waits until the journal is open, as long as the patience lasts. Its
// error says that the journal can never be used. When it returns nil the
// opening may still go on.
func (s *sink) ready() error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.opened:
	case <-timer.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.opened:
	default:
		s.stuck = true
	}
	return s.failed
}

// arm sets the alarm. One timer serves all calls, and is set again only when it
// has rung: most calls never touch it. The caller holds s.mu.
func (s *sink) arm(wait time.Duration) {
	s.armed = true
	if s.alarm == nil {
		s.alarm = time.AfterFunc(wait, s.ring)
		return
	}
	s.alarm.Reset(wait)
}

// spentBy returns the time that the disk has taken up to now. The caller holds s.mu.
func (s *sink) spentBy(now time.Time) time.Duration {
	if s.began.IsZero() {
		return s.spent
	}
	return s.spent + now.Sub(s.began)
}

// ring lets go of the calls whose patience with the disk has ended. A call that
// waits because nobody runs the sink's goroutine, on a busy machine, waits on:
// if it went on telling, it would tell more than memory holds.
func (s *sink) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	spent := s.spentBy(time.Now())
	for _, list := range [...][]*handover{s.batch, s.queue} {
		for _, h := range list {
			if h == nil || !h.waits {
				continue
			}
			if left := patience - (spent - h.spent); left > 0 { // and more for all behind it
				s.arm(left)
				return
			}
			s.letGo(h)
		}
	}
}

// letGo ends the waiting of a call before its record is written. The caller holds s.mu.
func (s *sink) letGo(h *handover) {
	s.stuck = true
	h.waits, h.late = false, true
	h.written <- false
}

// letAllGo ends the waiting of every call. The caller holds s.mu.
func (s *sink) letAllGo() {
	s.stuck, s.packed = true, true
	s.vacate()
	for _, list := range [...][]*handover{s.batch, s.queue} {
		for _, h := range list {
			if h != nil && h.waits {
				s.letGo(h)
			}
		}
	}
}

// flush waits until everything handed over so far is in the journal. It fails
// when ctx ends before, or when that can never be.
func (s *sink) flush(ctx context.Context) error {
	reached := make(chan struct{})
	s.mu.Lock()
	if s.done == s.handed {
		s.mu.Unlock()
		return nil
	}
	s.flushes[reached] = s.handed
	s.more.Signal()
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.flushes, reached)
		s.mu.Unlock()
	}()
	select {
	case <-reached:
		return nil
	case <-s.ended:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failed != nil:
		return s.failed
	case s.done < s.handed:
		return fmt.Errorf("flush: the tracker was closed before %d records could be written", s.handed-s.done)
	}
	return nil
}

func (s *sink) run() {
	defer close(s.ended)
	defer func() { // whoever still waits is told not to
		s.mu.Lock()
		s.letAllGo()
		s.mu.Unlock()
	}()
	w, ok := s.begin()
	if !ok {
		return
	}
	defer w.Close()
	for {
		batch, ok := s.next()
		if !ok {
			return
		}
		if from, to, ok := s.deliver(w, batch); !ok {
			s.abandon(w, batch, from, to)
			return
		}
	}
}

// begin opens the journal, again and again while that may still succeed.
func (s *sink) begin() (appender, bool) {
	for {
		w, err := s.open()
		if err == nil || forGood(err) {
			s.mu.Lock()
			s.stuck, s.packed, s.failed = false, false, err
			s.vacate()
			if err != nil { // nothing will ever be written
				s.letAllGo()
				s.queue, s.held, s.heldBytes = nil, 0, 0
			}
			s.mu.Unlock()
			close(s.opened)
			return w, err == nil
		}
		if !s.pause() {
			return nil, false
		}
	}
}

// forGood reports whether an error of opening a journal will not pass by
// itself, as that of a full or a faulty disk may.
func forGood(err error) bool {
	return !slices.ContainsFunc([]error{
		unix.ENOSPC, unix.EDQUOT, unix.EIO, unix.ENFILE, unix.EMFILE, unix.ENOMEM,
		unix.EAGAIN, unix.EINTR, unix.EBUSY, unix.ETIMEDOUT,
	}, func(passing error) bool { return errors.Is(err, passing) })
}

// next waits for records and takes all that there are, and after them one that
// tells how many were dropped. It reports false when there is none and the sink is closed.
func (s *sink) next() (batch []*handover, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for reached, number := range s.flushes {
		if number <= s.done {
			close(reached)
			delete(s.flushes, reached)
		}
	}
	for len(s.queue) == 0 && s.dropped == 0 {
		if s.closed {
			return nil, false
		}
		s.more.Wait()
	}
	s.batch, s.queue = s.queue, s.batch[:0]
	if s.dropped > 0 {
		note := s.take()
		note.payload = append(note.payload, s.lossNote(s.dropped)...)
		note.tells, note.size, note.waits, note.late = s.dropped, 0, false, false
		s.batch = append(s.batch, note)
		s.held++
		s.dropped = 0
	}
	return s.batch, true
}

// deliver writes a batch. A journal that survives power cuts is synced once for
// all of it, and only then is it done; if that fails all is written again. It
// reports false when the sink is to end, and which records are to be tried again
// before any other.
func (s *sink) deliver(w appender, batch []*handover) (from, to int, ok bool) {
	power := w.Header().Durability == journal.Power
	for {
		for from, to = 0, 0; to < len(batch); from = to {
			if s.hurried() {
				return from, to, false
			}
			to = from + row(batch[from:])
			if !s.write(w, batch[from:to]) {
				return from, to, false
			}
			if !power {
				s.finish(from, to)
			}
		}
		if !power {
			return to, to, true
		}
		if w.Sync() == nil {
			s.finish(0, to)
			return to, to, true
		}
		if !s.pause() {
			return 0, to, false
		}
	}
}

// row returns how many records from the first on are written at once.
func row(batch []*handover) int {
	size := 0
	for i, h := range batch {
		size += len(h.payload)
		if i > 0 && (size > rowBytes || len(h.payload) > rowAlone || len(batch[i-1].payload) > rowAlone) {
			return i
		}
	}
	return len(batch)
}

// write writes a row of records, again and again until it is written. It reports
// false when the sink was told to end meanwhile.
func (s *sink) write(w appender, row []*handover) bool {
	for {
		err := w.Append(s.told(row)...)
		if err == nil {
			return true
		}
		if errors.Is(err, journal.ErrTooLarge) { // it is alone
			row[0].payload = nil
			s.mu.Lock()
			s.drop()
			s.mu.Unlock()
			return true
		}
		if !s.pause() {
			return false
		}
	}
}

// told returns what a row of records says. Whether a record is marked as late is
// decided before it is first tried: that try may have gone well without a word,
// and then a reader must find the same bytes in the next.
func (s *sink) told(row []*handover) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payloads = s.payloads[:0]
	for _, h := range row {
		if h.late && !h.tried {
			h.payload = appendLate(h.payload)
		}
		h.tried = true
		if h.payload != nil { // a record that was too large
			s.payloads = append(s.payloads, h.payload)
		}
	}
	s.began = time.Now()
	return s.payloads
}

// finish acknowledges the records of a batch from one place to another.
func (s *sink) finish(from, to int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck, s.packed = false, false
	s.rest()
	s.vacate()
	for i, h := range s.batch[from:to] {
		if h == nil {
			continue
		}
		s.batch[from+i] = nil
		s.held--
		s.heldBytes -= h.size
		s.done++
		if h.waits {
			h.waits = false
			h.written <- true
		} else if !h.late { // a call that was let go may still be about to read from the channel
			s.giveBack(h)
		}
	}
}

// rest notes that the disk has done its work. The caller holds s.mu.
func (s *sink) rest() { s.spent, s.began = s.spentBy(time.Now()), time.Time{} }

// pause waits after a failure. Until the next success no call waits. It reports
// false when the sink was told to end.
func (s *sink) pause() bool {
	s.mu.Lock()
	s.rest()
	s.letAllGo()
	s.mu.Unlock()
	timer := time.NewTimer(retryEvery)
	defer timer.Stop()
	select {
	case <-s.quit:
		return false
	case <-timer.C:
		return true
	}
}

// written returns how many records were done with so far.
func (s *sink) written() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}
