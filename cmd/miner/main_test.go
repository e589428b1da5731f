package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagewatch/stagewatch"
)

// TestMain makes the test binary the program: as "miner" in scripts, and
// whenever it is started by anybody but go test. It must not depend on the
// environment: the guard has none, and tests that start tests never end.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || !strings.HasPrefix(os.Args[1], "-test.") {
		main()
	}
	testscript.Main(cleaned{m}, map[string]func(){"miner": main})
}

// cleaned runs the tests and removes what they built.
type cleaned struct{ *testing.M }

func (c cleaned) Run() int {
	code := c.M.Run()
	if miner, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(miner))
	}
	return code
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("MINER_HOME", e.WorkDir+"/home")
			e.Setenv("SAMPLES", e.WorkDir+"/samples")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else the race detector ends each command a second later
			return unpack(e.WorkDir + "/samples")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waitfor": waitFor},
	})
}

// patience is how long a test waits for what must come, but soon only on a machine
// that has nothing else to do.
const patience = 2 * time.Minute

// waitFor waits until the accounts of the running miner's home came to rest:
// none is pending or being processed.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	for began := time.Now(); time.Since(began) < patience; {
		out, err := command(args[0], "account", "list", "--json").Output()
		var rows []accountRow
		if err == nil && json.Unmarshal(out, &rows) == nil && len(rows) > 0 && !slices.ContainsFunc(rows, func(r accountRow) bool {
			return r.State == "pending" || r.State == "processing" || r.State == "unusable" && r.Attempts == 0
		}) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	ts.Fatalf("the accounts of %s did not come to rest", args[0])
}

// program is a running miner.
type program struct {
	*exec.Cmd
	t    testing.TB
	home string
	out  *lines
	done chan struct{} // closed when it has ended
}

// lines is what a program prints, safe to look at while it prints.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// built is the miner as it is delivered: the scripts run it with the race
// detector, which takes too long for whole runs.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "miner-test-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir+"/miner", ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir + "/miner", nil
})

// command returns the miner as a command on a home, not started yet.
func command(home string, args ...string) *exec.Cmd {
	miner, err := built()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(miner, args...)
	cmd.Env = append(os.Environ(), "MINER_HOME="+home)
	return cmd
}

// start starts the miner on a home; it is killed, with all it started, when the test ends.
func start(t testing.TB, home string, args ...string) *program {
	t.Helper()
	p := &program{Cmd: command(home, args...), t: t, home: home, out: &lines{}, done: make(chan struct{})}
	p.Stdout, p.Stderr = p.out, p.out
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Wait(); close(p.done) }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("miner %v printed:\n%s", args, p.out)
		}
	})
	return p
}

// wait waits until what is printed holds the text n times.
func (p *program) wait(text string, n int) {
	p.t.Helper()
	within(p.t, patience, fmt.Sprintf("%q printed %d times", text, n), func() bool {
		return strings.Count(p.out.String(), text) >= n
	})
}

// end sends a signal and waits for the end.
func (p *program) end(s os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("still there %v after %v", patience, s)
	}
}

func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// newHome returns a home whose miner reads the samples, with the sample
// accounts named, and settings that suit a test.
func newHome(t testing.TB, accounts ...string) string {
	t.Helper()
	home := t.TempDir()
	writeHome(t, home, accounts...)
	return home
}

func writeHome(t testing.TB, home string, accounts ...string) {
	t.Helper()
	if err := unpack(filepath.Join(home, "samples")); err != nil {
		t.Fatal(err)
	}
	settings := `
connectors: {archive: samples}
watch: {wait: 60s}
report: {status_every: 60s}
modules: {images: {address: "127.0.0.1:0"}}
`
	if err := os.WriteFile(filepath.Join(home, "miner.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		if out, err := command(home, "account", "add", a).CombinedOutput(); err != nil {
			t.Fatalf("add %s: %v\n%s", a, err, out)
		}
	}
}

// journal returns every stage event of the default definition.
func journal(t testing.TB, home string) (all []stagewatch.Event) {
	t.Helper()
	stop := fmt.Errorf("enough")
	end := time.Now()
	err := stagewatch.Follow(t.Context(), home, stagewatch.Position{}, func(e stagewatch.Event) error {
		if e.Time.After(end) {
			return stop
		}
		if e.Kind == stagewatch.KindStage && e.Definition == "Content" {
			all = append(all, e)
		}
		if e.Kind == stagewatch.KindReset {
			return stop
		}
		return nil
	})
	if err != nil && !errors.Is(err, stop) {
		t.Fatal(err)
	}
	return all
}

// history returns the good account's stage events as "1 started", in order.
func history(t testing.TB, home string) (all []string) {
	t.Helper()
	marker, err := stagewatch.Open(stagewatch.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	marker.Reset() // the end that journal reads to
	marker.Close()
	for _, e := range journal(t, home) {
		if e.Account == good {
			all = append(all, fmt.Sprintf("%d %s", e.Stage, e.What))
		}
	}
	return all
}

func state(t testing.TB, home string) *stagewatch.State {
	t.Helper()
	s, err := stagewatch.ReadState(home)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// alive returns the live processes whose environment names the home.
func alive(t testing.TB, home string) (pids []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && bytes.Contains(append([]byte{0}, env...), []byte("\x00MINER_HOME="+home+"\x00")) {
			pids = append(pids, e.Name())
		}
	}
	return pids
}

func kill(t testing.TB, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
}
