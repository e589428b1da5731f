package trend

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// TestBestTimeIsFoundAndNamed plants a good slot among posts over the day.
func TestBestTimeIsFoundAndNamed(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	likes := func(factor float64) func(int) int64 {
		return func(n int) int64 {
			f := 1.0
			if n%5 == 3 { // 18:00, when one post comes every three hours from 09:00
				f = factor
			}
			return int64(1000 * f * math.Exp(0.4*random.NormFloat64()))
		}
	}
	day := func(n int) time.Time {
		return at(time.UTC, "2025-03-03 09:30").AddDate(0, 0, n/5).Add(time.Duration(n%5) * 3 * time.Hour)
	}
	tests := map[string]struct {
		posts, years int
		factor       float64
		want, caveat string
	}{
		"a good evening":           {60, 1, 2.5, "any day 18:00–21:00", ""},
		"a slightly good evening":  {25, 1, 1.2, "any day 18:00–21:00", "weak: differences this large between slots arise by chance in "},
		"a good evening, long ago": {60, 30, 2.5, "any day 18:00–21:00", "the posts span "},
		"enough for each weekday":  {400, 1, 2.5, "18:00–21:00", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			random = rand.New(rand.NewPCG(5, 6))
			posts := every(time.Time{}, 0, test.posts, likes(test.factor))
			for n := range posts {
				posts[n].Time = day(n).AddDate(0, 0, (test.years-1)*7*(n/5))
			}
			best := sampleOf(posts).best()
			if len(best.Slots) == 0 || !strings.Contains(best.Slots[0].Label, test.want) {
				t.Fatalf("best times are %+v, want %q first", best, test.want)
			}
			if (test.caveat == "") != (best.Caveat == "") || !strings.Contains(best.Caveat, test.caveat) {
				t.Errorf("caveat is %q, want %q", best.Caveat, test.caveat)
			}
			if !slices.IsSortedFunc(best.Slots, func(a, b content.Slot) int { return cmp.Compare(b.Lift, a.Lift) }) {
				t.Errorf("slots are not best first: %+v", best.Slots)
			}
			if top := best.Slots[0]; top.Lift < worthIt || (top.Weekday == -1) != (test.posts < dailyFrom) {
				t.Errorf("first slot is %+v", top)
			}
		})
	}
}

// TestBestTimesAreSeldomNamedByChance counts how often an account whose posts
// do the same at any time is given a best one.
func TestBestTimesAreSeldomNamedByChance(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	const accounts = 200
	named, unqualified := 0, 0
	for range accounts {
		posts := every(at(time.UTC, "2025-03-03 09:30"), 0, 40, func(int) int64 { return int64(1000 * math.Exp(random.NormFloat64())) })
		for n := range posts {
			posts[n].Time = posts[n].Time.AddDate(0, 0, n/5).Add(time.Duration(random.IntN(5)) * 3 * time.Hour)
		}
		best := sampleOf(posts).best()
		if best.Slots != nil {
			named++
			if best.Caveat == "" {
				unqualified++
			}
		} else if best.NotEnough == "" {
			t.Errorf("there is neither a best time nor a reason")
		}
	}
	if named > accounts/4 || unqualified > accounts/10 {
		t.Errorf("of %d accounts without a best time %d are given one, %d without a word of doubt", accounts, named, unqualified)
	}
}

// TestFreshPostsAreADoubt holds that posts which may still grow are told of;
// one younger than a day is not compared at all.
func TestFreshPostsAreADoubt(t *testing.T) {
	posts := every(at(time.UTC, "2025-03-03 09:30"), 9*time.Hour, 40, func(n int) int64 {
		return int64(1000 + 100*(n%3) + 4000*((n*9+9)%24/15))
	})
	src := content.Source{Order: content.Recent, Posts: posts, Scraped: posts[39].Time.Add(20 * time.Hour)}
	const want = "3 of the posts were less than 2 days old when scraped and may still grow"
	if best := newSample(src, time.UTC).best(); len(best.Slots) == 0 || best.Caveat != want {
		t.Errorf("best times are %+v, want the caveat %q", best, want)
	}
}
