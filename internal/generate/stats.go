package generate

import (
	"cmp"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	// minSide is the fewest posts on either side of a comparison; with fewer
	// the smallest possible chance is too large to say anything.
	minSide = 3
	// exactSplits is the largest number of splits that is counted out; beyond
	// it splits are drawn.
	exactSplits = 20_000
	drawnSplits = 2_000
	resamples   = 600
)

// quantile returns the q-quantile of values by linear interpolation between
// order statistics, 0 when there are none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

func median(values []float64) float64 { return quantile(values, 0.5) }

func mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// spread returns the pooled standard deviation of log(1 + value) around each
// group's own mean.
func spread(groups ...[]float64) float64 {
	var squares float64
	free := 0
	for _, g := range groups {
		logs := logged(g)
		middle := mean(logs)
		for _, v := range logs {
			squares += (v - middle) * (v - middle)
		}
		free += max(len(g)-1, 0)
	}
	if free == 0 {
		return 0
	}
	return math.Sqrt(squares / float64(free))
}

func logged(values []float64) []float64 {
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log1p(max(v, 0))
	}
	return logs
}

// chance returns the share of ways to split the posts into groups of these
// sizes that set their ranks at least as far apart as the two groups given
// are (a two-sided rank-sum permutation test, ties at their middle rank).
// Splits are all counted while they are few, else drawn from random.
func chance(with, rest []float64, random *rand.Rand) float64 {
	if len(with) == 0 || len(rest) == 0 {
		return 1
	}
	ranks := midranks(append(slices.Clone(with), rest...))
	n, k := len(ranks), len(with)
	var got float64
	for _, r := range ranks[:k] {
		got += r
	}
	if k > n-k { // the smaller group says the same and is cheaper to draw
		k = n - k
		got = float64(n)*float64(n+1)/2 - got
	}
	expected := float64(k) * float64(n+1) / 2
	gap := math.Abs(got-expected) - 1e-9
	if splits(n, k) <= exactSplits {
		hits, all := countSplits(ranks, k, expected, gap)
		return float64(hits) / float64(all)
	}
	hits := 0
	for range drawnSplits {
		var sum float64
		for i := range k {
			j := i + random.IntN(n-i)
			ranks[i], ranks[j] = ranks[j], ranks[i]
			sum += ranks[i]
		}
		if math.Abs(sum-expected) >= gap {
			hits++
		}
	}
	return float64(hits+1) / float64(drawnSplits+1)
}

func countSplits(ranks []float64, k int, expected, gap float64) (hits, all int) {
	var walk func(from, left int, sum float64)
	walk = func(from, left int, sum float64) {
		if left == 0 {
			all++
			if math.Abs(sum-expected) >= gap {
				hits++
			}
			return
		}
		for i := from; i <= len(ranks)-left; i++ {
			walk(i+1, left-1, sum+ranks[i])
		}
	}
	walk(0, k, 0)
	return hits, all
}

// splits returns n choose k, or something beyond exactSplits.
func splits(n, k int) float64 {
	all := 1.0
	for i := range k {
		all = all * float64(n-i) / float64(i+1)
		if all > exactSplits {
			break
		}
	}
	return all
}

func midranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranks := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, at := range order[from:to] {
			ranks[at] = float64(from+to+1) / 2
		}
		from = to
	}
	return ranks
}

// interval returns the 80 % bootstrap interval (percentiles) of the ratio of
// the two medians.
func interval(with, rest []float64, random *rand.Rand) (low, high float64) {
	draw := func(from []float64) float64 {
		drawn := make([]float64, len(from))
		for i := range drawn {
			drawn[i] = from[random.IntN(len(from))]
		}
		return median(drawn)
	}
	ratios := make([]float64, 0, resamples)
	for range resamples {
		a, b := draw(with), draw(rest)
		if b > 0 {
			ratios = append(ratios, a/b)
		}
	}
	return quantile(ratios, 0.1), quantile(ratios, 0.9)
}

// adjust returns the chances corrected for how many were looked at
// (Benjamini and Hochberg's false discovery rate), in the same order.
func adjust(chances []float64) []float64 {
	order := make([]int, len(chances))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(chances[b], chances[a]) })
	adjusted := make([]float64, len(chances))
	least := 1.0
	for i, at := range order {
		rank := float64(len(chances) - i)
		least = min(least, chances[at]*float64(len(chances))/rank)
		adjusted[at] = least
	}
	return adjusted
}

// needed returns how many posts a side would show a ratio like this one in
// four of five trials at the usual 5 % level, given the spread of
// log-engagement: 2 (1.96 + 0.84)² (spread / ln ratio)², at least minSide.
func needed(spread, ratio float64) int {
	distance := math.Log(ratio)
	if distance == 0 || math.IsInf(distance, 0) || math.IsNaN(distance) {
		return math.MaxInt32
	}
	n := math.Ceil(2 * 2.8 * 2.8 * (spread / distance) * (spread / distance))
	return int(min(max(n, minSide), math.MaxInt32))
}

// seeded returns a source of random numbers that is the same for the same words.
func seeded(words ...string) *rand.Rand {
	sum := fnv.New64a()
	for _, w := range words {
		_, _ = sum.Write([]byte(w + "\x00")) // a hash never fails to take bytes
	}
	return rand.New(rand.NewPCG(sum.Sum64(), 0x9e3779b97f4a7c15))
}
