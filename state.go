package stagewatch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stagewatch/stagewatch/internal/erase"
)

// StageStatus is the state of a stage or a run.
type StageStatus string

// The states of stages and runs. A stage that is still to come in a run that
// goes on from an earlier one is Waiting. A Stalled one is silent for longer
// than usual; it runs again as soon as it says anything.
const (
	StatusWaiting   StageStatus = "waiting"
	StatusRunning   StageStatus = "running"
	StatusStalled   StageStatus = "stalled"
	StatusCompleted StageStatus = "completed"
	StatusFailed    StageStatus = "failed"
	StatusLost      StageStatus = "lost"
	StatusStopped   StageStatus = "stopped"
)

// open reports whether a stage or run in this state has not ended.
func (s StageStatus) open() bool { return s == StatusRunning || s == StatusStalled }

// Words for the state of a module.
const (
	ModuleRunning    = "Running"
	ModuleRestarting = "Restarting"
	ModuleFailed     = "Failed"
	ModuleStopped    = "Stopped"
)

// maxModules is how many modules are shown at most.
const maxModules = 256

// StateVersion is the version of the status file's schema.
const StateVersion = 1

// State is the fold of a journal: what is known of modules and runs. As JSON
// it is the status file; docs/status.schema.json describes it.
type State struct {
	Version int       `json:"version"`
	Home    string    `json:"home"`
	Updated time.Time `json:"updated"`
	// Journal is the id of the journal that was folded, "" when it has none.
	Journal  string   `json:"journal"`
	Position Position `json:"position"` // the place in the journal up to which it was folded
	// Record names the record that ends at Position: its writer's id and number.
	Record string `json:"record,omitempty"`
	Events uint64 `json:"events"` // folded so far
	// Mode is watchdog or direct, "" before any start.
	Mode        string        `json:"mode"`
	Miner       MinerState    `json:"miner"`
	Modules     []ModuleState `json:"modules"`
	LastFailure *Failure      `json:"last_failure"`
	Definitions []Definition  `json:"definitions"` // other than the default one
	// Durations tells how long stages took lately: what is usual, and what is a stall.
	Durations []*StageTimes `json:"durations"`
	Dropped   uint64        `json:"dropped"` // records that writers could not keep
	Skipped   Skipped       `json:"skipped"` // records that this fold could not read
	// Omitted counts runs that left the view because there were too many.
	Omitted uint64 `json:"omitted"`
	// Runs are the newest of each account, by its beginning, and every one with an open stage, in no
	// particular order. They stand last, so that a file can be written run by run.
	Runs []*RunState `json:"runs"`

	index *index
}

// Skipped counts what a fold had to pass over.
type Skipped struct {
	Damaged    uint64 `json:"damaged"`    // fragments, and records whose check failed
	Unreadable uint64 `json:"unreadable"` // whole records that this version cannot read
	Gaps       uint64 `json:"gaps"`       // segments that were gone before they were read
}

// MinerState is what is known of the miner's own process.
type MinerState struct {
	State string    `json:"state"` // running, stopping, stopped, "" when it never ran
	Owner Owner     `json:"owner"`
	Since time.Time `json:"since,omitzero"`
}

// ModuleState is one module.
type ModuleState struct {
	Name     string    `json:"name"`
	Number   int       `json:"number"`
	Title    string    `json:"title,omitempty"`
	State    string    `json:"state"` // Running, Restarting, Failed, Stopped
	PID      int       `json:"pid,omitempty"`
	Start    uint64    `json:"start,omitempty"`
	Restarts int       `json:"restarts"`
	Since    time.Time `json:"since"`
	Address  string    `json:"address,omitempty"`
	NextTry  time.Time `json:"next_try,omitzero"`
	// Reason says why it does not run, "" while it does.
	Reason   string `json:"reason,omitempty"`
	LastExit *Exit  `json:"last_exit,omitempty"`
}

// Exit is how a module's process ended.
type Exit struct {
	PID    int       `json:"pid"`
	Start  uint64    `json:"start,omitempty"` // as in [Owner], as is Boot
	Boot   string    `json:"boot,omitempty"`
	Code   int       `json:"code"`
	Reason string    `json:"reason"`
	Asked  bool      `json:"asked"`
	At     time.Time `json:"at"`
	Last   string    `json:"last_output,omitempty"`
}

// RunState is one run.
type RunState struct {
	ID         string      `json:"id"`
	Definition string      `json:"definition"`
	Platform   string      `json:"platform,omitempty"`
	Account    string      `json:"account,omitempty"`
	State      StageStatus `json:"state"`
	Since      time.Time   `json:"since"`
	Updated    time.Time   `json:"updated"`
	Began      uint64      `json:"began"` // number of the event that began it: of an account's runs the highest is the newest
	Order      uint64      `json:"order"` // number of the event that changed it last
	// Cleared is Began of the newest run of the account that ended well and left
	// the view for this one: losses of runs before it are no news.
	Cleared uint64       `json:"cleared,omitempty"`
	Owner   Owner        `json:"owner"` // of its newest stage
	Stages  []StageState `json:"stages"`

	filed   filed
	encoded []byte // its line in the status file, nil when it changed since
}

// StageState is one stage of a run. Of stages that ended before the newest one
// began only what they came to is kept, of ended ones not who began them.
type StageState struct {
	Number int    `json:"number"`
	Key    string `json:"key,omitempty"` // its other name
	Name   string `json:"name"`
	// Unknown says that Key is in no definition that was recorded: the stage has
	// no number and no place among the others.
	Unknown  bool            `json:"unknown,omitempty"`
	State    StageStatus     `json:"state"`
	Message  string          `json:"message,omitempty"`
	Account  string          `json:"account,omitempty"`     // only in what [State.Current] returns
	Attempt  int             `json:"attempt"`               // counted from 1 until one goes well
	Since    time.Time       `json:"since,omitzero"`        // when it entered its state
	Started  time.Time       `json:"started,omitzero"`      // this attempt
	Duration time.Duration   `json:"duration_ns,omitempty"` // of an ended attempt, by a clock that no one sets
	Done     int64           `json:"done,omitempty"`
	Total    int64           `json:"total,omitempty"`
	Details  json.RawMessage `json:"details,omitempty"`
	Clock    int64           `json:"clock,omitempty"` // as in [Event], of its start
	Heard    int64           `json:"heard,omitempty"` // as in [Event], of its last word
	Owner    Owner           `json:"owner,omitzero"`  // who began this attempt
	Exit     *Exit           `json:"exit,omitempty"`  // of a lost stage: how its module ended
	Order    uint64          `json:"order"`           // number of the event that changed it last
}

// Failure is the newest failure.
type Failure struct {
	Run      string      `json:"run"`
	Platform string      `json:"platform,omitempty"`
	Account  string      `json:"account,omitempty"`
	Stage    int         `json:"stage"`
	Key      string      `json:"key,omitempty"` // of a stage without number: see [StageState.Unknown]
	Name     string      `json:"name"`
	State    StageStatus `json:"state"` // failed or lost
	Message  string      `json:"message"`
	At       time.Time   `json:"at"`
	// Last is what the module of a lost stage printed last.
	Last string `json:"last_output,omitempty"`
}

// Change is what an event changed; its zero fields did not.
type Change struct {
	Event  Event
	Run    *RunState
	Stage  *StageState
	Module *ModuleState
}

// Changed reports whether the event changed anything that is shown.
func (c Change) Changed() bool { return c.Stage != nil || c.Module != nil || c.Event.Kind == KindMiner }

// Apply folds one event and returns what it changed. It is the only fold:
// lines, status file and every view come from it. What it costs depends
// neither on how many runs there are nor on how much was folded before.
func (s *State) Apply(e Event) Change {
	s.Version = StateVersion
	s.Events++
	if s.Position.Before(e.pos) {
		s.Position = e.pos
	}
	bound(&e) // what others wrote cannot swell the state
	e.Time = shown(e.Time)
	if len(e.Details) > maxDetails {
		e.Details = fmt.Appendf(nil, `{"not_recorded":"%d bytes of details exceed %d"}`, len(e.Details), maxDetails)
	}
	c := Change{Event: e}
	switch e.Kind {
	case KindStage:
		c.Run, c.Stage = s.applyStage(e)
	case KindModule:
		if e.Module != nil {
			c.Module = s.applyModule(e)
		}
	case KindMiner:
		s.applyMiner(e)
	case KindDefinition:
		s.define(e.Defined)
	case KindReset:
		s.reset(e.Owner)
	case KindDropped:
		s.Dropped += e.Dropped
	case KindErased:
		s.erase(e.Runs)
	case KindGap:
		s.Skipped.Gaps += e.Missing
	}
	return c
}

// shown returns t in UTC. A year that JSON has no form for is no time: it would
// keep the status file from being written.
func shown(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func (s *State) applyMiner(e Event) {
	words := map[string]string{EventStarted: "running", EventStopping: "stopping", EventStopped: "stopped"}
	if words[e.What] == "" { // of a newer version
		return
	}
	s.Miner = MinerState{State: words[e.What], Owner: e.Owner, Since: e.Time}
	if e.What == EventStarted {
		s.Mode = e.Mode
		s.Modules = nil
	}
}

// erase forgets runs, given by the digests of their ids, and what the modules
// printed, which may name their accounts.
func (s *State) erase(digests []string) {
	gone := make(map[string]bool, len(digests))
	for _, d := range digests {
		gone[d] = true
	}
	erased := func(run string) bool { return gone[erase.Digest(run)] }
	x := s.indexed()
	for _, id := range slices.Sorted(maps.Keys(x.ids)) { // the same order at each fold
		for erased(id) && len(x.ids[id]) > 0 {
			s.remove(x.ids[id][0])
		}
	}
	switch {
	case s.LastFailure == nil:
	case erased(s.LastFailure.Run):
		s.LastFailure = nil
	case s.LastFailure.Last != "":
		bare := *s.LastFailure
		bare.Last = ""
		s.LastFailure = &bare
	}
	for i := range s.Modules {
		if exit := s.Modules[i].LastExit; exit != nil && exit.Last != "" {
			bare := *exit
			bare.Last = ""
			s.Modules[i].LastExit = &bare
		}
	}
}

func (s *State) applyModule(e Event) *ModuleState {
	f := e.Module
	switch e.What {
	case EventStarting, EventStarted, EventRestarting, EventNotStarted, EventWaiting, EventReady, EventExited, EventFailed, EventStopping, EventStopped:
	default: // of a newer version
		return nil
	}
	i := slices.IndexFunc(s.Modules, func(m ModuleState) bool { return m.Name == f.Name })
	if i < 0 && len(s.Modules) >= maxModules {
		return nil
	}
	if i < 0 {
		s.Modules = append(s.Modules, ModuleState{Name: f.Name, Number: f.Number, Title: f.Title, State: ModuleStopped})
		slices.SortStableFunc(s.Modules, func(a, b ModuleState) int { return cmp.Compare(a.Number, b.Number) })
		i = slices.IndexFunc(s.Modules, func(m ModuleState) bool { return m.Name == f.Name })
	}
	m := &s.Modules[i]
	m.NextTry = time.Time{}
	switch e.What {
	case EventReady: // said by the module itself
		m.Address = f.Address
		return m
	case EventStarted:
		m.State, m.PID, m.Start, m.Reason = ModuleRunning, f.PID, f.Start, ""
	case EventRestarting:
		m.State, m.Restarts = ModuleRestarting, m.Restarts+1
	case EventNotStarted, EventWaiting:
		m.State, m.NextTry = ModuleRestarting, shown(e.Time.Add(f.Wait))
		if f.Reason != "" {
			m.Reason = f.Reason
		}
	case EventExited:
		m.State, m.PID, m.Address, m.Reason = ModuleRestarting, 0, "", f.Reason
		m.LastExit = exitOf(e)
		if f.Asked {
			m.State = ModuleStopped
		}
	case EventFailed:
		m.State, m.NextTry, m.Reason = ModuleFailed, shown(e.Time.Add(f.Wait)), f.Reason
	case EventStopped:
		m.State, m.PID, m.Address = ModuleStopped, 0, ""
	}
	m.Since = e.Time
	return m
}

// exitOf returns the end of a module's process that an event tells of.
func exitOf(e Event) *Exit {
	f := e.Module
	return &Exit{PID: f.PID, Start: f.Start, Boot: e.Owner.Boot, Code: f.Code, Reason: f.Reason, Asked: f.Asked, At: e.Time, Last: f.Last}
}

// Current returns the newest open stage of a definition, else the newest ended
// one, and whether there is any.
func (s *State) Current(definition string) (StageState, bool) {
	var best *RunState
	var found StageState
	for _, r := range s.Runs {
		if r.Definition != definition || len(r.Stages) == 0 {
			continue
		}
		newest := r.Newest()
		open := r.State.open() && newest.State.open()
		if best == nil || open && !found.State.open() || open == found.State.open() && r.Order > best.Order {
			best, found = r, *newest
		}
	}
	if best != nil {
		found.Account = best.Account
	}
	return found, best != nil
}

// Newest returns the stage that changed last. The run must have one.
func (r *RunState) Newest() *StageState {
	best := &r.Stages[0]
	for i := range r.Stages {
		if s := &r.Stages[i]; s.State != StatusWaiting && (s.Order >= best.Order || best.State == StatusWaiting) {
			best = s
		}
	}
	return best
}
