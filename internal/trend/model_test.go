package trend

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestModelsOnSeriesKnownAhead holds each model against days worked out by
// hand, on lengths that are no whole weeks.
func TestModelsOnSeriesKnownAhead(t *testing.T) {
	week := []float64{10, 20, 30, 40, 50, 60, 70}
	var weeks []float64 // five weeks and three days
	for n := range 38 {
		weeks = append(weeks, week[n%season])
	}
	older := slices.Clone(weeks)
	for n := range 10 {
		older[n] = 1_000_000 // more than four weeks ago
	}
	var line []float64
	for n := range 40 {
		line = append(line, 100+10*float64(n))
	}
	ahead := []float64{40, 50, 60, 70, 10, 20, 30}
	tests := map[string]struct {
		foresee    func([]float64, int) []float64
		past, want []float64
		off        float64
	}{
		"the last week again":          {seasonalNaive, weeks, ahead, 0},
		"four weeks and no more":       {weekdayMean, older, ahead, 0},
		"the median day":               {recentMedian, older, []float64{40, 40, 40, 40, 40, 40, 40}, 0},
		"the week on a level":          {onPattern(dampedHolt), weeks, ahead, 1e-6},
		"the week on a level, by logs": {onLogs(onPattern(theta)), weeks, ahead, 0.5},
		"a line goes on, damped":       {dampedHolt, line, []float64{500, 510, 519, 528, 537, 546, 554}, 8},
		"a line goes on at half":       {theta, line, []float64{497, 502, 507, 512, 517, 522, 527}, 6},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := test.foresee(test.past, season)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(0, test.off)); diff != "" {
				t.Errorf("days ahead (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTrendIsDampedAhead holds that a trend fades instead of running on.
func TestTrendIsDampedAhead(t *testing.T) {
	h := holt{level: 100, trend: 16, damping: 0.5}
	want := []float64{108, 112, 114, 115}
	if diff := cmp.Diff(want, h.ahead(4)); diff != "" {
		t.Errorf("days ahead (-want +got):\n%s", diff)
	}
}

// TestGrowthIsHeldToTwiceTheHighestDay holds that no logarithm runs away.
func TestGrowthIsHeldToTwiceTheHighestDay(t *testing.T) {
	rocket := func([]float64, int) []float64 { return []float64{3, 50, 5_000} }
	got := onLogs(rocket)([]float64{1, 99, 7}, 3)
	want := []float64{math.Expm1(3), 199, 199} // twice 1 + 99, less 1
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("days ahead (-want +got):\n%s", diff)
	}
}
