package report

import (
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

func TestNumbersReadAsAPersonWouldSayThem(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.5: "0.5", 1.234: "1.23", 10: "10", 99.999: "100", 1234.5: "1,235", 1e6: "1,000,000", -3.10: "-3.1"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 5000: "5,000", 1e4: "10k", 21_675: "21.7k", 2.5e6: "2.5M", 4e9: "4B"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestLiftsAreSaidInWords(t *testing.T) {
	for lift, want := range map[float64]string{1.24: "24 % above the account's mean", 0.8: "20 % below the account's mean", 1.001: "at the account's mean", 0: ""} {
		if got := change(lift); got != want {
			t.Errorf("change(%v) = %q, want %q", lift, got, want)
		}
	}
}

func TestOnlyWebAddressesBecomeLinks(t *testing.T) {
	for raw, want := range map[string]string{
		"https://example.com/a?b=c#d": "https://example.com/a?b=c#d", "http://example.com": "http://example.com", " https://example.com ": "https://example.com",
		"javascript:alert(1)": "", "JaVaScRiPt://example.com/%0aalert(1)": "", "data:text/html,x": "", "//example.com": "", "/path": "", "https:": "", "vbscript:x": "", "https://exa mple.com/": "", "": "",
	} {
		if got := webLink(raw); got != want {
			t.Errorf("webLink(%q) = %q, want %q", raw, got, want)
		}
	}
}

func FuzzWebLinkIsAWebAddress(f *testing.F) {
	f.Add("https://example.com")
	f.Add("java\nscript:alert(1)")
	f.Fuzz(func(t *testing.T, raw string) {
		if got := webLink(raw); got != "" && !strings.HasPrefix(got, "http://") && !strings.HasPrefix(got, "https://") {
			t.Errorf("webLink(%q) = %q", raw, got)
		}
	})
}

func TestExcerptsAreCutAtAWord(t *testing.T) {
	if got := excerpt("one two three four", 13); got != "one two …" && got != "one two three …" {
		t.Errorf("excerpt = %q", got)
	}
	if got := excerpt("كلمة", 280); got != "كلمة" {
		t.Errorf("excerpt = %q", got)
	}
	if got := len([]rune(excerpt(strings.Repeat("💙", 5000), 280))); got > 290 {
		t.Errorf("excerpt has %d runes", got)
	}
}

func TestScalesKeepOrderAndStayInThePlot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		highest := rapid.Float64Range(0, 1e10).Draw(t, "highest")
		s := linear(highest, 260)
		if rapid.Bool().Draw(t, "log") {
			s = logarithmic(rapid.Float64Range(0, max(highest, 1)).Draw(t, "lowest"), highest, 260)
		}
		a := rapid.Float64Range(0, max(highest, 1)).Draw(t, "a")
		b := rapid.Float64Range(0, max(highest, 1)).Draw(t, "b")
		if a > b {
			a, b = b, a
		}
		if low, high := s.at(a), s.at(b); low < high || high < 0 || low > 260 || math.IsNaN(low) {
			t.Fatalf("at(%v) = %v, at(%v) = %v", a, low, b, high)
		}
		if highest > s.top*1.0001 {
			t.Fatalf("the scale ends at %v below %v", s.top, highest)
		}
		ticks := s.ticks()
		if len(ticks) < 2 || len(ticks) > 16 {
			t.Fatalf("%d ticks for %v", len(ticks), highest)
		}
	})
}

func TestTimeTicksAreFewAndInThePlot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := time.Unix(rapid.Int64Range(1_000_000_000, 1_800_000_000).Draw(t, "from"), 0).UTC()
		to := from.Add(time.Duration(rapid.Int64Range(0, 25*365*24).Draw(t, "hours")) * time.Hour)
		ticks := timeTicks(from, to)
		if len(ticks) > 14 {
			t.Fatalf("%d ticks from %v to %v", len(ticks), from, to)
		}
		for _, tick := range ticks {
			if tick.At < 0 || tick.At > 100 {
				t.Fatalf("a tick at %v %%", tick.At)
			}
		}
	})
}

func TestAForecastIsNotPressedFlatByOneHighDay(t *testing.T) {
	days := make([]content.Day, 30)
	for i := range days {
		days[i].Engagement = 100
	}
	points := []content.Point{{Low: 80, Value: 110, High: 150}}
	if s, cut := outlookScale(days, points); cut || s.top < 150 {
		t.Errorf("even days: cut %v at %v", cut, s.top)
	}
	days[7].Engagement = 9000
	if s, cut := outlookScale(days, points); !cut || s.top > 400 || s.top < 150 {
		t.Errorf("one high day: cut %v at %v", cut, s.top)
	}
}

func TestPageOfNothingIsAPage(t *testing.T) {
	if err := Write(io.Discard, Input{}); err != nil {
		t.Error(err)
	}
}

func TestStatementsNameAFewPostsAndCountTheRest(t *testing.T) {
	corpus := content.Corpus{}
	ids := []string{"gone"}
	for i := range shown + 5 {
		id := string(rune('a' + i))
		ids = append(ids, id)
		corpus.Main.Posts = append(corpus.Main.Posts, content.Post{ID: id})
	}
	a := newAppendix(corpus)
	if r := a.cite(ids); len(r.List) != shown || r.More != 5 || len(a.Entries) != shown {
		t.Errorf("%d named, %d more, %d in the appendix", len(r.List), r.More, len(a.Entries))
	}
	if r := a.cite(ids[2:3]); r.List[0].N != 2 {
		t.Errorf("cited again as %d, want 2", r.List[0].N)
	}
}

func TestFiguresAreSaidInTheirUnitsAndNameNoIDs(t *testing.T) {
	a := newAppendix(content.Corpus{Main: content.Source{Posts: []content.Post{{ID: "3697650051", Kind: content.Photo}}}})
	got := a.figures([]content.Figure{
		{Name: "engagement of post 3697650051", Value: 13856, Unit: "count", N: 1},
		{Name: "chance", Value: 0.042, Unit: "share", N: 11},
		{Name: "best over median", Value: 2.7, Unit: "ratio", N: 10},
		{Name: "posts compared", Value: 10, Unit: "posts", N: 10},
	})
	want := []count{{"engagement of post 1", "13,856", ""}, {"chance", "4.2 %", "11 posts"}, {"best over median", "2.7 ×", "10 posts"}, {"posts compared", "10 posts", ""}}
	if !slices.Equal(got, want) {
		t.Errorf("figures = %v, want %v", got, want)
	}
}
