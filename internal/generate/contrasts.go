package generate

import (
	"slices"

	"github.com/stagewatch/stagewatch/internal/content"
)

// A contrast is one measure taken of both accounts.
type contrast struct {
	about, unit, what, per string
	theirs, ours           float64
	of                     [2][]*item // theirs, ours
	chance                 float64    // 0 when the measure is no sample
}

// contrasts measures what can be measured of both: engagement (per follower
// where both counts are known), talk and tempo.
func (d *duel) contrasts() []contrast {
	if !d.comparable() {
		return nil
	}
	var out []contrast
	a, b := d.rival.judged(), d.own.judged()
	if len(a) >= minSide && len(b) >= minSide {
		c := contrast{about: "reach", unit: "count", what: "a median of", per: d.s.metric, theirs: median(values(a)), ours: median(values(b)), of: [2][]*item{a, b}}
		va, vb := values(a), values(b)
		if fa, fb := followers(d.rival), followers(d.own); fa > 0 && fb > 0 {
			va, vb = scaled(va, 1000/fa), scaled(vb, 1000/fb)
			c.unit, c.per = "per 1,000 followers", d.s.metric+" per 1,000 followers"
			c.theirs, c.ours = median(va), median(vb)
		}
		c.chance = chance(va, vb, seeded(d.rival.handle, d.own.handle, c.unit))
		out = append(out, c)
	}
	ta, tb := talkative(a), talkative(b)
	if len(ta) >= minSide && len(tb) >= minSide {
		va, vb := rates(ta), rates(tb)
		out = append(out, contrast{
			about: "conversation", unit: "per 1,000 likes", what: "a median of", per: plural(d.s.answer(), 2) + " per 1,000 likes",
			theirs: median(va), ours: median(vb), of: [2][]*item{ta, tb}, chance: chance(va, vb, seeded(d.rival.handle, d.own.handle, "talk")),
		})
	}
	ra, oa := d.rival.perWeek()
	rb, ob := d.own.perWeek()
	if oa != nil && ob != nil {
		out = append(out, contrast{about: "rhythm", unit: "posts a week", per: "posts a week", theirs: ra, ours: rb, of: [2][]*item{oa, ob}})
	}
	return slices.DeleteFunc(out, func(c contrast) bool { return c.theirs == c.ours || c.chance > weakChance })
}

func scaled(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v * by
	}
	return out
}

func rates(items []*item) []float64 {
	out := make([]float64, len(items))
	for i, it := range items {
		out[i] = commentRate(it)
	}
	return out
}

func (d *duel) contrast(c contrast) content.Statement {
	p := &prose{}
	verb := "reaches"
	if c.about == "conversation" {
		verb = "draws"
	}
	if c.what != "" {
		verb += " " + c.what
	}
	text := d.rival.handle + " " + verb + " " + p.amount(d.rival.handle+": "+c.per, c.unit, c.theirs, len(c.of[0])) + " " + c.per + ", " +
		d.own.handle + " " + p.amount(d.own.handle+": "+c.per, c.unit, c.ours, len(c.of[1]))
	if c.unit != "count" && c.unit != "posts a week" {
		p.count("unit", 1000)
	}
	if c.chance > 0 {
		text += "; shuffled between the two, " + p.posts("posts shuffled", len(c.of[0])+len(c.of[1])) + " give as wide a gap " +
			p.percent("chance of such a gap", c.chance, len(c.of[0])+len(c.of[1])) + " of the time"
		if c.chance > strongChance {
			text += ": a hint only"
		}
	}
	return content.Statement{About: c.about, Text: text + ".", Figures: p.figures, PostIDs: cite(best(c.of[0]), best(c.of[1]))}
}

// counters says what the account can do about the competitor, each from one
// measured gap or strength.
func (d *duel) counters() []content.Statement {
	const most = 4
	var out []content.Statement
	for _, g := range d.gaps {
		if len(out) < most-1 && d.lifts(g) {
			out = append(out, d.counterGap(g))
		}
	}
	for _, f := range d.found {
		if len(out) < most && f.about == "kind" && f.grade != "" && f.up() {
			out = append(out, d.counterKind(f))
		}
	}
	if len(out) < most && len(d.own.topics) > 0 {
		if st, ok := d.counterTopic(); ok {
			out = append(out, st)
		}
	}
	return out
}

func (d *duel) counterGap(g gap) content.Statement {
	p := &prose{}
	text := "Take up " + g.name + " where it fits, as " + p.pointer(best(g.items)[0]) + " does: "
	if g.about == "topic" {
		text = "Give " + quoted(g.name) + " an angle of your own: "
	}
	text += p.posts(d.rival.handle+": "+g.name, len(g.items)) + " of " + d.rival.handle + " " + either(len(g.items), "holds", "hold") + " it, none of the " +
		p.count("posts of "+d.own.handle, len(d.own.items)) + " of " + d.own.handle
	if judged := where(g.items, func(it *item) bool { return it.judged }); len(judged) > 0 {
		text += " (median " + p.amount("median: "+g.name, "count", median(values(judged)), len(judged)) + ", all of " + d.rival.handle + " " +
			p.amount("median of "+d.rival.handle, "count", median(values(d.rival.judged())), len(d.rival.judged())) + ")"
	}
	return content.Statement{About: g.about, Text: text + ".", Figures: p.figures, PostIDs: cite(best(g.items))}
}

func (d *duel) counterKind(f finding) content.Statement {
	p := &prose{}
	mine := where(d.own.items, f.holds)
	kind := f.with[0].Kind
	text := "Meet " + d.rival.handle + " on its strongest form: its " + p.count("posts of the form", len(f.with)) + " " + kindNoun(kind, 2) + " reach a median of " +
		p.amount("median of the form", "count", f.median, len(f.with)) + ", " + p.times("ratio", f.ratio, len(f.with)+len(f.rest)) + " its other posts, while " +
		p.count("own posts of the form", len(mine)) + " of " + p.posts("posts of "+d.own.handle, len(d.own.items)) + " of " + d.own.handle + " " + either(len(mine), "is one", "are such") + "."
	return content.Statement{About: "kind", Text: text, Figures: p.figures, PostIDs: cite(best(f.with), mine)}
}

// counterTopic defends the account's own ground.
func (d *duel) counterTopic() (content.Statement, bool) {
	for _, t := range d.own.topics {
		if d.covers(t) {
			continue
		}
		p := &prose{}
		text := "Hold the ground of " + quoted(t.name()) + ": " + p.posts("own posts around "+t.name(), len(t.items)) + " of " + d.own.handle + " and none of the " +
			p.count("posts of "+d.rival.handle, len(d.rival.items)) + " of " + d.rival.handle + " are about it, the best of them " + p.pointer(best(t.items)[0]) + "."
		return content.Statement{About: "topic", Text: text, Figures: p.figures, PostIDs: cite(best(t.items), d.rival.items)}, true
	}
	return content.Statement{}, false
}
