package trend

import (
	stdcmp "cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

// grouped returns comparable items with these values.
func grouped(values ...[]float64) [][]item {
	groups := make([][]item, len(values))
	for g, group := range values {
		for _, v := range group {
			groups[g] = append(groups[g], item{value: v, comparable: true})
		}
	}
	return groups
}

// TestLiftLiesBetweenOneAndTheGroupsOwn holds what shrinking means: a group is
// never shown further from the mean of all than its own mean, nor on the other
// side of it.
func TestLiftLiesBetweenOneAndTheGroupsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.SliceOfN(rapid.Float64Range(0, 1e9), 0, 12), 1, 10).Draw(t, "groups")
		groups := grouped(drawn...)
		var all []float64
		for _, g := range drawn {
			all = append(all, g...)
		}
		overall := mean(all)
		for g, lift := range lifts(groups) {
			own := 1.0
			if len(drawn[g]) > 0 && overall > 0 {
				own = mean(drawn[g]) / overall
			}
			const slack = 1e-9
			if lift < min(1, own)-slack || lift > max(1, own)+slack {
				t.Errorf("lift %v of group %d is not between 1 and %v", lift, g, own)
			}
		}
	})
}

// TestLiftIsTheMoreCautiousOfTwoReadings holds it where plain means and
// logarithms disagree: one good post among poor ones, next to steady ones.
func TestLiftIsTheMoreCautiousOfTwoReadings(t *testing.T) {
	poorWithTop, steady := []float64{1, 1, 1, 900}, []float64{200, 220, 240, 260}
	got := lifts(grouped(poorWithTop, steady))
	if low := 225.75 / 227.875; got[0] < low || got[0] > 1 {
		t.Errorf("lift of posts whose mean is %.3f of all is %v", low, got[0])
	}
	if high := 230 / 227.875; got[1] > high || got[1] < 1 {
		t.Errorf("lift of posts whose mean is %.3f of all is %v", high, got[1])
	}
	if got := lifts(grouped([]float64{900, 1, 1, 1}, []float64{40, 44, 48, 52})); got[0] != 1 || got[1] != 1 {
		t.Errorf("lifts are %v where the readings point apart, want 1", got)
	}
}

// TestFewLikesAreNotBelieved holds that counts which happen to be equal within
// their groups are as unsure as counts are.
func TestFewLikesAreNotBelieved(t *testing.T) {
	if got := lifts(grouped([]float64{0, 0, 0, 0}, []float64{1, 1, 1, 1})); got[1] > 1.15 {
		t.Errorf("four posts with one like instead of none are lifted by %v", got[1])
	}
}

// TestMorePostsAreBelievedMore holds that the same difference counts for more
// with more posts behind it.
func TestMorePostsAreBelievedMore(t *testing.T) {
	before := 1.0
	for _, n := range []int{3, 6, 12, 50} {
		var low, high []float64
		for k := range n {
			low = append(low, 100+float64(k%3)*60)
			high = append(high, 160+float64(k%3)*96)
		}
		lift := lifts(grouped(low, high))[1]
		if lift <= before {
			t.Errorf("lift with %d posts is %v, want more than %v with fewer", n, lift, before)
		}
		before = lift
	}
	if own := 1.6 / 1.3; before > own || before < 1+0.8*(own-1) {
		t.Errorf("lift with 50 posts is %v, want close below %v", before, own)
	}
}

// TestOneViralPostDoesNotLiftItsGroup holds why logarithms have a say.
func TestOneViralPostDoesNotLiftItsGroup(t *testing.T) {
	usual := []float64{80, 120, 100, 90, 110, 70, 130, 100}
	lift := lifts(grouped(usual, usual, append([]float64{60, 75}, 20_000)))[2]
	if lift > 1.6 {
		t.Errorf("one post in three with 200 times the usual lifts its group by %v", lift)
	}
}

// TestChanceIsUniformWithoutAPattern holds that the test errs as often as it
// says: of accounts without any pattern 5 % are below 0.05.
func TestChanceIsUniformWithoutAPattern(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const accounts = 400
	below := map[float64]int{0.05: 0, 0.2: 0, 0.5: 0}
	for range accounts {
		groups := make([][]item, 7)
		for range 40 {
			g := random.IntN(7)
			groups[g] = append(groups[g], item{value: math.Round(math.Exp(5 + random.NormFloat64()))})
		}
		p := chance(groups)
		for limit := range below {
			if p <= limit {
				below[limit]++
			}
		}
	}
	for limit, n := range below {
		share := float64(n) / accounts
		if off := 3 * math.Sqrt(limit*(1-limit)/accounts); math.Abs(share-limit) > off {
			t.Errorf("%.3f of the accounts have a chance up to %.2f, want that ± %.3f", share, limit, off)
		}
	}
}

// TestChanceDependsOnRanksOnly holds that factors and the order of the groups
// change nothing, and equal values prove nothing.
func TestChanceDependsOnRanksOnly(t *testing.T) {
	a, b, c := []float64{1, 2, 3, 4}, []float64{9, 8, 7, 11}, []float64{5, 6, 4, 3}
	scaled := [][]float64{{10, 20, 30, 40}, {90, 80, 70, 110}, {50, 60, 40, 30}}
	if got, want := chance(grouped(scaled...)), chance(grouped(a, b, c)); got != want {
		t.Errorf("chance of ten times the values is %v, want %v", got, want)
	}
	if got := chance(grouped(a, b, c)); got > 0.02 {
		t.Errorf("chance of three groups apart is %v, want little", got)
	}
	same := []float64{5, 5, 5, 5}
	if got := chance(grouped(same, same, same)); got != 1 {
		t.Errorf("chance of equal values is %v, want 1", got)
	}
}

// TestEqualValuesShareTheirRank holds the ranks against ones made by hand.
func TestEqualValuesShareTheirRank(t *testing.T) {
	want := [][]float64{{3, 3}, {1, 3, 5}}
	if diff := cmp.Diff(want, ranks(grouped([]float64{5, 5}, []float64{1, 5, 9}))); diff != "" {
		t.Errorf("ranks (-want +got):\n%s", diff)
	}
}

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
			if !slices.IsSortedFunc(best.Slots, func(a, b content.Slot) int { return stdcmp.Compare(b.Lift, a.Lift) }) {
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

// TestWeeklyPatternIsTestedAgainstChance holds that weekdays are named with
// the probability that they mean nothing.
func TestWeeklyPatternIsTestedAgainstChance(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for name, strong := range map[string]bool{"tuesdays do better": true, "no weekday does": false} {
		t.Run(name, func(t *testing.T) {
			posts := every(at(time.UTC, "2025-03-03 12:00"), 24*time.Hour, 70, func(n int) int64 {
				f := 1.0
				if strong && n%7 == 1 {
					f = 2.5
				}
				return int64(1000 * f * math.Exp(0.4*random.NormFloat64()))
			})
			for n := range 3 {
				extra := liked(fmt.Sprint("extra", n), at(time.UTC, "2025-03-06 18:00").AddDate(0, 0, 7*n), 0)
				extra.Likes = nil // posted all the same
				posts = append(posts, extra)
			}
			w := sampleOf(posts).weekly()
			if w.NotEnough != "" || w.Busiest != 3 || w.Chance == nil {
				t.Fatalf("weekly pattern is %+v, want Thursday the busiest", w)
			}
			if significant := *w.Chance < 0.05; significant != strong || strong && w.Strongest != 1 {
				t.Errorf("weekday %d is the strongest with chance %v, want Tuesday: %v", w.Strongest, *w.Chance, strong)
			}
		})
	}
}
