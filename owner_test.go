package stagewatch

import (
	"bufio"
	"bytes"
	"os/exec"
	"strconv"
	"testing"
)

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
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stat, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	const started = 19
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	itself, err := strconv.ParseUint(string(fields[started]), 10, 64)
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
