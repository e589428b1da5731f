package trend

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// shuffles is how often the groups are dealt anew: enough to tell 0.01 from
// 0.02, and the smallest chance that can come out is 1 in 2000.
const shuffles = 1999

// chance returns the probability that groups of these sizes differ at least as
// much as these do if it did not matter to which group a post belongs.
//
// It is the Kruskal–Wallis rank test, its distribution found by dealing the
// posts to the groups at random instead of from the χ² approximation, which is
// poor for groups this small. The seed is fixed: the same posts give the same
// answer.
func chance(groups [][]item) float64 {
	var ranked []float64
	var sizes []int
	for g, r := range ranks(groups) {
		if len(r) > 0 {
			ranked = append(ranked, r...)
			sizes = append(sizes, len(groups[g]))
		}
	}
	seen := disorder(ranked, sizes)
	random := rand.New(rand.NewPCG(4, uint64(len(ranked))))
	as := 1
	for range shuffles {
		random.Shuffle(len(ranked), func(i, j int) { ranked[i], ranked[j] = ranked[j], ranked[i] })
		if disorder(ranked, sizes) >= seen*(1-1e-12) {
			as++
		}
	}
	return float64(as) / (shuffles + 1)
}

// ranks returns the groups with each post's rank among all in place of the
// post; equal values share the mean of their ranks.
func ranks(groups [][]item) [][]float64 {
	type place struct {
		group, index int
		value        float64
	}
	var places []place
	ranked := make([][]float64, len(groups))
	for g, items := range groups {
		ranked[g] = make([]float64, len(items))
		for n, i := range items {
			places = append(places, place{g, n, i.value})
		}
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.value, b.value) })
	for from := 0; from < len(places); {
		to := from
		for to < len(places) && places[to].value == places[from].value {
			to++
		}
		for _, p := range places[from:to] {
			ranked[p.group][p.index] = float64(from+to+1) / 2
		}
		from = to
	}
	return ranked
}

// disorder returns Σ (rank sum)² / n over the groups, which grows and falls
// with the Kruskal–Wallis statistic while ranks and sizes stay the same.
func disorder(ranked []float64, sizes []int) float64 {
	var sum float64
	for _, n := range sizes {
		var group float64
		for _, r := range ranked[:n] {
			group += r
		}
		sum += group * group / float64(n)
		ranked = ranked[n:]
	}
	return sum
}
