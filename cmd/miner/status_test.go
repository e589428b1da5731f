package main

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stagewatch/stagewatch"
)

// Whatever a journal holds, the tables do nothing to a terminal.
func TestStatusIsHarmless(t *testing.T) {
	const evil = "\x1b[2Jevil\n\t\u202e"
	s := &stagewatch.State{Mode: evil, Miner: stagewatch.MinerState{State: "running"}}
	s.Apply(stagewatch.Event{Kind: stagewatch.KindModule, What: stagewatch.EventExited, Module: &stagewatch.ModuleFact{Name: evil, Reason: evil, Title: evil}})
	s.Apply(stagewatch.Event{Kind: stagewatch.KindModule, What: stagewatch.EventReady, Module: &stagewatch.ModuleFact{Name: evil, Address: evil}})
	s.Apply(stagewatch.Event{
		Kind: stagewatch.KindStage, What: stagewatch.EventFailed, Key: evil,
		Run: evil, Definition: evil, Platform: evil, Account: evil, Message: evil,
	})
	var out strings.Builder
	if err := showState(&out, s, time.Now()); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "evil") < 8 {
		t.Errorf("not everything is shown:\n%s", out.String())
	}
	for _, r := range out.String() {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Fatalf("the tables hold %U:\n%q", r, out.String())
		}
	}
}

// A run that was left between two stages is not shown as if it went on.
func TestStatusShowsRunLeftBetweenStages(t *testing.T) {
	r := &stagewatch.RunState{State: stagewatch.StatusLost, Stages: []stagewatch.StageState{{State: stagewatch.StatusCompleted}}}
	if got, want := progress(r, r.Newest()), "completed, then lost"; got != want {
		t.Errorf("progress = %q, want %q", got, want)
	}
}
