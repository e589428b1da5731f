package report

import (
	"math"
	"slices"
	"time"
)

// chart is a drawing whose width follows the page: places along x are per cent
// of the plot, places along y are pixels from its top. So nothing is stretched
// and words keep their size on every screen. The template draws it and puts the
// table of its numbers below.
type chart struct {
	ID     string
	Title  string
	Desc   string // what a person who cannot see it should know
	Notes  []string
	Height int // of the plot; labels lie outside it
	YTicks []tick
	XTicks []tick
	Bars   []bar
	Dots   []dot
	Levels []level
	Labels []label
	Legend []key
	Table  table
	Narrow bool // may stand beside another
}

// tick is a labelled place on an axis. A minor one loses its label where there is
// no room; one with a rule has a line across the plot.
type tick struct {
	At    float64 // per cent along x, pixels along y
	Label string
	Minor bool
	Rule  bool
}

type bar struct {
	X, W  float64 // per cent
	Y, H  float64 // pixels
	Shade float64 // opacity of the fill, for the class "heat"
	Class string
	Title string
}

type dot struct {
	X, Y  float64
	Class string // "odd" is drawn as a diamond
	Title string
}

// level is a horizontal line with its name, such as the median.
type level struct {
	Y     float64
	Label string
}

type label struct {
	X, Y   float64
	Text   string
	Class  string
	Anchor string // start, middle or end
}

type key struct {
	Class string
	Text  string
}

type table struct {
	Head []string
	Rows [][]string
}

// scale maps values to pixels from the top.
type scale struct {
	top, height float64
	log         bool
}

// at returns where v lies.
func (s scale) at(v float64) float64 {
	part := v / s.top
	if s.log {
		part = math.Log1p(max(v, 0)) / math.Log1p(s.top)
	}
	return round(s.height * (1 - min(max(part, 0), 1)))
}

// newScale returns a scale from 0 to a round number above highest. It is
// logarithmic when asked for.
func newScale(highest, height float64, log bool) scale {
	if log {
		return scale{top: max(highest*1.1, 10), height: height, log: true}
	}
	step := niceStep(highest)
	return scale{top: max(step, math.Ceil(highest/step)*step), height: height}
}

// ticks returns the labelled values of the scale.
func (s scale) ticks() []tick {
	all := []tick{{At: s.height, Label: "0", Rule: true}}
	if !s.log {
		step := niceStep(s.top)
		for v := step; v <= s.top*1.001; v += step {
			all = append(all, tick{At: s.at(v), Label: short(v), Rule: true})
		}
		return all
	}
	// The lowest powers of ten would stand on top of one another.
	for v := 10.0; v <= s.top; v *= 10 {
		if at := s.at(v); all[len(all)-1].At-at > 24 {
			all = append(all, tick{At: at, Label: short(v), Rule: true})
		}
	}
	return all
}

// niceStep returns 1, 2 or 5 times a power of ten, so that four or so steps reach v.
func niceStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v/4)))
	for _, times := range []float64{1, 2, 5} {
		if v/(times*power) <= 5 {
			return times * power
		}
	}
	return 10 * power
}

// timeTicks returns at most seven round moments between from and to, placed in per cent.
func timeTicks(from, to time.Time) []tick {
	span := to.Sub(from)
	if span <= 0 {
		return []tick{{At: 50, Label: from.Format("2 Jan 2006")}}
	}
	months := []int{1, 2, 3, 6, 12, 24, 60, 120}
	step := func(t time.Time, n int) time.Time { return t.AddDate(0, n, 0) }
	unit, layout := 30*24*time.Hour, "Jan 2006"
	at := time.Date(from.Year(), time.January, 1, 0, 0, 0, 0, from.Location())
	if span < 100*24*time.Hour {
		months = []int{1, 2, 7, 14}
		step = func(t time.Time, n int) time.Time { return t.AddDate(0, 0, n) }
		unit, layout = 24*time.Hour, "2 Jan"
		at = time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, from.Location())
	}
	i := slices.IndexFunc(months, func(n int) bool { return span/(time.Duration(n)*unit) <= 6 })
	if i < 0 {
		i = len(months) - 1
	}
	if months[i] >= 12 {
		layout = "2006"
	}
	var all []tick
	for ; !at.After(to); at = step(at, months[i]) {
		if !at.Before(from) {
			x := 100 * float64(at.Sub(from)) / float64(span)
			all = append(all, tick{At: round(x), Label: at.Format(layout), Minor: len(all)%2 == 1})
		}
	}
	return all
}

// round keeps a place to a hundredth, which no eye can tell and no file must hold.
func round(v float64) float64 { return math.Round(v*100) / 100 }
