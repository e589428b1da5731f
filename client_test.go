package stagewatch_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// python returns a command that runs Python with the client on its path.
func python(t *testing.T, home string, arguments ...string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is missing: the Python client is not tested")
	}
	folder, err := filepath.Abs("client/python")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, arguments...)
	c.Env = append(os.Environ(), "PYTHONPATH="+folder, "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1", "MINER_HOME="+home)
	return c
}

// output runs a command and returns what it printed.
func output(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	var complaint bytes.Buffer
	c.Stderr = &complaint
	text, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", c.Args, err, text, complaint.String())
	}
	return string(text)
}

// The client's own tests: vectors, promises, faults.
func TestPythonClient(t *testing.T) {
	arguments := []string{"client/python/test_client.py"}
	if testing.Short() {
		arguments = append(arguments, "VectorTest")
	}
	output(t, python(t, t.TempDir(), arguments...))
}

func TestPythonShowsAllStages(t *testing.T) {
	got := output(t, python(t, t.TempDir(), "client/python/test_stage_tracking.py"))
	if !strings.HasSuffix(got, "all stages shown, through success and failure\n") {
		t.Errorf("it printed\n%s", got)
	}
}

func TestGoReadsWhatPythonWrote(t *testing.T) {
	home := t.TempDir()
	output(t, python(t, home, "-c", `
import miner_stage_tracker as m
m.stage_start(3, "Indexing\n50 posts 🚀", "elonmusk", {"posts": 50, "text": "ü\ud800"}, platform="twitter")
m.stage_progress(3, 10, 50, "elonmusk", platform="twitter")
m.stage_start(1, b"\xff", "other")
m.stage_failed(1, "no", "other")
assert m.flush(30)
`))
	state, err := stagewatch.ReadState(home)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range state.Runs {
		s := r.Newest()
		got[r.Account] = fmt.Sprintf("%s %s %q %d/%d %s", r.Platform, s.State, s.Message, s.Done, s.Total, s.Details)
	}
	// Its process has ended: what it left open is lost.
	for account, want := range map[string]string{
		"elonmusk": `twitter lost "process ended" 10/50 {"posts":50,"text":"ü` + "\uFFFD" + `"}`,
		"other":    ` failed "no" 0/0 `,
	} {
		if got[account] != want {
			t.Errorf("%s: %s, want %s", account, got[account], want)
		}
	}
}

func TestPythonReadsWhatGoWrote(t *testing.T) {
	home := t.TempDir()
	tr, err := stagewatch.Open(stagewatch.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	tr.Start(4, "Analyzing <b>\n", stagewatch.For("u"), stagewatch.On("twitter"), stagewatch.Details{"n": 1})
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := output(t, python(t, home, "-c",
		"import json, miner_stage_tracker as m; print(json.dumps(m.get_tracker().get_current_stage()))"))
	var got struct {
		Name     string `json:"stage_name"`
		Status   string
		Username string
		Message  string
		Details  map[string]int
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "Time Series Analysis" || got.Status != "running" || got.Username != "u" || got.Message != "Analyzing <b>\n" || got.Details["n"] != 1 {
		t.Errorf("it read %+v", got)
	}
}

// Sixteen writers of each language on one home, with the journal rotated under
// them: nothing is lost, nothing is out of order, and both readers agree.
func TestGoAndPythonShareAHome(t *testing.T) {
	const writers, each = 16, 300
	home := t.TempDir()
	dir := filepath.Join(home, "journal")
	script := fmt.Sprintf(`
import sys, miner_stage_tracker as m
print("ready", flush=True); sys.stdin.read()
for n in range(%d): m.stage_progress(3, n, %d, "elonmusk")
sys.exit(not m.flush(120))
`, each, each)
	var started []*exec.Cmd
	var shots []io.Closer
	for range writers {
		w := exec.Command(os.Args[0], "-test.run=^$")
		w.Env = append(os.Environ(), "STAGEWATCH_TEST=write", "MINER_HOME="+home, "COUNT="+strconv.Itoa(each))
		for _, c := range []*exec.Cmd{w, python(t, home, "-c", script)} {
			c.Stderr = os.Stderr
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
				t.Fatal(line, err)
			}
			started, shots = append(started, c), append(shots, in)
		}
	}
	for _, in := range shots {
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error)
	go func() {
		var failed error
		for _, c := range started {
			if err := c.Wait(); err != nil {
				failed = err
			}
		}
		ended <- failed
	}()
	rotated := 0
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		case <-time.After(10 * time.Millisecond):
			sealed, err := journal.Seal(dir, 128<<10, 0)
			if err != nil {
				t.Fatal(err)
			}
			if sealed {
				rotated++
			}
		}
	}
	if rotated == 0 {
		t.Error("the journal was never rotated: the test shows too little")
	}

	f := journal.Follow(dir, journal.Position{})
	defer f.Close()
	counts := map[uint64]int64{}
	for {
		r, ok, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		var e stagewatch.Event
		if err := json.Unmarshal(r.Payload, &e); err != nil {
			t.Fatal(err)
		}
		if e.Done != counts[r.Writer] {
			t.Fatalf("writer %x: record %d comes as number %d", r.Writer, e.Done, counts[r.Writer])
		}
		counts[r.Writer]++
	}
	for writer, n := range counts {
		if n != each {
			t.Errorf("writer %x: %d records, want %d", writer, n, each)
		}
	}
	if len(counts) != 2*writers {
		t.Errorf("%d writers, want %d", len(counts), 2*writers)
	}
	report, err := journal.Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Sound() || report.Lost > 0 {
		t.Errorf("the check found %v", report.Findings)
	}
	got := output(t, python(t, home, "-c", `
import os, miner_stage_tracker as m
f = m._Follower(os.path.join(os.environ["MINER_HOME"], "journal"))
print(len(list(f)), f.damaged, f.gaps)
`))
	if want := fmt.Sprintf("%d 0 0\n", 2*writers*each); got != want {
		t.Errorf("Python's reader counts %q, want %q", got, want)
	}
}
