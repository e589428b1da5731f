package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch"
)

const good = "sample_harbour_coffee"

// whole is what an undisturbed run looks like.
func whole() []string {
	return []string{
		"1 started", "1 completed", "2 started", "2 completed", "3 started", "3 completed",
		"4 started", "4 completed", "5 started", "5 completed", "6 started", "6 completed", "7 completed",
	}
}

// resumed is what a run looks like that died once in stage 4: nothing before
// it is done again, nothing after it is missing.
func resumed() []string {
	return []string{
		"1 started", "1 completed", "2 started", "2 completed", "3 started", "3 completed",
		"4 started", "4 lost", "4 started", "4 completed", "5 started", "5 completed",
		"6 started", "6 completed", "7 completed",
	}
}

// lengthenStage4 gives the good account eight years of posts, two a day and without
// words: stage 4, that of a few milliseconds, takes longer than anybody who waits
// for it, and the other stages hardly do.
func lengthenStage4(t *testing.T, home string) {
	t.Helper()
	const posts = 6000
	path := filepath.Join(home, "samples", "instagram", good, good+".json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var profiles []map[string]any
	if err := json.Unmarshal(text, &profiles); err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	newest := time.Date(2026, 10, 30, 8, 0, 0, 0, time.UTC)
	for i := range posts {
		all = append(all, map[string]any{
			"id": fmt.Sprintf("%d", 1_000_000_000+i), "type": "Image", "shortCode": fmt.Sprintf("SAMPLE%d", i), "caption": "",
			"commentsCount": i % 7, "likesCount": 50 + i*37%200, "timestamp": newest.Add(-time.Duration(i) * 12 * time.Hour), "ownerUsername": good,
		})
	}
	profiles[0]["latestPosts"] = all
	if text, err = json.Marshal(profiles); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// reachStage4 waits until the home's run for the good account is in stage 4, and
// returns its process.
func reachStage4(t *testing.T, home string) (pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := stagewatch.Follow(ctx, home, stagewatch.Position{}, func(e stagewatch.Event) error {
		if e.Kind == stagewatch.KindStage && e.Account == good && e.Stage == 4 && e.What == stagewatch.EventStarted {
			pid = e.Owner.PID
			cancel()
		}
		return nil
	})
	if err != nil || pid == 0 {
		t.Fatalf("stage 4 was not reached: %v", err)
	}
	return pid
}

// The demo's samples are what they are, and its stage 4 is short: it is caught there all the same.
func TestDemoCrashComesBackInStage4(t *testing.T) {
	out, err := command("", "demo", "--crash").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := string(out)
	for again := "Once more, in a new home:\n"; strings.Contains(text, again); {
		_, text, _ = strings.Cut(text, again) // what was tried before is of no interest
	}
	lost := regexp.MustCompile(`❌ Stage 4 Lost - Time Series Analysis for (\S+) - Error: process ended \(signal: killed\)`).FindStringSubmatch(text)
	if lost == nil {
		t.Fatalf("nothing was lost in stage 4:\n%s", out)
	}
	inOrder(t, text, "[ERROR] ❌ Module 1 process terminated with code: -9\n", lost[0], "[INFO] 🔄 Attempting to restart Module 1...\n",
		"[INFO] ⚙️  Stage 4 - Time Series Analysis for "+lost[1]+": Analyzing engagement data and patterns (attempt 2)\n",
		"✅ Stage 7 Complete - Complete for "+lost[1])
	for stage := 1; stage < 4; stage++ {
		done := regexp.MustCompile(fmt.Sprintf(`⚙️  Stage %d - .* for %s: `, stage, lost[1]))
		if n := len(done.FindAllString(text, -1)); n != 1 {
			t.Errorf("stage %d of %s was begun %d times, want once:\n%s", stage, lost[1], n, out)
		}
	}
}

func TestRunKilledInStage4ResumesInStage4(t *testing.T) {
	home := newHome(t, "instagram/"+good)
	lengthenStage4(t, home)
	p := start(t, home)
	kill(t, reachStage4(t, home), syscall.SIGKILL)
	p.wait("✅ Stage 7 Complete - Complete for "+good, 1)
	p.end(os.Interrupt)
	if got := history(t, home); !slices.Equal(got, resumed()) {
		t.Errorf("stages = %v, want %v", got, resumed())
	}
	inOrder(t, p.out.String(),
		"[ERROR] ❌ Module 1 process terminated with code: -9\n",
		"[ERROR] ❌ Stage 4 Lost - Time Series Analysis for "+good+" - Error: process ended (signal: killed)\n",
		"[INFO] 🔄 Attempting to restart Module 1...\n",
		"[INFO] ⚙️  Stage 4 - Time Series Analysis for "+good+": Analyzing engagement data and patterns (attempt 2)\n",
	)
}

func TestDirectRunKilledInStage4ResumesWhenRepeated(t *testing.T) {
	home := newHome(t)
	lengthenStage4(t, home)
	p := start(t, home, "process", "instagram", good)
	kill(t, reachStage4(t, home), syscall.SIGKILL)
	<-p.done
	again := start(t, home, "process", "instagram", good)
	<-again.done
	if again.ProcessState.ExitCode() != 0 {
		t.Errorf("exit code %d", again.ProcessState.ExitCode())
	}
	if got := history(t, home); !slices.Equal(got, resumed()) {
		t.Errorf("stages = %v, want %v", got, resumed())
	}
	if !strings.Contains(again.out.String(), "(attempt 2)") || strings.Contains(again.out.String(), "Stage 1") {
		t.Errorf("the second run printed:\n%s", again.out)
	}
}

// The miner's own death by kill -9 ends both modules; the next start says what was lost and goes on.
func TestKilledMinerLeavesNothingBehindAndGoesOn(t *testing.T) {
	home := newHome(t, "instagram/"+good)
	lengthenStage4(t, home)
	p := start(t, home)
	reachStage4(t, home)
	p.end(syscall.SIGKILL)
	within(t, 15*time.Second, "modules gone with the miner", func() bool { return len(alive(t, home)) == 0 })
	if got := state(t, home).Miner.State; got != "lost" {
		t.Errorf("a reader sees the miner %s, want lost", got)
	}
	next := start(t, home)
	next.wait("✅ Stage 7 Complete - Complete for "+good, 1)
	next.end(os.Interrupt)
	if got := history(t, home); !slices.Equal(got, resumed()) {
		t.Errorf("stages = %v, want %v", got, resumed())
	}
	inOrder(t, next.out.String(),
		"📊 Stage monitoring activated\n",
		"[ERROR] ❌ Stage 4 Lost - Time Series Analysis for "+good+" - Error: process ended\n",
		"(attempt 2)\n",
	)
	if strings.Contains(next.out.String(), "Stage 1 -") {
		t.Error("what happened before the start was printed again")
	}
}

// A clean stop in the middle of a stage is no loss: the stage goes on at the
// next start. Stage 4 may still end before the word to stop reaches it, and it
// is repeated when its end was recorded and its result not yet kept.
func TestStoppedRunGoesOn(t *testing.T) {
	home := newHome(t, "instagram/"+good)
	lengthenStage4(t, home)
	p := start(t, home)
	reachStage4(t, home)
	p.end(syscall.SIGTERM)
	inOrder(t, p.out.String(), "🛑 Stopping miner and cleaning up resources...\n", "✅ Module 1 stopped\n", "📊 Stage monitoring stopped\n", "🏁 Miner cleanup completed\n")
	if strings.Contains(p.out.String(), "Lost") || strings.Contains(p.out.String(), "Stage 0 Stopped") {
		t.Error("a clean stop was told as a loss, or for stage 0")
	}
	next := start(t, home)
	next.wait("✅ Stage 7 Complete - Complete for "+good, 1)
	next.end(os.Interrupt)
	got := history(t, home)
	at := slices.IndexFunc(got, func(s string) bool { return strings.HasSuffix(s, "stopped") })
	if at < 0 {
		at = 1 + slices.Index(got, "4 started") // its end, before it was repeated
	} else {
		inOrder(t, p.out.String(), "🛑", "[WARN] ⚠️  Stage ", " for "+good+" - goes on at the next start\n", "✅ Module 1 stopped\n")
	}
	if at < 1 || at+1 >= len(got) || got[at+1] != got[at-1] {
		t.Fatalf("stages = %v: what was stopped did not go on", got)
	}
	if rest := slices.Delete(slices.Clone(got), at, at+2); !slices.Equal(rest, whole()) {
		t.Errorf("stages = %v, want %v", got, whole())
	}
}

// inOrder checks that the texts stand in what was printed, one after the other.
func inOrder(t *testing.T, printed string, texts ...string) {
	t.Helper()
	at := 0
	for _, text := range texts {
		i := strings.Index(printed[at:], text)
		if i < 0 {
			t.Errorf("%q is missing, or comes too early, in:\n%s", text, printed)
			return
		}
		at += i + len(text)
	}
}
