package stagewatch

import (
	"testing"
	"time"
)

// A run whose process dies between two stages does not read as running, and
// goes on when anybody says anything of it.
func TestRunLeftBetweenStagesIsLost(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	o, end := mortal(t)
	tr.Start(1, "m", For("u"), InRun("r"), By(o))
	tr.Complete(1, "m", For("u"), InRun("r"), By(o))
	read := func() StageStatus {
		settle(home)
		s, err := ReadState(home)
		if err != nil {
			t.Fatal(err)
		}
		return runOf(*s, "u").State
	}
	settle(home)
	kept(t, tr, KeeperConfig{})
	if got, said := read(), runOf(status(t, home), "u").State; got != StatusRunning || said != StatusRunning {
		t.Errorf("while its process lives the run is %s, for a reader %s", said, got)
	}
	end()
	if got := read(); got != StatusLost {
		t.Errorf("for a reader the run is %s", got)
	}
	before := len(events(t, home))
	_, stop := keep(t, tr)
	within(t, soon, "the loss in the status file", func() bool { return runOf(status(t, home), "u").State == StatusLost })
	if r := runOf(status(t, home), "u"); r.Stages[0].State != StatusCompleted || len(events(t, home)) != before {
		t.Errorf("its stage is %s, %d records were written", r.Stages[0].State, len(events(t, home))-before)
	}
	tr.Complete(2, "m", For("u"), InRun("r"))
	within(t, soon, "the run goes on", func() bool { return runOf(status(t, home), "u").State == StatusRunning })
	stop()
	if got := read(); got != StatusRunning {
		t.Errorf("when another process goes on the run is %s", got)
	}
}

func TestRunOfModuleToldToEndIsStopped(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	o, end := mortal(t)
	tr.Start(1, "m", For("u"), By(o))
	tr.Complete(1, "m", For("u"), By(o))
	end()
	tr.Module(EventExited, ModuleFact{Name: "content", PID: o.PID, Start: o.Start, Asked: true})
	settle(home)
	s, err := ReadState(home)
	if err != nil || runOf(*s, "u").State != StatusStopped {
		t.Errorf("the run is %s, %v", runOf(*s, "u").State, err)
	}
}

// lastWords is a watchman who sees everybody die just after a last word.
type lastWords struct {
	watchman
	say func()
}

func (w lastWords) gone(Owner) bool {
	w.say()
	return true
}

// What a process said before it went is read before it is called lost.
func TestReaderHearsTheLastWords(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Miner(EventStarted, "watchdog")
	tr.Start(6, "m", For("u"))
	settle(home)
	said := false
	s, err := readState(home, lastWords{watchman{boot: tr.owner.Boot, space: tr.owner.Space}, func() {
		if !said {
			said = true
			tr.Complete(6, "m", For("u"))
			tr.Complete(7, "m", For("u"))
			tr.Miner(EventStopped, "watchdog")
			settle(home)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r := runOf(*s, "u"); r.State != StatusCompleted || s.Miner.State != "stopped" {
		t.Errorf("the run is %s, the miner %s", r.State, s.Miner.State)
	}
}

// Who works out a loss himself says the same of it at each look, and gives no
// list as null.
func TestReaderSaysTheSameAtEachLook(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	o, end := mortal(t)
	tr.Start(1, "m", For("u"), By(o))
	tr.Progress(1, 1, 2, For("u"), By(o))
	end()
	settle(home)
	said := events(t, home)
	last := said[len(said)-1].Time
	for range 2 {
		before := time.Now()
		s, err := ReadState(home)
		if err != nil {
			t.Fatal(err)
		}
		run := runOf(*s, "u")
		stage := run.Newest()
		if stage.State != StatusLost || !stage.Since.Equal(last) || s.LastFailure == nil || !s.LastFailure.At.Equal(last) {
			t.Errorf("%s since %v, failure %+v, want lost since %v", stage.State, stage.Since, s.LastFailure, last)
		}
		if s.Updated.Before(before) {
			t.Errorf("updated %v, it was read after %v", s.Updated, before)
		}
		if s.Modules == nil || s.Definitions == nil || s.Durations == nil {
			t.Error("a list is null")
		}
	}
}

// A loss that a reader works out, of a run whose last word is old, is not the last failure.
func TestOlderLossIsNotTheLastFailure(t *testing.T) {
	var s State
	at := time.Unix(1_000_000, 0).UTC()
	gone := Owner{PID: 7, Boot: "boot"}
	s.Apply(Event{Kind: KindStage, What: EventStarted, Run: "a", Account: "a", Stage: 1, Time: at, Owner: gone})
	s.Apply(Event{Kind: KindStage, What: EventFailed, Run: "b", Account: "b", Stage: 1, Time: at.Add(time.Hour)})
	s.settle(deaths{gone: true})
	if runOf(s, "a").State != StatusLost || s.LastFailure.Account != "b" {
		t.Errorf("a is %s, the last failure is %+v", runOf(s, "a").State, s.LastFailure)
	}
}

// The last failure holds what the lost stage's module printed, until anybody is erased.
func TestLastFailureTellsTheLastOutput(t *testing.T) {
	var s State
	gone := Owner{PID: 7, Boot: "boot"}
	s.Apply(Event{Kind: KindStage, What: EventStarted, Run: "a", Account: "a", Key: "fetch", Owner: gone})
	s.Apply(Event{Kind: KindStage, What: EventLost, Run: "a", Account: "a", Key: "fetch", Owner: gone, Module: &ModuleFact{Last: "bad\n"}})
	if f := s.LastFailure; f == nil || f.Last != "bad\n" || f.Key != "fetch" {
		t.Fatalf("last failure: %+v", f)
	}
	s.Apply(Event{Kind: KindStage, What: EventStarted, Run: "a", Account: "a", Key: "fetch", Owner: gone}) // forgets the exit
	if s.LastFailure.Last != "bad\n" {
		t.Error("the output is forgotten with the next attempt")
	}
	s.Apply(Event{Kind: KindErased, Runs: []string{"of another account"}})
	if f := s.LastFailure; f == nil || f.Last != "" {
		t.Errorf("after an erasure: %+v", f)
	}
}
