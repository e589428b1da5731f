package stagewatch

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// applyStage folds a stage record. It returns nil when the record says nothing
// new: progress of a stage that does not run, or a loss of one that ended.
func (s *State) applyStage(e Event) (*RunState, *StageState) {
	r := s.run(e)
	if r == nil {
		return nil, nil
	}
	before := r.stage(e.Stage)
	open := before != nil && before.State == StatusRunning
	switch e.What {
	case EventStarted, EventCompleted, EventFailed:
	case EventProgressed:
		if !open {
			return nil, nil
		}
	case EventLost, EventStopped: // said of the process that began the attempt, and of no other
		if !open || before.Owner != e.Owner {
			return nil, nil
		}
	default:
		return nil, nil
	}
	stage := r.ensure(e.Stage, s.definition(r.Definition))
	r.Order, r.Updated, stage.Order = s.Events, e.Time, s.Events
	if r.Owner.PID == 0 {
		r.Owner = e.Owner
	}
	if e.What == EventProgressed {
		stage.Done, stage.Total = e.Done, e.Total
		return r, stage
	}
	if e.What == EventStarted {
		r.begin(stage, e)
		return r, stage
	}
	r.end(stage, e)
	if e.What == EventCompleted && e.Account != "" && e.Stage == s.definition(r.Definition).last() {
		r.State = StatusCompleted
	}
	if e.What == EventFailed || e.What == EventLost && r.Account != "" {
		s.LastFailure = &Failure{
			Run: r.ID, Platform: r.Platform, Account: r.Account, Stage: stage.Number,
			Name: stage.Name, State: stage.State, Message: stage.Message, At: e.Time,
		}
	}
	return r, stage
}

// begin opens a stage: a new attempt, before which nothing of the later stages counts.
func (r *RunState) begin(stage *StageState, e Event) {
	stage.State, stage.Message, stage.Account = StatusRunning, e.Message, r.Account
	stage.Attempt++
	stage.Since, stage.Started, stage.Clock, stage.Owner = e.Time, e.Time, e.Clock, e.Owner
	r.Owner = e.Owner
	stage.Duration, stage.Done, stage.Total, stage.Details = 0, 0, 0, e.Details
	r.State = StatusRunning
	for i := range r.Stages {
		if later := &r.Stages[i]; later.Number > stage.Number {
			later.State = StatusWaiting
		}
	}
}

// end closes a stage. One that was never seen to start is an attempt of its own.
func (r *RunState) end(stage *StageState, e Event) {
	states := map[string]StageStatus{
		EventCompleted: StatusCompleted, EventFailed: StatusFailed, EventLost: StatusLost, EventStopped: StatusStopped,
	}
	observed := e.What == EventCompleted || e.What == EventFailed // a loss is told by another process, later
	if observed && stage.State == StatusRunning && stage.Owner.Boot == e.Owner.Boot && e.Clock >= stage.Clock {
		stage.Duration = time.Duration(e.Clock - stage.Clock)
	}
	stage.Attempt = max(stage.Attempt, 1)
	stage.State, stage.Message, stage.Since, stage.Account = states[e.What], e.Message, e.Time, r.Account
	if e.Details != nil {
		stage.Details = e.Details
	}
	if stage.State != StatusCompleted {
		r.State = stage.State
	} else if r.Account == "" {
		r.State = StatusCompleted
	}
}

// run returns the run of a stage record, a new one when it is not known yet.
func (s *State) run(e Event) *RunState {
	for _, r := range s.Runs {
		if r.ID == e.Run {
			s.supersede(r)
			return r
		}
	}
	if e.What == EventProgressed || e.What == EventLost || e.What == EventStopped {
		return nil
	}
	r := &RunState{
		ID: e.Run, Definition: cmp.Or(e.Definition, defaultName), Platform: e.Platform, Account: e.Account,
		State: StatusRunning, Since: e.Time,
	}
	s.Runs = append(s.Runs, r)
	s.supersede(r)
	return r
}

// supersede removes what r takes the place of: older runs of the same account
// that no longer run; for a run without account, older ones of its process too.
func (s *State) supersede(r *RunState) {
	s.Runs = slices.DeleteFunc(s.Runs, func(old *RunState) bool {
		same := old != r && old.Definition == r.Definition && old.Platform == r.Platform && old.Account == r.Account
		return same && (!old.running() || r.Account == "" && old.Owner == r.Owner)
	})
}

// stage returns the stage with the given number, one that is only a number
// when the definition has none.
func (d Definition) stage(number int) Stage {
	for _, s := range d.Stages {
		if s.Number == number {
			return s
		}
	}
	return Stage{Number: number, Name: fmt.Sprintf("Stage %d", number)}
}

func (r *RunState) stage(number int) *StageState {
	for i := range r.Stages {
		if r.Stages[i].Number == number {
			return &r.Stages[i]
		}
	}
	return nil
}

// ensure returns the stage with the given number, adding it in its place.
func (r *RunState) ensure(number int, d Definition) *StageState {
	if have := r.stage(number); have != nil {
		return have
	}
	r.Stages = append(r.Stages, StageState{Number: number, Name: d.stage(number).Name, State: StatusWaiting})
	slices.SortStableFunc(r.Stages, func(a, b StageState) int { return cmp.Compare(a.Number, b.Number) })
	return r.stage(number)
}
