package account

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func TestAnAccountIsDueUntilItEndedWell(t *testing.T) {
	e := Entry{Input: "a", Modified: noon().Add(-time.Hour)}
	begun := e.Begin("run-1", noon())
	for name, tt := range map[string]struct {
		entry   Entry
		outcome *Outcome
		want    bool
	}{
		"new":                 {e, nil, true},
		"new, of the future":  {Entry{Modified: noon().Add(time.Hour)}, nil, true},
		"unusable":            {Entry{Err: errors.New("x")}, nil, false},
		"interrupted":         {e, &begun, true},
		"processed":           {e, new(begun.Done(noon())), false},
		"processed, changed":  {Entry{Input: "b"}, new(begun.Done(noon())), true},
		"just failed":         {e, new(begun.Fail(1, "disk full", Transient, noon())), false},
		"failed a minute ago": {e, new(begun.Fail(1, "disk full", Transient, noon().Add(-time.Minute))), true},
		"private, an hour":    {e, new(begun.Fail(1, "private", Data, noon().Add(-time.Hour))), false},
		"private, six hours":  {e, new(begun.Fail(1, "private", Data, noon().Add(-6*time.Hour))), true},
		"permanent":           {e, new(begun.Fail(1, "never", Permanent, noon().Add(-1000*time.Hour))), false},
		"permanent, changed":  {Entry{Input: "b"}, new(begun.Fail(1, "never", Permanent, noon())), true},
		"stopped":             {e, new(begun.Stop(4, noon())), true},
	} {
		tt.entry.Outcome = tt.outcome
		if got := Due(tt.entry, noon()); got != tt.want {
			t.Errorf("%s: Due = %v, want %v", name, got, tt.want)
		}
	}
}

func TestRetriesSlowDownToAnHour(t *testing.T) {
	e := Entry{Input: "a"}
	var got []time.Duration
	for range 9 {
		o := e.Begin("r", noon()).Fail(3, "disk full", Transient, noon())
		got = append(got, o.NextTry.Sub(o.At)/time.Minute)
		e.Outcome = &o
	}
	if diff := cmp.Diff([]time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}, got); diff != "" {
		t.Errorf("minutes between tries (-want +got):\n%s", diff)
	}
	e.Input = "b"
	if o := e.Begin("r", noon()); o.Attempts != 1 {
		t.Errorf("a changed input begins with attempt %d, want 1", o.Attempts)
	}
}

func TestAnInterruptionIsNoTryOfItsOwn(t *testing.T) {
	e := Entry{Input: "a"}
	o := e.Begin("r", noon())
	for range 3 {
		e.Outcome = new(o)
		o = e.Begin("r", noon())
	}
	if o.Attempts != 1 {
		t.Errorf("a run that went on three times counts as %d tries, want 1", o.Attempts)
	}
	if o = e.Begin("another", noon()); o.Attempts != 2 {
		t.Errorf("another run of the input counts as try %d, want 2", o.Attempts)
	}
	e.Outcome = new(o.Stop(2, noon()))
	if o = e.Begin("another", noon()); o.Attempts != 2 {
		t.Errorf("a run that was stopped and goes on counts as try %d, want 2", o.Attempts)
	}
}

func TestOutcomeLivesBesideTheFileAndLeavesItAlone(t *testing.T) {
	b, dir := tasks(t)
	const text = `{"accountType":"branding"} `
	for _, key := range []string{"AccountInfo/twitter/AcmeTea/info.json", "AccountInfo/acmeold/info.json"} {
		write(t, dir, key, text)
	}
	for _, e := range find1(t, b) {
		o := e.Begin("run-1", noon()).Fail(1, "account is private", Data, noon())
		if err := Record(t.Context(), b, e, o); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Key))
		if err != nil || string(data) != text {
			t.Errorf("info.json became %q, %v", data, err)
		}
	}
	for _, e := range find1(t, b) {
		want := &Outcome{
			State: Failed, Run: "run-1", Stage: 1, Reason: "account is private", Input: e.Input, Attempts: 1,
			At: noon(), NextTry: noon().Add(6 * time.Hour),
		}
		if diff := cmp.Diff(want, e.Outcome); diff != "" {
			t.Errorf("%s: outcome (-want +got):\n%s", e.Key, diff)
		}
	}
}

func TestARefusalIsRememberedUntilItsReasonGoes(t *testing.T) {
	b, dir := tasks(t)
	for key, data := range map[string]string{
		"AccountInfo/twitter/broken/info.json": `{"a":`, "AccountInfo/linkedin/acme/info.json": `{}`,
		"AccountInfo/twice/info.json": `{}`, "AccountInfo/instagram/twice/info.json": `{}`, "AccountInfo/twitter/bad\x01/info.json": `{}`,
	} {
		write(t, dir, key, data)
	}
	refused := 0
	for _, e := range find1(t, b) {
		if e.Err == nil {
			continue
		}
		refused++
		if err := Record(t.Context(), b, e, e.Begin("r", noon()).Fail(1, e.Err.Error(), Permanent, noon())); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range find1(t, b) {
		if e.Err != nil && (e.Outcome == nil || e.Outcome.Input != e.Input || e.Outcome.State != Failed) {
			t.Errorf("%s: the refusal was forgotten: %+v", e.Key, e.Outcome)
		}
	}
	if refused != 4 {
		t.Errorf("%d files were refused, want 4", refused)
	}
	if err := os.Remove(filepath.Join(dir, "AccountInfo/instagram/twice/info.json")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "AccountInfo/twitter/broken/info.json", `{}`)
	due := 0
	for _, e := range find1(t, b) {
		if Due(e, time.Now()) {
			due++
		}
	}
	if due != 2 {
		t.Errorf("%d accounts are due once their faults are gone, want 2", due)
	}
}

func TestRetryMakesAFailedAccountDueAtOnce(t *testing.T) {
	b, dir := tasks(t)
	write(t, dir, "AccountInfo/acmeold/info.json", `{}`)
	e := find1(t, b)[0]
	if err := Record(t.Context(), b, e, e.Begin("run-1", noon()).Fail(1, "no", Permanent, noon())); err != nil {
		t.Fatal(err)
	}
	if err := Retry(t.Context(), b, find1(t, b)[0]); err != nil {
		t.Fatal(err)
	}
	if e = find1(t, b)[0]; !Due(e, noon()) {
		t.Error("the account is not due after Retry")
	}
	if err := Record(t.Context(), b, e, e.Begin("run-2", noon()).Done(noon())); err != nil {
		t.Fatal(err)
	}
	e = find1(t, b)[0]
	if err := Retry(t.Context(), b, e); !errors.Is(err, ErrNotFailed) {
		t.Errorf("Retry of a processed account = %v, want ErrNotFailed", err)
	}
	if _, found := NextDue([]Entry{e}); found {
		t.Error("NextDue found a processed account")
	}
	write(t, dir, "AccountInfo/acmeold/status.json", "{torn")
	if e := find1(t, b)[0]; e.Outcome != nil || e.Err != nil || !Due(e, time.Now()) {
		t.Errorf("a torn status.json gives %+v, want a due account", e)
	}
}

// TestNoAccountStarves lets accounts succeed, fail and change at random, and holds
// that whoever is due gets a turn within as many turns as fairness allows.
func TestNoAccountStarves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := noon()
		entries := rapid.SliceOfN(newcomers(now), 1, 8).Draw(rt, "accounts")
		for i := range entries {
			entries[i].Key = fmt.Sprint(i)
		}
		limit := len(entries) * len(content.Platforms())
		waited := map[string]int{}
		var last content.Platform
		for range 60 {
			now = now.Add(time.Minute)
			turn, found := Next(entries, last, now)
			if found {
				last = turn.Account.Platform
			}
			for i := range entries {
				e := &entries[i]
				if found && e.Key == turn.Key {
					waited[e.Key] = 0
					work(rt, e, now)
				} else if Due(*e, now) {
					waited[e.Key]++
				}
				if waited[e.Key] > limit || !found && Due(*e, now) {
					rt.Fatalf("%s %s has waited for %d turns", e.Account.Platform, e.Key, waited[e.Key])
				}
			}
		}
	})
}

func newcomers(now time.Time) *rapid.Generator[Entry] {
	return rapid.Custom(func(rt *rapid.T) Entry {
		age := time.Duration(rapid.IntRange(0, 50).Draw(rt, "minutes")) * time.Minute
		return Entry{Account: content.Account{Platform: rapid.SampledFrom(content.Platforms()).Draw(rt, "platform")}, Input: "a", Modified: now.Add(-age)}
	})
}

// work ends a turn of e in any way it can end.
func work(rt *rapid.T, e *Entry, now time.Time) {
	o := e.Begin("r", now)
	switch rapid.IntRange(0, 3).Draw(rt, "end") {
	case 0:
		o = o.Done(now)
	case 1:
		o = o.Fail(1, "x", Transient, now)
	case 2:
		o = o.Stop(1, now)
	default: // Its file is saved again and again.
		e.Modified, e.Input = now, e.Input+"a"
	}
	e.Outcome = &o
}

func TestPlatformsTakeTurns(t *testing.T) {
	var entries []Entry
	for i, p := range []content.Platform{content.Twitter, content.Twitter, content.Twitter, content.Facebook, content.Instagram} {
		entries = append(entries, Entry{Key: fmt.Sprint(i), Account: content.Account{Platform: p}, Modified: noon().Add(time.Duration(-i) * time.Hour)})
	}
	var got []string
	var last content.Platform
	for {
		e, found := Next(entries, last, noon())
		if !found {
			break
		}
		got, last = append(got, e.Key), e.Account.Platform
		for i := range entries {
			if entries[i].Key == e.Key {
				entries[i].Outcome = new(e.Begin("r", noon()).Done(noon()))
			}
		}
	}
	if diff := cmp.Diff([]string{"4", "2", "3", "1", "0"}, got); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}
