package trend

import (
	"math"
	"slices"
)

// mean returns the arithmetic mean of v, 0 when v is empty.
func mean(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// median returns the middle of v, 0 when v is empty.
func median(v []float64) float64 { return quantile(v, 0.5) }

// quantile returns the q-quantile of v, interpolated between neighbours
// (Hyndman & Fan, Sample Quantiles in Statistical Packages, type 7), 0 when v
// is empty. v keeps its order.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(v))
	at := q * float64(len(sorted)-1)
	below := int(math.Floor(at))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// spread returns a standard deviation of v that half of the values cannot
// spoil: 1.4826 × the median absolute deviation from the median. When more
// than half of the values are equal that is 0, and 1.2533 × the mean absolute
// deviation takes its place (Iglewicz & Hoaglin, How to Detect and Handle
// Outliers, 1993).
func spread(v []float64) float64 {
	middle := median(v)
	away := make([]float64, len(v))
	for n, x := range v {
		away[n] = math.Abs(x - middle)
	}
	if mad := median(away); mad > 0 {
		return 1.4826 * mad
	}
	return 1.2533 * mean(away)
}
