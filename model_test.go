package stagewatch

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/erase"
)

// model is what the fold should come to, told in the simplest way: everything is looked through.
type model struct {
	runs  []*modelRun
	keys  map[string]map[string]int // by definition
	last  map[string]int
	took  map[string][]time.Duration
	well  map[string]int // the newest run of each account that ended well and was followed by another
	fault string         // whose failure is the last one
	began int
}

type modelRun struct {
	ID, Definition, Platform, Account string
	State                             StageStatus
	owner                             Owner
	began                             int
	Stages                            map[string]*modelStage
}

type modelStage struct {
	number        int
	keyed         bool
	owner         Owner
	clock, heard  int64
	State         StageStatus
	Attempt       int
	Duration      time.Duration
	Done, Total   int64
	Open, Stalled bool
}

func (m *model) find(e Event) *modelRun {
	var same []*modelRun
	for _, r := range m.runs {
		if r.ID == e.Run && r.Definition == e.Definition && r.Platform == e.Platform && r.Account == e.Account {
			return r
		}
		if r.ID == e.Run {
			same = append(same, r)
		}
	}
	if len(same) == 1 && same[0].Definition == e.Definition && (e.Account == "" || e.Account == same[0].Account && (e.Platform == "" || same[0].Platform == "")) {
		return same[0]
	}
	return nil
}

// account names whose run it is.
func (r *modelRun) account() string {
	return fmt.Sprintf("%q %q %q", r.Definition, r.Platform, r.Account)
}

// newest returns the run of an account that began last.
func (m *model) newest(account string) *modelRun {
	var found *modelRun
	for _, r := range m.runs {
		if r.account() == account && (found == nil || r.began > found.began) {
			found = r
		}
	}
	if found == nil {
		delete(m.well, account)
	}
	return found
}

// settle takes out of view what rests and is not the newest of its account.
func (m *model) settle(r *modelRun) {
	newest := m.newest(r.account())
	m.runs = slices.DeleteFunc(m.runs, func(old *modelRun) bool {
		leaves := old.account() == r.account() && old != newest && !old.open()
		if leaves && old.State == StatusCompleted {
			m.well[r.account()] = max(m.well[r.account()], old.began)
		}
		return leaves
	})
	if r.Account == "" && slices.Contains(m.runs, r) {
		m.runs = slices.DeleteFunc(m.runs, func(old *modelRun) bool {
			return old != r && old.account() == r.account() && old.owner == r.owner
		})
	}
}

// blame notes whose failure is the last one: a loss of a run that a newer one
// of the account has outdone is none.
func (m *model) blame(r *modelRun, e Event) {
	newest := m.newest(r.account())
	outdone := m.well[r.account()] > r.began || newest.began > r.began && newest.State == StatusCompleted
	if e.What == EventFailed || e.What == EventLost && r.Account != "" && !outdone {
		m.fault = r.ID
	}
}

func (m *model) apply(e Event) (changed bool) {
	switch e.Kind { //nolint:exhaustive // the others do not touch runs
	case KindDefinition:
		keys := map[string]int{}
		for _, s := range e.Defined.Stages {
			keys[s.Key] = s.Number
		}
		m.keys[e.Defined.Name], m.last[e.Defined.Name] = keys, e.Defined.last()
		return false
	case KindErased:
		m.runs = slices.DeleteFunc(m.runs, func(r *modelRun) bool { return slices.Contains(e.Runs, erase.Digest(r.ID)) })
		if slices.Contains(e.Runs, erase.Digest(m.fault)) {
			m.fault = ""
		}
		return false
	case KindReset:
		m.runs = slices.DeleteFunc(m.runs, func(r *modelRun) bool {
			mine := false
			for _, s := range r.Stages {
				mine = mine || s.Open && s.owner == e.Owner
			}
			return (r.owner == e.Owner || !r.State.open()) && (mine || !r.open())
		})
		return false
	}
	r := m.find(e)
	name, number, keyed := fmt.Sprint(e.Stage), e.Stage, false
	if e.Key != "" {
		if n, ok := m.keys[e.Definition][e.Key]; ok {
			name, number = fmt.Sprint(n), n
			if r != nil && r.Stages["key "+e.Key] != nil { // it has a number now
				if r.Stages[name] == nil {
					r.Stages[name] = r.Stages["key "+e.Key]
					r.Stages[name].number, r.Stages[name].keyed = n, false
				}
				delete(r.Stages, "key "+e.Key)
			}
		} else {
			name, keyed = "key "+e.Key, true
		}
	}
	var s *modelStage
	if r != nil {
		s = r.Stages[name]
	}
	if !fresh(e, s) {
		if r != nil {
			m.settle(r) // a stage with two names may have become one
		}
		return false
	}
	if r == nil {
		r = &modelRun{ID: e.Run, Definition: e.Definition, Platform: e.Platform, Account: e.Account, State: StatusRunning, Stages: map[string]*modelStage{}, owner: e.Owner, began: m.began}
		m.began++
		m.runs = append(m.runs, r)
	}
	if s == nil {
		s = &modelStage{number: number, keyed: keyed}
		r.Stages[name] = s
	}
	m.tell(r, s, name, e)
	m.blame(r, e)
	m.settle(r)
	return true
}

// fresh reports whether an event says something new of a stage, nil when it was
// not seen yet.
func fresh(e Event, s *modelStage) bool {
	switch e.What {
	case EventProgressed:
		return s != nil && s.Open
	case EventLost, EventStopped:
		return s != nil && s.Open && s.owner == e.Owner
	case EventStalled:
		return s != nil && s.Open && !s.Stalled && s.owner == e.Owner
	}
	return true
}

// tell changes one stage.
func (m *model) tell(r *modelRun, s *modelStage, name string, e Event) {
	switch e.What {
	case EventStarted:
		if s.State == StatusCompleted {
			s.Attempt = 0
		}
		*s = modelStage{number: s.number, keyed: s.keyed, Attempt: s.Attempt + 1, State: StatusRunning, Open: true, owner: e.Owner, clock: e.Clock, heard: e.Clock}
		for _, other := range r.Stages {
			if !s.keyed && !other.keyed && other.number > s.number {
				if other.State == StatusCompleted {
					other.Attempt = 0
				}
				other.State, other.Open, other.Stalled = StatusWaiting, false, false
			}
		}
		r.State, r.owner = StatusRunning, e.Owner
	case EventProgressed:
		s.heard = max(s.heard, e.Clock)
		s.Done, s.Total, s.State, s.Stalled = e.Done, e.Total, StatusRunning, false
	case EventStalled:
		s.State, s.Stalled = StatusStalled, true
	case EventCompleted, EventFailed:
		if !s.Open {
			r.owner = e.Owner
		} else {
			s.Duration = time.Duration(e.Clock - s.clock)
			if key := r.Definition + " " + name; e.What == EventCompleted && r.Account != "" {
				m.took[key] = append(m.took[key], s.Duration)
			}
		}
		fallthrough
	default:
		s.Open, s.Stalled, s.Attempt = false, false, max(s.Attempt, 1)
		s.State = map[string]StageStatus{EventCompleted: StatusCompleted, EventFailed: StatusFailed, EventLost: StatusLost, EventStopped: StatusStopped}[e.What]
		last, known := m.last[r.Definition]
		if s.State != StatusCompleted || r.Account == "" || known && !s.keyed && s.number == last {
			r.State = s.State
		} else {
			bears := false
			for _, other := range r.Stages {
				bears = bears || other.State == r.State
			}
			if !bears {
				r.State = StatusRunning
			}
		}
	}
	if r.State.open() {
		r.State = StatusRunning
		for _, other := range r.Stages {
			if other.Stalled {
				r.State = StatusStalled
			}
		}
	}
}

func (r *modelRun) open() bool {
	for _, s := range r.Stages {
		if s.Open {
			return true
		}
	}
	return false
}

// silent returns the stages that are due to be called stalled at now.
func (m *model) silent(now int64, limits map[string]time.Duration) (found []string) {
	for _, r := range m.runs {
		for name, s := range r.Stages {
			limit := limits[r.Definition+" "+name]
			if took := m.took[r.Definition+" "+name]; limit == 0 && r.Account != "" && len(took) >= 5 {
				sorted := slices.Sorted(slices.Values(took[max(0, len(took)-50):]))
				limit = max(30*time.Second, 4*sorted[(95*len(sorted)+99)/100-1])
			}
			if s.State == StatusRunning && limit > 0 && now-s.heard >= int64(limit) {
				found = append(found, fmt.Sprint(r.ID, r.Definition, r.Platform, r.Account, " ", name))
			}
		}
	}
	slices.Sort(found)
	return found
}

// view returns a state in the form of the model.
func view(s *State) []*modelRun {
	runs := make([]*modelRun, 0, len(s.Runs))
	for _, r := range s.Runs {
		v := &modelRun{ID: r.ID, Definition: r.Definition, Platform: r.Platform, Account: r.Account, State: r.State, Stages: map[string]*modelStage{}}
		for _, t := range r.Stages {
			name := fmt.Sprint(t.Number)
			if t.Unknown {
				name = "key " + t.Key
			}
			v.Stages[name] = &modelStage{
				State: t.State, Attempt: t.Attempt, Duration: t.Duration, Done: t.Done, Total: t.Total,
				Open: t.State.open(), Stalled: t.State == StatusStalled,
			}
		}
		runs = append(runs, v)
	}
	return sorted(runs)
}

func sorted(runs []*modelRun) []*modelRun {
	return slices.SortedFunc(slices.Values(runs), func(a, b *modelRun) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Definition, b.Definition), cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Account, b.Account))
	})
}

// deaths is a mourner to whom some processes are gone.
type deaths map[Owner]bool

func (d deaths) gone(o Owner) bool { return d[o] }
func (d deaths) group(Owner) int   { return 0 }
func (d deaths) here() string      { return "boot" }

func story(t *rapid.T, i int, clock int64) Event {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	e := Event{
		Kind: KindStage, Clock: clock, Time: time.Unix(int64(i), 0).UTC(), pos: Position{Segment: 1, Offset: int64(i + 1)},
		Owner: Owner{PID: rapid.IntRange(1, 4).Draw(t, "pid"), Start: 1, Boot: "boot"},
	}
	switch rapid.IntRange(0, 39).Draw(t, "kind") {
	case 0:
		e.Kind = KindReset
		return e
	case 1:
		e.Kind, e.Runs = KindErased, []string{erase.Digest(pick("erased", "r1", "r2", "r3", "none"))}
		return e
	case 2:
		e.Kind, e.Defined = KindDefinition, &Definition{Name: "Own", Stages: []Stage{
			{Number: 1, Key: "one", Name: "One", StallAfter: time.Minute},
			{Number: 3, Key: "three", Name: "Three"},
			{Number: 5, Name: "Five"},
		}}
		return e
	}
	e.What = pick("what", EventStarted, EventStarted, EventProgressed, EventCompleted, EventCompleted, EventFailed, EventLost, EventStopped)
	e.Run = pick("run", "r1", "r2", "r3", "r4")
	e.Definition = pick("definition", defaultName, defaultName, "Own")
	e.Account = pick("account", "", "u", "u", "v")
	e.Platform = pick("platform", "", "p", "p")
	e.Stage = rapid.IntRange(-1, 7).Draw(t, "stage")
	if e.Definition == "Own" && rapid.Bool().Draw(t, "by key") {
		e.Stage, e.Key = 0, pick("key", "one", "three", "four")
	}
	if e.What == EventProgressed {
		e.Done, e.Total = rapid.Int64Range(1, 3).Draw(t, "done"), 3
	}
	e.Message = pick("message", "a", "b")
	return e
}

// Whatever is told in whatever order, the fold comes to what the model says; a
// snapshot taken anywhere and folded on from there comes to the same, to the byte.
func TestFoldIsTheModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{keys: map[string]map[string]int{}, last: map[string]int{defaultName: 7}, took: map[string][]time.Duration{}, well: map[string]int{}}
		whole, again := &State{Version: StateVersion}, &State{Version: StateVersion}
		clock := int64(1)
		both := func(e Event) {
			c := whole.Apply(e)
			again.Apply(e)
			if got, want := c.Stage != nil, m.apply(e); got != want {
				t.Fatalf("%s %s of %s/%d%s was taken: %v, want %v", e.Kind, e.What, e.Run, e.Stage, e.Key, got, want)
			}
			if diff := gocmp.Diff(sorted(m.runs), view(whole), gocmp.Comparer(sameRun)); diff != "" {
				t.Fatalf("after %s %s of %s/%d%s (-model +fold):\n%s", e.Kind, e.What, e.Run, e.Stage, e.Key, diff)
			}
			if fault := whole.LastFailure; (fault != nil || m.fault != "") && (fault == nil || fault.Run != m.fault) {
				t.Fatalf("after %s %s of %s/%d%s the last failure is %+v, want that of %q", e.Kind, e.What, e.Run, e.Stage, e.Key, fault, m.fault)
			}
		}
		for i := range rapid.IntRange(1, 80).Draw(t, "events") {
			switch rapid.IntRange(0, 19).Draw(t, "turn") {
			case 0: // a process dies
				dead := deaths{Owner{PID: rapid.IntRange(1, 4).Draw(t, "dead"), Start: 1, Boot: "boot"}: true}
				for _, e := range whole.bereaved(dead) {
					both(e)
				}
				for _, r := range m.runs {
					for name, s := range r.Stages {
						if s.Open && dead[s.owner] {
							t.Fatalf("stage %s of %s lives on after its process", name, r.ID)
						}
					}
				}
			case 1: // nobody says anything for a while
				clock += int64(rapid.SampledFrom([]time.Duration{time.Second, 50 * time.Second, time.Hour}).Draw(t, "silence"))
				due := whole.overdue("boot", clock, 0)
				var got []string
				for _, e := range due {
					name := fmt.Sprint(e.Stage)
					if e.Key != "" {
						name = "key " + e.Key
					}
					got = append(got, fmt.Sprint(e.Run, e.Definition, e.Platform, e.Account, " ", name))
				}
				slices.Sort(got)
				limits := map[string]time.Duration{}
				if m.keys["Own"] != nil {
					limits["Own 1"] = time.Minute
				}
				if want := m.silent(clock, limits); !slices.Equal(got, want) {
					t.Fatalf("stalled: %q, want %q", got, want)
				}
				for _, e := range due {
					both(e)
				}
			case 2:
				again = saved(t, again)
				_ = written(t, whole) // lines that were made once are used again
			default:
				clock += int64(rapid.IntRange(0, 5).Draw(t, "seconds")) * int64(time.Second)
				both(story(t, i, clock))
			}
		}
		if a, b := written(t, whole), written(t, saved(t, again)); a != b {
			t.Fatalf("folded from a snapshot:\n%s\nwhole:\n%s", b, a)
		}
		checkIndex(t, whole)
	})
}

func sameRun(a, b *modelRun) bool {
	plain := func(r *modelRun) string {
		var text strings.Builder
		fmt.Fprint(&text, r.ID, r.Definition, r.Platform, r.Account, r.State)
		for _, name := range slices.Sorted(maps.Keys(r.Stages)) {
			s := r.Stages[name]
			fmt.Fprint(&text, " ", name, s.State, s.Attempt, s.Duration, s.Done, s.Total, s.Open, s.Stalled)
		}
		return text.String()
	}
	return plain(a) == plain(b)
}

// saved returns s as read from its status file.
func saved(t interface{ Fatal(args ...any) }, s *State) *State {
	var file bytes.Buffer
	if err := s.encode(&file); err != nil {
		t.Fatal(err)
	}
	read := parseSnapshot(file.Bytes())
	if read == nil {
		t.Fatal("the status file cannot be read: " + file.String())
	}
	return read
}

func written(t interface{ Fatal(args ...any) }, s *State) string {
	var file bytes.Buffer
	if err := s.encode(&file); err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(file.Bytes()))
	for i, line := range lines {
		lines[i] = bytes.TrimRight(line, ",\n")
	}
	slices.SortFunc(lines, bytes.Compare)
	return string(bytes.Join(lines, []byte("\n")))
}

// checkIndex looks through everything and compares it with the index.
func checkIndex(t interface {
	Fatalf(format string, args ...any)
}, s *State,
) {
	x := s.indexed()
	open, resting, held := 0, 0, 0
	for i, r := range s.Runs {
		if r.filed.at != i || x.runs[r.key()] != r || x.ids[r.ID][r.filed.atID] != r {
			t.Fatalf("run %s is not where the index says", r.ID)
		}
		stages := 0
		for j := range r.Stages {
			if stage := &r.Stages[j]; stage.State.open() {
				stages++
				if x.holders[stage.Owner][r] == 0 {
					t.Fatalf("nobody holds stage %d of %s", stage.Number, r.ID)
				}
			}
		}
		held += stages
		if stages > 0 {
			open++
		} else {
			resting++
		}
		if r.filed.stages != stages {
			t.Fatalf("run %s has %d open stages, the index says %d", r.ID, stages, r.filed.stages)
		}
	}
	for _, runs := range x.holders {
		for _, n := range runs {
			held -= n
		}
	}
	if held != 0 || x.open.Len() != open || x.rest.Len() != resting || len(x.runs) != len(s.Runs) {
		t.Fatalf("the index counts %d too few open stages, %d of %d open runs, %d of %d resting, %d of %d in all",
			held, x.open.Len(), open, x.rest.Len(), resting, len(x.runs), len(s.Runs))
	}
}
