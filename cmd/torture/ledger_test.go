package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// tale is what befalls one writer with one lane, for a ledger to judge.
type tale struct {
	l      *ledger
	killed time.Time
}

func (s *tale) record(what string, seq int) {
	e := stagewatch.Event{
		Kind: stagewatch.KindStage, What: what, Run: "r", Stage: 1, Owner: stagewatch.Owner{PID: 7, Start: 7},
		Details: fmt.Appendf(nil, `{"w":1,"lane":0,"seq":%d}`, seq),
	}
	if what == stagewatch.EventLost {
		e.Details = nil
	}
	s.l.read(journal.Record{Payload: []byte(encode(e)), End: journal.Position{Segment: 1, Offset: int64(seq)}})
}

func (s *tale) die(ago time.Duration) {
	s.killed = time.Now().Add(-ago)
	s.l.died(1)
}

func TestLedgerFindsBrokenPromises(t *testing.T) {
	t.Parallel()
	const started, completed, lost = stagewatch.EventStarted, stagewatch.EventCompleted, stagewatch.EventLost
	for name, c := range map[string]struct {
		befalls func(s *tale)
		broken  string // in what is said to be broken, "" when nothing is
	}{
		"all there":                         {func(s *tale) { s.record(started, 1); s.record(completed, 2); s.l.acknowledge(1, 0, 2) }, ""},
		"written, but not acknowledged":     {func(s *tale) { s.record(started, 1); s.record(completed, 2); s.l.acknowledge(1, 0, 1) }, ""},
		"acknowledged, but not there":       {func(s *tale) { s.record(started, 1); s.l.acknowledge(1, 0, 2) }, "was acknowledged"},
		"twice":                             {func(s *tale) { s.record(started, 1); s.record(started, 1) }, "twice"},
		"a hole":                            {func(s *tale) { s.record(started, 1); s.record(completed, 3) }, "follows"},
		"out of order":                      {func(s *tale) { s.record(started, 2); s.record(completed, 1) }, "follows"},
		"lost after its death":              {func(s *tale) { s.record(started, 1); s.die(0); s.record(lost, 2) }, ""},
		"lost while it lives":               {func(s *tale) { s.record(started, 1); s.record(lost, 2) }, "lives"},
		"lost after its end":                {func(s *tale) { s.record(started, 1); s.record(completed, 2); s.die(0); s.record(lost, 3) }, "does not run"},
		"lost twice":                        {func(s *tale) { s.record(started, 1); s.die(0); s.record(lost, 2); s.record(lost, 3) }, "told twice"},
		"never told lost":                   {func(s *tale) { s.record(started, 1); s.die(time.Hour); s.l.kept = time.Time{} }, "not told lost"},
		"never told lost, without a keeper": {func(s *tale) { s.record(started, 1); s.die(time.Hour); s.l.keeping = false }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &tale{l: newLedger(newResult(io.Discard))}
			var broken []string
			s.l.broke = func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
			s.l.enter(1, "writer")
			s.l.writers[1].killed = func() (time.Time, bool) { return s.killed, !s.killed.IsZero() }
			s.l.keeperIs(true)
			c.befalls(s)
			s.l.overdue(lostLimit)
			s.l.settle()
			if said := strings.Join(broken, "\n"); c.broken == "" && said != "" || !strings.Contains(said, c.broken) {
				t.Errorf("broken = %q, want %q", said, c.broken)
			}
		})
	}
}
