package stagewatch

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNumbersAreClamped(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(math.MaxInt, "m", For("u"))
	tr.Start(math.MinInt, "m", For("u"))
	tr.Progress(1, math.MaxInt64, math.MinInt64, For("u"))
	got := events(t, home)
	if len(got) != 3 || got[0].Stage != 1<<53-1 || got[1].Stage != -(1<<53-1) || got[2].Done != 1<<53-1 || got[2].Total != -(1<<53-1) {
		t.Errorf("records = %+v", got)
	}
}

// A long-lived process has threads that may be in the midst of changing the environment.
func TestEnvironmentIsReadOnce(t *testing.T) {
	home := t.TempDir()
	t.Setenv(envRun, strings.Repeat("r", 2*maxName))
	tr := open(t, home)
	t.Setenv(envRun, "another")
	tr.Start(1, "m", For("u"))
	if got := events(t, home); len(got) != 1 || !strings.HasPrefix(got[0].Run, "rrr") || len(got[0].Run) > maxName {
		t.Errorf("records = %+v, want the run that was given first, cut", got)
	}
}

func TestStagesHaveKeys(t *testing.T) {
	home := t.TempDir()
	tr, err := Open(Config{Home: home, Definition: Definition{Name: "Render", Stages: []Stage{
		{Number: 1, Key: "fetch", Name: "Fetch"}, {Number: 2, Key: "draw", Name: "Draw"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	tr.Start(0, "m", For("u"), Key("draw"))
	tr.Start(0, "m", For("u"), Key("fetch"))
	tr.Start(5, "m", For("u"), Key("unknown"))
	got := events(t, home)[1:]
	if len(got) != 3 || got[0].Stage != 2 || got[0].Key != "draw" || got[1].Stage != 1 || got[2].Stage != 5 || got[2].Key != "unknown" {
		t.Errorf("records = %+v", got)
	}
	if got[0].Run == got[1].Run {
		t.Error("a key of an earlier stage opened no new run")
	}
}

func TestStageRunsAFunction(t *testing.T) {
	for name, test := range map[string]struct {
		ended   bool // its context
		do      func(context.Context) error
		what    string
		message string
		err     error
	}{
		"well":            {false, func(context.Context) error { return nil }, EventCompleted, "m", nil},
		"error":           {false, func(context.Context) error { return fs.ErrExist }, EventFailed, "file already exists", fs.ErrExist},
		"context ended":   {true, func(ctx context.Context) error { return ctx.Err() }, EventFailed, "context canceled", context.Canceled},
		"broken off":      {true, func(context.Context) error { return nil }, EventFailed, "context canceled", context.Canceled},
		"error panics":    {false, func(context.Context) error { return failing{} }, EventFailed, "%!v(PANIC=Error method: no)", failing{}},
		"panic":           {false, func(context.Context) error { panic("no") }, EventFailed, "panic: no", nil},
		"panic of a type": {false, func(context.Context) error { panic(&struct{ big [1 << 10]int }{}) }, EventFailed, "panic: *struct { big [1024]int }", nil},
		"goroutine ended": {false, func(context.Context) error { runtime.Goexit(); return nil }, EventFailed, "its goroutine ended", nil},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			run := open(t, home).Run(For("u"))
			ctx, end := context.WithCancel(t.Context())
			defer end()
			if test.ended {
				end()
			}
			ended := make(chan any)
			go func() {
				defer func() { ended <- recover() }()
				if err := run.Stage(ctx, 3, "m", test.do); !errors.Is(err, test.err) {
					t.Errorf("Stage = %v, want %v", err, test.err)
				}
			}()
			if cause := <-ended; (cause != nil) != strings.HasPrefix(test.message, "panic") {
				t.Errorf("panic = %v", cause)
			}
			got := events(t, home)
			if len(got) != 2 || got[0].What != EventStarted || got[1].What != test.what || got[1].Message != test.message {
				t.Errorf("records = %+v", got)
			}
		})
	}
	if err := (*Run)(nil).Stage(t.Context(), 1, "m", func(context.Context) error { return fs.ErrExist }); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Stage without a tracker = %v", err)
	}
}

// A child that inherits the environment of a run records for it, in the name of
// the run's process while that lives, else in its own.
func TestChildRecordsForItsParentsRun(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	run := tr.Run(For("u"))
	stranger := exec.Command("true")
	if err := stranger.Run(); err != nil {
		t.Fatal(err)
	}
	dead := tr.Owner()
	dead.PID = stranger.Process.Pid
	reused := tr.Owner()
	reused.Start++
	elsewhere := tr.Owner()
	elsewhere.Space++
	for name, test := range map[string]struct {
		env    []string
		parent bool
	}{
		"parent":            {run.Env(), true},
		"dead owner":        {append(run.Env(), "MINER_OWNER="+dead.String()), false},
		"another process":   {append(run.Env(), "MINER_OWNER="+reused.String()), false},
		"another container": {append(run.Env(), "MINER_OWNER="+elsewhere.String()), false},
		"nonsense":          {append(run.Env(), "MINER_OWNER=1:2"), false},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := child(t, home, "u", func(c *exec.Cmd) { c.Env = append(c.Env, test.env...) })
			all := events(t, home)
			last := all[len(all)-1]
			want := cmd.Process.Pid
			if test.parent {
				want = tr.Owner().PID
			}
			if last.Run != run.ID() || last.Owner.PID != want || test.parent && last.Owner != tr.Owner() {
				t.Errorf("run %q of %+v, want run %q of process %d", last.Run, last.Owner, run.ID(), want)
			}
		})
	}
	var none *Run
	if none.Env() != nil || none.ID() != "" {
		t.Error("a run of nobody has an environment")
	}
}

// A process that is stopped in the midst of its calls holds up nobody.
func TestStoppedWriterDelaysNobody(t *testing.T) {
	home := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "STAGEWATCH_TEST=write", "MINER_HOME="+home, "COUNT=200000")
	if err := cmd.Start(); err != nil { // without standard input it begins at once
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	tr := open(t, home)
	within(t, soon, "the other process writes", func() bool {
		info, err := os.Stat(filepath.Join(journalDir(home), "00000001.seg"))
		return err == nil && info.Size() > 1<<16
	})
	for range 20 { // at as many moments of its writing
		if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if longest := calls(tr, 50); longest > time.Second { // 50 ms would be the promise for a hanging disk
			t.Errorf("a call took %v beside a stopped writer", longest)
		}
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, e := range events(t, home) {
		if e.Owner == tr.Owner() && !e.Late {
			mine++
		}
	}
	if mine != 1000 {
		t.Errorf("%d records on time, want 1000", mine)
	}
}

// Memory of runs is bounded, however many accounts there are.
func TestRunsAreNotRememberedForEver(t *testing.T) {
	tr := &Tracker{definition: DefaultDefinition(), runs: openRuns{}}
	for i := range 1<<16 + 10 {
		tr.mu.Lock()
		tr.runOf(&Event{What: EventStarted, Account: strconv.Itoa(i), Stage: 1})
		tr.mu.Unlock()
	}
	if n := len(tr.runs); n > 1<<16 {
		t.Errorf("%d runs are remembered", n)
	}
	if tr.runs.of(subject{account: strconv.Itoa(1<<16 + 9)}, "") == nil {
		t.Error("the newest run was forgotten")
	}
	for i := range 1000 {
		tr.mu.Lock()
		tr.runOf(&Event{What: EventStarted, Account: "u", Platform: strconv.Itoa(i), Stage: 1})
		tr.mu.Unlock()
	}
	if n := len(tr.runs[subject{account: "u"}]); n > 16 {
		t.Errorf("%d runs of one account are remembered", n)
	}
}
