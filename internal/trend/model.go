package trend

import (
	"math"
	"slices"
)

// season is the length of a weekly pattern in days.
const season = 7

// model is one way to foresee daily values: foresee returns the days that
// follow past, of which it is given at least two weeks.
type model struct {
	name    string
	foresee func(past []float64, horizon int) []float64
}

// models returns what a forecast is chosen from. The first is the baseline
// that the others must beat.
func models() []model {
	return []model{
		{"seasonal naive", seasonalNaive},
		{"mean of the weekday in 4 weeks", weekdayMean},
		{"median of 4 weeks", recentMedian},
		{"weekly pattern + damped trend", onPattern(dampedHolt)},
		{"weekly pattern + damped trend, log scale", onLogs(onPattern(dampedHolt))},
		{"weekly pattern + theta, log scale", onLogs(onPattern(theta))},
	}
}

// seasonalNaive repeats the last week.
func seasonalNaive(past []float64, horizon int) []float64 {
	ahead := make([]float64, horizon)
	for h := range ahead {
		ahead[h] = past[len(past)-season+h%season]
	}
	return ahead
}

// weekdayMean repeats the mean of the last four weeks, weekday by weekday.
func weekdayMean(past []float64, horizon int) []float64 {
	ahead := make([]float64, horizon)
	for h := range ahead {
		var same []float64
		for back := season - h%season; back <= min(4*season, len(past)); back += season {
			same = append(same, past[len(past)-back])
		}
		ahead[h] = mean(same)
	}
	return ahead
}

// recentMedian repeats the median day of the last four weeks.
func recentMedian(past []float64, horizon int) []float64 {
	return slices.Repeat([]float64{median(past[max(0, len(past)-4*season):])}, horizon)
}

// onLogs lets f work on ln(1 + y), where a weekday's effect and the noise are
// factors. What it foresees is held to twice the highest day seen: on this
// scale an overshooting trend would grow without bounds.
func onLogs(f func([]float64, int) []float64) func([]float64, int) []float64 {
	return func(past []float64, horizon int) []float64 {
		logs := make([]float64, len(past))
		for n, y := range past {
			logs[n] = math.Log1p(y)
		}
		top := slices.Max(logs) + math.Ln2
		ahead := f(logs, horizon)
		for h := range ahead {
			ahead[h] = math.Expm1(min(ahead[h], top))
		}
		return ahead
	}
}

// onPattern takes the weekly pattern off, lets f foresee the rest and puts the
// pattern back on.
//
// The pattern is the median of each weekday's differences from the centred
// seven-day mean, recentred (classical decomposition with medians, so that one
// extraordinary day does not shift its weekday).
func onPattern(f func([]float64, int) []float64) func([]float64, int) []float64 {
	return func(past []float64, horizon int) []float64 {
		differences := make([][]float64, season)
		for n := season / 2; n+season/2 < len(past); n++ {
			around := mean(past[n-season/2 : n+season/2+1])
			differences[n%season] = append(differences[n%season], past[n]-around)
		}
		pattern := make([]float64, season)
		for n := range pattern {
			pattern[n] = median(differences[n])
		}
		middle := mean(pattern)
		rest := make([]float64, len(past))
		for n, y := range past {
			rest[n] = y - (pattern[n%season] - middle)
		}
		ahead := f(rest, horizon)
		for h := range ahead {
			ahead[h] += pattern[(len(past)+h)%season] - middle
		}
		return ahead
	}
}

// dampedHolt is exponential smoothing with a damped trend (Hyndman &
// Athanasopoulos, Forecasting, 3rd ed., §8.2), its three parameters those of a
// grid with the least squared one-day error.
func dampedHolt(past []float64, horizon int) []float64 {
	var best []float64
	least := math.Inf(1)
	for _, damping := range []float64{0.8, 0.9, 0.95, 0.98} {
		for _, slow := range []float64{0.01, 0.05, 0.1, 0.2} {
			for _, fast := range []float64{0.05, 0.1, 0.2, 0.3, 0.5, 0.7} {
				h := holt{fast: fast, slow: slow, damping: damping}
				if err := h.follow(past); best == nil || err < least {
					best, least = h.ahead(horizon), err
				}
			}
		}
	}
	return best
}

// holt is a level and a trend that follow a series.
type holt struct {
	fast, slow, damping float64 // α, β*, φ
	level, trend        float64
}

// follow runs through past and returns the sum of squared one-day errors.
func (h *holt) follow(past []float64) float64 {
	h.level, h.trend = mean(past[:season]), 0
	var sum float64
	for _, y := range past {
		guess := h.level + h.damping*h.trend
		sum += square(y - guess)
		level := guess + h.fast*(y-guess)
		h.trend = h.slow*(level-h.level) + (1-h.slow)*h.damping*h.trend
		h.level = level
	}
	return sum
}

// ahead returns the coming days.
func (h *holt) ahead(horizon int) []float64 {
	days := make([]float64, horizon)
	at, step := h.level, h.trend
	for n := range days {
		step *= h.damping
		at += step
		days[n] = at
	}
	return days
}

// theta is simple exponential smoothing plus half the slope of the
// least-squares line (Assimakopoulos & Nikolopoulos, 2000, in the form that
// Hyndman & Billah, 2003, gave it).
func theta(past []float64, horizon int) []float64 {
	var best holt
	least := math.Inf(1)
	for _, fast := range []float64{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9} {
		h := holt{fast: fast}
		if err := h.follow(past); err < least {
			best, least = h, err
		}
	}
	slope := leastSquaresSlope(past)
	ahead := make([]float64, horizon)
	for n := range ahead {
		// The smoothed level lags a line by (1 − α)/α days.
		ahead[n] = best.level + slope/2*(float64(n+1)+(1-best.fast)/best.fast)
	}
	return ahead
}

// leastSquaresSlope returns the slope of the least-squares line through v.
func leastSquaresSlope(v []float64) float64 {
	middle := float64(len(v)-1) / 2
	var top, bottom float64
	for n, y := range v {
		x := float64(n) - middle
		top += x * y
		bottom += x * x
	}
	return top / bottom
}
