package trend

import (
	"math"
	"slices"
)

// likelyRatio is how strongly groups are thought to differ before any post is
// seen: most by less than a factor of 1.35 either way. With a handful of posts
// the data alone cannot tell a large difference from luck.
const likelyRatio = 1.35

// lifts returns for each group the factor by which its posts do better than
// all, drawn toward 1 by how little the group says.
//
// A group's mean is drawn toward the mean of all by its weight w, once with
// plain means and once with those of y = ln(1 + engagement):
//
//	plain:  1 + w · (mean_g / mean − 1)
//	log:    exp(w · (y_g − y))
//
// and the one nearer to 1 counts, 1 where they point apart: a single post with
// a hundred times the usual likes lifts the plain mean only, a few good ones
// under a poor top lift the other only.
func lifts(groups [][]item) []float64 {
	all := tallyOf(slices.Concat(groups...))
	tallies := make([]tally, len(groups))
	for g, items := range groups {
		tallies[g] = tallyOf(items)
	}
	lift := make([]float64, len(groups))
	for g, w := range weights(tallies) {
		lift[g] = 1
		if w == 0 || all.mean == 0 {
			continue
		}
		plain := 1 + w*(tallies[g].mean/all.mean-1)
		log := math.Exp(w * (tallies[g].log - all.log))
		switch {
		case plain > 1 && log > 1:
			lift[g] = min(plain, log)
		case plain < 1 && log < 1:
			lift[g] = max(plain, log)
		}
	}
	return lift
}

// tally is what a group of posts comes to.
type tally struct {
	n       float64
	mean    float64 // of engagement
	log     float64 // mean of ln(1 + engagement)
	squares float64 // sum of squared differences from log
}

// tallyOf adds items up.
func tallyOf(items []item) tally {
	y := logs(items)
	t := tally{n: float64(len(items)), mean: mean(values(items)), log: mean(y)}
	for _, one := range y {
		t.squares += square(one - t.log)
	}
	return t
}

// weights returns how far each group's mean is to be believed, 0 to 1.
//
// It is Bayes on y = ln(1 + engagement) with normal groups: a group of n posts
// has
//
//	w = n τ² / (n τ² + σ²)
//
// where σ² is the variance within groups and τ the deviation between them,
// averaged over all τ by how well each explains the groups' means and a
// half-normal prior of scale ln [likelyRatio] (Gelman, Prior distributions for
// variance parameters in hierarchical models, 2006, §5.2). Nothing is believed
// of groups that do not tell σ².
func weights(groups []tally) []float64 {
	weight := make([]float64, len(groups))
	sigma2, ok := within(groups)
	if !ok {
		return weight
	}
	const step, steps = 0.05, 40 // τ from 0.025 to 2, a factor of 7
	tau2 := make([]float64, steps)
	belief := make([]float64, steps)
	for n := range belief {
		tau := (float64(n) + 0.5) * step
		tau2[n] = square(tau)
		belief[n] = explains(groups, tau2[n], sigma2) - square(tau/math.Log(likelyRatio))/2
	}
	best := slices.Max(belief)
	var sum float64
	for n := range belief {
		belief[n] = math.Exp(belief[n] - best)
		sum += belief[n]
	}
	for g, t := range groups {
		for n := range belief {
			weight[g] += belief[n] / sum * t.n * tau2[n] / (t.n*tau2[n] + sigma2)
		}
	}
	return weight
}

// within returns the variance of ln(1 + engagement) within groups, and false
// when there are not two groups or no group has two posts. It is that of a
// Poisson count at least: no count is steadier.
func within(groups []tally) (sigma2 float64, ok bool) {
	var filled, posts, squares, log float64
	for _, t := range groups {
		if t.n > 0 {
			filled++
		}
		posts += t.n
		squares += t.squares
		log += t.n * t.log
	}
	if filled < 2 || posts <= filled {
		return 0, false
	}
	return max(squares/(posts-filled), math.Exp(-log/posts)), true
}

// explains returns the log-likelihood of the groups' means when they scatter
// with variance τ² + σ²/n around a common mean.
func explains(groups []tally, tau2, sigma2 float64) float64 {
	var weighted, precision float64
	for _, t := range groups {
		if t.n > 0 {
			p := 1 / (tau2 + sigma2/t.n)
			precision += p
			weighted += p * t.log
		}
	}
	common := weighted / precision
	var sum float64
	for _, t := range groups {
		if t.n > 0 {
			v := tau2 + sigma2/t.n
			sum -= (math.Log(v) + square(t.log-common)/v) / 2
		}
	}
	return sum
}

// logs returns ln(1 + engagement) of the items.
func logs(items []item) []float64 {
	y := make([]float64, len(items))
	for n, i := range items {
		y[n] = i.log()
	}
	return y
}

// square returns x².
func square(x float64) float64 { return x * x }
