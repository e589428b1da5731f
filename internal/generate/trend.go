package generate

import (
	"slices"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// trend tells what stage 4 found: the times that did best, the pattern over
// the week, what stands out and the forecast, or why there is none.
func (s *study) trend(found []finding, now time.Time) []content.Statement {
	var out []content.Statement
	for _, each := range []struct {
		about string
		write func(*prose) (string, []*item)
	}{
		{"time", s.bestTimes},
		{"week", func(p *prose) (string, []*item) { return s.week(p, found) }},
		{"outlier", s.outliers},
		{"forecast", func(p *prose) (string, []*item) { return s.outlook(p, now) }},
	} {
		p := &prose{}
		if text, rests := each.write(p); text != "" {
			out = append(out, content.Statement{About: each.about, Text: text, Figures: p.figures, PostIDs: cite(rests)})
		}
	}
	return append(out, s.unanswered()...)
}

// unanswered says to what stage 4 gave no answer and why, each reason once.
func (s *study) unanswered() []content.Statement {
	a := s.analysis
	var out []content.Statement
	for _, each := range []struct{ about, what, why string }{
		{"time", "best time", pick(len(a.Best.Slots) > 0, "", a.Best.NotEnough)},
		{"week", "pattern over the week", a.Weekly.NotEnough},
		{"outlier", "search for unusual posts", a.Anomalies.NotEnough},
		{"forecast", "forecast", pick(len(a.Forecast.Points) > 0, "", a.Forecast.NotEnough)},
	} {
		reason := " of " + s.own.handle + ": " + told(each.why) + "."
		at := slices.IndexFunc(out, func(st content.Statement) bool { return strings.HasSuffix(st.Text, reason) })
		switch {
		case each.why == "":
		case at < 0:
			out = append(out, content.Statement{About: each.about, Text: "No " + each.what + reason})
		default:
			out[at].Text = strings.TrimSuffix(out[at].Text, reason) + ", no " + each.what + reason
		}
	}
	return out
}

func (s *study) bestTimes(p *prose) (text string, rests []*item) {
	b := s.analysis.Best
	if len(b.Slots) == 0 {
		return "", nil
	}
	var parts []string
	for _, slot := range b.Slots[:min(3, len(b.Slots))] {
		parts = append(parts, slot.Label+" at "+p.times("lift of "+slot.Label, slot.Lift, slot.N)+" the mean ("+p.posts("posts of "+slot.Label, slot.N)+")")
		rests = append(rests, s.byID(slot.PostIDs)...)
	}
	text = "Times at which posts of " + s.own.handle + " did best (" + s.zone.String() + "), small numbers allowed for: " + list(parts, "and") + "."
	if b.Caveat != "" {
		text += " To bear in mind: " + told(b.Caveat) + "."
	}
	return text, best(rests)
}

func (s *study) byID(ids []string) []*item {
	return where(s.own.items, func(it *item) bool { return slices.Contains(ids, it.ID) })
}

func (s *study) week(p *prose, found []finding) (text string, rests []*item) {
	w := s.analysis.Weekly
	if w.Chance == nil || len(s.analysis.Weekdays) != 7 || min(w.Busiest, w.Strongest) < 0 || max(w.Busiest, w.Strongest) > 6 {
		return "", nil
	}
	dated := s.own.dated()
	on := func(day int) []*item {
		return where(dated, func(it *item) bool { return (int(it.local.Weekday())+6)%7 == day })
	}
	busy, top := s.analysis.Weekdays[w.Busiest], s.analysis.Weekdays[w.Strongest]
	text = "Over the week " + s.own.handle + " publishes most on " + weekdayName(w.Busiest) + "s (" + p.posts("posts of the busiest weekday", busy.Posts) + "); " +
		weekdayName(w.Strongest) + "s reach the highest mean, " + p.amount("mean of the strongest weekday", "count", top.Mean, top.N) + " over " + p.posts("posts of the strongest weekday", top.N) +
		". If weekdays made no difference, they would differ as much " + p.percent("chance of such weekdays", *w.Chance, len(dated)) + " of the time"
	if *w.Chance > strongChance {
		text += ", so this is no rule"
	}
	name := weekdayName(w.Strongest)
	if at := slices.IndexFunc(found, func(f finding) bool { return f.key == "time on "+name+"s" && f.behind != nil }); at >= 0 {
		found[at].behind.note(p)
		text += ", but the " + name + "s go with " + found[at].behind.name
	}
	return text + ".", slices.Concat(best(on(w.Strongest)), best(on(w.Busiest)))
}

func weekdayName(monday0 int) string { return time.Weekday((monday0 + 1) % 7).String() }

// outliers names the posts far outside what the account usually gets, the
// farthest first.
func (s *study) outliers(p *prose) (text string, rests []*item) {
	a := s.analysis.Anomalies
	var parts []string
	found := slices.SortedStableFunc(slices.Values(a.Found), func(x, y content.Anomaly) int { return compareDown(size(x.Score), size(y.Score)) })
	for _, one := range found {
		at := slices.IndexFunc(s.own.items, func(it *item) bool { return it.ID == one.PostID && it.judged })
		if at < 0 || one.Expected <= 0 {
			continue
		}
		it := s.own.items[at]
		if rests = append(rests, it); len(parts) < 3 {
			parts = append(parts, p.pointer(it)+" at "+p.times("post "+it.ID+" over what was usual around it", it.value/one.Expected, 1)+" the "+
				p.amount("usual around post "+it.ID, "count", one.Expected, 1)+" usual around it")
		}
	}
	switch {
	case len(rests) == 0 && a.NotEnough == "" && a.Method != "":
		return "No post of " + s.own.handle + " lies far outside what was usual around it.", s.own.judged()
	case len(rests) == 0:
		return "", nil
	}
	return "Far outside what was usual " + either(len(rests), "lies one post", "lie "+p.posts("unusual posts", len(rests))) + " of " + s.own.handle + ": " + list(parts, "and") + ".", rests
}

func size(v float64) float64 { return max(v, -v) }

// outlook tells the forecast day by day, from when it counts, and whether its
// days are over.
func (s *study) outlook(p *prose, now time.Time) (text string, rests []*item) {
	f := s.analysis.Forecast
	if len(f.Points) == 0 {
		return "", nil
	}
	dated := s.own.dated()
	first, last := date(f.Points[0].Date), date(f.Points[len(f.Points)-1].Date)
	var days []string
	for _, point := range f.Points {
		n := len(dated)
		days = append(days, date(point.Date).Format("2 January")+" "+p.amount("forecast of "+point.Date, "count", point.Value, n)+
			" ("+p.amount("low of "+point.Date, "count", point.Low, n)+" to "+p.amount("high of "+point.Date, "count", point.High, n)+")")
	}
	text = "Forecast of " + s.own.handle + " from the last day in the data (" + day(first) + "), " + s.metric + " a day with the " + p.percent("coverage of the interval", f.Level, len(dated)) + " interval: " + list(days, "and") + "."
	if f.MASE != nil && f.Coverage != nil {
		text += " On past weeks of " + s.own.handle + " that were held back its error was " + p.times("error over that of repeating the week", *f.MASE, len(dated)) +
			" that of repeating the week before, and " + p.percent("days inside their interval", *f.Coverage, len(dated)) + " of the days fell inside their interval."
	}
	if now.After(last.AddDate(0, 0, 1)) {
		text += " These days were over when this plan was made on " + day(now) + ": read " + s.own.handle + " again for a forecast of days to come."
	}
	return text, dated
}

// date reads a day as the analysis writes it, the zero time when it is none.
func date(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
