package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// steps is a test configuration with other steps.
func steps(t *testing.T, all ...Step) Config {
	t.Helper()
	dir := t.TempDir()
	cfg := testConfig(dir, "content", &diary{path: filepath.Join(dir, "diary")})
	cfg.Steps = all
	return cfg
}

func returns(name string, result any, err error) Step {
	return Step{Name: name, Do: func(context.Context, *Run) (any, error) { return result, err }}
}

func TestFailureSurvivesTheProcess(t *testing.T) {
	plain := errors.New("connection reset")
	private := &Failure{Code: "private", Permanent: true, Err: errors.New("account is private: ✋")}
	for name, test := range map[string]struct {
		step Step
		want Failure
	}{
		"plain": {returns("b", nil, plain), Failure{Step: "b", Err: plain}},
		"classified and wrapped": {
			returns("b", nil, fmt.Errorf("read profile: %w", private)),
			Failure{Step: "b", Code: "private", Permanent: true, Err: errors.New("read profile: account is private: ✋")},
		},
		"only a code": {returns("b", nil, &Failure{Code: "quota"}), Failure{Step: "b", Code: "quota", Err: errors.New("quota")}},
		"deadline of its own": {
			returns("b", nil, context.DeadlineExceeded), Failure{Step: "b", Err: context.DeadlineExceeded},
		},
		"somebody else's context": {returns("b", nil, context.Canceled), Failure{Step: "b", Err: context.Canceled}},
		"step named as an error of DBOS": {
			returns("ConflictingID", nil, plain), Failure{Step: "ConflictingID", Err: plain},
		},
		"panic": {
			Step{Name: "b", Do: func(context.Context, *Run) (any, error) { panic("index out of range") }},
			Failure{Step: "b", Code: CodePanic, Err: errors.New("panic: index out of range")},
		},
		"result without JSON": {
			returns("b", func() {}, nil), Failure{Step: "b", Err: errors.New("encode result: json: unsupported type: func()")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := steps(t, returns("a", 1, nil), test.step, returns("c", nil, errors.New("must not be reached")))
			e := open(t, cfg)
			begin(t, e, "r", nil)
			first := wait(t, e, "r")
			shut(t, e)
			again := wait(t, open(t, cfg), "r")
			for when, got := range map[string]Status{"at once": first, "after a reload": again} {
				if got.State != Failed || got.Failure == nil {
					t.Fatalf("%s: %+v, want failed", when, got)
				}
				if diff := cmp.Diff(test.want, *got.Failure, cmp.Comparer(sameText)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", when, diff)
				}
			}
		})
	}
}

func sameText(a, b error) bool { return a.Error() == b.Error() }

func TestPanicLeavesItsStackInTheLog(t *testing.T) {
	var log strings.Builder
	cfg := steps(t, Step{Name: "a", Do: func(context.Context, *Run) (any, error) { panic("boom") }})
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e := open(t, cfg)
	begin(t, e, "r", nil)
	wait(t, e, "r")
	shut(t, e)
	if !strings.Contains(log.String(), "run_test.go") || strings.Contains(log.String(), "level=INFO") {
		t.Errorf("log is %q, want the stack and nothing below a warning", log.String())
	}
}

func TestStartIsIdempotent(t *testing.T) {
	dir := t.TempDir()
	d := &diary{path: filepath.Join(dir, "diary")}
	e := open(t, testConfig(dir, "content", d))
	begin(t, e, "r", 1)
	begin(t, e, "r", 2)
	wait(t, e, "r")
	begin(t, e, "r", 3)
	if status := wait(t, e, "r"); status.State != Succeeded || status.TakeUps != 1 || status.Ended.Before(status.Created) {
		t.Errorf("run ended as %+v", status)
	}
	if got := d.read(t); len(got) != 6 {
		t.Errorf("steps begun: %q, want each once", got)
	}
}

func TestManyRunsInFlight(t *testing.T) {
	dir := t.TempDir()
	e := open(t, testConfig(dir, "content", &diary{path: filepath.Join(dir, "diary")}))
	for i := range 20 {
		begin(t, e, fmt.Sprint("r", i), i)
	}
	for i := range 20 {
		if status := wait(t, e, fmt.Sprint("r", i)); status.State != Succeeded {
			t.Errorf("run %d: %+v", i, status)
		}
	}
}

func TestGateHoldsBackRecoveredRuns(t *testing.T) {
	var working, most atomic.Int32
	begun := make(chan struct{})
	var hang sync.Once
	step := Step{Name: "a", Do: func(ctx context.Context, _ *Run) (any, error) {
		most.Store(max(most.Load(), working.Add(1)))
		defer working.Add(-1)
		hang.Do(func() { // the first run hangs until the engine is closed
			close(begun)
			<-ctx.Done()
		})
		return nil, ctx.Err()
	}}
	cfg := steps(t, step)
	slot := make(chan struct{}, 1)
	cfg.Gate = func(ctx context.Context, _ *Run) (func(), error) {
		select {
		case slot <- struct{}{}:
			return func() { <-slot }, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	e := open(t, cfg)
	for i := range 5 {
		begin(t, e, fmt.Sprint("r", i), nil)
	}
	<-begun
	shut(t, e)
	e = open(t, cfg)
	if got := len(e.Interrupted()); got != 5 {
		t.Fatalf("%d runs were interrupted, want all 5", got)
	}
	for i := range 5 {
		if status := wait(t, e, fmt.Sprint("r", i)); status.State != Succeeded {
			t.Errorf("run %d: %+v", i, status)
		}
	}
	if most.Load() != 1 {
		t.Errorf("%d runs worked at once, want 1", most.Load())
	}
}

func TestGateErrorFailsTheRun(t *testing.T) {
	cfg := steps(t, returns("a", 1, nil))
	refused := true
	cfg.Gate = func(context.Context, *Run) (func(), error) {
		if refused {
			return nil, &Failure{Code: "claimed", Err: errors.New("claimed by process 7")}
		}
		return func() {}, nil
	}
	e := open(t, cfg)
	begin(t, e, "r", nil)
	status := wait(t, e, "r")
	if status.State != Failed || status.Failure.Code != "claimed" || status.Failure.Step != "" {
		t.Fatalf("run ended as %+v", status)
	}
	refused = false
	if err := e.Retry(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if status := wait(t, e, "r"); status.State != Succeeded {
		t.Errorf("run ended as %+v", status)
	}
}

func TestWaitEndsWhenTheEngineCloses(t *testing.T) {
	begun := make(chan struct{})
	e := open(t, steps(t, Step{Name: "a", Do: func(ctx context.Context, _ *Run) (any, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}}))
	begin(t, e, "r", nil)
	waited := make(chan error)
	go func() {
		_, err := e.Wait(t.Context(), "r")
		waited <- err
	}()
	<-begun
	shut(t, e)
	if err := <-waited; !errors.Is(err, ErrClosed) {
		t.Errorf("Wait() = %v, want ErrClosed", err)
	}
}

func TestCloseKeepsTheLockWhileAStepIsBeingDone(t *testing.T) {
	begun, done := make(chan struct{}), make(chan struct{})
	cfg := steps(t, Step{Name: "deaf", Do: func(context.Context, *Run) (any, error) {
		close(begun)
		<-done
		return nil, nil
	}})
	e := open(t, cfg)
	begin(t, e, "r", nil)
	<-begun
	if err := e.Close(50 * time.Millisecond); err == nil {
		t.Error("Close() = nil with a step that does not return")
	}
	path := executorLock(cfg.LockDir, cfg.ExecutorID)
	if lock, err := tryLock(path); !errors.Is(err, errHeld) {
		t.Errorf("tryLock() = %v, %v, want it held", lock, err)
	}
	close(done)
	shut(t, e)
	lock, err := tryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.release(); err != nil {
		t.Error(err)
	}
}

func TestLargeResults(t *testing.T) {
	large := strings.Repeat("🌊 corpus ", 700_000) // 9 MB
	cfg := steps(t, returns("a", large, nil), Step{Name: "b", Do: func(_ context.Context, run *Run) (any, error) {
		var got string
		if err := run.Result("a", &got); err != nil {
			return nil, err
		}
		if got != large {
			return nil, errors.New("the result has changed")
		}
		return nil, run.Result("c", &got)
	}}, returns("c", nil, nil))
	e := open(t, cfg)
	begin(t, e, "r", nil)
	status := wait(t, e, "r")
	if status.State != Failed || status.Failure.Error() != "run r: step c has no result yet" {
		t.Errorf("run ended as %+v: %v", status, status.Failure)
	}
}
