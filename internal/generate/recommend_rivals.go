package generate

import (
	"math"

	"github.com/stagewatch/stagewatch/internal/content"
)

// duelAdvice turns what a competitor shows into what to try: what it covers
// and the account does not, forms that do well for it, and parts of the day.
func (d *desk) duelAdvice(v *duel) []advice {
	var out []advice
	for _, g := range v.gaps {
		if v.lifts(g) {
			out = append(out, d.gapAdvice(v, g))
		}
	}
	for _, f := range v.found {
		if a, ok := d.formAdvice(v, f); ok {
			out = append(out, a)
		}
	}
	for _, write := range []func(*duel) (advice, bool){d.hoursAdvice, d.peakAdvice, d.tempoAdvice, d.talkAdvice, d.warning} {
		if a, ok := write(v); ok {
			out = append(out, a)
		}
	}
	return out
}

func (d *desk) gapAdvice(v *duel, g gap) advice {
	p := &prose{}
	judged := where(g.items, func(it *item) bool { return it.judged })
	title := "Find your own angle on " + quoted(g.name) + ", which " + v.rival.handle + " has to itself"
	how := "Tie it to " + d.subject() + " in one post of your own"
	if g.about == "hashtag" {
		title = "Try " + g.name + ", which " + v.rival.handle + " uses and " + d.own.handle + " never does"
		how = "Put it on a post on " + d.subject() + " if it fits there"
	}
	why := p.posts(v.rival.handle+": "+g.name, len(g.items)) + " of the " + p.count("posts of "+v.rival.handle, len(v.rival.items)) + " of " + v.rival.handle + " " +
		either(len(g.items), "holds", "hold") + " it, none of the " + p.count("posts of "+d.own.handle, len(d.own.items)) + " of " + d.own.handle
	score := 0.1
	if len(judged) > 0 {
		m, all := median(values(judged)), median(values(v.rival.judged()))
		why += "; their median is " + p.amount("median: "+g.name, "count", m, len(judged)) + " where all of " + v.rival.handle + " have " + p.amount("median of "+v.rival.handle, "count", all, len(v.rival.judged()))
		if all > 0 && m > 0 {
			score += max(math.Log(m/all), -0.5) / 6
		}
	}
	if g.found != nil {
		score += g.found.score() / 4
	}
	top := d.model(g.items, p)
	how += ", with " + top + " as what theirs looks like."
	measure := "Against the median of " + d.own.handle + "’s own " + p.posts("comparable posts", len(d.own.judged())) + ", " +
		p.amount("median", "count", median(values(d.own.judged())), len(d.own.judged())) + "; a competitor’s readers are not yours, so only your own numbers settle it."
	return advice{
		Recommendation: content.Recommendation{Title: title, About: g.about, Why: why + ".", How: how, Measure: measure, Figures: p.figures, PostIDs: cite(best(g.items)), Evidence: weak},
		score:          score, with: g.items, rival: true,
	}
}

// formAdvice takes over a kind of post that does well for the competitor and
// that the account uses less.
func (d *desk) formAdvice(v *duel, f finding) (advice, bool) {
	if f.about != "kind" || f.grade == "" || !f.up() {
		return advice{}, false
	}
	mine := where(d.own.items, f.holds)
	if len(mine)*len(v.rival.items) >= len(where(v.rival.items, f.holds))*len(d.own.items) {
		return advice{}, false
	}
	p := &prose{}
	kind := f.with[0].Kind
	why := f.sentence(p, d.metric)
	ours, against := v.ours(f, p)
	if against {
		return advice{}, false
	}
	return advice{
		Recommendation: content.Recommendation{
			Title: "Try more " + kindNoun(kind, 2) + ", the form in which " + v.rival.handle + " does best", About: "kind",
			Why: why + " " + ours,
			How: "Make the next post on " + d.subject() + " a " + kindNoun(kind, 1) + "; " + d.model(f.with, p) + " is what it looks like at " + v.rival.handle + ".",
			Measure: "Against the median of the " + p.posts("comparable posts", len(d.own.judged())) + " of " + d.own.handle + ", " +
				p.amount("median", "count", median(values(d.own.judged())), len(d.own.judged())) + ".",
			Figures: p.figures, PostIDs: cite(best(f.with), best(f.rest)), Evidence: weak,
		},
		score: f.score() / 2, with: f.with, rival: true,
	}, true
}

// ours says what the account's own posts show of a rival's pattern, and
// whether they speak against it.
func (d *duel) ours(f finding, p *prose) (text string, against bool) {
	mine := where(d.own.items, f.holds)
	text = p.count("own posts of the kind", len(mine)) + " of the " + p.posts("posts of "+d.own.handle, len(d.own.items)) + " of " + d.own.handle + " " + either(len(mine), f.is, f.are)
	own, enough := d.s.compare(d.own, f.feature, nil)
	if !enough || d.s.winners() {
		return text + ".", false
	}
	all := len(own.with) + len(own.rest)
	against = own.up() != f.up() && own.chance <= weakChance
	text += ", with a median of " + p.amount("median of them", "count", own.median, len(own.with)) + " against " + p.amount("median of the others", "count", own.other, len(own.rest)) +
		" (chance gives such a gap " + p.percent("chance of such an own gap", own.chance, all) + " of the time)"
	switch {
	case against:
		return text + ": the posts of " + d.own.handle + " say the opposite.", true
	case own.chance > weakChance:
		return text + ": the posts of " + d.own.handle + " do not bear it out.", false
	}
	return text + ": the posts of " + d.own.handle + " say the same.", false
}

// hoursAdvice names the part of the day in which the competitor's posts do
// best and the account has none.
func (d *desk) hoursAdvice(v *duel) (advice, bool) {
	if d.winners() || v.rival.Order == content.MostLiked {
		return advice{}, false
	}
	usual := median(values(v.rival.judged()))
	for _, part := range quarters(v.rival.judged()) {
		m := median(values(part.items))
		dated := d.own.dated()
		mine := where(dated, func(it *item) bool { return it.local.Hour()/6 == part.items[0].local.Hour()/6 })
		if len(part.items) < 2 || m <= usual || len(mine) > 0 || len(dated) < 2*minSide || usual == 0 {
			continue
		}
		p := &prose{}
		return advice{
			Recommendation: content.Recommendation{
				Title: "Try a post " + part.label + " (" + d.zone.String() + "), where " + v.rival.handle + " does well and " + d.own.handle + " is absent", About: "time",
				Why: p.posts(v.rival.handle+" "+part.label, len(part.items)) + " of " + v.rival.handle + " of that time have a median of " + p.amount("median "+part.label, "count", m, len(part.items)) +
					", all its " + p.count("comparable posts of "+v.rival.handle, len(v.rival.judged())) + " comparable ones " + p.amount("median of "+v.rival.handle, "count", usual, len(v.rival.judged())) +
					"; of the " + p.posts("dated posts of "+d.own.handle, len(dated)) + " of " + d.own.handle + " none is of that time.",
				How: "Move " + p.posts("posts needed on either side", minSide) + " on " + d.subject() + " there, no more at first; " + d.model(part.items, p) + " is one of " + v.rival.handle + " of that time.",
				Measure: "Their median against " + p.amount("median", "count", median(values(d.own.judged())), len(d.own.judged())) + ", that of the " +
					p.posts("comparable posts", len(d.own.judged())) + " of " + d.own.handle + " at its usual times.",
				Figures: p.figures, PostIDs: cite(best(part.items), dated), Evidence: weak,
			},
			score: 0.1 + math.Log(m/usual)/6, with: part.items, rival: true,
		}, true
	}
	return advice{}, false
}

// peakAdvice learns from the competitor's best post when it stands out.
func (d *desk) peakAdvice(v *duel) (advice, bool) {
	peak, ok := v.peak()
	if !ok || d.winners() {
		return advice{}, false
	}
	judged := v.rival.judged()
	top, p := best(judged)[0], &prose{figures: peak.Figures}
	lengths, _ := wordQuantiles(judged)
	return advice{
		Recommendation: content.Recommendation{
			Title: "Study what lifted " + p.pointer(top) + " of " + v.rival.handle, About: "outlier",
			Why: peak.Text,
			How: "It is a " + kindNoun(top.Kind, 1) + " of " + p.amount("words of post "+top.ID, "words", float64(top.words), 1) + " words where " + v.rival.handle + " usually writes " +
				p.amount("median words of "+v.rival.handle, "words", lengths, len(judged)) + d.marks(top) + "; put the same form around " + d.subject() + ", not the same words.",
			Measure: "The post made after it should pass " + p.amount("upper quartile", "count", quantile(values(d.own.judged()), 0.75), len(d.own.judged())) + ", the upper quartile of " + d.own.handle + ".",
			Figures: p.figures, PostIDs: peak.PostIDs, Evidence: weak,
		},
		score: 0.25, with: []*item{top}, rival: true,
	}, true
}
