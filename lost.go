package stagewatch

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// lastOutput is how much of a module's last output all records of one round
// hold together: a module may die with thousands of open stages.
const lastOutput = 64 << 10

// mourner knows which processes are gone.
type mourner interface {
	// gone reports whether a process is certainly no more.
	gone(o Owner) bool
	// group returns the process group of a process, seen while it lived, else 0.
	group(o Owner) int
	// here returns the id of this boot.
	here() string
}

// group returns 0: a reader sees a process too late to ask.
func (w watchman) group(Owner) int { return 0 }

func (w watchman) here() string { return w.boot }

// census is who was gone at one moment.
type census struct {
	mourner
	dead map[Owner]bool
}

func (c census) gone(o Owner) bool { return c.dead[o] }

// count asks of everybody on whom something depends whether he is gone. What is
// read of the journal after that is all that the dead have said.
func (s *State) count(watch mourner) census {
	c := census{watch, map[Owner]bool{s.Miner.Owner: watch.gone(s.Miner.Owner)}}
	x := s.indexed()
	for o := range x.holders {
		c.dead[o] = watch.gone(o)
	}
	for _, r := range s.abandoned(watch) {
		c.dead[r.Owner] = true
	}
	return c
}

// settle works out, for a reader, what a keeper has not yet written down. Nobody
// knows when a process ended: what follows from its end has the time of the last
// word about its run, and so the same one at each look.
func (s *State) settle(watch mourner) {
	due := s.bereaved(watch)
	for _, e := range append(due, s.overdue(watch.here(), monotonic(), 0)...) {
		if r := s.indexed().find(e); r != nil {
			e.Time = r.Updated
		}
		before := s.LastFailure
		s.Apply(e)
		if before != nil && s.LastFailure.At.Before(before.At) {
			s.LastFailure = before // it is the newer one
		}
	}
	for _, r := range s.abandoned(watch) {
		s.abandon(r, watch)
	}
	s.mourn(watch)
}

// abandoned returns the runs that are between two stages and whose process is gone.
func (s *State) abandoned(watch mourner) (left []*RunState) {
	for e := s.indexed().rest.Front(); e != nil; e = e.Next() {
		if r, ok := e.Value.(*RunState); ok && r.State.open() && watch.gone(r.Owner) {
			left = append(left, r)
		}
	}
	return left
}

// abandon ends a run that was left between two stages. No record tells of it, as
// no stage is lost; whatever is said of the run next makes it run again.
func (s *State) abandon(r *RunState, watch mourner) {
	r.State, r.encoded = StatusLost, nil
	if m := s.endOf(r.Owner, watch); m != nil && m.LastExit.Asked {
		r.State = StatusStopped
	}
}

// mourn shows a miner that ended without a word, and its modules, as gone.
func (s *State) mourn(watch mourner) {
	if s.Miner.State == "" || s.Miner.State == "stopped" || !watch.gone(s.Miner.Owner) {
		return
	}
	s.Miner.State = "lost"
	s.Modules = slices.Clone(s.Modules)
	for i := range s.Modules {
		m := &s.Modules[i]
		m.State, m.PID, m.Address, m.NextTry = ModuleStopped, 0, "", time.Time{}
	}
}

// bereaved returns the records that are due for open stages whose owner is
// gone: lost, or stopped when the owner was told to end. It asks once an owner.
func (s *State) bereaved(watch mourner) []Event {
	var orphans []*orphan
	for owner, runs := range s.indexed().holders {
		if !watch.gone(owner) {
			continue
		}
		for r := range runs {
			for i := range r.Stages {
				if stage := &r.Stages[i]; stage.State.open() && stage.Owner == owner {
					orphans = append(orphans, &orphan{r, stage})
				}
			}
		}
	}
	slices.SortFunc(orphans, func(a, b *orphan) int { return cmp.Compare(a.stage.Order, b.stage.Order) })
	due := make([]Event, len(orphans))
	for i, o := range orphans {
		due[i] = s.obituary(o.run, o.stage, watch, lastOutput/len(orphans))
	}
	return due
}

type orphan struct {
	run   *RunState
	stage *StageState
}

// obituary returns the record of a stage whose owner is gone, with at most room
// bytes of its module's last output.
func (s *State) obituary(r *RunState, stage *StageState, watch mourner, room int) Event {
	e := about(r, stage)
	e.What, e.Message = EventLost, "process ended"
	if stage.Owner.Boot != watch.here() {
		e.Message = "machine restarted"
	}
	m := s.endOf(stage.Owner, watch)
	if m == nil {
		return e
	}
	exit := m.LastExit
	if exit.Asked {
		e.What, e.Message = EventStopped, ""
		return e
	}
	e.Message = "process ended (" + exit.Reason + ")"
	e.Module = &ModuleFact{
		Name: m.Name, Number: m.Number, PID: exit.PID, Start: exit.Start,
		Code: exit.Code, Reason: exit.Reason, Last: tail(exit.Last, room),
	}
	return e
}

// endOf returns the module that a process was or belonged to, if its end was
// recorded, else nil.
func (s *State) endOf(o Owner, watch mourner) *ModuleState {
	for i := range s.Modules {
		if exit := s.Modules[i].LastExit; exit != nil && exit.of(o, watch.group(o)) {
			return &s.Modules[i]
		}
	}
	return nil
}

// of reports whether x is the end of the module that a process was or belonged
// to, by its group.
func (x *Exit) of(o Owner, group int) bool {
	if x.Boot != "" && x.Boot != o.Boot {
		return false
	}
	if x.PID == o.PID {
		return x.Start == 0 || x.Start == o.Start
	}
	return group != 0 && x.PID == group && o.Start >= x.Start
}

// tail returns the last lines of text that fit into room bytes, none when that
// is too little to be of use.
func tail(text string, room int) string {
	const least = 256
	switch {
	case len(text) <= room:
		return text
	case room < least:
		return ""
	}
	text = text[len(text)-room:]
	if _, rest, found := strings.Cut(text, "\n"); found && rest != "" {
		return rest
	}
	for len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return text
}
