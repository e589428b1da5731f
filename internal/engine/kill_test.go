package engine

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/sqlite/atonce"
)

func TestRunGoesOnInItsStepAfterTheProcessEnds(t *testing.T) {
	for name, end := range map[string]syscall.Signal{"kill -9": syscall.SIGKILL, "clean stop": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := &diary{path: filepath.Join(dir, "diary")}
			process := startChild(t, dir, "content", "trend")
			d.await(t, "trend")
			if err := process.Process.Signal(end); err != nil {
				t.Fatal(err)
			}
			if err := process.Wait(); (err == nil) != (end == syscall.SIGTERM) {
				t.Fatalf("child ended with %v", err)
			}

			cfg := testConfig(dir, "content", d)
			var sum, takeUps int
			export := cfg.Steps[5].Do
			cfg.Steps[5].Do = func(ctx context.Context, run *Run) (any, error) {
				result, err := export(ctx, run)
				sum, _ = result.(int)
				takeUps = run.TakeUps
				return result, err
			}
			e := open(t, cfg)
			interrupted := e.Interrupted()
			if len(interrupted) != 1 || interrupted[0].ID != "run of content" || interrupted[0].State != Pending {
				t.Fatalf("Interrupted() = %+v, want the one run", interrupted)
			}
			if status := wait(t, e, "run of content"); status.State != Succeeded || status.TakeUps != 2 {
				t.Errorf("run ended as %+v, want success at the second take-up", status)
			}
			want := strings.Fields("scrape clean index trend trend generate export")
			if diff := cmp.Diff(want, d.read(t)); diff != "" {
				t.Errorf("steps begun (-want +got):\n%s", diff)
			}
			if sum != 1+1+2+3+4+5+6 || takeUps != 2 {
				t.Errorf("last step got sum %d at take-up %d, want 22 and 2", sum, takeUps)
			}
		})
	}
}

func TestFirstStartOfManyProcessesAtOnce(t *testing.T) {
	for _, processes := range []int{2, 4} {
		for _, dir := range atonce.Run(t, processes, 8) {
			e := open(t, testConfig(dir, "content", &diary{path: filepath.Join(dir, "diary")}))
			runs, err := e.Runs(t.Context(), 10)
			if err != nil || len(runs) != processes {
				t.Fatalf("Runs() = %d runs, %v, want %d", len(runs), err, processes)
			}
			for _, run := range runs {
				if run.State != Succeeded {
					t.Errorf("run %+v, want succeeded", run)
				}
			}
			shut(t, e)
		}
	}
}

func TestExecutorIsHeldByItsProcessOnly(t *testing.T) {
	dir := t.TempDir()
	d := &diary{path: filepath.Join(dir, "diary")}
	process := startChild(t, dir, "content", "clean")
	d.await(t, "clean")
	cfg := testConfig(dir, "content", d)
	path := executorLock(cfg.LockDir, cfg.ExecutorID)
	if lock, err := tryLock(path); !errors.Is(err, errHeld) {
		t.Errorf("tryLock() = %v, %v while the child lives", lock, err)
	}
	if got, want := holder(path), strconv.Itoa(process.Process.Pid); got != want {
		t.Errorf("holder is %s, want the child %s", got, want)
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err == nil {
		t.Error("the child was not killed")
	}
	wait(t, open(t, cfg), "run of content")
}
