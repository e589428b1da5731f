package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// plotHeight is the height of the larger charts, in pixels.
const plotHeight = 260

// skewed is how many medians the best post must reach before the axis becomes
// logarithmic: on a linear one all others would lie on the ground.
const skewed = 6

// posted is a post whose date and engagement are known.
type posted struct {
	content.Post
	value float64
}

// plotted returns the posts that can be placed in a chart, oldest first: not one
// that is only there for being pinned.
func plotted(s content.Source) []posted {
	var all []posted
	for n, use := range s.Uses() {
		if sum, ok := s.Posts[n].Engagement(); ok && use.Regular() {
			all = append(all, posted{s.Posts[n], float64(sum)})
		}
	}
	slices.SortFunc(all, func(x, y posted) int { return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(x.ID, y.ID)) })
	return all
}

// timeline draws every comparable post where it stands in time.
func timeline(in Input) *chart {
	posts := plotted(in.Corpus.Main)
	if len(posts) == 0 {
		return nil
	}
	where := in.location()
	odd := map[string]content.Anomaly{}
	for _, a := range in.Analysis.Anomalies.Found {
		odd[a.PostID] = a
	}
	byValue := func(x, y posted) int { return cmp.Compare(x.value, y.value) }
	lowest, highest := slices.MinFunc(posts, byValue).value, slices.MaxFunc(posts, byValue).value
	median := in.Analysis.Summary.Median
	s := linear(highest, plotHeight)
	if median > 0 && highest > skewed*median {
		s = logarithmic(lowest, highest, plotHeight)
	}
	from, to := posts[0].Time.In(where), posts[len(posts)-1].Time.In(where)
	span := float64(to.Sub(from))
	c := &chart{
		ID: "timeline", Title: "Engagement of each post", Height: plotHeight, YTicks: s.ticks(), XTicks: timeTicks(from, to),
		Desc:   fmt.Sprintf("%s from %s to %s; engagement is %s.", plural(len(posts), "post"), day(from, where), day(to, where), in.Analysis.Metric),
		Legend: []key{{"post", "a post"}},
		Table:  table{Head: []string{"Date", "Engagement", "Kind", ""}},
	}
	if median > 0 {
		c.Level = s.at(median)
		c.Legend = append(c.Legend, key{"level", "median " + number(median)})
	}
	for _, p := range posts {
		x := 50.0
		if span > 0 {
			x = round(100 * float64(p.Time.Sub(from)) / span)
		}
		d := dot{X: x, Y: s.at(p.value), Class: "post", Title: moment(p.Time, where) + ": " + number(p.value)}
		note := ""
		if a, ok := odd[p.ID]; ok {
			d.Class, note = "odd", "unusual: expected about "+number(a.Expected)
			d.Title += ", " + note
		}
		c.Dots = append(c.Dots, d)
		c.Table.Rows = append(c.Table.Rows, []string{moment(p.Time, where), number(p.value), string(p.Kind), note})
	}
	if len(odd) > 0 {
		c.Legend = append(c.Legend, key{"odd", "far outside what is usual"})
	}
	if s.bottom > 0 {
		c.Notes = append(c.Notes, "The scale is logarithmic: equal heights are equal ratios.")
	}
	if in.Analysis.Order == content.MostLiked {
		c.Notes = append(c.Notes, "These are the account's most-liked posts, so a gap is not a silence and the height says nothing about a usual post.")
	} else if why := in.Analysis.Anomalies.NotEnough; why != "" {
		c.Notes = append(c.Notes, "Unusual posts are not marked: "+why)
	}
	return c
}

// lead is how many days before a forecast are drawn with it.
const lead = 42

// outlook draws the last whole days and the forecast with its interval. The day
// with which the data end is only in the forecast: it was not over.
func outlook(in Input) *chart {
	f := in.Analysis.Forecast
	if len(f.Points) == 0 {
		return nil
	}
	first, last := f.Points[0].Date, f.Points[len(f.Points)-1].Date
	whole := slices.DeleteFunc(slices.Clone(in.Analysis.Series), func(d content.Day) bool { return d.Date >= first })
	days := whole[max(0, len(whole)-lead):]
	s, cut := outlookScale(days, f.Points)
	n := len(days) + len(f.Points)
	step := 100 / float64(n)
	c := &chart{
		ID: "forecast", Title: "Engagement a day, and the forecast from the last day in the data", Height: plotHeight, YTicks: s.ticks(),
		Desc: fmt.Sprintf("The last %s that the data hold as a whole and, from %s on, a forecast of %s with its %s %% interval.",
			plural(len(days), "day"), longDate(first), plural(len(f.Points), "day"), number(f.Level*100)),
		Legend: []key{{"day", "measured"}, {"band", number(f.Level*100) + " % interval"}, {"value", "forecast"}},
		Table:  table{Head: []string{"Day", "Engagement", "Low", "High"}},
	}
	mark := func(i int, date string) {
		if i%max(1, n/6) == 0 {
			c.XTicks = append(c.XTicks, tick{At: round((float64(i) + 0.5) * step), Label: shortDate(date), Minor: len(c.XTicks)%2 == 1})
		}
	}
	for i, d := range days {
		mark(i, d.Date)
		y := s.at(d.Engagement)
		title := fmt.Sprintf("%s: %s, %s", d.Date, number(d.Engagement), plural(d.Posts, "post"))
		c.Bars = append(c.Bars, bar{X: round((float64(i) + 0.1) * step), W: round(0.8 * step), Y: y, H: round(plotHeight - y), Class: "day", Title: title})
		c.Table.Rows = append(c.Table.Rows, []string{d.Date, number(d.Engagement), "", ""})
		if cut && d.Engagement > s.top {
			c.Labels = append(c.Labels, label{X: round((float64(i) + 0.5) * step), Y: -12, Text: "↑ " + short(d.Engagement), Class: "count", Anchor: "middle"})
		}
	}
	for j, p := range f.Points {
		i := len(days) + j
		mark(i, p.Date)
		high, low, y := s.at(p.High), s.at(p.Low), s.at(p.Value)
		x := round((float64(i) + 0.1) * step)
		title := fmt.Sprintf("%s: %s, between %s and %s", p.Date, number(p.Value), number(p.Low), number(p.High))
		c.Bars = append(c.Bars,
			bar{X: x, W: round(0.8 * step), Y: high, H: max(round(low-high), 1), Class: "band", Title: title},
			bar{X: x, W: round(0.8 * step), Y: round(y - 1.5), H: 3, Class: "value", Title: title})
		c.Table.Rows = append(c.Table.Rows, []string{p.Date + " (forecast)", number(p.Value), number(p.Low), number(p.High)})
	}
	if made := in.Plan.Made; !made.IsZero() && last < made.In(in.location()).Format(time.DateOnly) {
		c.Notes = append(c.Notes, fmt.Sprintf("The forecast ends on %s, before this plan was made: it shows what was to be expected then. A forecast of days to come needs newer posts.", longDate(last)))
	}
	if cut {
		c.Notes = append(c.Notes, "A bar with an arrow is higher than the chart and bears its number.")
	}
	return c
}

// outlookScale returns a scale for days and forecast. A few days that tower over
// all others would press the forecast flat, so they are cut: that is the second result.
func outlookScale(days []content.Day, points []content.Point) (s scale, cut bool) {
	var measured []float64
	highest, expected := 0.0, 0.0
	for _, d := range days {
		measured = append(measured, d.Engagement)
		highest = max(highest, d.Engagement)
	}
	for _, p := range points {
		expected = max(expected, p.High)
	}
	slices.Sort(measured)
	usual := expected
	if len(measured) > 0 {
		usual = max(usual, measured[len(measured)*9/10])
	}
	if usual > 0 && highest > 3*usual {
		return linear(1.2*usual, plotHeight), true
	}
	return linear(max(highest, expected), plotHeight), false
}

func shortDate(date string) string { return dateAs("2 Jan", date) }

func longDate(date string) string { return dateAs("2 January 2006", date) }

func dateAs(layout, date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.Format(layout)
}

// cells draws the shrunk mean of each hour or weekday.
func cells(id, title string, all []content.Cell, name func(content.Cell) string, in Input) *chart {
	highest, posts := 0.0, 0
	for _, c := range all {
		highest, posts = max(highest, c.Shrunk), posts+c.N
	}
	if posts == 0 {
		return nil
	}
	const height = 150
	s := linear(highest, height)
	c := &chart{
		ID: id, Title: title, Height: height, YTicks: s.ticks(),
		Desc:  "Mean engagement of the posts of each, drawn toward the overall mean where there are few posts. Times are " + in.zone() + ".",
		Level: s.at(in.Analysis.Summary.Mean),
		Table: table{Head: []string{"", "Posts", "Mean", "Drawn"}},
	}
	step := 100 / float64(len(all))
	for i, cell := range all {
		y := s.at(cell.Shrunk)
		class := "bar"
		if cell.N < 3 {
			class = "thin"
		}
		if cell.N > 0 {
			title := fmt.Sprintf("%s: %s, %s", name(cell), number(cell.Shrunk), plural(cell.N, "post"))
			c.Bars = append(c.Bars, bar{X: round((float64(i) + 0.12) * step), W: round(0.76 * step), Y: y, H: round(height - y), Class: class, Title: title})
			c.Table.Rows = append(c.Table.Rows, []string{name(cell), strconv.Itoa(cell.N), number(cell.Mean), number(cell.Shrunk)})
		}
		if len(all) <= 7 || i%3 == 0 {
			c.XTicks = append(c.XTicks, tick{At: round((float64(i) + 0.5) * step), Label: name(cell), Minor: len(all) > 7 && i%6 != 0})
		}
	}
	c.Legend = []key{{"bar", "3 posts or more"}, {"thin", "1 or 2 posts: chance"}, {"level", "mean of all " + number(in.Analysis.Summary.Mean)}}
	return c
}

// week draws how many posts fell into each hour of each weekday. The counts are
// written into the cells, so that nothing hangs on telling shades apart.
func week(in Input) *chart {
	where := in.location()
	var grid [7][24]int
	most, dated := 0, 0
	for n, use := range in.Corpus.Main.Uses() {
		if !use.Regular() {
			continue
		}
		t := in.Corpus.Main.Posts[n].Time.In(where)
		d := (int(t.Weekday()) + 6) % 7
		grid[d][t.Hour()]++
		most, dated = max(most, grid[d][t.Hour()]), dated+1
	}
	if dated == 0 {
		return nil
	}
	const row = 26
	c := &chart{
		ID: "week", Title: "When the posts were made", Height: 7 * row,
		Desc:  fmt.Sprintf("How many of %s fell into each hour of each weekday, %s.", plural(dated, "dated post"), in.zone()),
		Table: table{Head: []string{"", "Posts by hour"}},
	}
	for d := range grid {
		c.YTicks = append(c.YTicks, tick{At: float64(d*row + row/2), Label: weekday(d)})
		var line strings.Builder
		for h, n := range grid[d] {
			x, y := round(float64(h)/0.24), float64(d*row)
			cell := bar{X: round(x + 0.12), W: round(1/0.24 - 0.24), Y: y + 1, H: row - 2, Class: "none"}
			if n > 0 {
				cell.Class, cell.Shade = "heat", round(0.12+0.43*float64(n)/float64(most))
				cell.Title = fmt.Sprintf("%s %02d:00: %s", weekday(d), h, plural(n, "post"))
				c.Labels = append(c.Labels, label{X: round(x + 0.5/0.24), Y: y + row/2, Text: strconv.Itoa(n), Class: "count", Anchor: "middle"})
				fmt.Fprintf(&line, "%02d:00 × %d  ", h, n)
			}
			c.Bars = append(c.Bars, cell)
		}
		c.Table.Rows = append(c.Table.Rows, []string{weekday(d), line.String()})
	}
	for h := 0; h < 24; h += 3 {
		c.XTicks = append(c.XTicks, tick{At: round((float64(h) + 0.5) / 0.24), Label: fmt.Sprintf("%02d", h), Minor: h%6 != 0})
	}
	return c
}

// kinds draws the median engagement of each kind of post.
func kinds(in Input) *chart {
	highest := 0.0
	for _, k := range in.Analysis.Kinds {
		highest = max(highest, k.Median)
	}
	if highest == 0 {
		return nil
	}
	const row = 48
	c := &chart{
		ID: "kinds", Title: "Kinds of posts", Height: row * len(in.Analysis.Kinds), Flush: true,
		Desc:  "Median engagement of each kind of post.",
		Table: table{Head: []string{"Kind", "Posts", "Comparable", "Median", "Mean", "Median views"}},
	}
	for i, k := range in.Analysis.Kinds {
		y := float64(i * row)
		words := string(k.Kind) + " · " + plural(k.Posts, "post")
		views := ""
		if k.Views != nil {
			views = number(*k.Views)
		}
		if k.N == 0 {
			words += " · none with known engagement"
		} else {
			c.Bars = append(c.Bars, bar{
				X: 0, W: round(max(100*k.Median/highest, 0.5)), Y: y + 20, H: 14, Class: "bar",
				Title: fmt.Sprintf("%s: median %s", k.Kind, number(k.Median)),
			})
			c.Labels = append(c.Labels, label{X: 100, Y: y + 10, Text: number(k.Median), Class: "figure", Anchor: "end"})
		}
		c.Labels = append(c.Labels, label{X: 0, Y: y + 10, Text: words, Class: "name", Anchor: "start"})
		c.Table.Rows = append(c.Table.Rows, []string{string(k.Kind), strconv.Itoa(k.Posts), strconv.Itoa(k.N), number(k.Median), number(k.Mean), views})
	}
	return c
}
