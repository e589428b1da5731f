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

func TestForecastChartHoldsEachDayOnce(t *testing.T) {
	in := Input{Analysis: content.Analysis{Timezone: "UTC"}, Plan: content.Plan{Made: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}}
	for d := range 5 {
		in.Analysis.Series = append(in.Analysis.Series, content.Day{Date: time.Date(2026, 10, 27+d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), Posts: 1, Engagement: 500})
	}
	in.Analysis.Forecast = content.Forecast{Level: 0.8, Points: []content.Point{{Date: "2026-10-31", Value: 520, Low: 300, High: 900}, {Date: "2026-11-01", Value: 540, Low: 310, High: 950}}}
	c := outlook(in)
	var days []string
	for _, row := range c.Table.Rows {
		days = append(days, row[0])
	}
	if want := []string{"2026-10-27", "2026-10-28", "2026-10-29", "2026-10-30", "2026-10-31 (forecast)", "2026-11-01 (forecast)"}; !slices.Equal(days, want) {
		t.Errorf("days = %v, want %v", days, want)
	}
	if !strings.Contains(c.Desc, "from 31 October 2026 on") || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "ends on 1 November 2026, before this plan was made") {
		t.Errorf("described as %q with the notes %q", c.Desc, c.Notes)
	}
	in.Plan.Made = time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC)
	if c := outlook(in); len(c.Notes) != 0 {
		t.Errorf("a forecast that still runs has the notes %q", c.Notes)
	}
}

// TestTheReportCountsAsThePlanDoes holds that a stray pinned post stretches no
// span and that a pinned one moves no median.
func TestTheReportCountsAsThePlanDoes(t *testing.T) {
	at := func(day int, likes int64, pinned bool) content.Post {
		return content.Post{ID: time.Duration(day).String(), Time: time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC), Likes: &likes, Pinned: pinned}
	}
	s := content.Source{Username: "fernhill", Order: content.Recent, Posts: []content.Post{at(9, 10, false), at(8, 900, true), at(7, 20, false), at(6, 40, false), at(1, 5_000, true)}}
	in := Input{Corpus: content.Corpus{Main: s, Competitors: []content.Source{{Username: "gone", Missing: "private"}}}, Plan: content.Plan{Analyzed: 5}}
	if got, want := compare(in).Rows[0], []string{"fernhill", unknown, "5", "6 Mar 2026", "9 Mar 2026", "20", "40", unknown}; !slices.Equal(got[:7], want[:7]) {
		t.Errorf("row = %q, want %q", got, want)
	}
	if got := factsOf(in)[0].Text; got != "5 posts, 6 Mar 2026 to 9 Mar 2026" {
		t.Errorf("facts = %q", got)
	}
	if c := week(in); !strings.Contains(c.Desc, "4 dated posts") {
		t.Errorf("week = %q", c.Desc)
	}
}
