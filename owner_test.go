package stagewatch

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// A process goes on when its first thread ends; only the last one takes it with it.
func TestProcessWithoutItsFirstThreadLives(t *testing.T) {
	t.Parallel()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no program with threads of its own to be had: python3 is not there")
	}
	cmd := exec.CommandContext(t.Context(), interpreter, "-c", `
import ctypes, os, sys, threading
def wait():
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=wait).start()
print("ready", flush=True)
ctypes.CDLL(None).pthread_exit(None)`)
	stdin, _ := launched(t, cmd)
	owner, err := ProcessOwner(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	within(t, soon, "the end of its first thread", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(owner.PID) + "/stat")
		return err == nil && bytes.Contains(stat, []byte(") Z "))
	})
	if owner.Gone() {
		t.Error("a process with a living thread is gone")
	}
	_ = stdin.Close()
	within(t, soon, "its end, before anybody has collected it", owner.Gone)
	_ = cmd.Wait()
}

// A process in another time namespace sees another time of its own start than we do.
func TestOwnerInAnotherTimeNamespaceLives(t *testing.T) {
	t.Parallel()
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.CommandContext(t.Context(), unshare, "--time", "--boottime=1000", "true").Run()
	}
	if err != nil {
		t.Skipf("no time namespace to be had: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), unshare, "--time", "--boottime=1000", "--", "sh", "-c", "cat /proc/$$/stat; read wait")
	stdin, stat := launched(t, cmd)
	const started = 19
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	itself, err := strconv.ParseUint(fields[started], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := newWatchman()
	if err != nil {
		t.Fatal(err)
	}
	owner := Owner{PID: cmd.Process.Pid, Start: itself, Boot: watch.boot, Space: watch.space}
	if seen, _, err := processStart(owner.PID); err != nil || seen == itself {
		t.Fatalf("its start reads as %d for us and for itself, %v", seen, err)
	}
	if watch.gone(owner) {
		t.Error("a living process of another time namespace is gone")
	}
	for o, silent := range map[Owner]bool{owner: false, {PID: 1, Start: 1, Boot: watch.boot}: true} {
		var s State
		s.Apply(Event{Kind: KindDefinition, Defined: &Definition{Name: "Own", Stages: []Stage{{Number: 1, Name: "One", StallAfter: 1}}}})
		s.Apply(Event{Kind: KindStage, What: EventStarted, Definition: "Own", Run: "r", Stage: 1, Account: "u", Clock: 1, Owner: o})
		if due := s.overdue(watch.boot, monotonic(), 0); (len(due) > 0) != silent {
			t.Errorf("a stage of %+v is stalled: %v, want %v", o, due, silent)
		}
	}
	_ = stdin.Close()
	_ = cmd.Wait()
	if !watch.gone(owner) {
		t.Error("it is not gone after its end")
	}
}
