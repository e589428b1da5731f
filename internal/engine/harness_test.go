package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stagewatch/stagewatch/internal/sqlite/atonce"
)

// childEnv makes this test binary a child process, which runs no test.
const childEnv = "STAGEWATCH_TEST_ENGINE_CHILD"

// TestMain is also the main of the child processes of the tests.
func TestMain(m *testing.M) {
	if root, ok := os.LookupEnv(atonce.Env); ok {
		os.Exit(atonce.Child(root, func(folder string) error {
			return child(folder, fmt.Sprintf("direct/twitter/u%d", os.Getpid()), "")
		}))
	}
	if _, ok := os.LookupEnv(childEnv); ok {
		if err := child(os.Args[1], os.Args[2], os.Args[3]); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child opens the engine in dir, does the six steps of one run, and stops when
// it is told to. In the step named hang it waits for its end.
func child(dir, executor, hang string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg := testConfig(dir, executor, &diary{path: filepath.Join(dir, "diary")})
	for i, step := range cfg.Steps {
		if step.Name != hang {
			continue
		}
		cfg.Steps[i].Do = func(ctx context.Context, run *Run) (any, error) {
			if _, err := step.Do(ctx, run); err != nil {
				return nil, err
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	e, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	if err = e.Start(ctx, "run of "+executor, 1); err == nil {
		_, err = e.Wait(ctx, "run of "+executor)
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, e.Close(10*time.Second))
}

// startChild starts this test binary as a child.
func startChild(t *testing.T, dir, executor, hang string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir, executor, hang)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// diary is a file with a line for each step that was begun, in whatever process.
type diary struct {
	path string
	mu   sync.Mutex
}

func (d *diary) note(line string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	file, err := os.OpenFile(d.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(line + "\n")
	return errors.Join(err, file.Close())
}

func (d *diary) read(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(d.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var lines []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return lines
}

// await reads the diary, which another process writes, until it has the line.
func (d *diary) await(t *testing.T, line string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; {
		if slices.Contains(d.read(t), line) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %q in the diary: %q", line, d.read(t))
		}
		<-tick.C
	}
}

// testConfig has six steps that write their names into the diary. Each result is
// the sum of its position and the result before it, so that a result which is
// lost, repeated or mixed up shows in the last.
func testConfig(dir, executor string, d *diary) Config {
	cfg := Config{
		Path: filepath.Join(dir, "engine.db"), LockDir: filepath.Join(dir, "locks"),
		ExecutorID: executor, Workflow: "test", Version: "v1",
	}
	names := strings.Fields("scrape clean index trend generate export")
	for i, name := range names {
		cfg.Steps = append(cfg.Steps, Step{Name: name, Do: func(_ context.Context, run *Run) (any, error) {
			if err := d.note(name); err != nil {
				return nil, err
			}
			var before int
			err := run.Input(&before)
			if i > 0 {
				err = run.Result(names[i-1], &before)
			}
			return before + i + 1, err
		}})
	}
	return cfg
}

// open opens an engine and closes it at the end of the test.
func open(t *testing.T, cfg Config) *Engine {
	t.Helper()
	e, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !e.closed() {
			shut(t, e)
		}
	})
	return e
}

func shut(t *testing.T, e *Engine) {
	t.Helper()
	if err := e.Close(10 * time.Second); err != nil {
		t.Error(err)
	}
}

// wait waits for the end of a run.
func wait(t *testing.T, e *Engine, id string) Status {
	t.Helper()
	status, err := e.Wait(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// begin starts a run.
func begin(t *testing.T, e *Engine, id string, input any) {
	t.Helper()
	if err := e.Start(t.Context(), id, input); err != nil {
		t.Fatal(err)
	}
}
