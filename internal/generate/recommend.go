package generate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// maxRecommendations is how many a plan offers at most.
const maxRecommendations = 15

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
	subjects []string // to write about, quoted; see newDesk
	turn     int
}

// newDesk lists the subjects that advice may send posts to: the topics in the
// main language that do not do worse than the rest, else what the account
// names most.
func (s *study) newDesk(found []finding) *desk {
	d := &desk{study: s, shown: map[*item]bool{}}
	for _, t := range s.own.topics {
		shunned := slices.ContainsFunc(found, func(f finding) bool { return f.key == "topic "+t.name() && f.grade != "" && !f.up() })
		spoken := len(where(t.items, func(it *item) bool { return it.Language == s.language }))
		if !shunned && 2*spoken > len(t.items) {
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
// than maxRecommendations.
func (s *study) recommend(found []finding, duels []*duel) (made []content.Recommendation, withheld string) {
	d := s.newDesk(found)
	var all []advice
	if s.winners() {
		all = d.winnersAdvice()
	} else {
		all = append(d.findingAdvice(found), d.postAdvice()...)
	}
	for _, duel := range duels {
		all = append(all, d.duelAdvice(duel)...)
	}
	for i := range all {
		all[i].score *= s.focus(all[i])
	}
	kept, repeats := chosen(all)
	for _, a := range kept {
		made = append(made, a.Recommendation)
	}
	if len(made) < maxRecommendations {
		withheld = s.withheld(len(made), found, repeats)
	}
	return made, withheld
}

// chosen returns the best pieces of advice, best first, without those that
// repeat a better one or rest on no post, and how many these were.
func chosen(all []advice) (kept []advice, repeats int) {
	slices.SortStableFunc(all, func(a, b advice) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.Title, b.Title))
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
// same title, or the same aspect on nearly the same posts.
func repeated(a, b advice) bool {
	return a.Title == b.Title || a.About == b.About && a.rival == b.rival && overlap(a.with, b.with) >= 0.7
}

func (s *study) withheld(made int, found []finding, repeats int) string {
	p := &prose{}
	judged := len(s.own.judged())
	text := s.own.handle + " gives " + p.posts("posts", len(s.own.items)) + ", " + p.count("comparable posts", judged) + " of them comparable; they support " +
		p.count("recommendations", made) + " " + plural("recommendation", made)
	byChance, tooFaint := 0, 0
	for _, f := range found {
		switch {
		case f.grade == "":
			byChance++
		case f.faint():
			tooFaint++
		}
	}
	switch {
	case s.winners():
		text += ", because a set of most-liked posts has nothing to compare its winners with"
	case len(found) > 0:
		text += ": of " + p.count("comparisons", len(found)) + " " + plural("comparison", len(found)) + " that had enough posts, chance explains " +
			p.count("comparisons explained by chance", byChance)
		if tooFaint > 0 {
			text += " and " + p.count("comparisons too faint", tooFaint) + " would take more posts to confirm than there are"
		}
		if repeats > 0 {
			text += ", and " + p.count("repetitions", repeats) + " further " + plural("finding", repeats) + " would only repeat one that is listed"
		}
	default:
		text += ", because no feature is held by " + p.posts("posts needed on either side", minSide) + " and lacked by as many"
	}
	return text + "."
}

// findingAdvice turns each graded finding into what to do.
func (d *desk) findingAdvice(found []finding) []advice {
	var out []advice
	for _, f := range found {
		if f.grade == "" || f.faint() {
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

// how says what to do with the coming posts. What is only likely is done with
// every second post, so that the others stay to compare with.
func (d *desk) how(f finding, p *prose) string {
	action, side, lead := f.undo, f.rest, "the best of the others is "
	if f.up() {
		action, side, lead = f.do, f.with, "the best so far is "
	}
	var text string
	switch {
	case f.grade == strong:
		text = strings.ReplaceAll(action, "%s", "each post that it suits")
	case !f.up() && len(f.with)*3 <= len(f.rest): // rare already: nothing to try out
		text = strings.ReplaceAll(action, "%s", "the coming ones")
	default:
		text = "for the next " + p.posts("posts of the trial", 2*f.trial) + " " + strings.ReplaceAll(action, "%s", "every second one") +
			" and leave the others as they are"
	}
	return upper(text) + "; " + lead + d.model(side, p) + "." + d.room(f, p)
}

// model points at the best of the posts that was not pointed at yet.
func (d *desk) model(items []*item, p *prose) string {
	order := best(items)
	pick := order[0]
	for _, it := range order[:min(len(order), minSide)] {
		if !d.shown[it] {
			pick = it
			break
		}
	}
	d.shown[pick] = true
	return p.pointer(pick)
}

// room names the topic where a feature that does well is used least.
func (d *desk) room(f finding, p *prose) string {
	if !f.up() || f.about == "topic" {
		return ""
	}
	least, share := -1, 0.5
	for i, t := range d.own.topics {
		if !slices.Contains(d.subjects, quoted(t.name())) {
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
	used := len(where(t.items, f.holds))
	return " There is most room on " + quoted(t.name()) + ", where " + p.some("posts around "+t.name()+" that "+f.are, used) + " of the " +
		p.posts("posts around "+t.name(), len(t.items)) + " " + either(max(used, 1), f.is, f.are) + "."
}

func (d *desk) measure(f finding, p *prose) string {
	side := p.posts("posts a side", f.trial)
	return "The two medians to compare are " + p.amount("median of "+f.name, "count", f.median, len(f.with)) + " and " +
		p.amount("median of "+f.others, "count", f.other, len(f.rest)) + "; with the spread of these " +
		p.posts("posts compared", len(f.with)+len(f.rest)) + ", " + side + " on either side would show a ratio of " +
		p.times("ratio of the medians", f.ratio, len(f.with)+len(f.rest)) + " four times in five."
}
