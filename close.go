package stagewatch

import (
	"slices"
	"time"
)

const (
	closePatient = time.Second            // what Close waits for a disk that does nothing
	closeLimit   = 10 * time.Second       // and for one that is slow
	closeHurry   = 8 * time.Second        // from then on it only counts what is left
	closeLast    = 250 * time.Millisecond // for the record that tells of it
)

// close ends the sink after what it holds is written, if the disk takes it. A
// write that hangs is left behind after a second. What a disk that fails or is
// too slow does not take in time is counted in a last record, if it takes that.
func (s *sink) close() {
	s.mu.Lock()
	s.closed = true
	s.more.Signal()
	s.mu.Unlock()
	if !s.drained() {
		close(s.quit)
		last := time.NewTimer(closeLast)
		defer last.Stop()
		select {
		case <-s.ended:
		case <-last.C:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letAllGo()
	if s.alarm != nil {
		s.alarm.Stop()
	}
}

// drained waits until the sink has ended, as long as the disk gets on, and
// reports whether it has.
func (s *sink) drained() bool {
	limit, hurry := time.NewTimer(closeLimit), time.NewTimer(closeHurry)
	defer limit.Stop()
	defer hurry.Stop()
	for done := s.written(); ; {
		idle := time.NewTimer(closePatient)
		select {
		case <-s.ended:
			idle.Stop()
			return true
		case <-limit.C:
			idle.Stop()
			return false
		case <-hurry.C:
			idle.Stop()
			s.mu.Lock()
			s.hurry = true
			s.mu.Unlock()
		case <-idle.C:
			before := done
			if done = s.written(); done == before {
				return false
			}
		}
	}
}

func (s *sink) hurried() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hurry
}

// abandon is the last thing that a sink does that was closed before it could
// write everything: it tries once more to write the records that were tried
// before, and says how many others are lost.
func (s *sink) abandon(w appender, batch []*handover, from, to int) {
	payloads := slices.Clone(s.told(batch[from:to]))
	s.mu.Lock()
	lost := s.dropped
	for _, list := range [...][]*handover{batch[to:], s.queue} {
		for _, h := range list {
			lost += max(h.tells, 1)
		}
	}
	s.mu.Unlock()
	if lost > 0 {
		payloads = append(payloads, s.lossNote(lost))
	}
	if w.Append(payloads...) == nil && w.Sync() == nil {
		s.finish(0, to)
	}
}
