package trend

import (
	"math"
	"slices"

	"github.com/stagewatch/stagewatch/internal/content"
)

// hours returns the 24 local hours of the day.
func (s sample) hours() []content.Cell {
	return s.cells(24, func(i item) int { return i.local.Hour() }, func(c *content.Cell, n int) {
		c.Hour, c.Weekday = n, -1
	})
}

// weekdays returns the seven local weekdays, Monday first.
func (s sample) weekdays() []content.Cell {
	return s.cells(7, func(i item) int { return weekday(i.local) }, func(c *content.Cell, n int) {
		c.Hour, c.Weekday = -1, n
	})
}

// cells counts the dated posts in n cells. Of posts that were chosen by their
// likes no cell is better than another: each is drawn all the way to the mean.
func (s sample) cells(n int, at func(item) int, name func(*content.Cell, int)) []content.Cell {
	cells := make([]content.Cell, n)
	for _, i := range s.dated() {
		cells[at(i)].Posts++
	}
	measured := s.measured()
	overall := mean(values(measured))
	groups := split(measured, n, at)
	lift := lifts(groups)
	for c := range cells {
		name(&cells[c], c)
		cells[c].N = len(groups[c])
		cells[c].Mean = mean(values(groups[c]))
		cells[c].Shrunk = overall
		if s.unfit() == "" {
			cells[c].Shrunk = overall * lift[c]
		}
	}
	return cells
}

// split deals items to n groups.
func split(items []item, n int, at func(item) int) [][]item {
	groups := make([][]item, n)
	for _, i := range items {
		groups[at(i)] = append(groups[at(i)], i)
	}
	return groups
}

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
	all := slices.Concat(groups...)
	overall, middle := mean(values(all)), mean(logs(all))
	lift := make([]float64, len(groups))
	for g, w := range weights(groups) {
		lift[g] = 1
		if w == 0 || overall == 0 {
			continue
		}
		plain := 1 + w*(mean(values(groups[g]))/overall-1)
		log := math.Exp(w * (mean(logs(groups[g])) - middle))
		switch {
		case plain > 1 && log > 1:
			lift[g] = min(plain, log)
		case plain < 1 && log < 1:
			lift[g] = max(plain, log)
		}
	}
	return lift
}

// weights returns how far each group's mean is to be believed, 0 to 1.
//
// It is empirical Bayes on y = ln(1 + engagement): a group of n posts has
//
//	w = n τ² / (n τ² + σ²)
//
// where σ² is the variance within groups and τ² that between them beyond what
// σ² explains, both by moments (one-way random effects with unequal n; Searle,
// Casella & McCulloch, Variance Components, 1992). Groups that differ no more
// than chance makes them have τ² = 0, and nothing is believed.
func weights(groups [][]item) []float64 {
	all := slices.Concat(groups...)
	middle := mean(logs(all))
	var filled, squares, within, between float64
	for _, items := range groups {
		n, y := float64(len(items)), logs(items)
		if n == 0 {
			continue
		}
		filled++
		squares += n * n
		between += n * square(mean(y)-middle)
		for _, one := range y {
			within += square(one - mean(y))
		}
	}
	weight := make([]float64, len(groups))
	total := float64(len(all))
	free := total - filled // degrees of freedom within groups
	if filled < 2 || free < 1 {
		return weight
	}
	sigma2 := within / free
	tau2 := (between - (filled-1)*sigma2) / (total - squares/total)
	if tau2 <= 0 {
		return weight
	}
	for g, items := range groups {
		n := float64(len(items))
		weight[g] = n * tau2 / (n*tau2 + sigma2)
	}
	return weight
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
