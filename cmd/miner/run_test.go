package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
)

func TestSecondMinerNamesTheFirst(t *testing.T) {
	home := newHome(t)
	p := start(t, home)
	p.wait("Watchdog mode initialized successfully", 1)
	second := start(t, home)
	<-second.done
	if code := second.ProcessState.ExitCode(); code != exitRunning {
		t.Errorf("exit code %d, want %d", code, exitRunning)
	}
	if want := "a miner already runs in " + home; !strings.Contains(second.out.String(), want) {
		t.Errorf("printed %q, want %q in it", second.out, want)
	}
	p.end(os.Interrupt)
	if p.ProcessState.ExitCode() != 0 || len(alive(t, home)) != 0 {
		t.Errorf("exit code %d, left behind %v", p.ProcessState.ExitCode(), alive(t, home))
	}
}

func TestNewAccountIsTakenUpWithinASecond(t *testing.T) {
	home := newHome(t)
	p := start(t, home)
	p.wait("No accounts found - waiting 60 seconds for new accounts", 1)
	p.wait("⏳ No accounts yet", 1)
	began := time.Now()
	if out, err := command(home, "account", "add", "twitter/sample_tiny_press").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	p.wait("Stage 1 - Data Scraping for sample_tiny_press", 1)
	if took := time.Since(began); took > 5*time.Second { // 1 s is the promise; a busy test machine gets some air
		t.Errorf("taken up after %v", took)
	}
	p.wait("✅ Stage 0 Complete - Initialization - Wait cycle completed - checking for new accounts", 1)
	p.wait("✅ Stage 7 Complete - Complete for sample_tiny_press", 1)
	p.end(os.Interrupt)
}

// A direct run beside a miner: each line once on each screen.
func TestDirectRunBesideAMiner(t *testing.T) {
	home := newHome(t)
	p := start(t, home)
	p.wait("No accounts found", 1)
	direct := start(t, home, "process", "twitter/sample_tiny_press")
	<-direct.done
	if code := direct.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p.wait("✅ Stage 7 Complete - Complete for sample_tiny_press", 1)
	p.end(os.Interrupt)
	for line := range strings.Lines(direct.out.String()) {
		if strings.Contains(line, "Stage ") && strings.Count(p.out.String(), line) != 1 {
			t.Errorf("%q stands %d times on the miner's screen", line, strings.Count(p.out.String(), line))
		}
		if strings.Count(direct.out.String(), line) != 1 {
			t.Errorf("%q stands twice on the direct screen", line)
		}
	}
}

// Both modules are replaced: one floods, one is not there.
func TestFloodAndMissingCommand(t *testing.T) {
	home := newHome(t)
	settings := `
watch: {wait: 60s}
restart: {backoff: 100ms, backoff_max: 100ms}
modules:
  content: {command: [sh, -c, "head -c 70000 /dev/zero | tr '\\0' x; echo; head -c 5000000 /dev/zero | tr '\\0' y >&2; echo drained; exec sleep 1000"]}
  images: {command: [/no/such/program]}
`
	if err := os.WriteFile(filepath.Join(home, "miner.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, home)
	p.wait("❌ Module 2 could not be started: ", 2)
	p.wait("🔄 Attempting to restart Module 2...", 2)
	log := filepath.Join(home, "logs", "content.log")
	within(t, patience, "the flood in the log file", func() bool {
		text, _ := os.ReadFile(log)
		return strings.Contains(string(text), "drained")
	})
	within(t, patience, "states in the status", func() bool {
		s := state(t, home)
		return len(s.Modules) == 2 && s.Modules[0].State == stagewatch.ModuleRunning && s.Modules[1].State == stagewatch.ModuleRestarting
	})
	p.end(os.Interrupt)
	if strings.Contains(p.out.String(), "xxx") || strings.Contains(p.out.String(), "yyy") {
		t.Error("a module's output reached the operator's lines")
	}
	if len(alive(t, home)) != 0 {
		t.Errorf("left behind %v", alive(t, home))
	}
}

// A reader of the lines that goes away does not end the miner.
func TestClosedOutputEndsNothing(t *testing.T) {
	home := newHome(t, "twitter/sample_tiny_press")
	cmd := command(home)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	within(t, patience, "the account processed", func() bool {
		text, _ := os.ReadFile(filepath.Join(home, "tasks/AccountInfo/twitter/sample_tiny_press/status.json"))
		return strings.Contains(string(text), `"processed"`)
	})
	select {
	case <-done:
		t.Fatal("the miner ended with its reader")
	default:
	}
	kill(t, cmd.Process.Pid, syscall.SIGTERM)
	<-done
	if cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("exit code %d", cmd.ProcessState.ExitCode())
	}
}

// SIGHUP is a clean stop; under nohup it is nothing.
func TestHangUp(t *testing.T) {
	home := newHome(t)
	p := start(t, home)
	p.wait("No accounts found", 1)
	p.end(syscall.SIGHUP)
	inOrder(t, p.out.String(), "🛑 Stopping miner", "🏁 Miner cleanup completed\n")

	hup := exec.Command("nohup", command(home).Path)
	hup.Env = command(home).Env
	out := &lines{}
	hup.Stdout, hup.Stderr = out, out
	if err := hup.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = hup.Wait(); close(done) }()
	t.Cleanup(func() { _ = hup.Process.Kill(); <-done })
	under := &program{Cmd: hup, t: t, home: home, out: out, done: done}
	under.wait("No accounts found", 1)
	kill(t, hup.Process.Pid, syscall.SIGHUP)
	if out, err := command(home, "account", "add", "twitter/sample_tiny_press").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	under.wait("Stage 7 Complete", 1)
	under.end(syscall.SIGTERM)
}

// The demo shows every line of the contract in its order; counts and names are open.
func TestDemoShowsTheContract(t *testing.T) {
	out, err := command("", "demo").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var shown []string
	status := 0
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.Contains(line, "Images · "), !strings.HasPrefix(line, "["):
		case strings.Contains(line, "📈"):
			if matches(`^\[INFO\] 📈 Miner Status: Mode: watchdog \| Module 1: Running \| Module 2: Running \| Stage: .+ - (running|completed|failed)( \(.+\))?$`, line) {
				status++
			} else {
				t.Errorf("status line %q", line)
			}
		default:
			shown = append(shown, line)
		}
	}
	if status == 0 {
		t.Error("no status line")
	}
	want := contract()
	for i, line := range shown {
		if i >= len(want) {
			break // a second wait may begin before the end
		}
		if !matches("^"+want[i]+"$", line) {
			t.Fatalf("line %d is %q, want %q; all:\n%s", i+1, line, want[i], out)
		}
	}
	if len(shown) < len(want) {
		t.Errorf("%d lines, want %d", len(shown), len(want))
	}
	inOrder(t, string(out), "🛑 Stopping miner and cleaning up resources...\n", "✅ Module ", "✅ Module ", "📊 Stage monitoring stopped\n",
		"🏁 Miner cleanup completed\n", "7 Complete", "sample_private_garden: nothing")
}

func matches(pattern, line string) bool { return regexp.MustCompile(pattern).MatchString(line) }

// contract is the block of lines that operators rely on, as patterns.
func contract() []string {
	begin := []string{
		`\[INFO\] 🚀 Content Recommendation Miner started successfully`,
		`\[INFO\] 🎯 Stage tracking system initialized`,
		`\[INFO\] 📊 Stage monitoring activated`,
		`\[INFO\] 📋 Starting Module 1: Content recommendation system`,
		`\[INFO\] 📋 Starting Module 2: Image generator and query handler`,
		`\[INFO\] ⚙️  Stage 0 - Initialization: Starting watchdog mode`,
		`\[INFO\] ✅ Stage 0 Complete - Initialization - Watchdog mode initialized successfully`,
	}
	account := func(platform, name string) []string {
		return stageLines(platform, name, "Processing "+platform+" account with fresh scraping")
	}
	end := []string{
		`\[INFO\] ⚙️  Stage 1 - Data Scraping for sample_private_garden: Processing instagram account with fresh scraping`,
		`\[ERROR\] ❌ Stage 1 Failed - Data Scraping for sample_private_garden - Error: Failed to scrape profile: account is private.*`,
		`\[INFO\] ⚙️  Stage 0 - Initialization: Waiting for accounts to process`,
		`\[INFO\] ⚙️  Stage 0 - Initialization: No accounts found - waiting \d+ seconds for new accounts`,
		`\[INFO\] ✅ Stage 0 Complete - Initialization - Wait cycle completed - checking for new accounts`,
	}
	all := append(begin, account("instagram", good)...)
	all = append(all, account("twitter", "sample_tiny_press")...)
	return append(all, end...)
}

// stageLines are the lines of one account that passes all stages.
func stageLines(platform, u, first string) []string {
	return []string{
		`\[INFO\] ⚙️  Stage 1 - Data Scraping for ` + u + `: ` + first,
		`\[INFO\] ✅ Stage 1 Complete - Data Scraping for ` + u + ` - Successfully processed ` + platform + ` account`,
		`\[INFO\] ⚙️  Stage 2 - Data Retrieval for ` + u + `: Processing and validating data`,
		`\[INFO\] ✅ Stage 2 Complete - Data Retrieval for ` + u + ` - Data validation successful`,
		`\[INFO\] ⚙️  Stage 3 - Vector Database for ` + u + `: Indexing \d+ posts in vector database`,
		`\[INFO\] ✅ Stage 3 Complete - Vector Database for ` + u + ` - Successfully indexed posts in vector database`,
		`\[INFO\] ⚙️  Stage 4 - Time Series Analysis for ` + u + `: Analyzing engagement data and patterns`,
		`\[INFO\] ✅ Stage 4 Complete - Time Series Analysis for ` + u + ` - Successfully analyzed engagement data`,
		`\[INFO\] ⚙️  Stage 5 - Content Generation for ` + u + `: Generating content recommendations`,
		`\[INFO\] ✅ Stage 5 Complete - Content Generation for ` + u + ` - Successfully generated content recommendations`,
		`\[INFO\] ⚙️  Stage 6 - Exportation for ` + u + `: Exporting content plan and results`,
		`\[INFO\] ✅ Stage 6 Complete - Exportation for ` + u + ` - Successfully exported content plan`,
		`\[INFO\] ✅ Stage 7 Complete - Complete for ` + u + ` - Pipeline completed - \d+ recommendations? generated`,
	}
}

// A direct run prints its own lines and no others; the second uses what is stored, the third is forced.
func TestDirectRunPrintsTheContract(t *testing.T) {
	home := newHome(t)
	if err := os.Remove(filepath.Join(home, "miner.yaml")); err != nil { // no connector but --from
		t.Fatal(err)
	}
	u := "sample_tiny_press"
	from := filepath.Join(home, "samples")
	runs := []struct {
		args  []string
		first string
	}{
		{[]string{"process", "twitter/" + u, "--from", from}, "Processing twitter account with fresh scraping"},
		{[]string{"process", "twitter", u}, `Processing twitter account with stored data of \d{4}-\d\d-\d\d`},
		{[]string{"process", "twitter", u, "--from", from, "--force-fresh"}, "Force fresh scraping for " + u},
	}
	for _, r := range runs {
		out, err := command(home, r.args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", r.args, err, out)
		}
		want := append([]string{
			`\[INFO\] 🎯 Stage tracking system initialized`,
			`\[INFO\] ⚙️  Stage 0 - Initialization: Direct processing mode for twitter account: ` + u,
			`\[INFO\] ✅ Stage 0 Complete - Initialization - Direct processing mode initialized successfully`,
		}, stageLines("twitter", u, r.first)...)
		if !matches(`^`+strings.Join(want, "\n")+"\n$", string(out)) {
			t.Errorf("%v printed\n%s", r.args, out)
		}
	}
}

func TestStatusFileIsThatOfTheSchema(t *testing.T) {
	home := newHome(t, "twitter/sample_tiny_press", "instagram/sample_private_garden")
	p := start(t, home)
	p.wait("No accounts found", 1)
	var text []byte
	within(t, patience, "the failure in the status file", func() bool {
		text, _ = os.ReadFile(filepath.Join(home, stagewatch.StatusFile))
		return strings.Contains(string(text), "account is private") && strings.Contains(string(text), "No accounts found")
	})
	validate(t, text)
	out, err := command(home, "status", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	validate(t, out)
	p.end(os.Interrupt)
	var s stagewatch.State
	if err := json.Unmarshal(text, &s); err != nil || s.Mode != "watchdog" || s.LastFailure == nil || len(s.Modules) != 2 {
		t.Errorf("status = %+v, %v", s, err)
	}
}

// A reader of the lines that stands still does not hold up the end.
func TestStandingReaderHoldsUpNothing(t *testing.T) {
	home := newHome(t)
	settings := "report: {status_every: 1ms}\nrestart: {stop_grace: 1s}\nmodules: {content: {command: [sleep, '1000']}, images: {command: [sleep, '1000']}}\n"
	if err := os.WriteFile(filepath.Join(home, "miner.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	cmd := command(home)
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
	within(t, patience, "the pipe and the lines that wait are full", func() bool {
		var unread int
		unread, err = unix.IoctlGetInt(int(read.Fd()), unix.TIOCINQ)
		return err != nil || unread > 60000
	})
	kill(t, cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("still there %v after SIGTERM", patience)
	}
	if left := alive(t, home); len(left) != 0 {
		t.Errorf("left behind %v", left)
	}
}
