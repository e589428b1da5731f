package stagewatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// told returns the lines of a story; each entry is "what stage account message", "=" for no account.
func told(story ...string) (lines []string, s State) {
	for i, entry := range story {
		fields := strings.SplitN(entry, " ", 4)
		e := Event{
			Kind: KindStage, What: fields[0], Run: "run-" + fields[2], Definition: defaultName,
			Clock: int64(i) * int64(time.Second), Time: time.Unix(int64(i), 0), Message: fields[3],
			Owner: Owner{PID: 1}, pos: Position{Segment: 1, Offset: int64(i + 1)},
		}
		_, _ = fmt.Sscan(fields[1], &e.Stage)
		if fields[2] != "=" {
			e.Account = fields[2]
		}
		if level, line, ok := s.Apply(e).Line(); ok {
			lines = append(lines, "["+level.String()+"] "+line)
		}
	}
	return lines, s
}

func TestLinesAreThoseOfTheContract(t *testing.T) {
	got, _ := told(
		"started 0 = Starting watchdog mode",
		"completed 0 = Watchdog mode initialized successfully",
		"started 1 u Processing twitter account with fresh scraping",
		"completed 1 u Successfully processed twitter account",
		"started 4 u Analyzing engagement data and patterns",
		"lost 4 u process ended (signal: killed)",
		"started 4 u Analyzing engagement data and patterns",
		"stopped 4 u -",
		"started 4 u Analyzing engagement data and patterns",
		"failed 4 u Failed",
		"completed 7 u Pipeline completed - 15 recommendations generated",
		"started 0 = Waiting for accounts to process",
		"stopped 0 = -",
	)
	want := []string{
		"[INFO] ⚙️  Stage 0 - Initialization: Starting watchdog mode",
		"[INFO] ✅ Stage 0 Complete - Initialization - Watchdog mode initialized successfully",
		"[INFO] ⚙️  Stage 1 - Data Scraping for u: Processing twitter account with fresh scraping",
		"[INFO] ✅ Stage 1 Complete - Data Scraping for u - Successfully processed twitter account",
		"[INFO] ⚙️  Stage 4 - Time Series Analysis for u: Analyzing engagement data and patterns",
		"[ERROR] ❌ Stage 4 Lost - Time Series Analysis for u - Error: process ended (signal: killed)",
		"[INFO] ⚙️  Stage 4 - Time Series Analysis for u: Analyzing engagement data and patterns (attempt 2)",
		"[WARN] ⚠️  Stage 4 Stopped - Time Series Analysis for u - goes on at the next start",
		"[INFO] ⚙️  Stage 4 - Time Series Analysis for u: Analyzing engagement data and patterns (attempt 3)",
		"[ERROR] ❌ Stage 4 Failed - Time Series Analysis for u - Error: Failed",
		"[INFO] ✅ Stage 7 Complete - Complete for u - Pipeline completed - 15 recommendations generated",
		"[INFO] ⚙️  Stage 0 - Initialization: Waiting for accounts to process",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("lines:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestModuleLinesAreThoseOfTheContract(t *testing.T) {
	var s State
	var got []string
	say := func(what string, f ModuleFact) {
		f.Name, f.Number, f.Title = "content", 1, "Content recommendation system"
		if _, line, ok := s.Apply(Event{Kind: KindModule, What: what, Module: &f}).Line(); ok {
			got = append(got, line)
		}
	}
	state := func() string { return s.Modules[0].State }
	say(EventStarting, ModuleFact{})
	say(EventStarted, ModuleFact{PID: 7})
	if state() != ModuleRunning {
		t.Errorf("started module is %s", state())
	}
	say(EventExited, ModuleFact{PID: 7, Code: -9, Reason: "signal: killed"})
	if state() != ModuleRestarting {
		t.Errorf("dead module is %s", state())
	}
	say(EventRestarting, ModuleFact{})
	say(EventNotStarted, ModuleFact{Reason: "no such file"})
	say(EventFailed, ModuleFact{Reason: "10 deaths in 10m0s", Wait: 10 * time.Minute})
	if state() != ModuleFailed {
		t.Errorf("failed module is %s", state())
	}
	say(EventStopped, ModuleFact{})
	want := `📋 Starting Module 1: Content recommendation system
❌ Module 1 process terminated with code: -9
🔄 Attempting to restart Module 1...
❌ Module 1 could not be started: no such file
❌ Module 1 failed: 10 deaths in 10m0s - next try in 10m0s
✅ Module 1 stopped`
	if strings.Join(got, "\n") != want {
		t.Errorf("lines:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
	}
	if s.Modules[0].Restarts != 1 {
		t.Errorf("%d restarts, want 1", s.Modules[0].Restarts)
	}
}

func TestStatusLineShowsTheNewestRunningStage(t *testing.T) {
	_, s := told("started 3 elonmusk m", "started 1 other m", "completed 1 other m")
	s.Mode = "watchdog"
	s.Modules = []ModuleState{{Number: 1, State: ModuleRunning}, {Number: 2, State: ModuleStopped}}
	want := "📈 Miner Status: Mode: watchdog | Module 1: Running | Module 2: Stopped | Stage: Vector Database - running (elonmusk)"
	if got := s.StatusLine(); got != want {
		t.Errorf("status line = %q, want %q", got, want)
	}
	empty := State{Mode: "direct"}
	if got := empty.StatusLine(); got != "📈 Miner Status: Mode: direct" {
		t.Errorf("status line without stages = %q", got)
	}
}

// A clock that is set back changes no order: what changed last is what was recorded last.
func TestClockSetBackChangesNoOrder(t *testing.T) {
	var s State
	at := time.Unix(1_000_000, 0)
	for i, what := range []string{EventStarted, EventCompleted, EventStarted} {
		s.Apply(Event{Kind: KindStage, What: what, Run: "r", Account: "u", Stage: 1 + i/2, Definition: defaultName, Time: at.Add(-time.Duration(i) * time.Hour)})
	}
	if got, _ := s.Current(defaultName); got.Number != 2 || got.State != StatusRunning {
		t.Errorf("current = %+v, want stage 2 running", got)
	}
}

// Whatever is recorded in whatever order, a stage ends at most once an attempt,
// only the newest run of an account is kept, and the fold never breaks.
func TestFoldHoldsForAnyStory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		open := map[string]bool{} // "run/stage" that runs
		for i := range rapid.IntRange(1, 60).Draw(t, "events") {
			e := Event{
				Kind: KindStage, Definition: defaultName,
				What:    rapid.SampledFrom([]string{EventStarted, EventProgressed, EventCompleted, EventFailed, EventLost, EventStopped}).Draw(t, "what"),
				Run:     rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "run"),
				Stage:   rapid.IntRange(0, 7).Draw(t, "stage"),
				Account: "u", Clock: int64(i), Time: time.Unix(int64(i), 0),
			}
			c := s.Apply(e)
			key := fmt.Sprint(e.Run, "/", e.Stage)
			wasOpen := open[key]
			if (e.What == EventLost || e.What == EventStopped || e.What == EventProgressed) && c.Stage != nil && !wasOpen {
				t.Fatalf("%s of a stage that does not run was taken", e.What)
			}
			if c.Stage == nil {
				continue
			}
			if e.What == EventStarted {
				for k := range open {
					var n int
					if _, err := fmt.Sscanf(k, e.Run+"/%d", &n); err == nil && n > e.Stage {
						delete(open, k)
					}
				}
			}
			if e.What != EventProgressed {
				open[key] = e.What == EventStarted
			}
			if c.Stage.Attempt < 1 {
				t.Fatalf("attempt %d", c.Stage.Attempt)
			}
			gone := map[string]bool{"r1": true, "r2": true, "r3": true}
			for _, r := range s.Runs {
				delete(gone, r.ID)
			}
			for k := range open {
				if run, _, _ := strings.Cut(k, "/"); gone[run] {
					delete(open, k)
				}
			}
		}
	})
}

// Records that no client of ours writes say nothing that is not so.
func TestStrangeRecordsTellNoLies(t *testing.T) {
	of := func(what string, stage int, clock int64) Event {
		return Event{Kind: KindStage, What: what, Run: "r", Account: "u", Stage: stage, Clock: clock, Owner: Owner{PID: 1, Boot: "boot"}}
	}
	module := func(what string, fact ModuleFact) Event { return Event{Kind: KindModule, What: what, Module: &fact} }
	for name, c := range map[string]struct {
		told []Event
		said func(s *State) any
		want any
	}{
		"a stall after the run has failed": {
			[]Event{of(EventStarted, 1, 1), of(EventStarted, 2, 1), of(EventFailed, 1, 2), {
				Kind: KindStage, What: EventStalled, Run: "r", Account: "u", Stage: 2, Owner: Owner{PID: 1, Boot: "boot"}, Details: []byte(`{"heard":1}`),
			}},
			func(s *State) any { return s.Runs[0].State }, StatusFailed,
		},
		"an end after a start without a clock": {
			[]Event{of(EventStarted, 1, 0), of(EventCompleted, 1, 1e15)},
			func(s *State) any { return s.Runs[0].Stages[0].Duration }, time.Duration(0),
		},
		"an end after a start before the boot": {
			[]Event{of(EventStarted, 1, -1<<62), of(EventCompleted, 1, 1<<62)},
			func(s *State) any { return s.Runs[0].Stages[0].Duration }, time.Duration(0),
		},
		"a newer word about the miner": {
			[]Event{{Kind: KindMiner, What: EventStarted, Mode: "watchdog"}, {Kind: KindMiner, What: "resting"}},
			func(s *State) any { return s.Miner.State }, "running",
		},
		"a newer word about a module": {
			[]Event{module(EventStarted, ModuleFact{Name: "m", PID: 7}), module("resting", ModuleFact{Name: "other"})},
			func(s *State) any { return len(s.Modules) }, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &State{}
			for _, e := range c.told {
				s.Apply(e)
			}
			if got := c.said(s); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// A loss that is told late, of a run that a newer one of its account followed,
// is a line and nothing more: what the newer run came to stays.
func TestLateLossOfAnOlderRunTakesNoPlace(t *testing.T) {
	of := func(run, what string, stage, pid int) Event {
		return Event{Kind: KindStage, What: what, Run: run, Account: "shop", Definition: defaultName, Stage: stage, Owner: Owner{PID: pid}}
	}
	first := []Event{of("old", EventStarted, 3, 1), of("new", EventStarted, 3, 2)}
	well := []Event{of("new", EventCompleted, 3, 2), of("new", EventCompleted, 7, 2)}
	loss := of("old", EventLost, 3, 1)
	for name, c := range map[string]struct {
		told         []Event
		runs, failed string // the ids of the runs in view; whose failure is told
	}{
		"after the newer one ended well": {slices.Concat(first, well, []Event{loss}), "new", ""},
		"while the newer one runs":       {slices.Concat(first, []Event{loss}), "new", "old"},
		"before the newer one ends well": {slices.Concat(first, []Event{loss}, well), "new", "old"},
		"after the newer one failed":     {slices.Concat(first, []Event{of("new", EventFailed, 3, 2), loss}), "new", "old"},
		"after one more began":           {slices.Concat(first, well, []Event{of("newest", EventStarted, 1, 3), loss}), "newest", ""},
		"of the newer one": {
			slices.Concat(first, []Event{of("old", EventCompleted, 7, 1), of("old", EventStarted, 1, 1), of("old", EventCompleted, 1, 1), of("new", EventLost, 3, 2)}),
			"new", "new",
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole, again := &State{Version: StateVersion}, &State{Version: StateVersion}
			for _, e := range c.told {
				if change := whole.Apply(e); e.What == EventLost {
					if _, line, ok := change.Line(); !ok {
						t.Errorf("the loss of %s has no line: %q", e.Run, line)
					}
				}
				again.Apply(e)
				again = saved(t, again)
			}
			for from, s := range map[string]*State{"whole": whole, "from its file": again} {
				var runs []string
				for _, r := range s.Runs {
					runs = append(runs, r.ID)
				}
				failed := ""
				if s.LastFailure != nil {
					failed = s.LastFailure.Run
				}
				if got := strings.Join(runs, " "); got != c.runs || failed != c.failed {
					t.Errorf("%s: runs %q and the failure of %q, want %q and %q", from, got, failed, c.runs, c.failed)
				}
			}
		})
	}
}

// What is done again after it went well is no second try at it; what is done
// again after anything else is.
func TestAttemptsCountUntilOneGoesWell(t *testing.T) {
	for name, c := range map[string]struct {
		told []string
		want int
	}{
		"the first":                        {nil, 1},
		"after it completed":               {[]string{"started 1 u m", "completed 1 u m"}, 1},
		"after it failed":                  {[]string{"started 1 u m", "failed 1 u m"}, 2},
		"after it was lost":                {[]string{"started 1 u m", "lost 1 u m"}, 2},
		"after it was stopped":             {[]string{"started 1 u m", "stopped 1 u m"}, 2},
		"started twice":                    {[]string{"started 1 u m"}, 2},
		"failed once, completed since":     {[]string{"started 1 u m", "failed 1 u m", "started 1 u m", "completed 1 u m"}, 1},
		"completed, an earlier one again":  {[]string{"started 1 u m", "completed 1 u m", "started 0 u m"}, 1},
		"failed, an earlier one once more": {[]string{"started 1 u m", "failed 1 u m", "started 0 u m"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			lines, s := told(append(c.told, "started 1 u m")...)
			run := runOf(s, "u")
			stage := run.stage(stageID{number: 1})
			if said := strings.Contains(lines[len(lines)-1], "(attempt "); stage.Attempt != c.want || said != (c.want > 1) {
				t.Errorf("attempt %d, want %d; its line is %q", stage.Attempt, c.want, lines[len(lines)-1])
			}
		})
	}
}
