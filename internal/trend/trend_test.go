package trend

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

// TestAnalysisIsAlwaysJSON holds that no input brings a panic, a NaN, an
// infinity or a year that JSON cannot carry.
func TestAnalysisIsAlwaysJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, err := Analyze(context.Background(), drawCorpus(t))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("marshal: %v", err)
		}
		var back content.Analysis
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("unmarshal: %v", err)
		}
		if len(a.Hours) != 24 || len(a.Weekdays) != 7 {
			t.Fatalf("%d hours and %d weekdays, want 24 and 7", len(a.Hours), len(a.Weekdays))
		}
	})
}

// TestOrderOfPostsDoesNotMatter holds that the same posts give the same bytes.
func TestOrderOfPostsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		corpus := drawCorpus(t)
		first := marshalled(t, corpus)
		posts := append([]content.Post(nil), corpus.Main.Posts...)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(posts), func(i, j int) { posts[i], posts[j] = posts[j], posts[i] })
		corpus.Main.Posts = posts
		if diff := cmp.Diff(first, marshalled(t, corpus)); diff != "" {
			t.Fatalf("shuffled posts give another analysis: %s", diff)
		}
	})
}

func marshalled(t *rapid.T, corpus content.Corpus) string {
	a, err := Analyze(context.Background(), corpus)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCountsAddUpToThePosts holds that every count and sum comes from posts
// and every named post exists.
func TestCountsAddUpToThePosts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		corpus := drawCorpus(t)
		a, err := Analyze(context.Background(), corpus)
		if err != nil {
			t.Fatal(err)
		}
		likes := make(map[string]content.Post)
		for _, p := range corpus.Main.Posts {
			likes[p.ID] = p
		}
		for name, cells := range map[string][]content.Cell{"hours": a.Hours, "weekdays": a.Weekdays} {
			posts, n := 0, 0
			for _, c := range cells {
				posts, n = posts+c.Posts, n+c.N
			}
			if posts != a.Dated || n != a.Comparable {
				t.Errorf("%s hold %d posts, %d comparable, want %d and %d", name, posts, n, a.Dated, a.Comparable)
			}
		}
		kinds := 0
		for _, k := range a.Kinds {
			kinds += k.Posts
		}
		if kinds != len(corpus.Main.Posts) {
			t.Errorf("kinds hold %d posts, want %d", kinds, len(corpus.Main.Posts))
		}
		for _, slot := range a.Best.Slots {
			var sum float64 // three posts can have more together than an int64 holds
			for _, id := range slot.PostIDs {
				v, _ := likes[id].Engagement()
				sum += float64(v)
			}
			if got := sum / float64(slot.N); len(slot.PostIDs) != slot.N || !near(got, slot.Mean) {
				t.Errorf("%s: mean of its %d posts is %v, want %v of %d", slot.Label, len(slot.PostIDs), got, slot.Mean, slot.N)
			}
		}
		for _, found := range a.Anomalies.Found {
			if v, _ := likes[found.PostID].Engagement(); float64(v) != found.Value {
				t.Errorf("anomaly %s has %v, its post %v", found.PostID, found.Value, v)
			}
		}
	})
}

// near reports whether two numbers are equal but for rounding.
func near(a, b float64) bool { return a-b <= 1e-9*max(1, a) && b-a <= 1e-9*max(1, b) }

// TestTooLittleDataSaysWhatItNeeds holds the words that an operator reads.
func TestTooLittleDataSaysWhatItNeeds(t *testing.T) {
	began := at(time.UTC, "2025-08-12 21:00")
	flat := func(int) int64 { return 100 }
	unknown := every(began, 24*time.Hour, 80, flat)
	for n := range unknown[:40] {
		unknown[2*n].Likes = nil
	}
	undated := every(time.Time{}, 0, 12, flat)
	tests := map[string]struct {
		posts                           []content.Post
		rate, best, weekly, odd, future string
	}{
		"no posts": {
			posts: nil,
			rate:  "need 5 posts over at least 3 days, have 0 over 0.0", best: "need 10 comparable posts with a date, have 0",
			weekly: "need 14 comparable posts over at least 14 days, have 0 over 0", odd: "need 10 comparable posts with a date, have 0",
			future: "need posts over 56 whole days (8 weeks), have 0",
		},
		"one post": {
			posts: every(began, 0, 1, flat),
			rate:  "need 5 posts over at least 3 days, have 1 over 0.0", best: "need 10 comparable posts with a date, have 1",
			weekly: "have 1 over 1", odd: "have 1", future: "have 0",
		},
		"no dates": {
			posts: undated,
			rate:  "have 0 over 0.0", best: "have 0", weekly: "have 0 over 0", odd: "have 0", future: "have 0",
		},
		"twelve posts in eight days": {
			posts:  every(began, 15*time.Hour+30*time.Minute, 12, flat),
			weekly: "have 12 over 8", best: "need 2 slots of 3 hours with 3 comparable posts each, have 0", future: "need posts over 56 whole days (8 weeks), have 6",
		},
		"thirty posts in eleven days": {
			posts: every(began, 8*time.Hour, 30, flat), best: "no time stands out", weekly: "have 30 over 11", future: "have 9",
		},
		"eight posts in eight years": {
			posts:  every(began, 365*24*time.Hour, 8, flat),
			weekly: "have 8 over", best: "have 8", odd: "have 8", future: "need posts on 14 of the 28 days before 2032-08-10, have them on 0",
		},
		"likes of half the posts unknown": {
			posts: unknown, best: "need 2 slots of 3 hours with 3 comparable posts each, have 1", future: "need the likes of 90 % of the posts, have them of 40 of 80",
		},
		"all posts in one window of the day": {
			posts: every(began, 24*time.Hour, 20, flat), best: "need 2 slots of 3 hours with 3 comparable posts each, have 1", future: "have 18",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := Analyze(t.Context(), recent("", test.posts))
			if err != nil {
				t.Fatal(err)
			}
			rate := a.Summary.PerWeekReason
			if a.Summary.PerWeek != nil {
				rate = ""
			}
			for part, pair := range map[string][2]string{
				"rate":      {rate, test.rate},
				"best":      {a.Best.NotEnough, test.best},
				"weekly":    {a.Weekly.NotEnough, test.weekly},
				"anomalies": {a.Anomalies.NotEnough, test.odd},
				"forecast":  {a.Forecast.NotEnough, test.future},
			} {
				got, want := pair[0], pair[1]
				if (want == "") != (got == "") || !strings.Contains(got, want) {
					t.Errorf("%s says %q, want %q", part, got, want)
				}
			}
		})
	}
}

// TestMostLikedPostsCarryNoRateTrendOrTime holds that winners are counted and
// nothing is concluded from them.
func TestMostLikedPostsCarryNoRateTrendOrTime(t *testing.T) {
	corpus := recent("", every(at(time.UTC, "2024-01-01 09:00"), 27*time.Hour, 200, func(n int) int64 { return int64(1000 + n%9*500) }))
	corpus.Main.Order = content.MostLiked
	a, err := Analyze(t.Context(), corpus)
	if err != nil {
		t.Fatal(err)
	}
	const why = "most-liked posts ever"
	for part, text := range map[string]string{
		"rate": a.Summary.PerWeekReason, "best": a.Best.NotEnough, "weekly": a.Weekly.NotEnough,
		"anomalies": a.Anomalies.NotEnough, "forecast": a.Forecast.NotEnough,
	} {
		if !strings.Contains(text, why) || !strings.Contains(text, "need a chronological scrape") {
			t.Errorf("%s says %q, want it to say why not and what it needs", part, text)
		}
	}
	if a.Summary.PerWeek != nil || a.Series != nil || a.Best.Slots != nil || a.Weekly.Chance != nil || a.Anomalies.Found != nil || a.Forecast.Points != nil {
		t.Errorf("something was concluded from winners: %+v", a)
	}
	if a.Weekly.Busiest != -1 || a.Weekly.Strongest != -1 {
		t.Errorf("weekdays %d and %d are named, want −1", a.Weekly.Busiest, a.Weekly.Strongest)
	}
	if !strings.Contains(a.Best.Caveat, "when the most-liked posts were made") {
		t.Errorf("caveat is %q", a.Best.Caveat)
	}
	posts := 0
	for _, c := range a.Weekdays {
		posts += c.Posts
		if c.Shrunk != a.Summary.Mean {
			t.Errorf("weekday %d is drawn to %v, want the mean of all %v", c.Weekday, c.Shrunk, a.Summary.Mean)
		}
	}
	if posts != 200 || a.Summary.N != 200 {
		t.Errorf("%d posts counted by weekday, %d in the summary, want 200", posts, a.Summary.N)
	}
}

// TestAnalysisNamesZoneAndMetric holds what a reader needs to read the rest.
func TestAnalysisNamesZoneAndMetric(t *testing.T) {
	tests := map[string]struct {
		platform           content.Platform
		zone               string
		wantZone, wantSums string
	}{
		"instagram in utc":    {content.Instagram, "", "UTC", "likes + comments"},
		"twitter in new york": {content.Twitter, "America/New_York", "America/New_York", "likes + replies + retweets + quotes"},
		"facebook in kolkata": {content.Facebook, "Asia/Kolkata", "Asia/Kolkata", "likes + comments + shares"},
		"another platform":    {"mastodon", "", "UTC", "likes + comments + shares + quotes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := Analyze(t.Context(), content.Corpus{Account: content.Account{Platform: test.platform, Timezone: test.zone}})
			if err != nil {
				t.Fatal(err)
			}
			if a.Timezone != test.wantZone || a.Metric != test.wantSums {
				t.Errorf("zone %q, metric %q, want %q, %q", a.Timezone, a.Metric, test.wantZone, test.wantSums)
			}
		})
	}
}

// TestAnalyzeHeedsAStop holds that a cancelled context ends the stage.
func TestAnalyzeHeedsAStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Analyze(ctx, recent("", nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
}
