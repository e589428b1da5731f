package stagewatch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// silence is the details of a stalled record.
type silence struct {
	Heard   int64   `json:"heard"`                   // clock of the last word that was known
	Silent  float64 `json:"silent_seconds"`          // since then
	Allowed float64 `json:"allowed_seconds"`         // how long it may be silent
	Usual   float64 `json:"usual_seconds,omitempty"` // how long the stage usually takes, when that is known
}

// overdue returns the records that are due for stages of this boot which are
// silent for longer than they may be at now, on the clock of their records. What
// was silence before woke, when the watcher itself did not run, does not count.
// In another time namespace that clock is another one, and nothing is said.
// In another time namespace that clock is another one, and nothing is said.
func (s *State) overdue(boot string, now, woke int64) []Event {
	type late struct {
		order uint64
		event Event
	}
	var found []late
	for owner, runs := range s.indexed().holders {
		if owner.Boot != boot {
			continue
		}
		for r := range runs {
			for i := range r.Stages {
				stage := &r.Stages[i]
				if stage.State != StatusRunning || stage.Owner != owner || stage.Heard <= 0 {
					continue
				}
				counted := time.Duration(now - max(stage.Heard, woke))
				if limit, usual := s.patience(r, stage, counted); limit > 0 && !otherTime(owner.PID) {
					found = append(found, late{stage.Order, stalled(r, stage, time.Duration(now-stage.Heard), limit, usual)})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b late) int { return cmp.Compare(a.order, b.order) })
	due := make([]Event, len(found))
	for i, f := range found {
		due[i] = f.event
	}
	return due
}

func stalled(r *RunState, stage *StageState, silent, limit, usual time.Duration) Event {
	e := about(r, stage)
	e.What = EventStalled
	e.Message = fmt.Sprintf("silent for %s, usually done in %s", brief(silent), brief(usual))
	if usual == 0 {
		e.Message = fmt.Sprintf("silent for %s, %s is allowed", brief(silent), brief(limit))
	}
	e.Details, _ = json.Marshal(silence{ // four numbers can be encoded
		Heard: stage.Heard, Silent: silent.Seconds(), Allowed: limit.Seconds(), Usual: usual.Seconds(),
	})
	return e
}

// monotonic returns the clock of records, 0 when it cannot be read: then
// nothing is ever silent.
func monotonic() int64 {
	c, err := newClock()
	if err != nil {
		return 0
	}
	return c.base
}

// about returns an event about a stage, in the name of the process that began it.
func about(r *RunState, stage *StageState) Event {
	e := Event{
		Kind: KindStage, Owner: stage.Owner, Definition: r.Definition, Run: r.ID,
		Platform: r.Platform, Account: r.Account, Stage: stage.Number,
	}
	if stage.Unknown {
		e.Key = stage.Key
	}
	return e
}

// brief writes a time with one unit: 40s, 12m, 3h, 2d.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under 1s"
	case d < 100*time.Second:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < 100*time.Minute:
		return fmt.Sprintf("%.0fm", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0fh", d.Hours())
	}
	return fmt.Sprintf("%.0fd", d.Hours()/24)
}
