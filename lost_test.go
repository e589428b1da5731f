package stagewatch

import (
	"testing"
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
