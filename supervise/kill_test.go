package supervise

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// unguarded ends the mark of a doomed supervisor that is to have no guard.
const unguarded = "-unguarded"

// runDoomed is a supervisor that waits to be killed. Each script is one process.
func runDoomed(dir, mark string, scripts []string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	var c Config
	if !strings.HasSuffix(mark, unguarded) {
		c.Guard = []string{exe, "guard", mark}
	}
	for i, script := range scripts {
		c.Processes = append(c.Processes, Process{
			Name:    "p" + strconv.Itoa(i),
			Command: []string{"/bin/sh", "-c", script},
			Env:     []string{"PATH=/usr/bin:/bin", mark},
			Log:     Log{Dir: filepath.Join(dir, "logs")},
			Policy:  Policy{Healthy: time.Nanosecond, Deaths: 1e9},
		})
	}
	s, err := New(c)
	if err != nil {
		return err
	}
	return s.Run(context.Background())
}

// killDoomed starts a doomed supervisor, kills it -9 when it is time, and waits
// until nothing that carries the mark is alive.
func killDoomed(t *testing.T, when func(mark string), scripts ...string) {
	t.Helper()
	killMarked(t, mark(t), when, scripts...)
}

func killMarked(t *testing.T, m string, when func(mark string), scripts ...string) {
	t.Helper()
	args := self(t, append([]string{"doomed", t.TempDir(), m}, scripts...)...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range marked(m) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	when(m)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the end of all processes", func() bool { return len(marked(m)) == 0 })
}

// count waits until so many marked processes live: the supervisor, its guard
// and the processes.
func count(t *testing.T, n int) func(mark string) {
	t.Helper()
	return func(mark string) {
		eventually(t, fmt.Sprintf("%d processes", n), func() bool { return len(marked(mark)) >= n })
	}
}

func TestNothingSurvivesAKilledSupervisor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script string
		living int
	}{
		"process":                       {"exec sleep 1000", 3},
		"grandchildren":                 {"sleep 1001 & sleep 1002 & wait", 5},
		"deaf grandchildren":            {"trap '' TERM HUP INT; sleep 1001 & sleep 1002 & wait", 5},
		"grandchild without our output": {"sleep 1001 >/dev/null 2>&1 & exec sleep 1002", 4},
		"grandchild in its own session": {"setsid sleep 1001 & exec sleep 1002", 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			killDoomed(t, count(t, test.living), test.script)
		})
	}
}

// The kernel's own signal covers the time in which there is no guard.
func TestProcessDiesWithItsSupervisorAlsoWithoutGuard(t *testing.T) {
	t.Parallel()
	killMarked(t, mark(t)+unguarded, count(t, 2), "exec sleep 1000")
}

// That signal is bound to the thread that forks: there must be one for all.
func TestThreadIsOneThread(t *testing.T) {
	forker := startThread()
	defer forker.stop()
	seen := make(map[int]bool)
	for range 50 {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { forker.do(func() { seen[unix.Gettid()] = true }) })
		}
		wg.Wait()
	}
	if len(seen) != 1 {
		t.Errorf("%d threads", len(seen))
	}
}

// The processes here end and start all the time, so the kill hits every moment
// of a start and an end.
func TestNothingSurvivesAKillAtAnyMoment(t *testing.T) {
	t.Parallel()
	for range 12 {
		killDoomed(t, func(m string) {
			count(t, 3)(m)
			<-time.After(rand.N(50 * time.Millisecond))
		}, "sleep 1001 & sleep 1002 & exit 1", "setsid sleep 1003 & sleep 1004 & sleep 0.01", "sleep 1005 & exec sleep 1006")
	}
}

func TestGuardOutlivesTheTerminal(t *testing.T) {
	t.Parallel()
	killDoomed(t, func(m string) {
		count(t, 3)(m)
		guard := 0
		for _, pid := range marked(m) {
			if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.Contains(string(args), "\x00guard\x00") {
				guard = pid
			}
		}
		eventually(t, "a guard that ignores signals", func() bool { return ignores(t, guard, syscall.SIGHUP) })
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
			if err := syscall.Kill(guard, s); err != nil {
				t.Fatal(err)
			}
		}
		if session, err := sessionOf(guard); err != nil || session != guard {
			t.Errorf("the guard is in session %d, %v, want its own", session, err)
		}
	}, "sleep 1001 & wait")
}

func ignores(t *testing.T, pid int, s syscall.Signal) bool {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "SigIgn:\t")
	mask, err := strconv.ParseUint(rest[:16], 16, 64)
	return err == nil && mask&(1<<(s-1)) != 0
}

func sessionOf(pid int) (int, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[3])
}

func TestKilledGuardIsReplacedAndToldAnew(t *testing.T) {
	t.Parallel()
	m := mark(t)
	p := sh(t, "a", "sleep 1001 & wait")
	b := run(t, Config{Processes: []Process{p}, Guard: self(t, "guard", m)})
	b.next(Started)
	first := marked(m)
	if len(first) != 1 {
		t.Fatalf("%d guards, want 1", len(first))
	}
	if err := syscall.Kill(first[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if e := b.next(GuardEnded); e.Err == nil {
		t.Error("GuardEnded does not say why")
	}
	second := b.next(GuardStarted)
	if second.PID == first[0] {
		t.Error("the same guard")
	}
	for _, e := range b.rest() {
		if e.Kind == Exited && !e.Exit.Asked {
			t.Error("the process ended with its guard")
		}
	}
	if left := marked(m); len(left) > 0 {
		t.Errorf("guards %v are left", left)
	}
}

// The new guard does the work of the old one.
func TestReplacedGuardKills(t *testing.T) {
	t.Parallel()
	killDoomed(t, func(m string) {
		count(t, 4)(m)
		guards := func() (pids []int) {
			for _, pid := range marked(m) {
				if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.Contains(string(args), "\x00guard\x00") {
					pids = append(pids, pid)
				}
			}
			return pids
		}
		old := guards()
		if err := syscall.Kill(old[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a new guard", func() bool { now := guards(); return len(now) == 1 && now[0] != old[0] })
	}, "sleep 1001 & wait")
}

func TestMissingGuardIsAnErrorOfRun(t *testing.T) {
	s, err := New(Config{Processes: []Process{sh(t, "a", "exit 1")}, Guard: []string{"/no/such/guard"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "guard") {
		t.Errorf("Run = %v, want an error about the guard", err)
	}
}
