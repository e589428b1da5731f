package trend

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

// TestSummaryIsOfComparablePosts holds the figures against ones worked out by
// hand: posts whose likes are unknown, reposts and old pinned posts count for
// nothing, a post without a date counts.
func TestSummaryIsOfComparablePosts(t *testing.T) {
	began := at(time.UTC, "2025-03-01 12:00")
	posts := every(began, 24*time.Hour, 8, func(n int) int64 { return int64(10 * (n + 1)) }) // 10 … 80
	posts[7].Likes = nil
	comments := int64(5_000)
	posts[7].Comments = &comments
	posts[6].Repost = true
	pinned := liked("old", began.AddDate(-2, 0, 0), 99_999)
	pinned.Pinned = true
	posts[3].Pinned = true // pinned as well: it counts as a post, but is not compared
	posts = append(posts, pinned, liked("undated", time.Time{}, 70))

	got := sampleOf(posts).summary()
	perWeek := 7.0 * 7 / 7 // 7 gaps in 7 days
	want := content.Summary{
		N: 6, Mean: 40, Median: 40, P25: 22.5, P75: 57.5, Max: 70, MaxID: "undated", PerWeek: &perWeek,
		PerWeekReason: "mean from 2025-03-01 to 2025-03-08, 8 posts over 7.0 days",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// TestRateSaysOverWhatItWasCounted holds that a rate over years is not taken
// for that of last week.
func TestRateSaysOverWhatItWasCounted(t *testing.T) {
	posts := every(at(time.UTC, "2016-01-01 12:00"), 24*time.Hour, 29, func(int) int64 { return 1 })
	posts = append(posts, liked("late", at(time.UTC, "2023-03-17 12:00"), 1))
	got := sampleOf(posts).summary()
	const want = "mean from 2016-01-01 to 2023-03-17, 30 posts over 2632 days; 1 of them in the last 12 months"
	if got.PerWeekReason != want || got.PerWeek == nil || !near(*got.PerWeek, 29.0/2632*7) {
		t.Errorf("%v posts a week, %q, want %v, %q", got.PerWeek, got.PerWeekReason, 29.0/2632*7, want)
	}
	if got := newSample(content.Source{Posts: posts}, time.UTC).summary(); got.PerWeek != nil || !strings.Contains(got.PerWeekReason, "not known how the scraped posts were chosen") {
		t.Errorf("posts chosen nobody knows how have the rate %v: %q", got.PerWeek, got.PerWeekReason)
	}
}

// TestPostFromAfterItsScrapeHasNoDate holds that a wrong clock does not
// stretch the series.
func TestPostFromAfterItsScrapeHasNoDate(t *testing.T) {
	posts := every(at(time.UTC, "2025-03-01 12:00"), 24*time.Hour, 5, func(int) int64 { return 1 })
	posts = append(posts, liked("future", at(time.UTC, "2099-01-01 00:00"), 1))
	corpus := recent("", posts)
	corpus.Main.Scraped = at(time.UTC, "2025-03-05 20:00")
	a, err := Analyze(t.Context(), corpus)
	if err != nil {
		t.Fatal(err)
	}
	if a.Dated != 5 || a.Summary.N != 6 || len(a.Series) != 5 {
		t.Errorf("%d dated, %d in all, series of %d days, want 5, 6 and 5", a.Dated, a.Summary.N, len(a.Series))
	}
}

// TestSeriesKeepsTheNewestDays holds that posts years apart do not fill a file
// with empty days.
func TestSeriesKeepsTheNewestDays(t *testing.T) {
	s := sampleOf([]content.Post{liked("a", at(time.UTC, "0900-01-01 00:00"), 1), liked("b", at(time.UTC, "9000-01-01 00:00"), 2)})
	series := s.series()
	if len(series) != seriesDays || series[seriesDays-1] != (content.Day{Date: "9000-01-01", Posts: 1, Engagement: 2}) {
		t.Errorf("%d days to %+v, want %d to 9000-01-01", len(series), series[len(series)-1], seriesDays)
	}
}

// TestKindsAreMeasuredApart holds that videos and photos are not averaged with
// one another, and views are of posts that have them.
func TestKindsAreMeasuredApart(t *testing.T) {
	began := at(time.UTC, "2025-03-01 12:00")
	posts := every(began, time.Hour, 5, func(n int) int64 { return int64(n) })
	for n := range 3 {
		views := int64(1000 * (n + 1))
		posts[n].Kind, posts[n].Views = content.Video, &views
	}
	posts[0].Likes = nil
	million := int64(1_000_000)
	pinned := liked("old", began.AddDate(-1, 0, 0), 99_999)
	pinned.Kind, pinned.Pinned, pinned.Views = content.Video, true, &million
	posts = append(posts, pinned)
	views := 2000.0
	want := []content.KindFigure{
		{Kind: content.Video, Posts: 4, N: 2, Mean: 1.5, Median: 1.5, Views: &views},
		{Kind: content.Photo, Posts: 2, N: 2, Mean: 3.5, Median: 3.5},
	}
	if diff := cmp.Diff(want, sampleOf(posts).kinds()); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

// TestQuantilesAreOrderedAndScale holds that quartiles lie in order within the
// data and move with it.
func TestQuantilesAreOrderedAndScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v []float64
		for _, n := range rapid.SliceOfN(rapid.Int64Range(0, 1_000_000_000_000), 1, 60).Draw(t, "values") {
			v = append(v, float64(n))
		}
		low, mid, high := quantile(v, 0.25), median(v), quantile(v, 0.75)
		if quantile(v, 0) > low || low > mid || mid > high || high > quantile(v, 1) {
			t.Errorf("quartiles %v, %v, %v of %v are out of order", low, mid, high, v)
		}
		moved := make([]float64, len(v))
		for n, x := range v {
			moved[n] = 4*x + 64
		}
		if !near(median(moved), 4*mid+64) || !near(spread(moved)+64, 4*spread(v)+64) {
			t.Errorf("median %v and spread %v of 4x + 64, want %v and %v", median(moved), spread(moved), 4*mid+64, 4*spread(v))
		}
	})
}
