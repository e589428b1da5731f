package stagewatch

import (
	"cmp"
	"container/list"
	"reflect"
	"slices"
)

// Bounds of what a state holds.
const (
	maxResting      = 5_000   // runs without an open stage
	maxOpen         = 100_000 // runs with one
	maxRunStages    = 1_024   // stages of one run
	maxDefinitions  = 256
	maxKnownStages  = 10_000 // stages of all definitions
	maxStageHistory = 2_000  // stages whose durations are remembered
)

// index finds the runs, definitions and durations of a state without looking
// through them. It is made when it is first needed and kept in step from then on.
type index struct {
	runs    map[runKey]*RunState
	ids     map[string][]*RunState // several accounts may share the id of a run
	groups  map[accountKey]*group
	lone    map[loneKey]*RunState       // runs without account, one a process
	holders map[Owner]map[*RunState]int // open stages that a process began, by run

	open, rest *list.List // runs with and without an open stage, oldest change first

	definitions map[string]*known
	times       map[timesKey]*StageTimes
}

type (
	runKey     struct{ id, definition, platform, account string }
	accountKey struct{ definition, platform, account string }
	loneKey    struct {
		definition, platform string
		owner                Owner
	}
)

// group is the runs of one account in one definition.
type group struct {
	runs    *list.List  // in the order in which they began
	resting []*RunState // those without an open stage
}

// newest returns the run that began last.
func (g *group) newest() *RunState {
	r, _ := g.runs.Back().Value.(*RunState)
	return r
}

// outdone reports whether a run of the same account that began later ended well.
func (r *RunState) outdone() bool {
	newest := r.filed.group.newest()
	return newest.Cleared > r.Began || newest.Began > r.Began && newest.State == StatusCompleted
}

// clear notes that a run of the account that began then ended well and left the view.
func (r *RunState) clear(began uint64) {
	if began > r.Cleared {
		r.Cleared, r.encoded = began, nil
	}
}

// filed is where the index keeps a run.
type filed struct {
	at, atID int           // in State.Runs, and among those of its id
	stages   int           // open ones
	group    *group        // of its account
	sibling  *list.Element // in group.runs
	in       *list.List    // index.open or index.rest
	place    *list.Element // in that list
	lone     loneKey       // its key, when it has no account
}

func (r *RunState) key() runKey { return runKey{r.ID, r.Definition, r.Platform, r.Account} }

func (r *RunState) account() accountKey { return accountKey{r.Definition, r.Platform, r.Account} }

// known is a definition with its stages by number and key.
type known struct {
	Definition
	numbers map[int]int
	keys    map[string]int
	closing int // the first stage after which only optional ones come
}

func newKnown(d Definition) *known {
	k := &known{Definition: d, numbers: make(map[int]int, len(d.Stages)), keys: map[string]int{}, closing: len(d.Stages) - 1}
	for i, s := range d.Stages {
		k.numbers[s.Number] = i
		if s.Key != "" {
			k.keys[s.Key] = i
		}
	}
	for k.closing > 0 && d.Stages[k.closing].Optional {
		k.closing--
	}
	return k
}

// stage returns what is known of a stage, nil when nothing is. A nil k knows nothing.
func (k *known) stage(id stageID) *Stage {
	if k == nil || id.key != "" {
		return nil
	}
	if i, ok := k.numbers[id.number]; ok {
		return &k.Stages[i]
	}
	return nil
}

// ends reports whether the end of a stage is that of its run.
func (k *known) ends(id stageID) bool {
	if k == nil || id.key != "" {
		return false
	}
	i, ok := k.numbers[id.number]
	return ok && i >= k.closing
}

// stageID names a stage within a run: by number, or by a key that no definition has.
type stageID struct {
	number int
	key    string
}

// resolve returns which stage an event is about.
func (k *known) resolve(e Event) stageID {
	if e.Key == "" {
		return stageID{number: e.Stage}
	}
	if k != nil {
		if i, ok := k.keys[e.Key]; ok {
			return stageID{number: k.Stages[i].Number}
		}
	}
	if e.Stage != 0 {
		return stageID{number: e.Stage}
	}
	return stageID{key: e.Key}
}

// indexed returns the state's index.
func (s *State) indexed() *index {
	if s.index != nil {
		return s.index
	}
	x := &index{
		runs: map[runKey]*RunState{}, ids: map[string][]*RunState{}, groups: map[accountKey]*group{},
		lone: map[loneKey]*RunState{}, holders: map[Owner]map[*RunState]int{}, open: list.New(), rest: list.New(),
		definitions: map[string]*known{defaultName: newKnown(DefaultDefinition())}, times: map[timesKey]*StageTimes{},
	}
	s.index = x
	given := s.Definitions
	s.Definitions = nil
	for i := range given {
		s.define(&given[i])
	}
	for _, t := range s.Durations {
		x.times[t.key()] = t
	}
	s.Runs = slices.DeleteFunc(s.Runs, func(r *RunState) bool { return r == nil })
	for i, r := range s.Runs {
		r.filed = filed{at: i}
	}
	// Runs enter in the order in which they began, and are filed in that of their
	// changes, as when they were folded.
	runs := slices.Clone(s.Runs)
	slices.SortStableFunc(runs, func(a, b *RunState) int { return cmp.Or(cmp.Compare(a.Began, b.Began), cmp.Compare(a.Order, b.Order)) })
	for _, r := range runs {
		if x.runs[r.key()] != nil { // not of our making: the newer one counts
			s.remove(x.runs[r.key()])
		}
		for i := range r.Stages {
			if stage := &r.Stages[i]; stage.State.open() {
				x.hold(r, stage.Owner)
			}
		}
		x.enter(r)
	}
	runs = slices.Clone(s.Runs)
	slices.SortStableFunc(runs, func(a, b *RunState) int { return cmp.Compare(a.Order, b.Order) })
	for _, r := range runs {
		s.file(r)
	}
	return x
}

// find returns the run that a stage event belongs to, nil when there is none
// yet. A call may leave out the account or platform that an earlier one of the
// same run named.
func (x *index) find(e Event) *RunState {
	same := x.ids[e.Run]
	if len(same) == 1 { // as a rule: no need of the longer key
		r := same[0]
		samePlatform := e.Platform == r.Platform || e.Platform == "" || r.Platform == ""
		if r.Definition == e.Definition && (e.Account == "" || e.Account == r.Account && samePlatform) {
			return r
		}
		return nil
	}
	return x.runs[runKey{e.Run, e.Definition, e.Platform, e.Account}]
}

// add takes in a new run.
func (s *State) add(r *RunState) {
	x := s.indexed()
	r.filed = filed{at: len(s.Runs)}
	s.Runs = append(s.Runs, r)
	x.enter(r)
}

// enter makes a run known by its names.
func (x *index) enter(r *RunState) {
	x.runs[r.key()] = r
	r.filed.atID = len(x.ids[r.ID])
	x.ids[r.ID] = append(x.ids[r.ID], r)
	g := x.groups[r.account()]
	if g == nil {
		g = &group{runs: list.New()}
		x.groups[r.account()] = g
	} else {
		r.clear(g.newest().Cleared) // the newest of an account knows most
	}
	r.filed.group, r.filed.sibling = g, g.runs.PushBack(r)
}

// remove takes a run out of view.
func (s *State) remove(r *RunState) {
	x := s.index
	last := s.Runs[len(s.Runs)-1]
	s.Runs[r.filed.at] = last
	last.filed.at = r.filed.at
	s.Runs[len(s.Runs)-1] = nil
	s.Runs = s.Runs[:len(s.Runs)-1]

	delete(x.runs, r.key())
	same := x.ids[r.ID]
	moved := same[len(same)-1]
	same[r.filed.atID] = moved
	moved.filed.atID = r.filed.atID
	if same = same[:len(same)-1]; len(same) == 0 {
		delete(x.ids, r.ID)
	} else {
		x.ids[r.ID] = same
	}
	for i := range r.Stages {
		if stage := &r.Stages[i]; stage.State.open() {
			x.release(r, stage.Owner)
		}
	}
	x.unlist(r)
	r.filed.group.runs.Remove(r.filed.sibling)
	if r.filed.group.runs.Len() == 0 {
		delete(x.groups, r.account())
	} else {
		r.filed.group.newest().clear(r.Cleared) // what it knew of others outlives it
	}
	if r.Account == "" && x.lone[r.filed.lone] == r {
		delete(x.lone, r.filed.lone)
	}
}

// hold notes that a process has one more open stage in a run.
func (x *index) hold(r *RunState, o Owner) {
	if x.holders[o] == nil {
		x.holders[o] = map[*RunState]int{}
	}
	x.holders[o][r]++
	r.filed.stages++
}

// release notes that a process has one open stage less in a run.
func (x *index) release(r *RunState, o Owner) {
	r.filed.stages--
	if x.holders[o][r]--; x.holders[o][r] > 0 {
		return
	}
	if delete(x.holders[o], r); len(x.holders[o]) == 0 {
		delete(x.holders, o)
	}
}

// file puts a run that changed in its place and removes what leaves the view with
// that: runs of the same account that rest and are not its newest, which may be
// this one; those of its process, when it has no account; the oldest ones beyond
// the bounds.
func (s *State) file(r *RunState) {
	x := s.index
	in := x.open
	if r.filed.stages == 0 {
		in = x.rest
	}
	if r.filed.in == in {
		in.MoveToBack(r.filed.place)
	} else {
		x.unlist(r)
		r.filed.in, r.filed.place = in, in.PushBack(r)
		if in == x.rest {
			r.filed.group.resting = append(r.filed.group.resting, r)
		}
	}
	s.supersede(r.filed.group)
	if r.filed.in == nil {
		return
	}
	if r.Account == "" {
		key := loneKey{r.Definition, r.Platform, r.Owner}
		if x.lone[r.filed.lone] == r {
			delete(x.lone, r.filed.lone)
		}
		if old := x.lone[key]; old != nil {
			s.remove(old)
		}
		r.filed.lone, x.lone[key] = key, r
	}
	for x.rest.Len() > maxResting {
		s.omit(x.rest)
	}
	for x.open.Len() > maxOpen {
		s.omit(x.open)
	}
}

// supersede removes the resting runs of a group but the newest. What changed
// last does not count: an older run that ends late takes no one's place.
func (s *State) supersede(g *group) {
	newest := g.newest()
	for i := 0; i < len(g.resting); {
		old := g.resting[i]
		if old == newest {
			i++
			continue
		}
		if old.State == StatusCompleted {
			newest.clear(old.Began)
		}
		s.remove(old)
	}
}

// omit removes the run of a list that changed longest ago.
func (s *State) omit(from *list.List) {
	if r, ok := from.Front().Value.(*RunState); ok {
		s.remove(r)
		s.Omitted++
	}
}

// unlist takes a run out of the list that it is in.
func (x *index) unlist(r *RunState) {
	if r.filed.in == nil {
		return
	}
	r.filed.in.Remove(r.filed.place)
	if r.filed.in == x.rest {
		r.filed.group.resting = slices.DeleteFunc(r.filed.group.resting, func(old *RunState) bool { return old == r })
	}
	r.filed.in, r.filed.place = nil, nil
}

// reset takes the caller's own runs out of view, and all that have ended, but
// none in which only other processes have open stages.
func (s *State) reset(by Owner) {
	x := s.indexed()
	var out []*RunState
	for r := range x.holders[by] {
		if r.Owner == by || !r.State.open() {
			out = append(out, r)
		}
	}
	for e := x.rest.Front(); e != nil; e = e.Next() {
		if r, ok := e.Value.(*RunState); ok && (r.Owner == by || !r.State.open()) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *RunState) int { return cmp.Compare(b.Order, a.Order) }) // the same order at each fold
	for _, r := range out {
		s.remove(r)
	}
}

// define takes in a definition, in place of one with the same name. The ones
// that were recorded longest ago leave when there are too many.
func (s *State) define(d *Definition) {
	if d == nil || d.Name == defaultName || d.check() != nil {
		return
	}
	x := s.indexed()
	if have := x.definitions[d.Name]; have != nil {
		if reflect.DeepEqual(have.Definition, *d) {
			return
		}
		s.Definitions = slices.DeleteFunc(s.Definitions, func(old Definition) bool { return old.Name == d.Name })
	}
	s.Definitions = append(s.Definitions, *d)
	x.definitions[d.Name] = newKnown(*d)
	stages := 0
	for _, have := range s.Definitions {
		stages += len(have.Stages)
	}
	for len(s.Definitions) > maxDefinitions || stages > maxKnownStages {
		stages -= len(s.Definitions[0].Stages)
		delete(x.definitions, s.Definitions[0].Name)
		s.Definitions = slices.Delete(s.Definitions, 0, 1)
	}
}
