package stagewatch

import "time"

// handover is a record on its way to the journal.
type handover struct {
	payload []byte
	tells   uint64        // how many records it tells of, 0 but for a note of dropped ones
	size    int           // what it takes in memory
	spent   time.Duration // on disk, when it was handed over
	written chan bool     // tells the call that waits: written, or do not wait any longer

	// Guarded by the sink's mutex.
	waits bool // a call waits for it
	late  bool // its call gave up, or did not wait in the first place
	tried bool // what it says stays as it is
}

// take returns a handover with an empty payload to be filled.
func (s *sink) take() *handover {
	h := s.spare.Get().(*handover) //nolint:errcheck,forcetypeassert // nothing else is put there
	h.payload, h.tells, h.tried = h.payload[:0], 0, false
	return h
}

func (s *sink) giveBack(h *handover) {
	const kept = 1 << 10 // larger buffers are not worth their memory
	if cap(h.payload) > kept {
		h.payload = nil
	}
	s.spare.Put(h)
}

// answer is what became of a record that was to be handed over.
type answer int

const (
	taken    answer = iota
	tooMany         // there is no room: see [sink.await]
	expected        // it is taken, and the call is to wait with [sink.await]
)

// put hands over a record and returns at once. A call that is not patient is
// not to wait. Unless there is no room h is the sink's from here on.
func (s *sink) put(h *handover, now time.Time, patient bool) answer {
	const overhead = 128 // of a handover itself, in bytes
	h.size = cap(h.payload) + overhead
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.failed != nil:
		return taken // by a silent no-op
	case s.held >= maxHeld || s.heldBytes+h.size > maxHeldBytes:
		return tooMany
	}
	s.held++
	s.heldBytes += h.size
	s.handed++
	s.queue = append(s.queue, h)
	h.waits, h.late = patient && !s.stuck, patient && s.stuck
	h.spent = s.spentBy(now)
	if h.waits && !s.armed {
		s.arm(patience)
	}
	s.more.Signal()
	if h.waits {
		return expected
	}
	return taken
}

// vacancy waits until there may be room, as long as the patience lasts, and
// reports whether to try again. Once a call has waited in vain no other waits
// until the pending write returns. A record without room is dropped and counted.
func (s *sink) vacancy(deadline *time.Timer) (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.packed && !s.closed {
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
			again = true
		case <-deadline.C:
		}
		s.mu.Lock()
		s.packed = s.packed || !again && s.room == room // nothing was written meanwhile
	}
	if !again {
		s.drop()
	}
	return again
}

// vacate lets those go on who wait for room. The caller holds s.mu.
func (s *sink) vacate() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// drop counts a record that is not kept. The note that tells of it is due like
// a record that was handed over. The caller holds s.mu.
func (s *sink) drop() {
	if s.dropped == 0 {
		s.handed++
	}
	s.dropped++
}

// await waits until a record is written, as long as the patience lasts.
func (s *sink) await(h *handover) {
	if <-h.written {
		s.giveBack(h)
	}
}
