package pattern

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// heard is what a tap hands over.
type heard struct {
	mu      sync.Mutex
	events  []Event
	missed  uint64
	wrong   uint64
	lastErr error
}

func (h *heard) record(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *heard) complain(t Trouble) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.missed += t.Missed
	h.wrong += t.Wrong
	h.lastErr = t.Err
}

func (h *heard) messages() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		all = append(all, e.Message)
	}
	return all
}

func tap(t testing.TB, h *heard, rules ...Rule) *Tap {
	t.Helper()
	return NewTap(Output{Patterns: set(t, rules...), Record: h.record, Trouble: h.complain})
}

func saying() Rule { return Rule{Match: `say (?P<message>.*)`, Event: Started, Stage: "1"} }

func TestLinesAreMadeWholeAndPlain(t *testing.T) {
	long := "say " + strings.Repeat("x", 20_000)
	tests := map[string]struct {
		pieces []string
		want   []string
	}{
		"whole":              {[]string{"say a\nother\nsay b\n"}, []string{"a", "b"}},
		"split":              {[]string{"sa", "y ", "a", "\ns", "ay b\nsay c"}, []string{"a", "b", "c"}},
		"a byte at a time":   {strings.Split("x\nsay a\r\nsay b\n", ""), []string{"a", "b"}},
		"no end":             {[]string{"say a"}, []string{"a"}},
		"carriage returns":   {[]string{"\rsay a\rsay b\r\n\r\nsay c\r"}, []string{"a", "b", "c"}},
		"colours":            {[]string{"\x1b[32msay\x1b[0m \x1b[1;38;5;196ma\x1b[K b\x1b[0m\n"}, []string{"a b"}},
		"titles and links":   {[]string{"\x1b]0;say x\asay \x1b]8;;http://h/\x1b\\a\x1b]8;;\x1b\\\n"}, []string{"a"}},
		"other escapes":      {[]string{"\x1b(Bsay \x1b7a\x1b8\x1bPq#0\x1b\\\n"}, []string{"a"}},
		"escape at the end":  {[]string{"say a\x1b\nsay b\x1b[\nsay c\x1b[1;\nsay d\x1b]0;x\nsay e\n"}, []string{"a", "b", "c", "d", "e"}},
		"invalid UTF-8":      {[]string{"say a\xff\xc3\nsay b\n"}, []string{"a\uFFFD", "b"}},
		"zero bytes":         {[]string{"\x00\x00say a\x00\n"}, []string{"a\x00"}},
		"long":               {[]string{long[:9000], long[9000:], "\nsay b\n"}, []string{strings.Repeat("x", maxLine-4), "b"}},
		"among many":         {[]string{strings.Repeat("nothing here\n", 10_000) + "say a\n" + strings.Repeat("nor here\n", 10_000) + "say b"}, []string{"a", "b"}},
		"between two pieces": {[]string{strings.Repeat("-", 32<<10-3) + "\nsay a\n"}, []string{"a"}},
		"empty":              {[]string{"", "\n\n\n", "\r\r"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var h heard
			tap := tap(t, &h, saying())
			for _, p := range test.pieces {
				piece := []byte(p)
				if n, err := tap.Write(piece); n != len(p) || err != nil {
					t.Fatalf("Write = %d, %v", n, err)
				}
				clear(piece) // it is the writer's again
			}
			_ = tap.Close()
			if diff := cmp.Diff(test.want, h.messages()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if h.missed != 0 || h.wrong != 0 {
				t.Errorf("%d missed, %d wrong; want none", h.missed, h.wrong)
			}
		})
	}
}

func TestSecretsAreMaskedBeforeAnythingIsTaken(t *testing.T) {
	var h heard
	tap := NewTap(Output{
		Patterns: set(t, Rule{Builtin: StageMarks}, saying()), Mask: NewMask([]string{"hunter2", "abc"}),
		Record: h.record, Trouble: h.complain,
	})
	_, _ = tap.Write([]byte("say hunter2, abc\n@stage start 1 for=hunter2\n@stage start 1 \x1b[1mhun\x1b[0mter2\nsay hunter\nsay " + strings.Repeat("x", maxLine-10) + "hunter2"))
	_ = tap.Close()
	want := []Event{
		{What: Started, Stage: 1, Message: "***, abc"},
		{What: Started, Stage: 1, Account: "***"},
		{What: Started, Stage: 1, Message: "hunter"},
		{What: Started, Stage: 1, Message: strings.Repeat("x", maxLine-10) + "***"},
	}
	if diff := cmp.Diff(want, h.events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if h.wrong != 1 || h.lastErr == nil || strings.Contains(h.lastErr.Error(), "hunter2") {
		t.Errorf("%d wrong: %v; want one, without the secret", h.wrong, h.lastErr)
	}
}

// While Record stands still, output goes on to be taken, the newest up to the
// bound; what is missing is counted, and no line is put together over it.
func TestWriterWaitsForNobody(t *testing.T) {
	var h heard
	hold, held := make(chan struct{}), make(chan struct{})
	var once sync.Once
	tap := NewTap(Output{
		Patterns: set(t, saying()), Trouble: h.complain,
		Record: func(e Event) {
			once.Do(func() { close(held); <-hold })
			h.record(e)
		},
	})
	_, _ = tap.Write([]byte("say first\nsay begun "))
	<-held
	const lines = 200_000
	block := []byte(strings.Repeat(strings.Repeat("-", 99)+"\n", 500) + "a torn ")
	for range lines / 500 {
		_, _ = tap.Write(block)
	}
	_, _ = tap.Write([]byte("line\nsay last"))
	close(hold)
	_ = tap.Close()
	taken := maxWaiting / len(block) * 500
	if h.missed < uint64(lines-taken) || h.missed > lines {
		t.Errorf("%d lines missed, want at least %d of %d", h.missed, lines-taken, lines)
	}
	if got, want := h.messages(), []string{"first", "last"}; !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func TestCloseWaitsForTheLastWordsAndNoLonger(t *testing.T) {
	t.Run("for them", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var h heard
			slow := NewTap(Output{
				Patterns: set(t, saying()), Trouble: h.complain,
				Record: func(e Event) { <-time.After(20 * time.Millisecond); h.record(e) },
			})
			_, _ = slow.Write([]byte(strings.Repeat("say x\n", 30) + "say last"))
			_ = slow.Close()
			if got := h.messages(); len(got) != 31 || got[30] != "last" {
				t.Errorf("%d were recorded when Close returned, want 31", len(got))
			}
		})
	})
	t.Run("no longer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var h heard
			slow := NewTap(Output{
				Patterns: set(t, saying()), Trouble: h.complain,
				Record: func(e Event) { <-time.After(300 * time.Millisecond); h.record(e) },
			})
			_, _ = slow.Write([]byte(strings.Repeat("say x\n", 100)))
			began := time.Now()
			_ = slow.Close()
			if took := time.Since(began); took < lastWords || took > lastWords+time.Second {
				t.Errorf("Close took %v, want little more than %v", took, lastWords)
			}
			recorded := len(h.messages())
			synctest.Wait()
			<-time.After(time.Minute)
			if now := len(h.messages()); now != recorded {
				t.Errorf("%d were recorded after Close", now-recorded)
			}
			if recorded+int(h.missed) != 100 {
				t.Errorf("%d recorded and %d missed of 100", recorded, h.missed)
			}
		})
	})
}

// Progress can come a thousand times a second: the newest word counts.
func TestProgressIsThinnedAndNeverStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		tap := tap(t, &h, Rule{Builtin: StageMarks})
		_, _ = tap.Write([]byte("@stage start 1\n"))
		for i := range 1000 {
			_, _ = fmt.Fprintf(tap, "@stage progress 1 %d/1000\n", i+1)
			<-time.After(time.Millisecond)
		}
		<-time.After(progressEvery)
		synctest.Wait()
		h.mu.Lock()
		n, last := len(h.events), h.events[len(h.events)-1]
		h.mu.Unlock()
		if n < 8 || n > 14 || last.Done != 1000 {
			t.Errorf("%d records for a second of progress, the last %+v", n, last)
		}
		_, _ = tap.Write([]byte("@stage progress 1 1\n@stage progress 1 2\n@stage progress 2 7\n@stage progress 2 8\n@stage complete 2\n@stage progress 1 9\n@stage progress 1 10"))
		_ = tap.Close()
		var got []string
		for _, e := range h.events[n:] {
			got = append(got, fmt.Sprint(e.What, e.Stage, e.Done))
		}
		want := []string{"progressed1 2", "progressed2 7", "progressed2 8", "completed2 0", "progressed1 9", "progressed1 10"}
		if !slices.Equal(got, want) && !slices.Equal(got, append([]string{"progressed1 1"}, want...)) {
			t.Errorf("recorded %q, want %q", got, want)
		}
	})
}

func TestTroubleIsToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Trouble
		var mu sync.Mutex
		tap := NewTap(Output{
			Patterns: set(t, Rule{Builtin: StageMarks}), Record: func(Event) {},
			Trouble: func(t Trouble) { mu.Lock(); told = append(told, t); mu.Unlock() },
		})
		for range 130 {
			_, _ = tap.Write([]byte("@stage begin\n"))
			<-time.After(time.Second)
		}
		_ = tap.Close()
		var counts []uint64
		for _, t := range told {
			counts = append(counts, t.Wrong)
		}
		if want := []uint64{1, 60, 60, 9}; !slices.Equal(counts, want) {
			t.Errorf("told of %d, want %d", counts, want)
		}
	})
}

func TestMaskHidesWholeAndCutSecrets(t *testing.T) {
	m := NewMask([]string{"secret", "secretary", "abcdef", "defghi", "abc", " \n", "line-one\nline-two\r\n"})
	tests := map[string]struct{ text, want, cut string }{
		"none":        {"nothing", "nothing", "nothing"},
		"one":         {"a secret b", "a *** b", "a *** b"},
		"the longer":  {"secretary", "***", "***"},
		"overlapping": {"xabcdefghix", "x***x", "x***x"},
		"beside":      {"secretsecret", "***", "***"},
		"several":     {"secret, abcdef", "***, ***", "***, ***"},
		"short one":   {"abc", "abc", "abc"},
		"lines":       {"a line-two b", "a *** b", "a *** b"},
		"beginning":   {"cret b", "cret b", "*** b"},
		"end":         {"a secr", "a secr", "a ***"},
		"both":        {"cret secr", "cret secr", "*** ***"},
		"too little":  {"ret sec", "ret sec", "ret sec"},
		"empty":       {"", "", ""},
	}
	for name, test := range tests {
		if got := m.Hide(test.text); got != test.want {
			t.Errorf("%s: Hide(%q) = %q, want %q", name, test.text, got, test.want)
		}
		if got := m.HideCut(test.text); got != test.cut {
			t.Errorf("%s: HideCut(%q) = %q, want %q", name, test.text, got, test.cut)
		}
	}
	if none := NewMask([]string{"abc", ""}); none != nil || none.Hide("abc") != "abc" || none.HideCut("abc") != "abc" {
		t.Error("short values make a mask")
	}
}

func FuzzTap(f *testing.F) {
	f.Add([]byte("say a\nsay \x1b[1mb\r\n"), 3)
	f.Add([]byte("\x1b]0;\x1b\\say \xff\n"), 1)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		var whole, pieces heard
		for _, way := range []struct {
			h    *heard
			size int
		}{{&whole, len(text)}, {&pieces, size}} {
			tap := tap(t, way.h, saying(), Rule{Match: `end (?P<message>\w+)`, Event: Completed, Stage: "1"})
			for p := range slices.Chunk(text, max(1, way.size)) {
				_, _ = tap.Write(p)
			}
			_ = tap.Close()
		}
		if diff := cmp.Diff(whole.messages(), pieces.messages()); diff != "" {
			t.Errorf("%q in pieces of %d (-whole +pieces):\n%s", text, size, diff)
		}
		for _, m := range whole.messages() {
			if strings.ContainsAny(m, "\n\r\x1b") {
				t.Errorf("%q gives %q", text, m)
			}
		}
	})
}

func FuzzHide(f *testing.F) {
	f.Add("a secret b", "secret", "secretary")
	f.Fuzz(func(t *testing.T, text, one, two string) {
		m := NewMask([]string{one, two})
		hidden := m.Hide(text)
		for _, secret := range []string{strings.TrimSpace(one), strings.TrimSpace(two)} {
			// The mask may complete a secret that itself holds asterisks.
			if len(secret) >= MinSecret && strings.Contains(hidden, secret) && !strings.Contains(secret, "*") {
				t.Errorf("Hide(%q) = %q shows %q", text, hidden, secret)
			}
		}
		if len(m.HideCut(text)) > 3*len(text) {
			t.Error(errors.New("longer than can be"))
		}
	})
}
