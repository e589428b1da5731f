package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// flaky is a run of three steps of which the second fails until it is mended.
func flaky(t *testing.T) (cfg Config, d *diary, mend func()) {
	t.Helper()
	dir := t.TempDir()
	d = &diary{path: filepath.Join(dir, "diary")}
	cfg = testConfig(dir, "content", d)
	cfg.Steps = cfg.Steps[:3]
	broken := true
	second := cfg.Steps[1].Do
	cfg.Steps[1].Do = func(ctx context.Context, run *Run) (any, error) {
		result, err := second(ctx, run)
		if broken {
			return nil, errors.New("not yet")
		}
		return result, err
	}
	return cfg, d, func() { broken = false }
}

func retry(t *testing.T, e *Engine) {
	t.Helper()
	if err := e.Retry(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
}

func TestRetryGoesOnFromTheFailedStep(t *testing.T) {
	t.Parallel()
	cfg, d, mend := flaky(t)
	e := open(t, cfg)
	begin(t, e, "r", 1)
	if status := wait(t, e, "r"); status.State != Failed {
		t.Fatalf("run ended as %+v", status)
	}
	shut(t, e)
	e = open(t, cfg) // a failed run is not taken up by itself
	if got := e.Interrupted(); len(got) != 0 {
		t.Errorf("Interrupted() = %+v", got)
	}
	mend()
	retry(t, e)
	if status := wait(t, e, "r"); status.State != Succeeded || status.TakeUps != 1 {
		t.Errorf("run ended as %+v", status)
	}
	if diff := cmp.Diff([]string{"scrape", "clean", "clean", "index"}, d.read(t)); diff != "" {
		t.Errorf("steps begun (-want +got):\n%s", diff)
	}
	if err := e.Retry(t.Context(), "r"); !errors.Is(err, ErrNotRetryable) {
		t.Errorf("Retry() of a success = %v, want ErrNotRetryable", err)
	}
	if err := e.Retry(t.Context(), "none"); !errors.Is(err, ErrUnknownRun) {
		t.Errorf("Retry() of nothing = %v, want ErrUnknownRun", err)
	}
}

func TestRunningRunIsNotRetried(t *testing.T) {
	begun := make(chan struct{})
	e := open(t, steps(t, Step{Name: "a", Do: func(ctx context.Context, _ *Run) (any, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}}))
	begin(t, e, "r", nil)
	<-begun
	if err := e.Retry(t.Context(), "r"); !errors.Is(err, ErrNotRetryable) {
		t.Errorf("Retry() = %v, want ErrNotRetryable", err)
	}
}

// interrupt leaves a run pending in its second step and returns its configuration.
func interrupt(t *testing.T) (Config, *diary) {
	t.Helper()
	dir := t.TempDir()
	d := &diary{path: filepath.Join(dir, "diary")}
	cfg := testConfig(dir, "content", d)
	second, begun := cfg.Steps[1].Do, make(chan struct{})
	cfg.Steps[1].Do = func(ctx context.Context, run *Run) (any, error) {
		defer close(begun)
		if _, err := second(ctx, run); err != nil {
			return nil, err
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	e := open(t, cfg)
	begin(t, e, "r", 1)
	d.await(t, "clean")
	shut(t, e)
	<-begun
	cfg.Steps[1].Do = second
	return cfg, d
}

func TestRunOfOtherStepsIsStrandedUntilRetried(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"version": func(c *Config) { c.Version = "v2" },
		"removed": func(c *Config) { c.Steps = c.Steps[:5] },
		"order": func(c *Config) {
			c.Steps = []Step{c.Steps[0], {Name: "index", Do: c.Steps[0].Do}, {Name: "clean", Do: c.Steps[0].Do}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, d := interrupt(t)
			before := cfg
			before.Steps = append([]Step(nil), cfg.Steps...)
			change(&cfg)
			e := open(t, cfg)
			if got := e.Interrupted(); len(got) != 1 || got[0].State != Stranded {
				t.Fatalf("Interrupted() = %+v, want one stranded run", got)
			}
			if _, err := e.Wait(t.Context(), "r"); !errors.Is(err, ErrStranded) {
				t.Errorf("Wait() = %v, want ErrStranded", err)
			}
			shut(t, e)
			if name == "removed" { // going back is possible
				wait(t, open(t, before), "r")
				if got := d.read(t); len(got) != 7 || got[2] != "clean" {
					t.Errorf("steps begun %q, want only the second repeated", got)
				}
				return
			}
			e = open(t, cfg)
			retry(t, e)
			if status := wait(t, e, "r"); status.State != Succeeded {
				t.Errorf("run ended as %+v: %v", status, status.Failure)
			}
			if got := d.read(t); got[2] != "scrape" {
				t.Errorf("steps begun %q, want them anew", got)
			}
		})
	}
}

func TestRunThatKeepsDyingIsGivenUp(t *testing.T) {
	t.Parallel()
	cfg, _ := interrupt(t)
	store, err := openStore(cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.db.ExecContext(t.Context(), "UPDATE workflow_status SET recovery_attempts = ?", maxTakeUps+1); err != nil {
		t.Fatal(err)
	}
	if err := store.close(); err != nil {
		t.Fatal(err)
	}
	e := open(t, cfg)
	status := wait(t, e, "r")
	if status.State != Failed || status.Failure.Code != CodeGaveUp {
		t.Fatalf("run ended as %+v, want given up", status)
	}
	retry(t, e)
	if status := wait(t, e, "r"); status.State != Succeeded {
		t.Errorf("run ended as %+v", status)
	}
}

func TestUnrecordedEndIsNoticed(t *testing.T) {
	t.Parallel()
	e := open(t, steps(t, returns("a", 1, nil)))
	e.patience = 100 * time.Millisecond
	if _, err := e.store.db.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE INSERT ON workflow_output
		BEGIN SELECT RAISE(ABORT, 'refused'); END`); err != nil {
		t.Fatal(err)
	}
	begin(t, e, "r", nil)
	if status, err := e.Wait(t.Context(), "r"); !errors.Is(err, ErrUnrecorded) || status.State != Pending {
		t.Errorf("Wait() = %+v, %v, want ErrUnrecorded", status, err)
	}
	if _, err := e.store.db.ExecContext(t.Context(), `DROP TRIGGER refuse`); err != nil {
		t.Fatal(err)
	}
	retry(t, e)
	if status := wait(t, e, "r"); status.State != Succeeded {
		t.Errorf("run ended as %+v", status)
	}
}

func TestPruneDeletesWhatEndedLongAgo(t *testing.T) {
	cfg, _ := interrupt(t)
	mine, theirs := cfg, cfg
	mine.ExecutorID, theirs.ExecutorID = "mine", "theirs"
	e := open(t, mine)
	for i := range pruneBatch + 3 {
		begin(t, e, fmt.Sprint("r", i), 1)
		wait(t, e, fmt.Sprint("r", i))
	}
	other := open(t, theirs)
	begin(t, other, "another's", 1)
	wait(t, other, "another's")
	if n, err := e.Prune(t.Context(), time.Hour); n != 0 || err != nil {
		t.Errorf("Prune(an hour) = %d, %v, want nothing", n, err)
	}

	// While its executor is running, a pending run is nobody else's to delete.
	lock, err := tryLock(executorLock(cfg.LockDir, cfg.ExecutorID))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := e.Prune(t.Context(), -time.Minute); n != pruneBatch+4 || err != nil {
		t.Errorf("Prune() = %d, %v, want all %d that have ended", n, err, pruneBatch+4)
	}
	if err := lock.release(); err != nil {
		t.Fatal(err)
	}
	if n, err := e.Prune(t.Context(), -time.Minute); n != 1 || err != nil {
		t.Errorf("Prune() = %d, %v, want the abandoned run", n, err)
	}
	left, err := e.Runs(t.Context(), 10)
	if err != nil || len(left) != 0 {
		t.Errorf("Runs() = %+v, %v, want none", left, err)
	}
	for _, table := range []string{"workflow_input", "workflow_output", "operation_outputs", "workflow_status"} {
		var rows int
		if err := e.store.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&rows); err != nil || rows != 0 {
			t.Errorf("table %s has %d rows, %v", table, rows, err)
		}
	}
}
