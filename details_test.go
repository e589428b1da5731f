package stagewatch

import (
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// What a host hands over as details costs bounded time and memory and says why
// it was not recorded.
func TestDetailsOfAnyKindAreHarmless(t *testing.T) {
	type node struct {
		Text string
		Next *node
	}
	ring := &node{Text: strings.Repeat("x", 1<<10)}
	ring.Next = ring
	self := map[string]any{"text": strings.Repeat("x", 1<<10)}
	self["self"] = self
	list := []any{nil}
	list[0] = list
	doubling := any("x")
	for range 60 { // 2^60 leaves in sixty small slices
		doubling = []any{doubling, doubling}
	}
	deep := &node{}
	for range 1 << 16 {
		deep = &node{Next: deep}
	}
	huge := map[string]any{}
	for i := range 1 << 18 {
		huge[strconv.Itoa(i)] = i
	}
	type hidden struct{ Big []byte }
	type outer struct {
		hidden
		Left string `json:"-"`
		Gone []int  `json:",omitempty"`
	}
	for name, test := range map[string]struct {
		details Details
		want    string
	}{
		"plain":             {Details{"posts": 50, "ok": true, "none": nil, "where": []string{"a"}}, `{"none":null,"ok":true,"posts":50,"where":["a"]}`},
		"nothing":           {Details{}, `{}`},
		"nil":               {nil, ``},
		"time":              {Details{"at": time.Unix(0, 0).UTC()}, `{"at":"1970-01-01T00:00:00Z"}`},
		"left out":          {Details{"a": outer{Left: strings.Repeat("x", 1<<20)}}, `{"a":{"Big":null}}`},
		"not a number":      {Details{"loss": math.NaN()}, `{"not_recorded":"json: unsupported value: NaN"}`},
		"endless":           {Details{"loss": math.Inf(1)}, `{"not_recorded":"json: unsupported value: +Inf"}`},
		"channel":           {Details{"c": make(chan int)}, `{"not_recorded":"json: unsupported type: chan int"}`},
		"panicking":         {Details{"bad": panicking{}}, `{"not_recorded":"encode details: no"}`},
		"error that panics": {Details{"bad": failing{}}, `not_recorded`},
		"cyclic pointer":    {Details{"a": ring}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"cyclic map":        {self, `{"not_recorded":"details exceed 8192 bytes"}`},
		"cyclic slice":      {Details{"a": list}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"doubling":          {Details{"a": doubling}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"deep":              {Details{"a": deep}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"huge map":          {huge, `{"not_recorded":"details exceed 8192 bytes"}`},
		"huge array":        {Details{"a": &[1 << 24]int{}}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"huge text":         {Details{"a": strings.Repeat("x", 1<<26)}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"huge key":          {Details{strings.Repeat("x", 1<<26): 1}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"huge bytes":        {Details{"a": make([]byte, 1<<26)}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"huge embedded":     {Details{"a": outer{hidden: hidden{make([]byte, 1<<26)}}}, `{"not_recorded":"details exceed 8192 bytes"}`},
		"escapes that grow": {Details{"a": strings.Repeat("\x00", 8000)}, `{"not_recorded":"48008 bytes of details exceed 8192"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var e Event
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			test.details.apply(&e)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if got := string(e.Details); got != test.want && (test.want != "not_recorded" || !strings.Contains(got, test.want)) {
				t.Errorf("details = %.200s, want %s", got, test.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; took > time.Second || used > 4<<20 {
				t.Errorf("they took %v and %d bytes", took, used)
			}
		})
	}
}

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, failing{} }
func (failing) Error() string                { panic("no") }

func TestCutTakesTheSameTimeForAnyText(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"short":         {"ü", "ü"},
		"invalid":       {"a\xff\xfeb", "a\uFFFDb"},
		"on the limit":  {strings.Repeat("x", 40), strings.Repeat("x", 40)},
		"over it":       {strings.Repeat("x", 41), strings.Repeat("x", 21) + "… (cut, 41 bytes)"},
		"within a rune": {strings.Repeat("ü", 21), strings.Repeat("ü", 10) + "… (cut, 42 bytes)"},
		"all invalid":   {strings.Repeat("\xff", 1<<20), "\uFFFD… (cut, 1048576 bytes)"},
		"continuations": {strings.Repeat("\x80", 1<<20), "\uFFFD… (cut, 1048576 bytes)"},
		"that grows":    {strings.Repeat("x\xff", 20), strings.Repeat("x\uFFFD", 5) + "x… (cut, 40 bytes)"},
	} {
		if got := cut(test.text, 40); got != test.want {
			t.Errorf("%s: cut = %q, want %q", name, got, test.want)
		}
		if n := testing.AllocsPerRun(10, func() { cut(test.text, 40) }); n > 8 { // none for each megabyte
			t.Errorf("%s: cut allocates %v times", name, n)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "text"))
		limit := rapid.IntRange(40, 120).Draw(t, "limit")
		got := cut(text, limit)
		if !utf8.ValidString(got) || len(got) > limit {
			t.Errorf("cut(%q, %d) = %q", text, limit, got)
		}
		if whole := strings.ToValidUTF8(text, "\uFFFD"); len(text) <= limit && len(whole) <= limit && got != whole {
			t.Errorf("cut(%q, %d) = %q, want %q", text, limit, got, whole)
		}
	})
}
