package main

import (
	"os"
	"path/filepath"
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

// The tables say each thing once, in one row a run, as wide as one can read.
func TestStatusTables(t *testing.T) {
	now := time.Unix(1_000_000, 0).UTC()
	stage := func(e stagewatch.Event) stagewatch.Event {
		e.Kind, e.Run, e.Time, e.Owner = stagewatch.KindStage, "run-"+e.Account, now.Add(-5*time.Minute), stagewatch.Owner{PID: 7}
		return e
	}
	exited := stagewatch.Event{Kind: stagewatch.KindModule, What: stagewatch.EventExited, Time: now, Module: &stagewatch.ModuleFact{Name: "content", Number: 1, Reason: "exit code 3"}}
	for name, c := range map[string]struct {
		told []stagewatch.Event
		want string // without the first line
	}{
		"a key that is in no definition": {
			[]stagewatch.Event{stage(stagewatch.Event{What: stagewatch.EventStarted, Account: "u", Key: "fetch"})},
			"ACCOUNT  STAGE  STATE    SINCE  ATTEMPT  MESSAGE\nu        fetch  running  5m00s  1        \n",
		},
		"names and messages of any width": {
			[]stagewatch.Event{stage(stagewatch.Event{What: stagewatch.EventStarted, Account: strings.Repeat("u", 300), Stage: 1, Message: strings.Repeat("é\n", 300)})},
			"ACCOUNT" + strings.Repeat(" ", 35) + "STAGE            STATE    SINCE  ATTEMPT  MESSAGE\n" +
				strings.Repeat("u", 39) + "…  1 Data Scraping  running  5m00s  1        " + strings.Repeat("é ", 39) + "é…\n",
		},
		"why a module does not run": {
			[]stagewatch.Event{exited},
			"MODULE     STATE       PID  RESTARTS  SINCE  LAST EXIT            WHY NOT RUNNING\n1 content  Restarting  -    0         0s     exit code 3, 0s ago  \n",
		},
		"the end of a lost stage's module": {
			[]stagewatch.Event{
				stage(stagewatch.Event{What: stagewatch.EventStarted, Account: "u", Platform: "p", Stage: 3}),
				stage(stagewatch.Event{What: stagewatch.EventLost, Account: "u", Platform: "p", Stage: 3, Message: "process ended", Module: &stagewatch.ModuleFact{Last: "1\n2\n3\n\n4\n5\x1b[2J\n6\n"}}),
			},
			"ACCOUNT  STAGE              STATE  SINCE  ATTEMPT  MESSAGE\np/u      3 Vector Database  lost   5m00s  1        process ended\n\n" +
				"Last failure, 5m00s ago: p/u, stage 3 Vector Database: process ended\n  | 2\n  | 3\n  | 4\n  | 5 [2J\n  | 6\n",
		},
		"a failure without a message": {
			[]stagewatch.Event{stage(stagewatch.Event{What: stagewatch.EventFailed, Account: "u", Key: "fetch"})},
			"ACCOUNT  STAGE  STATE   SINCE  ATTEMPT  MESSAGE\nu        fetch  failed  5m00s  1        \n\nLast failure, 5m00s ago: u, stage fetch\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s stagewatch.State
			for _, e := range c.told {
				s.Apply(e)
			}
			var out strings.Builder
			if err := showState(&out, &s, now); err != nil {
				t.Fatal(err)
			}
			_, got, _ := strings.Cut(out.String(), "\n\n")
			if got != c.want {
				t.Errorf("tables:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// Nor do the other commands, whatever files are called and hold.
func TestCommandsAreHarmless(t *testing.T) {
	const evil = "evil\x1b[2J\u202e"
	home := filepath.Join(t.TempDir(), evil)
	folder := filepath.Join(home, "tasks", "AccountInfo", "twitter", "somebody")
	tr, err := stagewatch.Open(stagewatch.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	tr.Start(1, "m", stagewatch.For("u"))
	tr.Close()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(home, "journal", evil): "",
		filepath.Join(folder, "info.json"):   "{}",
		filepath.Join(folder, "status.json"): `{"state":"failed","reason":"evil\u001b[2J\n\u202e","attempts":1,"at":"2026-11-23T12:00:00Z"}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"verify", "--home", home}, {"account", "list", "--home", home}, {"status", "--home", home + "/none"}, {"show", "twitter/" + evil, "--home", home},
	} {
		var out strings.Builder
		run(args, &out, &out)
		if !strings.Contains(out.String(), "evil") {
			t.Errorf("%s does not show it: %q", args[0], out.String())
		}
		for _, r := range out.String() {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Errorf("%s prints %U: %q", args[0], r, out.String())
				break
			}
		}
	}
}
