package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/engine"
	"github.com/stagewatch/stagewatch/internal/scrape"
)

const watchdogExecutor = "content"

func failed(t *testing.T, p *Pipeline, username string) func() bool {
	return func() bool { return outcome(t, p, username).State == account.Failed }
}

// unwritable makes an account's outcome impossible to record, and to read when
// there is none yet, without rights that root does not need.
func unwritable(t *testing.T, dir string) {
	t.Helper()
	_ = os.Remove(filepath.Join(dir, "status.json"))
	must(t, os.MkdirAll(filepath.Join(dir, "status.json", "x"), 0o700))
}

func TestOneFolderThatCannotBeWrittenHoldsUpNobody(t *testing.T) {
	home := t.TempDir()
	unwritable(t, add(t, home, "first", time.Hour))
	broken := add(t, home, "broken", time.Hour)
	must(t, os.WriteFile(filepath.Join(broken, "info.json"), []byte("[]"), 0o600))
	unwritable(t, broken)
	add(t, home, "second", time.Minute)
	p, end := life(t, home, watchdogExecutor, nothing)
	watchUntil(t, p, home, failed(t, p, "second"))
	runs, err := p.engine.Runs(t.Context(), 10)
	must(t, err)
	end()
	if len(runs) != 1 {
		t.Errorf("%d runs were begun, want 1: the second account's", len(runs))
	}
	told := lines(t, home)
	for _, username := range []string{"first", "broken", "second"} {
		if n := strings.Count(told, "Stage 1 Failed - Data Scraping for "+username); n != 1 {
			t.Errorf("%d failures of %s were told, want 1:\n%s", n, username, told)
		}
	}
}

func TestAnOutcomeThatCannotBeKeptSetsItsAccountAside(t *testing.T) {
	home := t.TempDir()
	first := add(t, home, "first", time.Hour)
	add(t, home, "second", time.Minute)
	p, end := life(t, home, watchdogExecutor, func(ctx context.Context, r scrape.Request) (scrape.Raw, error) {
		if r.Username == "first" { // its folder breaks while it is worked on
			unwritable(t, first)
		}
		return nothing(ctx, r)
	})
	watchUntil(t, p, home, failed(t, p, "second"))
	end()
	if told := lines(t, home); strings.Count(told, "Failed to keep the outcome: ") != 1 {
		t.Errorf("the outcome that could not be kept was not told once:\n%s", told)
	}
}

func TestAnAccountSetAsideRestsLongerEachTime(t *testing.T) {
	home := t.TempDir()
	p, end := life(t, home, watchdogExecutor, nothing)
	defer end()
	dir := add(t, home, "first", time.Hour)
	unwritable(t, dir)
	p.turn <- struct{}{}
	w := &watchdog{Pipeline: p, aside: map[string]account.Outcome{}}
	e := account.Entry{Key: account.InfoKey(content.Twitter, "first"), Account: content.Account{Platform: content.Twitter, Username: "first"}}
	for i, want := range []time.Duration{1, 2, 4} {
		must(t, w.process(t.Context(), e))
		o := w.aside[e.Key]
		if got := o.NextTry.Sub(o.At) / time.Minute; got != want {
			t.Errorf("rest %d lasts %d minutes, want %d", i+1, got, want)
		}
		e.Outcome = &o
	}
	must(t, p.tracker.Flush(t.Context()))
	if told := lines(t, home); strings.Count(told, "Failed to keep the outcome: ") != 1 {
		t.Errorf("one fault was not told once:\n%s", told)
	}
	must(t, os.RemoveAll(filepath.Join(dir, "status.json")))
	must(t, w.process(t.Context(), e))
	if o := outcome(t, p, "first"); o.State != account.Failed || len(w.aside) != 0 {
		t.Errorf("once its folder was mended: %+v, aside %v", o, w.aside)
	}
}

func TestAClaimedAccountStarvesNobody(t *testing.T) {
	home := t.TempDir()
	add(t, home, "first", time.Hour)
	add(t, home, "second", time.Minute)
	p, end := life(t, home, watchdogExecutor, nothing)
	defer end()
	release, err := account.Claim(filepath.Join(home, "locks"), content.Account{Platform: content.Twitter, Username: "first"})
	must(t, err)
	defer release()
	watchUntil(t, p, home, failed(t, p, "second"))
}

func TestARunThatWaitsForItsAccountLetsOthersGoOn(t *testing.T) {
	home := t.TempDir()
	p, end := life(t, home, watchdogExecutor, nothing)
	defer end()
	release, err := account.Claim(filepath.Join(home, "locks"), somebody())
	must(t, err)
	defer release()
	must(t, p.engine.Start(t.Context(), "waits", Job{Account: somebody()}))
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for there := false; !there && ctx.Err() == nil; { // its turn comes first
		p.mu.Lock()
		_, there = p.at["waits"]
		p.mu.Unlock()
	}
	p.turn <- struct{}{}
	other := Job{Account: content.Account{Platform: content.Twitter, Username: "other"}}
	if o, err := p.wait(ctx, "goes-on", other); err != nil || o.Stage != 1 {
		t.Errorf("the other run ended with %+v, %v, want a failure of stage 1", o, err)
	}
}

// Every life ends in stage 1 of the first account until the engine gives its run up.
func TestARunGivenUpIsFailedAndOthersGoOn(t *testing.T) {
	home := t.TempDir()
	add(t, home, "first", time.Hour)
	add(t, home, "second", time.Minute)
	var lives int
	for ; lives < 20; lives++ {
		var in atomic.Bool
		p, end := life(t, home, watchdogExecutor, func(ctx context.Context, r scrape.Request) (scrape.Raw, error) {
			if r.Username == "second" {
				return nothing(ctx, r)
			}
			in.Store(true)
			<-ctx.Done()
			return scrape.Raw{}, ctx.Err()
		})
		second := failed(t, p, "second")
		watchUntil(t, p, home, func() bool { return in.Load() || second() })
		o, others := outcome(t, p, "first"), second()
		end()
		if !others {
			continue
		}
		if o.State != account.Failed || o.Permanent || o.Attempts != 1 || o.NextTry.Sub(o.At) != account.FirstRetry {
			t.Errorf("the outcome of the run given up is %+v, want one failure, with a retry", o)
		}
		if told := lines(t, home); !strings.Contains(told, "given up after") {
			t.Errorf("nobody was told that it was given up:\n%s", told)
		}
		return
	}
	t.Errorf("after %d lives the second account was not worked on", lives)
}

func TestAKillBeforeTheRecordSkipsNoPause(t *testing.T) {
	home := t.TempDir()
	add(t, home, "somebody", time.Hour)
	var fetched atomic.Int32
	p, end := life(t, home, watchdogExecutor, func(ctx context.Context, r scrape.Request) (scrape.Raw, error) {
		fetched.Add(1)
		return scrape.Raw{}, errors.New("connection reset")
	})
	defer end()
	p.turn <- struct{}{}
	e, err := account.Load(t.Context(), p.results, content.Twitter, "somebody")
	must(t, err)
	must(t, account.Record(t.Context(), p.results, *e, e.Begin("r", time.Now())))
	must(t, p.engine.Start(t.Context(), "r", Job{Account: e.Account, Input: e.Input}))
	status, err := p.engine.Wait(t.Context(), "r")
	if err != nil || status.State != engine.Failed {
		t.Fatalf("the run ended as %+v, %v", status, err)
	}
	<-p.turn // here the process would have been killed
	watchUntil(t, p, home, failed(t, p, "somebody"))
	o := outcome(t, p, "somebody")
	if n := fetched.Load(); n != 1 || o.Attempts != 1 || o.NextTry.Sub(o.At) != account.FirstRetry {
		t.Errorf("it was tried %d times, and its outcome is %+v, want one try and a pause", n, o)
	}
}
