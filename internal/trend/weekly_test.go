package trend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

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
