package generate

import (
	"math"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// measured returns one contrast of a duel, if both sides could be measured and
// differ by more than chance.
func (d *duel) measured(about string) (contrast, bool) {
	all := d.contrasts()
	at := slices.IndexFunc(all, func(c contrast) bool { return c.about == about })
	if at < 0 {
		return contrast{}, false
	}
	return all[at], true
}

// tempoAdvice sets tempo beside reach: whoever posts less often and reaches
// more has no reason to speed up.
func (d *desk) tempoAdvice(v *duel) (advice, bool) {
	tempo, ok := v.measured("rhythm")
	reach, known := v.measured("reach")
	if !ok || !known || reach.ours == 0 || reach.theirs == 0 || (tempo.theirs > tempo.ours) == (reach.theirs > reach.ours) {
		return advice{}, false
	}
	p := &prose{}
	title, how := "Keep the pace of", "Spend what another post would cost on the next one around "+d.subject()+" instead"
	if tempo.ours > tempo.theirs {
		title, how = "Try fewer posts at", "Leave out the weakest idea of each week for a while, not those on "+d.subject()
	}
	return advice{
		Recommendation: content.Recommendation{
			Title: title + " " + d.own.handle + ": " + p.amount(d.own.handle+": posts a week", "posts a week", tempo.ours, len(tempo.of[1])) + " posts a week against " +
				p.amount(v.rival.handle+": posts a week", "posts a week", tempo.theirs, len(tempo.of[0])) + " of " + v.rival.handle, About: "rhythm",
			Why: v.rival.handle + " publishes " + p.amount(v.rival.handle+": posts a week", "posts a week", tempo.theirs, len(tempo.of[0])) + " posts a week and reaches a median of " +
				p.amount(v.rival.handle+": "+reach.per, reach.unit, reach.theirs, len(reach.of[0])) + " " + d.unit(reach, p) + "; " + d.own.handle + " publishes " +
				p.amount(d.own.handle+": posts a week", "posts a week", tempo.ours, len(tempo.of[1])) + " and reaches " + p.amount(d.own.handle+": "+reach.per, reach.unit, reach.ours, len(reach.of[1])) +
				" (" + p.percent("chance of such a gap", reach.chance, len(reach.of[0])+len(reach.of[1])) + " by chance).",
			How: how + "; of the " + p.posts("comparable posts", len(reach.of[1])) + " one to go by is " + d.model(reach.of[1], p) + ".",
			Measure: "The median per post should stay at " + p.amount("median", "count", median(values(d.own.judged())), len(d.own.judged())) + " or above at " +
				p.amount(d.own.handle+": posts a week", "posts a week", tempo.ours, len(tempo.of[1])) + " posts a week; one competitor shows what goes together, not what causes what.",
			Figures: p.figures, PostIDs: cite(best(reach.of[1]), best(reach.of[0]), tempo.of[1], tempo.of[0]), Evidence: weak,
		},
		score: min(math.Abs(math.Log(reach.ours/reach.theirs)), math.Log(4)) / 6, rival: true, with: reach.of[1],
	}, true
}

// unit writes a contrast's unit with its number kept as a figure.
func (d *desk) unit(c contrast, p *prose) string {
	if c.unit != "count" {
		p.count("unit", 1000)
	}
	return c.per
}

// talkAdvice closes a gap in comments per like.
func (d *desk) talkAdvice(v *duel) (advice, bool) {
	c, ok := v.measured("conversation")
	if !ok || c.theirs < c.ours || c.ours == 0 {
		return advice{}, false
	}
	p := &prose{}
	top := c.of[0][0]
	asked := func(items []*item) int { return len(where(items, func(it *item) bool { return it.doubt })) }
	return advice{
		Recommendation: content.Recommendation{
			Title: "Draw more " + plural(d.answer(), 2) + ": " + p.amount(d.own.handle+": "+c.per, c.unit, c.ours, len(c.of[1])) + " per " + p.count("unit", 1000) + " likes against " +
				p.amount(v.rival.handle+": "+c.per, c.unit, c.theirs, len(c.of[0])) + " at " + v.rival.handle, About: "conversation",
			Why: v.contrast(c).Text + " " + p.some("questions of "+v.rival.handle, asked(c.of[0])) + " of its " + p.posts("posts of "+v.rival.handle, len(c.of[0])) + " and " +
				p.some("questions of "+d.own.handle, asked(c.of[1])) + " of your " + p.count("posts of "+d.own.handle, len(c.of[1])) + " ask a question.",
			How: "Look at how " + p.pointer(top) + " draws " + p.amount("highest of "+v.rival.handle, "per 1,000 likes", commentRate(top), 1) + " of them, and end one post on " + d.subject() +
				" so that there is something to answer.",
			Measure: upper(plural(d.answer(), 2)) + " per " + p.count("unit", 1000) + " likes, from " + p.amount(d.own.handle+": "+c.per, c.unit, c.ours, len(c.of[1])) + " toward " +
				p.amount(v.rival.handle+": "+c.per, c.unit, c.theirs, len(c.of[0])) + ".",
			Figures: withFigures(p.figures, v.contrast(c).Figures), PostIDs: cite(c.of[0], c.of[1]), Evidence: weak,
		},
		score: math.Log(c.theirs/c.ours) / 3, rival: true, with: c.of[0],
	}, true
}

func withFigures(figures, more []content.Figure) []content.Figure {
	p := &prose{figures: slices.Clone(figures)}
	for _, f := range more {
		p.keep(f)
	}
	return p.figures
}

// warning turns what does badly for the competitor, and what the account does
// more often, into something to watch.
func (d *desk) warning(v *duel) (advice, bool) {
	for _, f := range v.found {
		mine := where(d.own.items, f.holds)
		if f.grade == "" || f.up() || f.about == "topic" || f.faint() || len(mine)*len(v.rival.items) <= len(where(v.rival.items, f.holds))*len(d.own.items) {
			continue
		}
		p := &prose{}
		why := f.sentence(p, d.metric)
		ours, against := v.ours(f, p)
		if against {
			continue
		}
		return advice{
			Recommendation: content.Recommendation{
				Title: f.fewer + "? It goes with less at " + v.rival.handle + ": " + p.amount("median of "+f.name, "count", f.median, len(f.with)) + " against " + p.amount("median of "+f.others, "count", f.other, len(f.rest)), About: f.about,
				Why: why + " " + ours,
				How: "Set a few of yours against it: " + strings.ReplaceAll(f.undo, "%s", "the next few posts on "+d.subject()) + ", as " + d.model(f.rest, p) + " of " + v.rival.handle + " shows.",
				Measure: "Against the median of " + d.own.handle + ", " + p.amount("median", "count", median(values(d.own.judged())), len(d.own.judged())) + " over " +
					p.posts("comparable posts", len(d.own.judged())) + "; what holds for " + v.rival.handle + " need not hold here.",
				Figures: p.figures, PostIDs: cite(best(f.with), best(f.rest), mine), Evidence: weak,
			},
			score: f.score() / 3, rival: true, with: f.with,
		}, true
	}
	return advice{}, false
}
