package stagewatch

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// StageStatus is the state of a stage or a run.
type StageStatus string

// The states of stages and runs. A stage that is still to come in a run that
// goes on from an earlier one is Waiting.
const (
	StatusWaiting   StageStatus = "waiting"
	StatusRunning   StageStatus = "running"
	StatusCompleted StageStatus = "completed"
	StatusFailed    StageStatus = "failed"
	StatusLost      StageStatus = "lost"
	StatusStopped   StageStatus = "stopped"
)

// Words for the state of a module.
const (
	ModuleRunning    = "Running"
	ModuleRestarting = "Restarting"
	ModuleFailed     = "Failed"
	ModuleStopped    = "Stopped"
)

// StateVersion is the version of the status file's schema.
const StateVersion = 1

// State is the fold of a journal: what is known of modules and runs. As JSON
// it is the status file; docs/status.schema.json describes it.
type State struct {
	Version  int       `json:"version"`
	Home     string    `json:"home"`
	Updated  time.Time `json:"updated"`
	Position Position  `json:"position"` // the place in the journal up to which it was folded
	Events   uint64    `json:"events"`   // folded so far
	// Mode is watchdog or direct, "" before any start.
	Mode        string        `json:"mode"`
	Miner       MinerState    `json:"miner"`
	Modules     []ModuleState `json:"modules"`
	Runs        []*RunState   `json:"runs"` // the newest of each account, oldest change first
	LastFailure *Failure      `json:"last_failure"`
	Definitions []Definition  `json:"definitions"` // other than the default one
	Dropped     uint64        `json:"dropped"`     // records that writers could not keep
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
	Code   int       `json:"code"`
	Reason string    `json:"reason"`
	Asked  bool      `json:"asked"`
	At     time.Time `json:"at"`
	Last   string    `json:"last_output,omitempty"`
}

// RunState is one run.
type RunState struct {
	ID         string       `json:"id"`
	Definition string       `json:"definition"`
	Platform   string       `json:"platform,omitempty"`
	Account    string       `json:"account,omitempty"`
	State      StageStatus  `json:"state"`
	Since      time.Time    `json:"since"`
	Updated    time.Time    `json:"updated"`
	Order      uint64       `json:"order"` // number of the event that changed it last
	Owner      Owner        `json:"owner"` // of its newest stage
	Stages     []StageState `json:"stages"`
}

// StageState is one stage of a run.
type StageState struct {
	Number   int             `json:"number"`
	Name     string          `json:"name"`
	State    StageStatus     `json:"state"`
	Message  string          `json:"message,omitempty"`
	Account  string          `json:"account,omitempty"`
	Attempt  int             `json:"attempt"`
	Since    time.Time       `json:"since"`                 // when it entered its state
	Started  time.Time       `json:"started,omitzero"`      // this attempt
	Duration time.Duration   `json:"duration_ns,omitempty"` // of an ended attempt, by a clock that no one sets
	Done     int64           `json:"done,omitempty"`
	Total    int64           `json:"total,omitempty"`
	Details  json.RawMessage `json:"details,omitempty"`
	Clock    int64           `json:"clock"` // as in [Event], of its start
	Owner    Owner           `json:"owner"` // who began this attempt
	Order    uint64          `json:"order"` // number of the event that changed it last
}

// Failure is the newest failure.
type Failure struct {
	Run      string      `json:"run"`
	Platform string      `json:"platform,omitempty"`
	Account  string      `json:"account,omitempty"`
	Stage    int         `json:"stage"`
	Name     string      `json:"name"`
	State    StageStatus `json:"state"` // failed or lost
	Message  string      `json:"message"`
	At       time.Time   `json:"at"`
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
// lines, status file and every view come from it.
func (s *State) Apply(e Event) Change {
	s.Version = StateVersion
	s.Events++
	if s.Position.Before(e.pos) {
		s.Position = e.pos
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
	}
	return c
}

func (s *State) applyMiner(e Event) {
	words := map[string]string{EventStarted: "running", EventStopping: "stopping", EventStopped: "stopped"}
	s.Miner = MinerState{State: words[e.What], Owner: e.Owner, Since: e.Time}
	if e.What == EventStarted {
		s.Mode = e.Mode
		s.Modules = nil
	}
}

func (s *State) define(d *Definition) {
	if d == nil || d.check() != nil || d.Name == defaultName {
		return
	}
	s.Definitions = slices.DeleteFunc(s.Definitions, func(have Definition) bool { return have.Name == d.Name })
	s.Definitions = append(s.Definitions, *d)
}

// definition returns the definition with the given name, one without stages
// when it was never recorded.
func (s *State) definition(name string) Definition {
	if name == defaultName || name == "" {
		return DefaultDefinition()
	}
	for _, d := range s.Definitions {
		if d.Name == name {
			return d
		}
	}
	return Definition{Name: name}
}

func (s *State) reset(by Owner) {
	s.Runs = slices.DeleteFunc(s.Runs, func(r *RunState) bool {
		return r.Owner == by || r.State != StatusRunning
	})
}

func (s *State) applyModule(e Event) *ModuleState {
	f := e.Module
	i := slices.IndexFunc(s.Modules, func(m ModuleState) bool { return m.Name == f.Name })
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
		m.State, m.NextTry = ModuleRestarting, e.Time.Add(f.Wait)
		if f.Reason != "" {
			m.Reason = f.Reason
		}
	case EventExited:
		m.State, m.PID, m.Address, m.Reason = ModuleRestarting, 0, "", f.Reason
		m.LastExit = &Exit{PID: f.PID, Code: f.Code, Reason: f.Reason, Asked: f.Asked, At: e.Time, Last: f.Last}
		if f.Asked {
			m.State = ModuleStopped
		}
	case EventFailed:
		m.State, m.NextTry, m.Reason = ModuleFailed, e.Time.Add(f.Wait), f.Reason
	case EventStopped:
		m.State, m.PID, m.Address = ModuleStopped, 0, ""
	}
	m.Since = e.Time
	return m
}

// Current returns the newest running stage of a definition, else the newest
// ended one, and whether there is any.
func (s *State) Current(definition string) (StageState, bool) {
	var best *RunState
	var found StageState
	for _, r := range s.Runs {
		if r.Definition != definition || len(r.Stages) == 0 {
			continue
		}
		running := r.State == StatusRunning && r.Newest().State == StatusRunning
		bestRunning := best != nil && found.State == StatusRunning
		if best == nil || running && !bestRunning || running == bestRunning && r.Order > best.Order {
			best, found = r, *r.Newest()
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
		if s := &r.Stages[i]; s.State != StatusWaiting && s.Order >= best.Order {
			best = s
		}
	}
	return best
}

// running reports whether a stage of the run runs.
func (r *RunState) running() bool {
	return slices.ContainsFunc(r.Stages, func(s StageState) bool { return s.State == StatusRunning })
}
