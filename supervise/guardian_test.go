package supervise

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A guard that takes nothing any more is replaced, and must not take that for
// the death of the supervisor.
func TestStuckGuardIsReplacedAndKillsNobody(t *testing.T) {
	t.Parallel()
	guarded := exec.Command("sleep", "1000")
	guarded.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := guarded.Start(); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, events: make(chan Event, 100)}
	g, err := startGuard(self(t, "guard"), func(e Event) { b.events <- e })
	if err != nil {
		t.Fatal(err)
	}
	group := ward{wardGroup, uint64(guarded.Process.Pid)}
	g.add(group)
	first := b.next(GuardStarted)
	if err := syscall.Kill(first.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 10_000 { // more than its pipe holds
		g.add(ward{wardOutput, 1 << 60})
		g.remove(ward{wardOutput, 1 << 60})
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a stuck guard held us up for %v", took)
	}
	if e := b.next(GuardEnded); e.Err == nil || !strings.Contains(e.Err.Error(), "killed") {
		t.Errorf("event %+v, want a killed guard", e)
	}
	if second := b.next(GuardStarted); second.PID == first.PID {
		t.Error("the same guard")
	}
	g.remove(group)
	g.stop()
	if err := guarded.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := guarded.Wait(); err == nil || err.Error() != "signal: terminated" {
		t.Errorf("the guarded process ended with %v, want our own signal", err)
	}
}

// More than a pipe holds comes through all the same.
func TestGuardIsToldEverythingHoweverMuch(t *testing.T) {
	t.Parallel()
	told := filepath.Join(t.TempDir(), "told")
	const n = 20_000
	g := &guardian{
		command:  []string{"/bin/sh", "-c", "exec /bin/cat >" + told},
		onEvent:  func(Event) {},
		stopping: make(chan struct{}),
		stopped:  make(chan struct{}),
		wards:    make(wards),
	}
	for i := range n {
		g.wards[ward{wardOutput, uint64(i)}] = struct{}{}
	}
	if err := g.start(); err != nil {
		t.Fatal(err)
	}
	go g.run()
	g.stop()
	content, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	got := make(wards)
	if err := got.read(bytes.NewReader(content)); err != nil || len(got) != n {
		t.Errorf("told %d of %d, %v", len(got), n, err)
	}
}

// A command that is no guard ends at once: it is tried again, ever more rarely.
func TestWrongGuardIsToldAndRetried(t *testing.T) {
	t.Parallel()
	b := run(t, Config{Processes: []Process{sh(t, "a", "exec sleep 1000")}, Guard: []string{"/bin/false"}})
	for range 2 {
		if e := b.next(GuardEnded); e.Err == nil || e.Wait <= 0 || e.Process != "" {
			t.Errorf("event %+v, want why and when", e)
		}
	}
	b.rest()
}
