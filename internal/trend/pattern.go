package trend

import (
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

// cells counts the regular posts in n cells. Of posts that were chosen by their
// likes no cell is better than another: each is drawn all the way to the mean.
func (s sample) cells(n int, at func(item) int, name func(*content.Cell, int)) []content.Cell {
	cells := make([]content.Cell, n)
	for _, i := range s.regular() {
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
