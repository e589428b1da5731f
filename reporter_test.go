package stagewatch

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// arrivals is a handler that notes how old the time in a line is when it comes.
type arrivals struct {
	mu   sync.Mutex
	took []time.Duration
}

func (a *arrivals) Enabled(context.Context, slog.Level) bool { return true }
func (a *arrivals) WithAttrs([]slog.Attr) slog.Handler       { return a }
func (a *arrivals) WithGroup(string) slog.Handler            { return a }
func (a *arrivals) Handle(_ context.Context, r slog.Record) error {
	_, told, _ := strings.Cut(r.Message, "elonmusk: ")
	told, _, _ = strings.Cut(told, " ")
	if at, err := strconv.ParseInt(told, 10, 64); err == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.took = append(a.took, time.Since(time.Unix(0, at)))
	}
	return nil
}

// A call in another process is a line within 2 ms as a rule; the intervals of
// the reporter add nothing to that, and no line is lost or comes twice.
func TestCallIsALineAtOnce(t *testing.T) {
	const count = 300
	home := t.TempDir()
	tr := open(t, home)
	keep(t, tr)
	var a arrivals
	r := NewReporter(tr, slog.New(&a), StatusEvery(time.Hour))
	r.StartMonitoring(time.Hour)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "STAGEWATCH_TEST=tick", "MINER_HOME="+home, "COUNT="+strconv.Itoa(count))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	r.StopMonitoring()
	if len(a.took) != count {
		t.Fatalf("%d lines, want %d", len(a.took), count)
	}
	slices.Sort(a.took)
	p50, p99 := a.took[count/2], a.took[count*99/100]
	t.Logf("call to line: p50 %v, p99 %v, longest %v", p50, p99, a.took[count-1])
	if p50 > 500*time.Millisecond { // 2 ms and 10 ms are the promise; a busy test machine gets some air
		t.Errorf("p50 is %v", p50)
	}
}

// Whatever is recorded, a line is one line and does nothing to a terminal.
func TestLinesAreHarmless(t *testing.T) {
	for name, text := range map[string]string{
		"newlines":    "a\nb\r\nc\u2028d\u2029e\u0085f\v\f",
		"escapes":     "\x1b[2J\x1b]0;title\a\u009b31m\x7f\x00",
		"bidi":        "user\u202egnp.exe\u2066\u2069\u200f\u061c",
		"invalid":     "\xff\xfe\xc3(",
		"a megabyte":  strings.Repeat("long\n", 200_000),
		"annotations": "\ufff9a\ufffab\ufffb\u206a",
	} {
		t.Run(name, func(t *testing.T) {
			var s State
			check := func(e Event) {
				e.Kind, e.Definition = KindStage, text
				c := s.Apply(e)
				_, line, ok := c.Line()
				if !ok || len(line) > 8<<10 || !utf8.ValidString(line) {
					t.Errorf("%v, %d bytes, %.80q", ok, len(line), line)
				}
				for _, r := range line {
					if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
						t.Errorf("line holds %U: %.80q", r, line)
						break
					}
				}
			}
			check(Event{What: EventStarted, Run: text, Account: text, Platform: text, Message: text, Key: text})
			check(Event{What: EventFailed, Run: text, Account: text, Platform: text, Message: text, Stage: 3})
			if line := s.StatusLine(); strings.ContainsAny(line, "\n\x1b") {
				t.Errorf("status line = %.80q", line)
			}
			s.Mode = text
			if line := s.StatusLine(); strings.ContainsAny(line, "\n\x1b") {
				t.Errorf("status line = %.80q", line)
			}
		})
	}
	if got := Plain("⚙️  Größe 👩‍🚀 नमस्ते"); got != "⚙️  Größe 👩‍🚀 नमस्ते" {
		t.Errorf("Plain changed harmless text: %q", got)
	}
}

// A stage that is named by key has its number where a definition has the key,
// and is shown as it is where none has.
func TestLinesOfKeys(t *testing.T) {
	var s State
	tell := teller(&s)
	by := func(key string) func(*Event) {
		return func(e *Event) { e.Key, e.Definition, e.Message = key, "Render", "m" }
	}
	line := func(c Change) string { _, text, _ := c.Line(); return text }
	if got, want := line(tell(1, EventStarted, 0, "u", by("fetch"))), "⚙️  Render · Stage fetch - fetch for u: m"; got != want {
		t.Errorf("unknown key: %q, want %q", got, want)
	}
	s.Apply(Event{Kind: KindDefinition, Defined: &Definition{Name: "Render", Stages: []Stage{
		{Number: 1, Key: "fetch", Name: "Fetch"}, {Number: 2, Key: "draw", Name: "Draw", Parts: 10}, {Number: 3, Name: "Post", Optional: true},
	}}})
	if got, want := line(tell(2, EventCompleted, 0, "u", by("fetch"))), "✅ Render · Stage 1 Complete - Fetch for u - m"; got != want {
		t.Errorf("key that is known by now: %q, want %q", got, want)
	}
	c := tell(3, EventStarted, 0, "u", by("draw"))
	if got, want := line(c), "⚙️  Render · Stage 2 - Draw for u: m"; got != want || c.Stage.Total != 10 {
		t.Errorf("known key: %q of %d parts, want %q of 10", got, c.Stage.Total, want)
	}
	if n := len(runOf(s, "u").Stages); n != 2 {
		t.Errorf("%d stages, want 2", n)
	}
	tell(4, EventCompleted, 0, "u", by("draw"))
	if got := runOf(s, "u").State; got != StatusCompleted {
		t.Errorf("with only an optional stage to come the run is %s", got)
	}
	tell(5, EventStarted, 3, "u", by(""))
	if got := runOf(s, "u").State; got != StatusRunning {
		t.Errorf("with the optional stage begun the run is %s", got)
	}
}

// A status file that holds what is still to be shown is not where a reporter
// begins, but an older snapshot that does not: without it the attempts before a
// removed segment would be forgotten.
func TestReporterBeginsBeforeWhatIsToBeShown(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(4, "m", For("u"), InRun("r"))
	settle(home)
	kept(t, tr, KeeperConfig{})
	early, err := os.ReadFile(filepath.Join(home, StatusFile))
	if err != nil {
		t.Fatal(err)
	}
	r := NewReporter(tr, slog.New(slog.DiscardHandler))
	tr.Start(4, "m", For("u"), InRun("r"))
	settle(home)
	kept(t, tr, KeeperConfig{})
	if err := os.WriteFile(filepath.Join(journalDir(home), coveredFile), early, 0o600); err != nil {
		t.Fatal(err)
	}
	f := r.resume(t.Context())
	defer f.close()
	if got := runOf(*r.state, "u"); r.state.Events != 1 || got.Stages[0].Attempt != 1 {
		t.Errorf("it begins after %d events with %+v", r.state.Events, got)
	}
}

// Monitoring may be begun and ended from anywhere.
func TestMonitoringFromAnywhere(t *testing.T) {
	tr := open(t, t.TempDir())
	r := NewReporter(tr, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { r.StartMonitoring(time.Second) })
		wg.Go(r.StopMonitoring)
	}
	wg.Wait()
	r.StopMonitoring()
}
