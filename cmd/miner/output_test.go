package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch"
)

// printing makes a home whose Module 1 runs a script, and whose Module 2 sleeps.
func printing(t *testing.T, settings, script string) (home string) {
	t.Helper()
	home = t.TempDir()
	files := map[string]string{
		"content.sh": script,
		"miner.yaml": settings + fmt.Sprintf(`
restart: {backoff: 10ms, backoff_max: 10ms, deaths: 1000, healthy_after: 1h}
modules:
  content: {command: [sh, %q], patterns: [stage-marks]}
  images: {command: [sleep, '1000']}
`, filepath.Join(home, "content.sh")),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// recorded waits until the home's journal holds n events of the kind and
// returns all up to then.
func recorded(t *testing.T, home string, kind stagewatch.Kind, what string, n int) (all []stagewatch.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	enough := errors.New("enough")
	err := stagewatch.Follow(ctx, home, stagewatch.Position{}, func(e stagewatch.Event) error {
		all = append(all, e)
		if e.Kind == kind && e.What == what {
			n--
		}
		if n == 0 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("%d more of %s %s: %v", n, kind, what, err)
	}
	return all
}

// A module that ends right after its last line has not lost the stage.
func TestLastWordsAreRecordedBeforeTheExit(t *testing.T) {
	home := printing(t, "", "echo '@stage start 1 for=a'; printf '@stage complete 1 for=a: with the last breath'; exit 1\n")
	p := start(t, home)
	all := recorded(t, home, stagewatch.KindModule, stagewatch.EventExited, 20)
	p.end(os.Interrupt)
	open := stagewatch.Owner{}
	completed := 0
	for _, e := range all {
		switch {
		case e.Kind == stagewatch.KindModule && e.What == stagewatch.EventExited && e.Module.PID == open.PID:
			t.Errorf("the exit of %v stands before the end of its stage", open)
		case e.What == stagewatch.EventLost:
			t.Errorf("lost: %+v", e)
		case e.Kind == stagewatch.KindStage && e.What == stagewatch.EventStarted:
			open = e.Owner
		case e.Kind == stagewatch.KindStage && e.What == stagewatch.EventCompleted:
			if e.Owner != open || e.Message != "with the last breath" {
				t.Errorf("completed by %v with %q, begun by %v", e.Owner, e.Message, open)
			}
			open = stagewatch.Owner{}
			completed++
		}
	}
	if completed < 20 {
		t.Errorf("%d stages completed in 20 lives", completed)
	}
}

// A stage is its process's: lost with it, and begun anew by the next.
func TestRestartedModuleIsANewOwner(t *testing.T) {
	t.Setenv("TOKEN_OF_TEST", "hunter2-hunter2")
	home := printing(t, "secrets: [TOKEN_OF_TEST]", "echo '@stage start 4 for=a'; echo token is $TOKEN_OF_TEST; exec sleep 1000\n")
	p := start(t, home)
	p.wait("Stage 4 - Time Series Analysis for a", 1)
	var first stagewatch.Owner
	for _, e := range recorded(t, home, stagewatch.KindStage, stagewatch.EventStarted, 1) {
		first = e.Owner
	}
	within(t, 30*time.Second, "the token printed", func() bool {
		text, _ := os.ReadFile(filepath.Join(home, "logs", "content.log"))
		return strings.Contains(string(text), "token is hunter2-hunter2")
	})
	kill(t, first.PID, syscall.SIGKILL)
	p.wait("Stage 4 Lost - Time Series Analysis for a", 1)
	p.wait("Stage 4 - Time Series Analysis for a", 2)
	var lost, exited bool
	for _, e := range recorded(t, home, stagewatch.KindStage, stagewatch.EventStarted, 2) {
		switch {
		case e.What == stagewatch.EventLost:
			lost = e.Owner == first
		case e.What == stagewatch.EventExited && e.Module.PID == first.PID:
			exited = e.Module.Start == first.Start && strings.HasSuffix(e.Module.Last, "token is ***\n")
		case e.Kind == stagewatch.KindStage && lost && e.Owner == first:
			t.Errorf("recorded in the name of the dead: %+v", e)
		}
	}
	if !lost || !exited {
		t.Errorf("lost %v, exit with masked last lines %v", lost, exited)
	}
	p.end(os.Interrupt)
	text, err := filepath.Glob(filepath.Join(home, "journal", "*.seg"))
	if err != nil || len(text) == 0 {
		t.Fatal(text, err)
	}
	for _, file := range text {
		if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), "hunter2") {
			t.Errorf("%s holds the secret (%v)", file, err)
		}
	}
}

// What a stop on purpose breaks off is told so.
func TestStoppedModuleHasStoppedStages(t *testing.T) {
	home := printing(t, "", "echo '@stage start 4 for=a'; exec sleep 1000\n")
	p := start(t, home)
	p.wait("Stage 4 - Time Series Analysis for a", 1)
	p.end(os.Interrupt)
	inOrder(t, p.out.String(), "🛑 Stopping miner", "⚠️  Stage 4 Stopped - Time Series Analysis for a", "🏁 Miner cleanup completed\n")
	if strings.Contains(p.out.String(), "Lost") {
		t.Error("told lost")
	}
}

// A file that holds a secret and cannot be read would leave it unmasked.
func TestUnreadableSecretStopsTheMiner(t *testing.T) {
	home := printing(t, "secrets: ['file:none']", "exit 1\n")
	out, err := command(home).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "miner.yaml: line 1, column 11: secret 1, file:none: ") {
		t.Errorf("miner ended with %v, printed %q", err, out)
	}
}
