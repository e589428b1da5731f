package stagewatch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const second = int64(time.Second)

// teller tells a state of stages; each word is "what number account", at a second.
func teller(s *State) func(at int64, what string, stage int, account string, more ...func(*Event)) Change {
	offset := int64(0)
	return func(at int64, what string, stage int, account string, more ...func(*Event)) Change {
		offset++
		e := Event{
			Kind: KindStage, What: what, Run: "run-" + account, Definition: defaultName, Stage: stage, Account: account,
			Clock: at * second, Time: time.Unix(at, 0).UTC(), Owner: Owner{PID: 1, Start: 1, Boot: "boot"}, pos: Position{Segment: 1, Offset: offset},
		}
		for _, m := range more {
			m(&e)
		}
		return s.Apply(e)
	}
}

func TestSilenceIsMeasuredByWhatIsUsual(t *testing.T) {
	own := func(e *Event) { e.Definition = "Own" }
	fast := func(s *State, n, took int) { // n attempts of stage 1, each took seconds
		tell := teller(s)
		for i := range n {
			at := int64(1 + i*1000)
			tell(at, EventStarted, 1, fmt.Sprint("before", i), own)
			tell(at+int64(took), EventCompleted, 1, fmt.Sprint("before", i), own)
		}
	}
	for name, c := range map[string]struct {
		stage   Stage
		before  func(*State)
		account string
		limit   int64 // seconds; 0: never
		usually string
	}{
		"nothing known":             {stage: Stage{}, account: "u"},
		"a set limit":               {stage: Stage{StallAfter: 5 * time.Second}, account: "u", limit: 5, usually: "5s is allowed"},
		"a set limit counts first":  {stage: Stage{StallAfter: time.Hour, Expected: time.Second}, account: "u", limit: 3600, usually: "usually done in 1s"},
		"an expectation":            {stage: Stage{Expected: 40 * time.Second}, account: "u", limit: 160, usually: "usually done in 40s"},
		"a short expectation":       {stage: Stage{Expected: time.Second}, account: "u", limit: 30, usually: "usually done in 1s"},
		"too little history":        {before: func(s *State) { fast(s, 4, 40) }, account: "u"},
		"history":                   {before: func(s *State) { fast(s, 5, 40) }, account: "u", limit: 160, usually: "usually done in 40s"},
		"history over expectation":  {stage: Stage{Expected: time.Hour}, before: func(s *State) { fast(s, 5, 40) }, account: "u", limit: 160, usually: "usually done in 40s"},
		"a short history":           {before: func(s *State) { fast(s, 5, 0) }, account: "u", limit: 30, usually: "usually done in under 1s"},
		"the newest history":        {before: func(s *State) { fast(s, 60, 400); fast(s, 50, 40) }, account: "u", limit: 160, usually: "usually done in 40s"},
		"no account":                {stage: Stage{Expected: time.Second}, before: func(s *State) { fast(s, 9, 40) }},
		"no account, but set limit": {stage: Stage{StallAfter: time.Minute}, limit: 60, usually: "60s is allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			var s State
			c.stage.Number, c.stage.Name = 1, "One"
			s.Apply(Event{Kind: KindDefinition, Defined: &Definition{Name: "Own", Stages: []Stage{c.stage, {Number: 9, Name: "Nine"}}}})
			if c.before != nil {
				c.before(&s)
			}
			const begun = 500_000
			teller(&s)(begun, EventStarted, 1, c.account, own)
			due := func(after int64) []Event { return s.overdue("boot", (begun+after)*second, 0) }
			if c.limit == 0 {
				if got := due(1_000_000); len(got) > 0 {
					t.Errorf("%q, want nothing ever", got[0].Message)
				}
				return
			}
			if got := due(c.limit - 1); len(got) > 0 {
				t.Errorf("%q a second too early", got[0].Message)
			}
			got := due(c.limit)
			if len(got) != 1 || !strings.HasSuffix(got[0].Message, ", "+c.usually) {
				t.Fatalf("due after %d s: %v, want %q", c.limit, got, c.usually)
			}
			if other := s.overdue("another boot", (begun+c.limit)*second, 0); len(other) > 0 {
				t.Error("silence was measured by another boot's clock")
			}
			if awake := s.overdue("boot", (begun+c.limit)*second, (begun+1)*second); len(awake) > 0 {
				t.Error("silence while the keeper was away was counted")
			}
		})
	}
}

// The line of the contract, and the way back: whatever a stalled stage says, it runs again.
func TestStalledStageRunsAgainWhenItSpeaks(t *testing.T) {
	var s State
	tell := teller(&s)
	for i := range int64(5) {
		tell(i*100+1, EventStarted, 4, "before")
		tell(i*100+41, EventCompleted, 4, "before")
	}
	tell(1000, EventStarted, 4, "U", func(e *Event) { e.Message = "Analyzing" })
	stall := func(now int64) Change {
		t.Helper()
		due := s.overdue("boot", now*second, 0)
		if len(due) != 1 {
			t.Fatalf("%d stages are due at %d, want 1", len(due), now)
		}
		return s.Apply(due[0])
	}
	c := stall(1000 + 12*60)
	level, line, _ := c.Line()
	if want := "⚠️  Stage 4 Stalled - Time Series Analysis for U - silent for 12m, usually done in 40s"; line != want || level.String() != "WARN" {
		t.Errorf("line = [%s] %s, want [WARN] %s", level, line, want)
	}
	if r := runOf(s, "U"); r.State != StatusStalled || r.Stages[0].State != StatusStalled || r.Stages[0].Message != "Analyzing" {
		t.Errorf("stalled run: %+v", r)
	}
	if due := s.overdue("boot", 99_999*second, 0); len(due) > 0 {
		t.Error("a stalled stage is due again")
	}
	tell(1800, EventProgressed, 4, "U")
	if r := runOf(s, "U"); r.State != StatusRunning || r.Stages[0].State != StatusRunning {
		t.Errorf("after a word: %+v", r)
	}
	if due := s.overdue("boot", (1800+159)*second, 0); len(due) > 0 {
		t.Error("the word did not count")
	}
	late := s.overdue("boot", 2000*second, 0)[0]
	tell(1999, EventProgressed, 4, "U") // overtakes the keeper's record
	if s.Apply(late).Changed() {
		t.Error("a stage was called stalled that had just spoken")
	}
	stall(9000)
	tell(9001, EventCompleted, 4, "U")
	if r := runOf(s, "U"); r.State != StatusRunning || r.Stages[0].State != StatusCompleted || r.Stages[0].Duration != 8001*time.Second {
		t.Errorf("completed after a stall: %+v", r)
	}
}

// With real processes: a stage with a limit of a second stalls, says so once, and recovers.
func TestKeeperDeclaresStalls(t *testing.T) {
	home := t.TempDir()
	tr, err := Open(Config{Home: home, Definition: Definition{Name: "Own", Stages: []Stage{
		{Number: 1, Name: "One", StallAfter: time.Second}, {Number: 2, Name: "Two"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	keep(t, tr)
	tr.Start(1, "m", For("u"))
	within(t, soon, "stalled in the status file", func() bool { return runOf(status(t, home), "u").State == StatusStalled })
	tr.Progress(1, 1, 2, For("u"))
	within(t, soon, "running again", func() bool { return runOf(status(t, home), "u").State == StatusRunning })
	tr.Complete(1, "m", For("u"))
	within(t, soon, "complete", func() bool {
		r := runOf(status(t, home), "u")
		return len(r.Stages) == 1 && r.Stages[0].State == StatusCompleted
	})
	stalls := 0
	for _, e := range events(t, home) {
		if e.What == EventStalled {
			stalls++
			var said silence
			if err := json.Unmarshal(e.Details, &said); err != nil || said.Silent < 1 || e.Owner != tr.Owner() {
				t.Errorf("stalled record: %+v, details %s", e, e.Details)
			}
		}
	}
	if stalls < 1 || stalls > 2 { // two when the machine was slow to bring the progress
		t.Errorf("%d stalled records", stalls)
	}
}

func TestLossCarriesItsCause(t *testing.T) {
	module := Owner{PID: 100, Start: 50, Boot: "boot"}
	output := strings.Repeat("line of output\n", 1000)
	exited := func(f ModuleFact) func(*State) {
		return func(s *State) {
			f.Name, f.Number, f.Last = "content", 1, cut(output, maxDetails)
			s.Apply(Event{Kind: KindModule, What: EventExited, Module: &f, Owner: Owner{PID: 1, Boot: "boot"}})
		}
	}
	for name, c := range map[string]struct {
		owner   Owner
		group   int
		before  func(*State)
		what    string
		message string
		code    int // of the exit, 0 without one
	}{
		"a process of nobody": {owner: module, what: EventLost, message: "process ended"},
		"another boot":        {owner: Owner{PID: 100, Start: 50, Boot: "earlier"}, before: exited(ModuleFact{PID: 100, Start: 50}), what: EventLost, message: "machine restarted"},
		"the module":          {owner: module, before: exited(ModuleFact{PID: 100, Start: 50, Code: -9, Reason: "signal: killed"}), what: EventLost, message: "process ended (signal: killed)", code: -9},
		"its worker": {
			owner: Owner{PID: 120, Start: 60, Boot: "boot"}, group: 100,
			before: exited(ModuleFact{PID: 100, Start: 50, Code: 1, Reason: "exit code 1"}), what: EventLost, message: "process ended (exit code 1)", code: 1,
		},
		"another process of that number": {owner: Owner{PID: 100, Start: 99, Boot: "boot"}, before: exited(ModuleFact{PID: 100, Start: 50, Code: 1}), what: EventLost, message: "process ended"},
		"told to end":                    {owner: module, before: exited(ModuleFact{PID: 100, Start: 50, Asked: true}), what: EventStopped},
	} {
		t.Run(name, func(t *testing.T) {
			var s State
			if c.before != nil {
				c.before(&s)
			}
			teller(&s)(1, EventStarted, 4, "u", func(e *Event) { e.Owner = c.owner })
			due := s.bereaved(mourning{deaths{c.owner: true}, c.group})
			if len(due) != 1 || due[0].What != c.what || due[0].Message != c.message {
				t.Fatalf("due: %+v, want %s %q", due, c.what, c.message)
			}
			stage := s.Apply(due[0]).Stage
			if (c.code == 0) != (stage.Exit == nil) || stage.Exit != nil && (stage.Exit.Code != c.code || !strings.HasPrefix(stage.Exit.Last, "line of output\n")) {
				t.Errorf("exit = %+v, want code %d", stage.Exit, c.code)
			}
		})
	}
}

type mourning struct {
	deaths
	leader int
}

func (m mourning) group(Owner) int { return m.leader }

// A module that dies with thousands of open stages does not fill journal and status with its output.
func TestManyLossesShareTheOutput(t *testing.T) {
	var s State
	tell := teller(&s)
	for i := range 2000 {
		tell(1, EventStarted, 1, fmt.Sprint("u", i))
	}
	f := ModuleFact{Name: "content", PID: 1, Start: 1, Reason: "exit code 1", Last: strings.Repeat("line\n", 1600)}
	s.Apply(Event{Kind: KindModule, What: EventExited, Module: &f, Owner: Owner{PID: 9, Boot: "boot"}})
	total := 0
	due := s.bereaved(deaths{Owner{PID: 1, Start: 1, Boot: "boot"}: true})
	for _, e := range due {
		total += len(e.Module.Last)
	}
	if len(due) != 2000 || total > lastOutput {
		t.Errorf("%d losses with %d bytes of output together", len(due), total)
	}
}

// A process that is gone without having been collected is told by the round, as is one whose descriptor could not be had.
func TestVigilSeesTheEnd(t *testing.T) {
	for name, room := range map[string]int{"descriptors": 8, "none": 0} {
		t.Run(name, func(t *testing.T) {
			watch, err := newWatchman()
			if err != nil {
				t.Fatal(err)
			}
			v := newVigil(watch)
			v.room = room
			defer v.close()
			cmd := child(t, t.TempDir(), "u")
			start, _, err := processStart(cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			o := Owner{PID: cmd.Process.Pid, Start: start, Boot: watch.boot, Space: watch.space}
			reused, foreign := o, o
			reused.Start++
			foreign.Space++
			owners := map[Owner]map[*RunState]int{o: {}, reused: {}, foreign: {}}
			v.round(owners)
			if v.gone(o) || !v.gone(reused) || v.gone(foreign) {
				t.Errorf("alive: gone %v; its number's earlier owner: gone %v; in another namespace: gone %v", v.gone(o), v.gone(reused), v.gone(foreign))
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			within(t, soon, "the end is seen, uncollected", func() bool { v.round(owners); return v.gone(o) })
			if v.gone(foreign) {
				t.Error("a process of another namespace was taken for dead")
			}
			v.round(nil)
			if len(v.seen) != 1 || v.room != room { // the foreign one is not known to have ended
				t.Errorf("%d are still watched, room for %d descriptors of %d", len(v.seen), v.room, room)
			}
		})
	}
}
