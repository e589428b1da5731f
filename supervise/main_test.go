package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is also the guard and the supervisor that is killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "guard":
			exitWith(Guard(os.Stdin))
		case "doomed":
			exitWith(runDoomed(os.Args[2], os.Args[3], os.Args[4:]))
		}
	}
	goleak.VerifyTestMain(m)
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func self(t testing.TB, args ...string) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{exe}, args...)
}

// sh is a process that runs a script; its log lies in a folder of the test.
func sh(t testing.TB, name, script string) Process {
	t.Helper()
	return Process{
		Name:    name,
		Command: []string{"/bin/sh", "-c", script},
		Env:     []string{"PATH=/usr/bin:/bin"},
		Log:     Log{Dir: filepath.Join(t.TempDir(), "logs")},
	}
}

// bench is a running supervisor whose events are seen one by one.
type bench struct {
	t      testing.TB
	events chan Event
	stop   func() error
	s      *Supervisor
}

func run(t testing.TB, c Config) *bench {
	t.Helper()
	b := &bench{t: t, events: make(chan Event, 10_000)}
	c.OnEvent = func(e Event) { b.events <- e }
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.s = s
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return errors.New("Run did not return")
		}
	})
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// next is the next event of one of the kinds; others are passed over.
func (b *bench) next(kinds ...Kind) Event {
	b.t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case e := <-b.events:
			if slices.Contains(kinds, e.Kind) {
				return e
			}
		case <-deadline:
			b.t.Fatalf("no event of %v", kinds)
		}
	}
}

// rest stops the supervisor and gives the events that were not taken.
func (b *bench) rest() (events []Event) {
	b.t.Helper()
	if err := b.stop(); err != nil {
		b.t.Error(err)
	}
	close(b.events)
	for e := range b.events {
		events = append(events, e)
	}
	return events
}

// eventually polls what real processes do.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after a minute", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// marked are the living processes whose environment or arguments hold mark.
func marked(mark string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(environ)+string(args), mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mark is unlike any other process's environment.
func mark(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("SUPERVISE_TEST=%d-%d", os.Getpid(), time.Now().UnixNano())
}

func readLog(t testing.TB, p Process) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(p.Log.Dir, p.Name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func openDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// children are the processes, zombies included, that this one has not reaped.
func children(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("ps", "--ppid", strconv.Itoa(os.Getpid()), "-o", "pid=,stat=,args=").Output()
	if err != nil && len(out) == 0 {
		return ""
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "ps --ppid") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
