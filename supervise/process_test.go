package supervise

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// eager restarts at once whatever happens.
func eager() Policy { return Policy{Healthy: time.Nanosecond, Deaths: 1e9} }

func TestCrashIsSeenAndRestartedAtOnce(t *testing.T) {
	p := sh(t, "a", "echo hello; exec sleep 1000")
	p.Policy.Healthy = time.Nanosecond
	b := run(t, Config{Processes: []Process{p}})
	first := b.next(Started)
	eventually(t, "output", func() bool { return strings.Contains(readLog(t, p), "hello") })
	killed := time.Now()
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	exited, second := b.next(Exited, Started, Backoff), b.next(Started, Backoff)
	if exited.Kind != Exited || exited.PID != first.PID || second.Kind != Started {
		t.Fatalf("events %+v, %+v; want an exit of %d and a start", exited, second, first.PID)
	}
	if took := second.Time.Sub(killed); took > 5*time.Second { // a pause would have been told as Backoff; a busy test machine gets some air
		t.Errorf("restarted after %v", took)
	}
	e := exited.Exit
	if e.Code != -9 || e.String() != "signal: killed" || e.Asked || e.Output != "hello\n" || e.Wall <= 0 || e.MaxRSS < 100<<10 {
		t.Errorf("exit %+v (%v), want a kill, its output, and what it used", e, e)
	}
	if second.StartTime <= 0 || second.StartTime < first.StartTime {
		t.Errorf("start times %d, %d", first.StartTime, second.StartTime)
	}
}

func TestExitSaysHow(t *testing.T) {
	tests := map[string]struct {
		script string
		check  func(Exit) bool
		text   string
	}{
		"code 0":          {"exit 0", func(e Exit) bool { return e.Code == 0 && !e.AlreadyRunning }, "exit code 0"},
		"code 3":          {"exit 3", func(e Exit) bool { return e.Code == 3 }, "exit code 3"},
		"already running": {"exit 75", func(e Exit) bool { return e.AlreadyRunning }, "exit code 75"},
		"signal":          {"kill -TERM $$", func(e Exit) bool { return e.Code == -15 && !e.Asked }, "signal: terminated"},
		"work": {"i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done", func(e Exit) bool {
			return e.User+e.System > time.Millisecond && e.User+e.System <= e.Wall*2
		}, "exit code 0"},
		"last lines": {"echo one; echo two >&2; printf three", func(e Exit) bool { return e.Output == "one\ntwo\nthree" }, "exit code 0"},
		"64 KiB without a newline": {"head -c 65536 /dev/zero | tr '\\0' x", func(e Exit) bool {
			return e.Output == strings.Repeat("x", 8<<10)
		}, "exit code 0"},
		"characters cut": {"yes 'ä€😀' | tr -d '\\n' | head -c 100000", func(e Exit) bool {
			return utf8.ValidString(e.Output) && len(e.Output) <= 8<<10 && len(e.Output) > 8<<10-16 && !strings.HasPrefix(e.Output, "\uFFFD")
		}, "exit code 0"},
		"closed output":  {"exec >&- 2>&-; exit 4", func(e Exit) bool { return e.Code == 4 }, "exit code 4"},
		"environment":    {"env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=", func(e Exit) bool { return e.Output == "PATH=/usr/bin:/bin\n" }, "exit code 0"},
		"standard input": {"cat; echo end", func(e Exit) bool { return e.Output == "end\n" }, "exit code 0"},
		"own group": {"ps -o pgid= -p $$ | tr -d ' \\n'; echo -$$", func(e Exit) bool {
			group, pid, _ := strings.Cut(strings.TrimSpace(e.Output), "-")
			return group == pid && pid != ""
		}, "exit code 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := run(t, Config{Processes: []Process{sh(t, "a", test.script)}})
			e := b.next(Exited).Exit
			if !test.check(e) || e.String() != test.text || e.Dropped != 0 {
				t.Errorf("exit %.200v (%v) of %q", fmt.Sprintf("%+v", e), e, test.script)
			}
		})
	}
}

func TestMissingCommandIsAnEventAndIsRetried(t *testing.T) {
	p := sh(t, "a", "")
	p.Command = []string{filepath.Join(t.TempDir(), "missing")}
	p.Policy.Backoff = 10 * time.Millisecond
	b := run(t, Config{Processes: []Process{p}, Guard: self(t, "guard")})
	for range 2 {
		if e := b.next(CouldNotStart, Started); e.Kind != CouldNotStart || !strings.Contains(e.Err.Error(), "no such file") {
			t.Fatalf("event %+v, want one that says that there is no such file", e)
		}
		if e := b.next(Backoff, Starting); e.Kind != Backoff {
			t.Fatalf("event %+v, want a backoff", e)
		}
	}
	if err := os.WriteFile(p.Command[0], []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.next(Started) // it came to be
}

func TestCrashLoopFails(t *testing.T) {
	p := sh(t, "a", "exit 1")
	p.Policy = Policy{Backoff: time.Millisecond, BackoffMax: 4 * time.Millisecond, Deaths: 5, FailedEvery: 50 * time.Millisecond}
	b := run(t, Config{Processes: []Process{p}})
	for range 4 {
		b.next(Backoff)
	}
	if e := b.next(Failed, Backoff); e.Kind != Failed || e.Wait != 50*time.Millisecond {
		t.Fatalf("event %+v, want Failed for 50 ms", e)
	}
	b.next(Starting)
	if e := b.next(Failed, Backoff); e.Kind != Failed {
		t.Errorf("event %+v, want Failed again", e)
	}
}

func TestStubbornGroupIsKilledAfterTheGrace(t *testing.T) {
	t.Parallel()
	m := mark(t)
	p := sh(t, "a", "trap '' TERM INT HUP; sh -c 'while :; do sleep 1001; done' & echo ready; while :; do sleep 1002; done")
	p.Env = append(p.Env, m)
	p.StopGrace = 200 * time.Millisecond
	b := run(t, Config{Processes: []Process{p}})
	eventually(t, "grandchildren", func() bool { return len(marked(m)) == 4 })
	began := time.Now()
	events := b.rest()
	if took := time.Since(began); took < p.StopGrace || took > 30*time.Second {
		t.Errorf("stopping took %v, want a little more than %v", took, p.StopGrace)
	}
	if last := events[len(events)-1]; last.Kind != Stopped || !last.Forced {
		t.Errorf("last event %+v, want a forced stop", last)
	}
	if left := marked(m); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

func TestGentleStopIsNotForced(t *testing.T) {
	p := sh(t, "a", "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done")
	b := run(t, Config{Processes: []Process{p}})
	b.next(Started)
	eventually(t, "output", func() bool { return strings.Contains(readLog(t, p), "ready") })
	events := b.rest()
	stopping, exited, stopped := events[0], events[1], events[2]
	if stopping.Kind != Stopping || exited.Exit.Code != 7 || !exited.Exit.Asked || !strings.HasSuffix(exited.Exit.Output, "bye\n") {
		t.Errorf("events %+v, want a stop with the process's own last words", events)
	}
	if stopped.Kind != Stopped || stopped.Forced {
		t.Errorf("last event %+v, want a stop without force", stopped)
	}
}

// One that is stopped (SIGSTOP) can still end in order.
func TestFrozenProcessHearsTheStop(t *testing.T) {
	b := run(t, Config{Processes: []Process{sh(t, "a", "exec sleep 1000")}})
	if err := syscall.Kill(b.next(Started).PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	events := b.rest()
	if last := events[len(events)-1]; last.Forced {
		t.Errorf("last event %+v, want a stop without force", last)
	}
}

func TestTwentyProcessesStopTogether(t *testing.T) {
	t.Parallel()
	m := mark(t)
	var c Config
	for i := range 20 {
		p := sh(t, "p"+strconv.Itoa(i), "trap '' TERM; sleep 1001 & wait; sleep 1002")
		p.Env = append(p.Env, m)
		p.StopGrace = time.Second // one after the other would take 20 s
		c.Processes = append(c.Processes, p)
	}
	b := run(t, c)
	for range c.Processes {
		b.next(Started)
	}
	eventually(t, "grandchildren", func() bool { return len(marked(m)) >= 40 })
	began := time.Now()
	stopped := 0
	for _, e := range b.rest() {
		if e.Kind == Stopped {
			stopped++
		}
	}
	if took := time.Since(began); stopped != 20 || took > 10*time.Second {
		t.Errorf("%d stopped in %v, want 20 in little more than 1 s", stopped, took)
	}
	if left := marked(m); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// A grandchild must not hide the exit of its parent, nor outlive it.
func TestGrandchildNeitherHidesTheExitNorOutlivesIt(t *testing.T) {
	tests := map[string]string{
		"in the group":                 "sleep 1001 & exit 3",
		"in the group, without output": "sleep 1001 >/dev/null 2>&1 & exit 3",
		"in its own session":           "setsid sleep 1001 & sleep 0.1; exit 3",
	}
	for name, script := range tests {
		t.Run(name, func(t *testing.T) {
			m := mark(t)
			p := sh(t, "a", script)
			p.Env = append(p.Env, m)
			b := run(t, Config{Processes: []Process{p}})
			if e := b.next(Exited); e.Exit.Code != 3 || e.Exit.Wall > 30*time.Second {
				t.Errorf("exit %+v, want code 3 at once", e.Exit)
			}
			eventually(t, "the end of the grandchild", func() bool { return len(marked(m)) == 0 })
			b.next(Backoff)
		})
	}
}

func TestNothingIsLeftAfterManyLives(t *testing.T) {
	before := openDescriptors(t)
	p := sh(t, "a", "sleep 1001 & echo x; exit 1")
	p.Policy = eager()
	b := run(t, Config{Processes: []Process{p}, Guard: self(t, "guard")})
	for range 100 {
		b.next(Exited)
	}
	b.rest()
	if after := openDescriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	if left := children(t); left != "" {
		t.Errorf("children are left:\n%s", left)
	}
}

func TestFloodTakesNoMemory(t *testing.T) {
	const size = 200 << 20
	p := sh(t, "a", fmt.Sprintf("head -c %d /dev/zero; touch done; exec sleep 1000", size))
	p.Dir, p.Log.MaxSize, p.Log.Old = t.TempDir(), 1<<20, 2
	b := run(t, Config{Processes: []Process{p}})
	b.next(Started)
	before, most := liveHeap(), uint64(0)
	eventually(t, "the end of the flood", func() bool {
		most = max(most, liveHeap())
		_, err := os.Stat(filepath.Join(p.Dir, "done"))
		return err == nil
	})
	if grown := int64(most) - int64(before); grown > 2<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	b.rest()
	if total := written(p); total > 3<<20 || total < 2<<20 {
		t.Errorf("the log takes %d bytes, want at most 3 MiB and at least 2", total)
	}
	if n, err := b.s.Dropped("a"); n != 0 || err != nil {
		t.Errorf("Dropped = %d, %v; want nothing", n, err)
	}
}

// written is the size of all log files of p.
func written(p Process) (total int64) {
	files, _ := filepath.Glob(filepath.Join(p.Log.Dir, p.Name+".log*"))
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			total += info.Size()
		}
	}
	return total
}

// The folder for the log is a file, which is a read-only folder also to root.
func TestUnwritableLogBlocksNobody(t *testing.T) {
	t.Parallel()
	p := sh(t, "a", "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo last words; exit 1")
	p.Policy = eager()
	if err := os.WriteFile(p.Log.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := run(t, Config{Processes: []Process{p}})
	e := b.next(Exited).Exit
	if e.Dropped != 1_000_001+int64(len("last words\n")) || !strings.HasSuffix(e.Output, "\nlast words\n") && e.Output != "last words\n" {
		t.Errorf("dropped %d and kept %q, want all dropped and the last words kept", e.Dropped, e.Output)
	}
	if n, err := b.s.Dropped("a"); n < e.Dropped || err == nil {
		t.Errorf("Dropped = %d, %v; want %d and why", n, err, e.Dropped)
	}
	if err := os.Remove(p.Log.Dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log", func() bool { return written(p) > 0 })
	if log := readLog(t, p); !strings.Contains(log, "bytes of output are missing here: ") {
		t.Errorf("log %.300q does not say what is missing", log)
	}
}

func TestLogIsContinuedOverLives(t *testing.T) {
	p := sh(t, "a", "printf 'no newline'; exit 1")
	p.Policy = eager()
	b := run(t, Config{Processes: []Process{p}})
	for range 3 {
		b.next(Exited)
	}
	b.rest()
	lines := strings.Split(readLog(t, p), "\n")
	if len(lines) < 6 || !strings.HasPrefix(lines[0], "--- ") || !strings.Contains(lines[0], "a: started, pid ") {
		t.Fatalf("log %q, want a header a life", lines)
	}
	for i, line := range lines[:6] {
		if header := strings.HasPrefix(line, "--- "); header != (i%2 == 0) || !header && line != "no newline" {
			t.Errorf("line %d is %q", i, line)
		}
	}
}
