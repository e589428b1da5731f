package stagewatch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// applyStage folds a stage record. It returns nil when the record says nothing
// new: progress of a stage that is not open, or a loss of one that ended.
func (s *State) applyStage(e Event) (*RunState, *StageState) {
	x := s.indexed()
	e.Definition = cmp.Or(e.Definition, defaultName)
	d := x.definitions[e.Definition]
	id := d.resolve(e)
	r := x.find(e)
	var before *StageState
	dropped := false
	if r != nil {
		dropped = s.adopt(r, e.Key, id, d)
		before = r.stage(id)
	}
	if !news(e, before) {
		if dropped { // else it is filed when the record has changed it
			s.file(r)
		}
		return nil, nil
	}
	if r == nil {
		r = &RunState{
			ID: e.Run, Definition: e.Definition, Platform: e.Platform, Account: e.Account,
			State: StatusRunning, Since: e.Time, Began: s.Events,
		}
		s.add(r)
	}
	stage := s.ensure(r, id)
	if def := d.stage(id); def != nil {
		stage.Name, stage.Key = def.Name, def.Key
	}
	was, held := stage.Owner, stage.State.open()
	r.Order, r.Updated, stage.Order = s.Events, e.Time, s.Events
	r.encoded = nil
	if r.Owner.PID == 0 {
		r.Owner = e.Owner
	}
	switch e.What {
	case EventStarted:
		s.begin(r, stage, e)
		if def := d.stage(id); def != nil {
			stage.Total = def.Parts
		}
	case EventProgressed:
		r.hear(stage, e)
	case EventStalled:
		stage.State, stage.Since = StatusStalled, e.Time
		r.reopen() // a run that has ended meanwhile stays so
	default:
		s.end(r, stage, e, d.ends(id))
	}
	if holds := stage.State.open(); held != holds || was != stage.Owner {
		if held {
			x.release(r, was)
		}
		if holds {
			x.hold(r, stage.Owner)
		}
	}
	s.file(r)
	return r, stage
}

// news reports whether an event says something new of a stage, nil when the
// stage was not seen yet.
func news(e Event, stage *StageState) bool {
	open := stage != nil && stage.State.open()
	switch e.What {
	case EventStarted, EventCompleted, EventFailed:
		return true
	case EventProgressed:
		return open
	case EventLost, EventStopped: // said of the process that began the attempt, and of no other
		return open && stage.Owner == e.Owner
	case EventStalled: // and only while it is as silent as it was then
		var seen silence
		_ = json.Unmarshal(e.Details, &seen) // without them every word since counts
		return open && stage.State == StatusRunning && stage.Owner == e.Owner && stage.Heard <= seen.Heard
	}
	return false
}

// begin opens a stage: a new attempt, before which nothing of the later stages
// counts, and with which only what the earlier ones came to is still of interest.
// Attempts are counted until one goes well: after that the stage is done anew.
func (s *State) begin(r *RunState, stage *StageState, e Event) {
	if stage.State == StatusCompleted {
		stage.Attempt = 0
	}
	stage.State, stage.Message = StatusRunning, e.Message
	stage.Attempt++
	stage.Since, stage.Started, stage.Clock, stage.Heard, stage.Owner = e.Time, e.Time, e.Clock, e.Clock, e.Owner
	r.Owner = e.Owner
	stage.Duration, stage.Done, stage.Total, stage.Details, stage.Exit = 0, 0, 0, bytes.Clone(e.Details), nil
	for i := range r.Stages {
		other := &r.Stages[i]
		later := other.Number > stage.Number && !other.Unknown && !stage.Unknown
		if later && other.State.open() {
			s.index.release(r, other.Owner)
		}
		if later && other.State == StatusCompleted {
			other.Attempt = 0
		}
		if later {
			other.State, other.Clock, other.Heard, other.Owner = StatusWaiting, 0, 0, Owner{}
		}
		if other != stage && !other.State.open() {
			other.Started, other.Details, other.Exit = time.Time{}, nil, nil
			if other.State == StatusCompleted || other.State == StatusWaiting {
				other.Message = ""
			}
		}
	}
	r.State = StatusRunning
	r.reopen()
}

// hear takes in a sign of life: a stalled stage runs again.
func (r *RunState) hear(stage *StageState, e Event) {
	if e.Done != 0 || e.Total != 0 {
		stage.Done, stage.Total = e.Done, cmp.Or(e.Total, stage.Total)
	}
	if e.Message != "" {
		stage.Message = e.Message
	}
	if e.Details != nil {
		stage.Details = bytes.Clone(e.Details)
	}
	if e.Owner.Boot == stage.Owner.Boot {
		stage.Heard = max(stage.Heard, e.Clock)
	}
	if stage.State == StatusStalled {
		stage.State, stage.Since = StatusRunning, e.Time
		r.reopen()
	}
}

// reopen makes a run that is open stalled or running, as its stages are.
func (r *RunState) reopen() {
	if !r.State.open() {
		return
	}
	r.State = StatusRunning
	if slices.ContainsFunc(r.Stages, func(s StageState) bool { return s.State == StatusStalled }) {
		r.State = StatusStalled
	}
}

// end closes a stage. One that was never seen to start is an attempt of its own.
func (s *State) end(r *RunState, stage *StageState, e Event, last bool) {
	observed := e.What == EventCompleted || e.What == EventFailed // a loss is told by another process, later
	if observed && stage.State.open() && stage.Owner.Boot == e.Owner.Boot && stage.Clock > 0 && e.Clock >= stage.Clock {
		stage.Duration = time.Duration(e.Clock - stage.Clock)
		if e.What == EventCompleted && r.Account != "" {
			s.learn(r.Definition, stage.id(), stage.Duration)
		}
	}
	if observed && !stage.State.open() {
		r.Owner = e.Owner
	}
	stage.Attempt = max(stage.Attempt, 1)
	stage.State, stage.Message, stage.Since = endState(e.What), e.Message, e.Time
	stage.Clock, stage.Heard, stage.Owner, stage.Exit = 0, 0, Owner{}, nil
	if e.Details != nil {
		stage.Details = bytes.Clone(e.Details)
	}
	if e.What == EventLost && e.Module != nil {
		stage.Exit = exitOf(e)
	}
	switch {
	case stage.State != StatusCompleted || r.Account == "" || last:
		r.State = stage.State
	case !slices.ContainsFunc(r.Stages, func(t StageState) bool { return t.State == r.State }):
		r.State = StatusRunning // nothing is left of what ended it: it goes on
	}
	r.reopen()
	if e.What == EventFailed || e.What == EventLost && r.Account != "" && !r.outdone() {
		s.LastFailure = &Failure{
			Run: r.ID, Platform: r.Platform, Account: r.Account, Stage: stage.Number,
			Name: stage.Name, State: stage.State, Message: stage.Message, At: e.Time,
		}
		if stage.Unknown {
			s.LastFailure.Key = stage.Key
		}
		if stage.Exit != nil {
			s.LastFailure.Last = stage.Exit.Last
		}
	}
}

func endState(what string) StageStatus {
	switch what {
	case EventCompleted:
		return StatusCompleted
	case EventFailed:
		return StatusFailed
	case EventStopped:
		return StatusStopped
	}
	return StatusLost
}

// id returns what names the stage within its run.
func (t *StageState) id() stageID {
	if t.Unknown {
		return stageID{key: t.Key}
	}
	return stageID{number: t.Number}
}

// compare orders stages by number; those without come last, as they came.
func (t StageState) compare(id stageID) int {
	unknown := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(unknown(t.Unknown), unknown(id.key != "")), cmp.Compare(t.Number, id.number))
}

// stage returns a stage of the run, nil when it has none with that id.
func (r *RunState) stage(id stageID) *StageState {
	i, found := slices.BinarySearchFunc(r.Stages, id, StageState.compare)
	if id.key == "" {
		if found {
			return &r.Stages[i]
		}
		return nil
	}
	for ; i < len(r.Stages); i++ { // the search found where those without number begin
		if r.Stages[i].Key == id.key {
			return &r.Stages[i]
		}
	}
	return nil
}

// ensure returns a stage of a run, adding it in its place. A run that has too
// many loses the one that changed longest ago.
func (s *State) ensure(r *RunState, id stageID) *StageState {
	if have := r.stage(id); have != nil {
		return have
	}
	if len(r.Stages) >= maxRunStages {
		oldest := 0
		for i := range r.Stages {
			if r.Stages[i].Order < r.Stages[oldest].Order {
				oldest = i
			}
		}
		s.drop(r, oldest)
	}
	fresh := StageState{Number: id.number, Name: fmt.Sprintf("Stage %d", id.number), State: StatusWaiting}
	if id.key != "" {
		fresh.Key, fresh.Name, fresh.Unknown = id.key, id.key, true
	}
	at, _ := slices.BinarySearchFunc(r.Stages, id, StageState.compare)
	if fresh.Unknown {
		at = len(r.Stages)
	}
	r.Stages = slices.Insert(r.Stages, at, fresh)
	return &r.Stages[at]
}

// drop takes a stage out of a run.
func (s *State) drop(r *RunState, i int) {
	if r.Stages[i].State.open() {
		s.index.release(r, r.Stages[i].Owner)
	}
	r.Stages = slices.Delete(r.Stages, i, i+1)
	r.encoded = nil
}

// adopt gives a stage that was told of by key alone its number, once a
// definition that has the key is recorded. It reports whether the stage was
// dropped instead, as it was told of by its number meanwhile; then the run is
// to be filed.
func (s *State) adopt(r *RunState, key string, id stageID, d *known) (dropped bool) {
	if key == "" || id.key != "" || len(r.Stages) == 0 || !r.Stages[len(r.Stages)-1].Unknown {
		return false
	}
	loose := r.stage(stageID{key: key})
	if loose == nil {
		return false
	}
	found := *loose
	i := slices.IndexFunc(r.Stages, func(t StageState) bool { return t.Unknown && t.Key == key })
	if r.stage(id) != nil {
		s.drop(r, i)
		return true
	}
	r.Stages = slices.Delete(r.Stages, i, i+1)
	found.Number, found.Unknown = id.number, false
	if def := d.stage(id); def != nil {
		found.Name = def.Name
	}
	at, _ := slices.BinarySearchFunc(r.Stages, id, StageState.compare)
	r.Stages = slices.Insert(r.Stages, at, found)
	r.encoded = nil
	return false
}
