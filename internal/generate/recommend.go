package generate

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

const (
	// maxRecommendations is how many a plan offers at most.
	maxRecommendations = 15
	// fewForAdvice is the fewest comparable posts from which single ones and
	// competitors teach anything: below, no level is known to hold them against.
	fewForAdvice = 8
)

// An advice is a recommendation with its rank.
type advice struct {
	content.Recommendation
	score float64
	with  []*item // the posts that it points at, for telling repetitions
	rival bool
}

// A desk writes the recommendations of one plan, pointing at a different post
// each time as long as there are any.
type desk struct {
	*study
	shown    map[*item]bool
	roomed   map[string]bool // the topics that were said to have room
	subjects []string        // to write about, quoted; see newDesk
	turn     int
}

// newDesk lists the subjects that advice may send posts to: the topics in the
// main language that do not do worse than the rest, else what the account
// names most.
func (s *study) newDesk(found []finding) *desk {
	d := &desk{study: s, shown: map[*item]bool{}, roomed: map[string]bool{}}
	for _, t := range s.own.topics {
		spoken := len(where(t.items, func(it *item) bool { return it.Language == s.language }))
		if !s.shunned(found, t) && 2*spoken > len(t.items) {
			d.subjects = append(d.subjects, quoted(t.name()))
		}
	}
	if top := s.own.topical(); len(d.subjects) == 0 && len(top) > 0 {
		most := slices.MaxFunc(top, func(a, b phrase) int { return cmp.Or(cmp.Compare(len(a.in), len(b.in)), cmp.Compare(b.key, a.key)) })
		d.subjects = []string{quoted(most.written)}
	}
	if len(d.subjects) == 0 {
		d.subjects = []string{"a subject of " + s.own.handle}
	}
	return d
}

// subject names what to write about, the subjects taking turns.
func (d *desk) subject() string {
	d.turn++
	return d.subjects[(d.turn-1)%len(d.subjects)]
}

// recommend returns the recommendations, best first, and why there are fewer
// than maxRecommendations, the numbers of which p keeps.
func (s *study) recommend(found []finding, duels []*duel, p *prose) (made []content.Recommendation, withheld string) {
	d := s.newDesk(found)
	var all []advice
	if s.winners() {
		all = d.winnersAdvice()
	} else {
		all = append(d.findingAdvice(found), d.postAdvice()...)
	}
	if len(s.own.judged()) >= fewForAdvice {
		for _, duel := range duels {
			all = append(all, d.duelAdvice(duel)...)
		}
	}
	for i := range all {
		all[i].score *= s.focus(all[i])
	}
	kept, repeats := chosen(all)
	for _, a := range kept {
		made = append(made, a.Recommendation)
	}
	if len(made) < maxRecommendations {
		withheld = s.withheld(p, made, found, repeats)
	}
	return made, withheld
}

// rank comes before the score: what the data lack, then what they support, the
// best supported first. A rival's posts support nothing beyond a trial.
func (a advice) rank() float64 {
	switch {
	case a.About == "data":
		return math.Inf(1)
	case a.rival:
		return weight(weak)
	}
	return weight(a.Evidence)
}

// chosen returns the best pieces of advice, best first, without those that
// repeat a better one or rest on no post, and how many these were.
func chosen(all []advice) (kept []advice, repeats int) {
	slices.SortStableFunc(all, func(a, b advice) int {
		return cmp.Or(cmp.Compare(b.rank(), a.rank()), cmp.Compare(b.score, a.score), cmp.Compare(a.Title, b.Title))
	})
	for _, a := range all {
		if len(a.PostIDs) == 0 || slices.ContainsFunc(kept, func(k advice) bool { return repeated(k, a) }) {
			repeats++
			continue
		}
		kept = append(kept, a)
	}
	return kept[:min(len(kept), maxRecommendations)], repeats
}

// focus weighs by the account's type: a brand is offered what its competitors
// show first, a person what its own posts and readers show.
func (s *study) focus(a advice) float64 {
	switch {
	case s.branding() && a.rival, !s.branding() && (a.About == "conversation" || a.About == "question"):
		return 1.5
	case !s.branding() && a.rival:
		return 0.75
	}
	return 1
}

// repeated reports whether two pieces of advice come down to the same: the
// same title, or nearly the same posts, of the account by the same aspect.
func repeated(a, b advice) bool {
	return a.Title == b.Title || a.rival == b.rival && (a.rival || a.About == b.About) && overlap(a.with, b.with) >= 0.7
}

// withheld says why there are no more recommendations, and of an account that
// gives none at all what each part of a plan would need.
func (s *study) withheld(p *prose, made []content.Recommendation, found []finding, repeats int) string {
	judged := len(s.own.judged())
	text := s.own.handle + " gives " + p.posts("posts", len(s.own.items)) + ", " + p.count("comparable posts", judged) + " of them comparable; they support " +
		pick(len(made) == 0, "no recommendation", p.count("recommendations", len(made))+" "+plural("recommendation", len(made))) + s.limits(p, found, repeats)
	if judged < fewForAdvice {
		text += ". Not enough data of " + s.own.handle + ": a comparison needs " + p.posts("posts needed on either side", minSide) + " on either side and " + p.count("posts of a strong side", strongSide) +
			" to be called strong, lessons from single posts " + p.count("posts needed for lessons", fewForAdvice) + " comparable ones, topics " + p.count("posts with words needed", minTopical) +
			" with words; with fewer nothing is advised: read " + s.own.handle + " again once it has published more"
	}
	return text + "."
}

// limits says what kept the recommendations few.
func (s *study) limits(p *prose, found []finding, repeats int) string {
	byChance, taken, tooFaint := 0, 0, 0
	for _, f := range found {
		switch {
		case f.behind != nil:
			taken++
		case f.grade == "":
			byChance++
		case f.faint():
			tooFaint++
		}
	}
	switch {
	case s.winners():
		return ", because a set of most-liked posts has nothing to compare its winners with"
	case len(found) == 0:
		return ", because no feature is held by " + p.posts("posts needed on either side", minSide) + " and lacked by as many"
	}
	text := ": of " + p.count("comparisons", len(found)) + " " + plural("comparison", len(found)) + " that had enough posts, chance explains " + p.count("comparisons explained by chance", byChance)
	if taken > 0 {
		text += ", a stronger finding " + p.count("comparisons explained by a stronger finding", taken)
	}
	if tooFaint > 0 {
		text += ", and " + p.count("comparisons too faint", tooFaint) + " would take more posts to confirm than there are"
	}
	if repeats > 0 {
		text += "; " + p.count("repetitions", repeats) + " further " + plural("finding", repeats) + " would only repeat one that is listed"
	}
	return text
}

// findingAdvice turns each graded finding into what to do.
func (d *desk) findingAdvice(found []finding) []advice {
	var out []advice
	for _, f := range found {
		if f.grade == "" || f.faint() || event(f.key) {
			continue
		}
		p := &prose{}
		title := f.fewer
		if f.up() {
			title = f.more
		}
		title += ": a median of " + p.amount("median of "+f.name, "count", f.median, len(f.with)) + " against " + p.amount("median of "+f.others, "count", f.other, len(f.rest))
		why := f.sentence(p, d.metric) + f.twins(p)
		how := d.how(f, p)
		measure := d.measure(f, p)
		out = append(out, advice{
			Recommendation: content.Recommendation{
				Title: title, About: f.about, Why: why, How: how, Measure: measure,
				Figures: p.figures, PostIDs: cite(best(f.with), best(f.rest)), Evidence: f.grade,
			},
			score: f.score(), with: f.with,
		})
	}
	return out
}

// faint reports whether a difference is a mere hint and too small to be
// confirmed by as many posts as it was found in.
func (f finding) faint() bool { return f.grade == weak && f.trial > len(f.with)+len(f.rest) }

// how says what to do with the coming posts. What is only likely is tried on a
// few of them, so that the others stay to compare with.
func (d *desk) how(f finding, p *prose) string {
	action, side, lead, many := f.undo, f.rest, "; one of the others is ", "most of the coming posts"
	if f.up() {
		action, side, lead, many = f.do, f.with, "; one to go by is ", "more of the coming posts"
	}
	if f.grade != strong && !f.endless && (f.up() || len(f.with)*3 > len(f.rest)) {
		many = "the next " + p.posts("posts of the trial", f.trial) + " that suit it"
	}
	text := upper(strings.ReplaceAll(action, "%s", many))
	if f.up() {
		text += " (so far " + p.count("posts compared: "+f.name, len(f.with)) + " of " + p.count("posts compared", len(f.with)+len(f.rest)) + ")"
	}
	return text + lead + d.model(side, p) + "." + d.room(f, p)
}

// model points at a good post that was not pointed at yet: among the better
// half of items, but no anomaly, since what lifted one post once is no form to
// repeat.
func (d *desk) model(items []*item, p *prose) string {
	order := best(items)
	if plain := where(order, func(it *item) bool { return !d.odd(it) }); len(plain) > 0 {
		order = plain
	}
	fresh := slices.IndexFunc(order[:(len(order)+1)/2], func(it *item) bool { return !d.shown[it] })
	pick := order[max(fresh, 0)]
	d.shown[pick] = true
	return p.pointer(pick)
}

// odd reports whether a post is far above its like: one that stage 4 calls an
// anomaly, or more than three times its account's median.
func (d *desk) odd(it *item) bool {
	if slices.ContainsFunc(d.analysis.Anomalies.Found, func(a content.Anomaly) bool { return a.PostID == it.ID }) {
		return true
	}
	at := slices.IndexFunc(d.sets(), func(s *set) bool { return slices.Contains(s.items, it) })
	return it.judged && at >= 0 && it.value > 3*median(values(d.sets()[at].judged()))
}

// room names the topic where a feature that does well is used least.
func (d *desk) room(f finding, p *prose) string {
	if !f.up() || f.about != "kind" && f.about != "question" {
		return ""
	}
	least, share := -1, 0.5
	for i, t := range d.own.topics {
		if !slices.Contains(d.subjects, quoted(t.name())) || d.roomed[t.name()] {
			continue
		}
		if used := float64(len(where(t.items, f.holds))) / float64(len(t.items)); used < share {
			least, share = i, used
		}
	}
	if least < 0 {
		return ""
	}
	t := d.own.topics[least]
	d.roomed[t.name()] = true
	used := len(where(t.items, f.holds))
	return " There is most room on " + quoted(t.name()) + ", where " + p.some("posts around "+t.name()+" that "+f.are, used) + " of the " +
		p.posts("posts around "+t.name(), len(t.items)) + " " + either(max(used, 1), f.is, f.are) + "."
}

func (d *desk) measure(f finding, p *prose) string {
	medians := p.amount("median of "+f.name, "count", f.median, len(f.with)) + " against " + p.amount("median of "+f.others, "count", f.other, len(f.rest))
	side := p.posts("posts a side", f.trial)
	if f.endless {
		return "It would take " + side + " of either sort to see this difference again, more than " + d.own.handle + " publishes in half a year: watch whether the medians stay near " + medians + "."
	}
	return "With the spread seen here the next " + side + " of either sort show such a difference (" + medians + " so far) four times in five."
}
