package stagewatch

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t testing.TB, home string) *Tracker {
	t.Helper()
	tr, err := Open(Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	trackers.Store(home, tr)
	settle(home)
	return tr
}

// trackers holds the newest tracker of each home that a test opened.
var trackers sync.Map

// settle waits until what a test told its tracker is written: on a busy machine
// a call may return before. A disk that hangs on purpose is not waited for.
func settle(home string) {
	tr, known := trackers.Load(home)
	if !known {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = tr.(*Tracker).Flush(ctx)
}

// events returns everything in a home's journal.
func events(t testing.TB, home string) (all []Event) {
	t.Helper()
	settle(home)
	f := follow(home, Position{})
	defer f.close()
	for {
		e, ok, err := f.next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, e)
	}
}

func TestCallsAreRecorded(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(1, "Processing", For("elonmusk"), On("twitter"), Details{"posts": 50})
	tr.Progress(1, 3, 10, For("elonmusk"), On("twitter"))
	tr.Complete(1, "Successfully processed", For("elonmusk"), On("twitter"))
	got := events(t, home)
	if len(got) != 3 {
		t.Fatalf("%d records, want 3", len(got))
	}
	first := got[0]
	if first.What != EventStarted || first.Stage != 1 || first.Account != "elonmusk" || first.Platform != "twitter" ||
		string(first.Details) != `{"posts":50}` || first.Owner.PID != os.Getpid() || first.Definition != "Content" {
		t.Errorf("first record = %+v", first)
	}
	if got[1].Done != 3 || got[1].Total != 10 || got[1].Run != first.Run || got[2].Run != first.Run {
		t.Errorf("progress = %+v, complete = %+v", got[1], got[2])
	}
}

func TestUnusableHomeMakesCallsSilent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tr, err := Open(Config{Home: filepath.Join(file, "home")})
	if err == nil || tr == nil {
		t.Fatalf("Open = %v, %v; want a tracker and an error", tr, err)
	}
	for _, tr := range []*Tracker{tr, nil} {
		tr.Start(1, "m", For("u"))
		tr.Failed(1, "m")
		tr.Reset()
		tr.Run(For("u")).Complete(2, "m")
		tr.Module(EventStarted, ModuleFact{})
		if _, ok := tr.Current(); ok {
			t.Error("a tracker without home knows a stage")
		}
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		tr.Close()
		tr.Close()
		tr.Start(1, "after Close")
	}
}

func TestRunsOpenAndEndByThemselves(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	call := func(f func(int, string, ...Option), n int, account string) string {
		f(n, "m", For(account))
		all := events(t, home)
		return all[len(all)-1].Run
	}
	first := call(tr.Start, 1, "a")
	if other := call(tr.Start, 1, "b"); other == first {
		t.Error("two accounts share a run")
	}
	if same := call(tr.Start, 2, "a"); same != first {
		t.Error("the next stage left its run")
	}
	back := call(tr.Start, 1, "a")
	if back == first {
		t.Error("a stage number that goes back opened no new run")
	}
	if end := call(tr.Complete, 7, "a"); end != back {
		t.Error("the last stage left its run")
	}
	if next := call(tr.Start, 1, "a"); next == back {
		t.Error("a start after the end opened no new run")
	}
	failed := call(tr.Failed, 1, "a")
	if next := call(tr.Start, 1, "a"); next == failed {
		t.Error("a start after a failure opened no new run")
	}
	tr.Reset()
	if next := call(tr.Start, 2, "b"); next == first {
		t.Error("a reset left the run open")
	}
}

func TestOutsideTextStaysWithinBounds(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(1, strings.Repeat("ü", 1<<20), For(strings.Repeat("x", 1<<16)), Details{"big": strings.Repeat("y", 1<<20)})
	tr.Start(2, "bad \xff\xfe \x1b[2J\x00 text\nline", For("u"), Details{"channel": make(chan int)})
	got := events(t, home)
	if len(got) != 2 {
		t.Fatalf("%d records, want 2", len(got))
	}
	if m := got[0].Message; len(m) > maxMessage || !strings.HasSuffix(m, "… (cut, 2097152 bytes)") {
		t.Errorf("long message: %d bytes, ends %q", len(m), m[max(0, len(m)-40):])
	}
	if !strings.Contains(string(got[0].Details), "exceed") || !strings.Contains(string(got[1].Details), "not_recorded") {
		t.Errorf("details = %s and %s", got[0].Details, got[1].Details)
	}
	if want := "bad \uFFFD \x1b[2J\x00 text\nline"; got[1].Message != want {
		t.Errorf("message = %q, want %q", got[1].Message, want)
	}
	var s State
	_, line, _ := s.Apply(got[1]).Line()
	if strings.ContainsAny(line, "\x1b\x00\n") {
		t.Errorf("line = %q: control characters reach the terminal", line)
	}
}

func TestCurrentIsTheNewestRunningStageOfAnyProcess(t *testing.T) {
	home := t.TempDir()
	a, b := open(t, home), open(t, home)
	if _, ok := a.Current(); ok {
		t.Error("a stage before any was recorded")
	}
	a.Start(1, "m", For("first"))
	b.Start(3, "m", For("second"))
	b.Complete(3, "m", For("second"))
	got, ok := a.Current()
	if !ok || got.Account != "first" || got.Name != "Data Scraping" || got.State != StatusRunning {
		t.Errorf("Current = %+v, %v", got, ok)
	}
	a.Failed(1, "m", For("first"))
	if got, _ := a.Current(); got.Account != "first" || got.State != StatusFailed {
		t.Errorf("Current = %+v", got)
	}
}

func TestDefinitionIsRecordedBeforeItsFirstUse(t *testing.T) {
	home := t.TempDir()
	d := Definition{Name: "Images", Stages: []Stage{{Number: 0, Name: "Initialization"}, {Number: 2, Name: "Image Design"}}}
	tr, err := Open(Config{Home: home, Definition: d})
	if err != nil {
		t.Fatal(err)
	}
	tr.Start(2, "Drawing", For("u"))
	tr.Close()
	var s State
	var line string
	for _, e := range events(t, home) {
		_, line, _ = s.Apply(e).Line()
	}
	if want := "⚙️  Images · Stage 2 - Image Design for u: Drawing"; line != want {
		t.Errorf("line = %q, want %q", line, want)
	}
}

// The reporter shows each transition once, in order, however short the stage;
// nothing of before it was made.
func TestReporterShowsEachTransitionOnce(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(1, "before", For("old"))
	var out bytes.Buffer
	r := NewReporter(tr, slog.New(NewHandler(&out, false)))
	r.StartMonitoring(time.Second)
	var want strings.Builder
	for range 500 {
		tr.Start(2, "m", For("u"))
		tr.Complete(2, "done", For("u"))
		tr.Failed(3, "no", For("u"))
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.CatchUp(t.Context())
	caughtUp := out.String()
	r.StopMonitoring()
	r.StopMonitoring()
	r.CatchUp(t.Context())
	for range 500 {
		want.WriteString("[INFO] ⚙️  Stage 2 - Data Retrieval for u: m\n[INFO] ✅ Stage 2 Complete - Data Retrieval for u - done\n" +
			"[ERROR] ❌ Stage 3 Failed - Vector Database for u - Error: no\n")
	}
	if out.String() != want.String() {
		t.Errorf("%d bytes of lines, want %d; begins\n%.400s", out.Len(), want.Len(), out.String())
	}
	if caughtUp != want.String() {
		t.Errorf("%d bytes of lines when caught up, want %d", len(caughtUp), want.Len())
	}
}

func TestStateSurvivesItsFile(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Miner(EventStarted, "watchdog")
	tr.Module(EventStarting, ModuleFact{Name: "content", Number: 1, Title: "Content"})
	tr.Start(4, "m", For("u"), On("twitter"), Details{"n": 1})
	var s State
	for _, e := range events(t, home) {
		s.Apply(e)
	}
	text, err := json.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&back)
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("state changed on its way through a file: %v\n%s\n%s", err, text, again)
	}
}

// Whatever a fact says, its record can be written.
func TestModuleFactsStayWithinBounds(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	long := strings.Repeat("x", 1<<20)
	tr.Module(EventExited, ModuleFact{Name: long, Title: long, Reason: long, Last: long, Address: long})
	tr.Miner(EventStarted, long)
	got := events(t, home)
	if len(got) != 2 || got[0].Module == nil {
		t.Fatalf("%d records, want 2", len(got))
	}
	m := got[0].Module
	if len(m.Name) != maxName || len(m.Title) != maxMessage || len(m.Reason) != maxMessage || len(m.Last) != maxDetails ||
		len(m.Address) != maxName || len(got[1].Mode) != maxName {
		t.Errorf("name %d, title %d, reason %d, last %d, address %d, mode %d bytes",
			len(m.Name), len(m.Title), len(m.Reason), len(m.Last), len(m.Address), len(got[1].Mode))
	}
}

// Nothing that a host hands over, and no order of calls, can hurt it.
func TestNothingHurtsTheHost(t *testing.T) {
	tr := open(t, t.TempDir())
	tr.Start(1, "m", Details{"bad": panicking{}}, nil)
	tr.Run(nil, For("u")).Start(1, "m", nil)
	var none *Run
	none.Start(1, "m")
	none.Stopped(1)
	var absent *Tracker
	if absent.Home() != "" || absent.Owner() != (Owner{}) {
		t.Error("a nil tracker has a home or an owner")
	}
	absent.Run().Failed(1, "m")
}

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("no") }
