package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos/internals"
)

func TestConfigIsChecked(t *testing.T) {
	for want, spoil := range map[string]func(*Config){
		"Path is required":       func(c *Config) { c.Path = "" },
		"LockDir is required":    func(c *Config) { c.LockDir = "" },
		"ExecutorID is required": func(c *Config) { c.ExecutorID = "" },
		"Workflow is required":   func(c *Config) { c.Workflow = "" },
		"Version is required":    func(c *Config) { c.Version = "" },
		"Steps is required":      func(c *Config) { c.Steps = nil },
		`step 2 ("") needs`:      func(c *Config) { c.Steps[1].Name = "" },
		`step 2 ("a") needs`:     func(c *Config) { c.Steps[1].Name = "a" },
		`step 1 ("a") needs`:     func(c *Config) { c.Steps[0].Do = nil },
		"no such file":           func(c *Config) { c.Path = filepath.Join(c.LockDir, "none", "engine.db") },
		"lock executor content":  func(c *Config) { c.LockDir = "/dev/null/locks" },
	} {
		cfg := steps(t, returns("a", 1, nil), returns("b", 1, nil))
		spoil(&cfg)
		if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open() = %v, want an error with %q", err, want)
		}
	}
}

func TestEnvironmentCannotChangeTheExecutor(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"DBOS__VMID":       {"DBOS__VMID": "other"},
		"DBOS__APPVERSION": {"DBOS__APPVERSION": "other"},
		"DBOS__CLOUD": {
			"DBOS__CLOUD": "true", "DBOS__CONDUCTOR_APP_NAME": "a", "DBOS__CONDUCTOR_KEY": "k",
			"DBOS__CONDUCTOR_URL": "ws://127.0.0.1:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := steps(t, returns("a", 1, nil))
			for key, value := range env {
				t.Setenv(key, value)
			}
			if _, err := Open(t.Context(), cfg); err == nil || name != "DBOS__CLOUD" && !errors.Is(err, ErrEnvironment) {
				t.Errorf("Open() = %v, want it refused", err)
			}
			for key := range env {
				t.Setenv(key, "")
			}
			open(t, cfg) // the lock and the file were let go
		})
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	cfg := steps(t, returns("a", 1, nil))
	e := open(t, cfg)
	begin(t, e, "r", nil)
	wait(t, e, "r")
	for _, path := range []string{cfg.Path, cfg.Path + "-wal", executorLock(cfg.LockDir, cfg.ExecutorID)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(path), info.Mode())
		}
	}
}

func TestPathMayHoldAnything(t *testing.T) {
	cfg := steps(t, returns("a", 1, nil))
	cfg.Path = filepath.Join(filepath.Dir(cfg.Path), "a?b=c#d %41 é.db")
	open(t, cfg)
	if _, err := os.Stat(cfg.Path + "-wal"); err != nil {
		t.Error(err)
	}
}

func TestSecondHolderOfAnExecutorIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first, err := lockExecutor(t.Context(), dir, "direct/twitter/../u")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = lockExecutor(t.Context(), dir, "direct/twitter/../u")
		if !errors.Is(err, ErrExecutorInUse) || !strings.HasSuffix(err.Error(), "by process "+holder(first.Name())) {
			t.Errorf("second lock: %v, want ErrExecutorInUse with the holder", err)
		}
		if got := time.Since(began); got != 5*time.Second {
			t.Errorf("refused after %v, want 5 s", got)
		}
		time.AfterFunc(time.Second, func() { _ = first.release() })
		second, err := lockExecutor(t.Context(), dir, "direct/twitter/../u")
		if err != nil {
			t.Fatalf("lock that was let go after a second: %v", err)
		}
		if err := second.release(); err != nil {
			t.Error(err)
		}
	})
}

func TestExecutorsDoNotTakeEachOthersRuns(t *testing.T) {
	dir := t.TempDir()
	d := &diary{path: filepath.Join(dir, "diary")}
	process := startChild(t, dir, "direct/twitter/u", "clean")
	d.await(t, "clean")
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err == nil {
		t.Fatal("the child was not killed")
	}
	// DBOS in the other process is asked for exactly what it does for its own
	// runs at its launch, so that this does not depend on who polls first.
	other := open(t, testConfig(dir, "content", d))
	runtime, err := internals.RuntimeOf(other.dbos)
	if err != nil {
		t.Fatal(err)
	}
	if taken, err := runtime.RecoverPendingWorkflows([]string{"direct/twitter/u"}); err != nil || len(taken) != 0 {
		t.Errorf("another executor recovered %d runs, %v, want none", len(taken), err)
	}
	if _, err := other.Wait(t.Context(), "run of direct/twitter/u"); !errors.Is(err, ErrUnknownRun) {
		t.Errorf("Wait() for another's run = %v, want ErrUnknownRun", err)
	}
	if got := len(other.Interrupted()); got != 0 {
		t.Errorf("%d runs of another are interrupted here", got)
	}
	wait(t, open(t, testConfig(dir, "direct/twitter/u", d)), "run of direct/twitter/u")
}

func TestClosedEngineSaysSo(t *testing.T) {
	e := open(t, steps(t, returns("a", 1, nil)))
	begin(t, e, "r", nil)
	wait(t, e, "r")
	shut(t, e)
	_, waited := e.Wait(t.Context(), "r")
	_, listed := e.Runs(t.Context(), 1)
	_, pruned := e.Prune(t.Context(), time.Hour)
	for what, err := range map[string]error{
		"Start": e.Start(t.Context(), "r2", nil), "Wait": waited, "Runs": listed, "Prune": pruned,
		"Retry": e.Retry(t.Context(), "r"),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s() = %v, want ErrClosed", what, err)
		}
	}
}
