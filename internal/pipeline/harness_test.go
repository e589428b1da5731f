package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/index"
	"github.com/stagewatch/stagewatch/internal/scrape"
)

// fetch is a connector.
type fetch func(ctx context.Context, r scrape.Request) (scrape.Raw, error)

func (f fetch) Fetch(ctx context.Context, r scrape.Request) (scrape.Raw, error) { return f(ctx, r) }

// nothing is a platform that knows nobody, so that each run ends in stage 1.
func nothing(_ context.Context, r scrape.Request) (scrape.Raw, error) {
	return scrape.Raw{}, fmt.Errorf("%s: %w", r.Username, scrape.ErrNoScrape)
}

func somebody() content.Account {
	return content.Account{Platform: content.Twitter, Username: "somebody"}
}

// life opens a pipeline as a process does at its start; end is that process's.
func life(t *testing.T, home, executor string, f fetch) (p *Pipeline, end func()) {
	t.Helper()
	results, err := bucket.Open(filepath.Join(home, "tasks"))
	must(t, err)
	raw, err := bucket.Open(filepath.Join(home, "raw"))
	must(t, err)
	vectors, err := index.Open(index.Config{Path: filepath.Join(home, "index.db")})
	must(t, err)
	tracker, err := stagewatch.Open(stagewatch.Config{Home: home})
	must(t, err)
	p, err = Open(t.Context(), Config{
		Results: results, Raw: raw, Connector: f, Index: vectors, Tracker: tracker,
		Engine: filepath.Join(home, "engine.db"), Locks: filepath.Join(home, "locks"), Executor: executor,
	})
	must(t, err)
	return p, func() {
		must(t, p.Close())
		must(t, vectors.Close())
		tracker.Close()
	}
}

// watchUntil lets a life watch until done says so, a minute at most.
func watchUntil(t *testing.T, p *Pipeline, home string, done func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- p.Watch(ctx, filepath.Join(home, "tasks"), 5*time.Minute) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case err := <-ended:
			stop()
			t.Fatalf("the watchdog ended: %v", err)
		case <-ctx.Done():
			t.Error("what was waited for did not come")
		case <-tick.C:
			continue
		}
		break
	}
	stop()
	must(t, <-ended)
}

// add names an account and returns its folder.
func add(t *testing.T, home, username string, age time.Duration) string {
	t.Helper()
	dir := filepath.Join(home, "tasks", account.Root, "twitter", username)
	must(t, os.MkdirAll(dir, 0o700))
	name := filepath.Join(dir, "info.json")
	must(t, os.WriteFile(name, []byte(`{}`), 0o600))
	must(t, os.Chtimes(name, time.Now().Add(-age), time.Now().Add(-age)))
	return dir
}

// outcome returns what is recorded of an account, zero when nothing is.
func outcome(t *testing.T, p *Pipeline, username string) account.Outcome {
	t.Helper()
	e, err := account.Load(t.Context(), p.results, content.Twitter, username)
	must(t, err)
	if e == nil || e.Outcome == nil {
		return account.Outcome{}
	}
	return *e.Outcome
}

// lines returns what the operator was told so far. What a tracker still holds back
// is not among it.
func lines(t *testing.T, home string) string {
	t.Helper()
	marker, err := stagewatch.Open(stagewatch.Config{Home: home})
	must(t, err)
	end := fmt.Sprint("the end as of ", time.Now())
	marker.Start(0, end)
	must(t, marker.Flush(t.Context()))
	marker.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var state stagewatch.State
	var all []string
	seen := errors.New("the end is seen")
	err = stagewatch.Follow(ctx, home, stagewatch.Position{}, func(e stagewatch.Event) error {
		if e.Message == end {
			return seen
		}
		if _, line, shown := state.Apply(e).Line(); shown {
			all = append(all, line)
		}
		return nil
	})
	if !errors.Is(err, seen) {
		t.Fatalf("the journal's end was not seen: %v", err)
	}
	return strings.Join(all, "\n")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
