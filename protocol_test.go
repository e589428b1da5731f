package stagewatch

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// vectors reads a file of testdata/protocol, by the names of its vectors.
func vectors[T any](t *testing.T, file string) map[string]T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/protocol", file))
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Vectors []json.RawMessage }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	named := map[string]T{}
	for _, raw := range list.Vectors {
		var name struct{ Name string }
		var v T
		if err := errors.Join(json.Unmarshal(raw, &name), json.Unmarshal(raw, &v)); err != nil {
			t.Fatal(err)
		}
		if _, twice := named[name.Name]; twice {
			t.Errorf("%s: two vectors are called %q", file, name.Name)
		}
		named[name.Name] = v
	}
	if len(named) < 5 {
		t.Errorf("%s has %d vectors", file, len(named))
	}
	return named
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// seen is a record as the vectors show it.
type seen struct {
	Writer  string `json:"writer"`
	N       uint64 `json:"n"`
	Payload string `json:"payload"`
}

// readAll reads a journal from a place on.
func readAll(t *testing.T, dir string, from Position) ([]seen, journal.Skipped) {
	t.Helper()
	f := journal.Follow(dir, from)
	defer f.Close()
	var got []seen
	for {
		r, ok, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return got, f.Skipped()
		}
		if r.Missing == 0 {
			got = append(got, seen{Writer: fmt.Sprintf("%016x", r.Writer), N: r.N, Payload: string(r.Payload)})
		}
	}
}

func TestProtocolFrames(t *testing.T) {
	type vector struct {
		Writer, Number, Payload, Hex string
		Refused                      bool
	}
	for name, v := range vectors[vector](t, "frames.json") {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "00000001.seg"), unhex(t, v.Hex), 0o600); err != nil {
				t.Fatal(err)
			}
			got, skipped := readAll(t, dir, Position{})
			if v.Refused {
				if len(got) > 0 || skipped.Damaged != 1 {
					t.Errorf("read %v, skipped %+v", got, skipped)
				}
				return
			}
			number, _, _ := strings.Cut(v.Number, "@")
			n, err := strconv.ParseUint(number, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]seen{{v.Writer, n, v.Payload}}, got); diff != "" || skipped.Damaged > 0 {
				t.Errorf("skipped %+v, records (-want +got):\n%s", skipped, diff)
			}
		})
	}
}

func TestProtocolSegments(t *testing.T) {
	type vector struct {
		Segments []struct {
			Number uint64
			Sealed *int64
			Hex    string
			Parts  []struct {
				Hex   string
				Times int
			}
			Doubtful bool
		}
		From    Position
		Records []seen
		Damaged int
		Gaps    uint64
	}
	for name, v := range vectors[vector](t, "segments.json") {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, s := range v.Segments {
				path := filepath.Join(dir, fmt.Sprintf("%08d", s.Number))
				mode := os.FileMode(0o600)
				if s.Sealed != nil {
					mode = 0o400
					seal := fmt.Sprintf(`{"segment":%d,"size":%d,"sha256":"%064d","doubtful":%t}`, s.Number, *s.Sealed, 0, s.Doubtful)
					if err := os.WriteFile(path+".seal", []byte(seal), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				text := unhex(t, s.Hex)
				for _, part := range s.Parts {
					text = append(text, bytes.Repeat(unhex(t, part.Hex), part.Times)...)
				}
				if err := os.WriteFile(path+".seg", text, mode); err != nil {
					t.Fatal(err)
				}
			}
			got, skipped := readAll(t, dir, v.From)
			if len(got) == 0 {
				got = []seen{}
			}
			if diff := cmp.Diff(v.Records, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if skipped.Damaged != v.Damaged || skipped.Gaps != v.Gaps {
				t.Errorf("skipped %+v, want %d damaged and %d gaps", skipped, v.Damaged, v.Gaps)
			}
		})
	}
}

func TestProtocolCuts(t *testing.T) {
	type vector struct {
		Limit    int
		Text     string
		Hex      string
		Unit     string
		Times    int
		Want     string
		WantUnit string `json:"want_unit"`
		Many     int    `json:"want_times"`
		Note     string `json:"want_note"`
	}
	for name, v := range vectors[vector](t, "cuts.json") {
		given := v.Text + string(unhex(t, v.Hex)) + strings.Repeat(v.Unit, v.Times)
		want := v.Want + strings.Repeat(v.WantUnit, v.Many) + v.Note
		if got := cut(given, v.Limit); got != want {
			t.Errorf("%s: got %d bytes, ending %q, want %d", name, len(got), got[max(0, len(got)-40):], len(want))
		}
	}
}

// protocolCall is a call as the vectors show it.
type protocolCall struct {
	What, Account, Platform, Message string
	Key, Definition                  string
	Stage                            int64
	Done, Total                      int64
	Details                          Details
	Unit                             string `json:"message_unit"`
	Times                            int    `json:"message_times"`
	DetailsUnit                      string `json:"details_unit"`
	DetailsTimes                     int    `json:"details_times"`
	Run                              string
}

func (c protocolCall) make(tr *Tracker) {
	message := c.Message + strings.Repeat(c.Unit, c.Times)
	opts := []Option{For(c.Account), On(c.Platform), Key(c.Key), c.Details}
	if c.Definition != "" {
		opts = append(opts, Of(c.Definition))
	}
	if c.DetailsUnit != "" {
		opts = append(opts, Details{"big": strings.Repeat(c.DetailsUnit, c.DetailsTimes)})
	}
	switch n := int(c.Stage); c.What {
	case "start":
		tr.Start(n, message, opts...)
	case "complete":
		tr.Complete(n, message, opts...)
	case "failed":
		tr.Failed(n, message, opts...)
	case "progress":
		tr.Progress(n, max(c.Done, 1), c.Total, opts...)
	case "reset":
		tr.Reset()
	}
}

// last returns the payload of the newest record in a home.
func last(t *testing.T, tr *Tracker) map[string]any {
	t.Helper()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, _ := readAll(t, journalDir(tr.Home()), Position{})
	var fields map[string]any
	if err := json.Unmarshal([]byte(all[len(all)-1].Payload), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestProtocolCalls(t *testing.T) {
	type vector struct {
		Definition Definition
		Call       protocolCall
		Payload    map[string]any
	}
	for name, v := range vectors[vector](t, "calls.json") {
		t.Run(name, func(t *testing.T) {
			tr, err := Open(Config{Home: t.TempDir(), Definition: v.Definition})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			v.Call.make(tr)
			got := last(t, tr)
			delete(got, "late") // on a busy machine
			for _, field := range []string{"time", "clock", "owner", "run"} {
				if got[field] == nil {
					t.Errorf("no %s", field)
				}
				delete(got, field)
			}
			if note, ok := got["details"].(map[string]any); ok && note["not_recorded"] != nil {
				note["not_recorded"] = "*"
			}
			if diff := cmp.Diff(v.Payload, got); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProtocolRuns(t *testing.T) {
	type vector struct {
		Given string `json:"MINER_RUN"`
		Steps []struct {
			protocolCall

			Recorded *string // the platform
		}
	}
	for name, v := range vectors[vector](t, "runs.json") {
		t.Run(name, func(t *testing.T) {
			t.Setenv("MINER_RUN", v.Given)
			tr := open(t, t.TempDir())
			known := map[string]string{"given": "given"}
			for i, step := range v.Steps {
				step.make(tr)
				record := last(t, tr)
				run, _ := record["run"].(string)
				if platform, _ := record["platform"].(string); step.Recorded != nil && platform != *step.Recorded {
					t.Errorf("step %d: platform %q, want %q", i+1, platform, *step.Recorded)
				}
				if want, ok := known[step.Run]; ok && run != want {
					t.Errorf("step %d: run %q, want that of %s", i+1, run, step.Run)
				}
				for letter, other := range known {
					if letter != step.Run && other == run {
						t.Errorf("step %d: run of %s, want %s", i+1, letter, step.Run)
					}
				}
				known[step.Run] = run
			}
		})
	}
}

func TestProtocolDefinitions(t *testing.T) {
	type vector struct {
		Definition json.RawMessage
		Numbers    []int
		Refused    bool
	}
	for name, v := range vectors[vector](t, "definitions.json") {
		d, err := ParseDefinition(v.Definition)
		if (err != nil) != v.Refused {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var numbers []int
		for _, s := range d.Stages {
			numbers = append(numbers, s.Number)
		}
		if diff := cmp.Diff(v.Numbers, numbers); !v.Refused && diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestProtocolHeaders(t *testing.T) {
	type vector struct {
		Text, ID, Durability string
		Refused              bool
	}
	for name, v := range vectors[vector](t, "headers.json") {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "journal.json"), []byte(v.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := journal.OpenWriter(dir, journal.Options{})
		if (err != nil) != v.Refused {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		if h := w.Header(); h.ID != v.ID || string(h.Durability) != v.Durability {
			t.Errorf("%s: %+v", name, h)
		}
		w.Close()
	}
}

func TestProtocolLines(t *testing.T) {
	type vector struct {
		Steps []struct {
			Record json.RawMessage
			Line   string
		}
	}
	schema, err := jsonschema.NewCompiler().Compile("docs/record.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range vectors[vector](t, "lines.json") {
		t.Run(name, func(t *testing.T) {
			var s State
			for i, step := range v.Steps {
				value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(step.Record)))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(value); err != nil {
					t.Errorf("step %d is not as docs/record.schema.json has it: %v", i+1, err)
				}
				e, err := decode(journal.Record{Payload: step.Record})
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				if level, text, ok := s.Apply(e).Line(); ok {
					got = map[slog.Level]string{slog.LevelInfo: "INFO ", slog.LevelWarn: "WARN ", slog.LevelError: "ERROR "}[level] + text
				}
				if got != step.Line {
					t.Errorf("step %d: line %q, want %q", i+1, got, step.Line)
				}
			}
		})
	}
}

// What the tracker writes is what docs/record.schema.json says, and nothing else is.
func TestRecordsFollowTheSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("docs/record.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := Open(Config{Home: t.TempDir(), Definition: Definition{Name: "Render", Stages: []Stage{
		{Number: 1, Key: "fetch", Name: "Fetch", Expected: time.Second, StallAfter: time.Minute, Parts: 3, Weight: 2, Optional: true, Instant: true},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	tr.Start(1, "m", For("u"), On("twitter"), Details{"a": []int{1}})
	tr.Progress(1, 2, 3, For("u"))
	tr.Failed(1, "no", For("u"))
	tr.Module(EventExited, ModuleFact{Name: "content", Number: 1, Code: -9, Reason: "signal: killed", Last: "bye"})
	tr.Miner(EventStarted, "watchdog")
	tr.Reset()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, _ := readAll(t, journalDir(tr.Home()), Position{})
	for _, r := range all {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(r.Payload))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%v\n%s", err, r.Payload)
		}
	}
	if len(all) != 7 {
		t.Errorf("%d records, want 7", len(all))
	}
	for name, text := range map[string]string{
		"no owner":          `{"v":1,"kind":"reset","time":"2026-11-23T12:00:00Z","clock":1}`,
		"stage without run": `{"v":1,"kind":"stage","what":"started","time":"2026-11-23T12:00:00Z","clock":1,"owner":{"pid":1,"start":1,"boot":"b","space":1}}`,
		"a number as text":  `{"v":1,"kind":"stage","what":"started","run":"r","stage":"1","time":"2026-11-23T12:00:00Z","clock":1,"owner":{"pid":1,"start":1,"boot":"b","space":1}}`,
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(value) == nil {
			t.Errorf("%s: the schema lets it pass", name)
		}
	}
}
