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
	Level  float64 // pixels from the top at which the line of the mean or median runs, 0 for none
	Labels []label
	Legend []key
	Table  table
	Flush  bool // has no labels to its left and needs no room for them
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

// scale maps values to pixels from the top: linear from 0, or logarithmic from
// bottom, which is then above 0.
type scale struct {
	bottom, top, height float64
}

// linear returns a scale from 0 to a round number that reaches highest.
func linear(highest, height float64) scale {
	step := niceStep(highest)
	return scale{top: max(step, math.Ceil(highest/step)*step), height: height}
}

// logarithmic returns a scale from 1, 2 or 5 times a power of ten below lowest to
// above highest.
func logarithmic(lowest, highest, height float64) scale {
	lowest = max(lowest, 1)
	bottom := math.Pow(10, math.Floor(math.Log10(lowest)))
	for _, times := range []float64{5, 2} {
		if times*bottom <= lowest {
			bottom *= times
			break
		}
	}
	return scale{bottom: bottom, top: max(highest*1.15, 10*bottom), height: height}
}

// at returns where v lies. What is below the bottom lies on it.
func (s scale) at(v float64) float64 {
	part := v / s.top
	if s.bottom > 0 {
		part = math.Log(max(v, s.bottom)/s.bottom) / math.Log(s.top/s.bottom)
	}
	return round(s.height * (1 - min(max(part, 0), 1)))
}

// ticks returns the labelled values of the scale.
func (s scale) ticks() []tick {
	var all []tick
	add := func(v float64) { all = append(all, tick{At: s.at(v), Label: short(v), Rule: true}) }
	if s.bottom == 0 {
		step := niceStep(s.top)
		for v := 0.0; v <= s.top*1.001; v += step {
			add(v)
		}
		return all
	}
	between := []float64{1, 2, 5}
	if s.top/s.bottom > 1000 {
		between = between[:1]
	}
	for power := math.Pow(10, math.Floor(math.Log10(s.bottom))); power <= s.top; power *= 10 {
		for _, times := range between {
			if v := times * power; v >= s.bottom && v <= s.top {
				add(v)
			}
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
