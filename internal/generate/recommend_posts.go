package generate

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// postAdvice draws advice from single posts and habits instead of comparisons.
func (d *desk) postAdvice() []advice {
	if len(d.own.judged()) < fewForAdvice {
		return nil
	}
	var out []advice
	for _, write := range []func(*prose) (advice, bool){d.followUp, d.talk, d.views, d.bioAdvice, d.recycled} {
		p := &prose{}
		if a, ok := write(p); ok {
			a.Figures = p.figures
			out = append(out, a)
		}
	}
	return append(out, d.untried()...)
}

// followUp advises to go on where the account's best post left off, when it
// stands at least twice above the median.
func (d *desk) followUp(p *prose) (advice, bool) {
	judged := d.own.judged()
	usual := median(values(judged))
	if len(judged) < 2*minSide-1 || usual == 0 || best(judged)[0].value < 2*usual {
		return advice{}, false
	}
	top := best(judged)[0]
	ratio, n := top.value/usual, len(judged)
	grade := weak
	if slices.ContainsFunc(d.analysis.Anomalies.Found, func(a content.Anomaly) bool { return a.PostID == top.ID && a.Score > 0 }) {
		grade = moderate
	}
	d.shown[top] = true
	title := "Follow up " + p.pointer(top)
	why := "It reached " + p.amount("engagement of post "+top.ID, "count", top.value, 1) + " " + d.metric + ", " + p.times("best post over the median", ratio, n) +
		" the median of " + p.amount("median", "count", usual, n) + " over " + p.posts("comparable posts", n)
	if grade == moderate {
		why += ", and the time series marks it as an outlier"
	}
	why += d.alone(top, p) + "."
	second := best(judged)[1]
	how := "Make the follow-up a " + kindNoun(top.Kind, 1) + " of about " + p.amount("words of post "+top.ID, "words", float64(top.words), 1) + " words" + d.marks(top) +
		", and see which part carries over: what it has in common with the runner-up, " + p.pointer(second) + ", is worth keeping first."
	measure := "It carries over if the follow-up passes " + p.amount("upper quartile", "count", quantile(values(judged), 0.75), n) + ", the upper quartile of the " +
		p.posts("comparable posts", n) + "; the median is " + p.amount("median", "count", usual, n) + "."
	return advice{
		Recommendation: content.Recommendation{Title: title, About: "outlier", Why: why, How: how, Measure: measure, PostIDs: cite([]*item{top, second}, best(judged)), Evidence: grade},
		score:          weight(grade) * single(ratio), with: []*item{top},
	}, true
}

// single ranks what rests on one post that stands so many times above the
// median: below any comparison of the same effect.
func single(ratio float64) float64 { return min(math.Log(ratio), math.Log(4)) / 3 }

// alone says what sets a post apart from the others that can be compared.
func (d *desk) alone(top *item, p *prose) string {
	for _, t := range d.own.topics {
		if slices.Contains(t.items, top) {
			return "; it is one of " + p.posts("posts around "+t.name(), len(t.items)) + " around " + quoted(t.name())
		}
	}
	return ""
}

// marks names the hashtags and partners of a post.
func (d *desk) marks(it *item) string {
	var names []string
	for _, m := range it.Mentions {
		if len(names) < 2 && !content.SameHandle(m, d.own.handle) {
			names = append(names, "@"+m)
		}
	}
	for _, tag := range it.Hashtags[:min(2, len(it.Hashtags))] {
		names = append(names, "#"+tag)
	}
	if len(names) == 0 {
		return ""
	}
	return " with " + list(names, "and")
}

// talk advises to write again as the post did that drew most comments per like.
func (d *desk) talk(p *prose) (advice, bool) {
	posts := talkative(d.own.judged())
	if len(posts) < 2*minSide-1 {
		return advice{}, false
	}
	usual := median(rates(posts))
	top := posts[0]
	if usual == 0 || commentRate(top) < 1.5*usual || *top.Comments < 10 {
		return advice{}, false
	}
	n, ratio := len(posts), commentRate(top)/usual
	d.shown[top] = true
	ways := "asks nothing"
	switch {
	case top.doubt && top.asks != "":
		ways = "asks a question and ends with a request (" + quoted(top.asks) + ")"
	case top.doubt:
		ways = "asks a question"
	case top.asks != "":
		ways = "makes a request (" + quoted(top.asks) + ")"
	}
	asked := len(where(posts, func(it *item) bool { return it.doubt }))
	return advice{
		Recommendation: content.Recommendation{
			Title: "Start a talk as " + p.pointer(top) + " did", About: "conversation",
			Why: "It drew " + p.amount("comments per 1,000 likes, highest", "per 1,000 likes", commentRate(top), 1) + " " + plural(d.answer(), 2) + " per " + p.count("likes in the unit", 1000) +
				" likes, " + p.times("highest over the median", ratio, n) + " the median of " + p.amount("comments per 1,000 likes", "per 1,000 likes", usual, n) + " over " + p.posts("posts with comments and likes known", n) + ".",
			How: "It " + ways + " and runs to " + p.amount("words of post "+top.ID, "words", float64(top.words), 1) + " words" + d.marks(top) + ", while " +
				p.some("posts with a question", asked) + " of the " + p.posts("posts with comments and likes known", n) + " " + either(asked, "asks", "ask") +
				" a question: write one post on " + d.subject() + " the same way, and stay to answer what comes in.",
			Measure: upper(plural(d.answer(), 2)) + " per " + p.count("likes in the unit", 1000) + " likes should pass " + p.amount("comments per 1,000 likes, upper quartile", "per 1,000 likes", quantile(rates(posts), 0.75), n) +
				", the upper quartile of the " + p.posts("posts with comments and likes known", n) + ".",
			PostIDs: cite(posts), Evidence: weak,
		},
		score: single(ratio), with: []*item{top},
	}, true
}

// views advises from the most-watched video, since views and likes differ.
func (d *desk) views(p *prose) (advice, bool) {
	seen := where(d.own.judged(), func(it *item) bool { return it.Views != nil && *it.Views > 0 })
	if len(seen) < 2*minSide-1 {
		return advice{}, false
	}
	slices.SortStableFunc(seen, func(a, b *item) int { return cmp.Compare(*b.Views, *a.Views) })
	counts := make([]float64, len(seen))
	for i, it := range seen {
		counts[i] = float64(*it.Views)
	}
	n, usual := len(seen), median(counts)
	ratio := counts[0] / usual
	if ratio < 2 {
		return advice{}, false
	}
	top, last := seen[0], seen[n-1]
	return advice{
		Recommendation: content.Recommendation{
			Title: "Open videos as " + p.pointer(top) + " does", About: "views",
			Why: "It was seen " + p.amount("views of post "+top.ID, "views", counts[0], 1) + " times, " + p.times("highest views over the median", ratio, n) + " the median of " +
				p.amount("median views", "views", usual, n) + " over " + p.posts("posts with views", n) + ", while " + p.pointer(last) + " was seen " +
				p.amount("views of post "+last.ID, "views", counts[n-1], 1) + " times.",
			How: "Set the first seconds of both side by side with those of " + p.pointer(seen[1]) + ", which comes second with " + p.amount("views of post "+seen[1].ID, "views", counts[1], 1) +
				" views: what the two leaders show first and the last does not is the opening to try on " + d.subject() + ".",
			Measure: "The views of the next videos against the median of " + p.amount("median views", "views", usual, n) + " (" + p.posts("posts with views", n) + ").",
			PostIDs: cite(seen), Evidence: weak,
		},
		score: single(ratio), with: []*item{top},
	}, true
}

// bioAdvice sets what the bio asks of others against what the account does.
func (d *desk) bioAdvice(p *prose) (advice, bool) {
	worded := d.own.worded()
	if len(worded) < 2*minSide-1 {
		return advice{}, false
	}
	for _, tag := range d.bioTags() {
		if event(tag) {
			continue
		}
		used := where(worded, carries(hashtags, tag))
		n := len(worded)
		if len(used)*4 >= n {
			continue
		}
		return advice{
			Recommendation: content.Recommendation{
				Title: "Use #" + tag + " yourself, as the bio of " + d.own.handle + " asks others to", About: "hashtag",
				Why: "The bio names #" + tag + ", yet " + p.some("posts with #"+tag, len(used)) + " of the " + p.posts("posts with words", n) + " of " + d.own.handle + " " +
					either(max(len(used), 1), "carries", "carry") + " it, so nothing in the data says what it would bring.",
				How: "Put #" + tag + " on the next " + p.posts("posts of the trial", minSide) + " that fit it, beginning with one on " + d.subject() + ".",
				Measure: "From " + p.count("posts of the trial", minSide) + " posts on their median can be compared with the others’; the median of the " + p.posts("comparable posts", len(d.own.judged())) + " so far is " +
					p.amount("median", "count", median(values(d.own.judged())), len(d.own.judged())) + ".",
				PostIDs: cite(worded), Evidence: weak,
			},
			score: 0.15, with: worded,
		}, true
	}
	return advice{}, false
}

// untried advises to try again what did well each time, but one time too few to
// be compared. The account's best post is left to followUp.
func (d *desk) untried() []advice {
	const most = 3
	judged := d.own.judged()
	usual := median(values(judged))
	if len(judged) < 2*minSide || usual == 0 {
		return nil
	}
	top := best(judged)[0]
	var out []advice
	for _, f := range d.features() {
		if event(f.key) {
			continue
		}
		few := where(judged, func(it *item) bool { return (f.known == nil || f.known(it)) && f.holds(it) })
		if len(few) != minSide-1 || best(few)[len(few)-1].value < 1.5*usual || slices.Contains(few, top) || len(out) == most {
			continue
		}
		if !slices.ContainsFunc(out, func(a advice) bool { return overlap(a.with, few) >= 0.5 }) {
			out = append(out, d.again(f, few))
		}
	}
	return out
}

func (d *desk) again(f feature, few []*item) advice {
	p := &prose{}
	f.note(p)
	judged := d.own.judged()
	n, usual, m := len(judged), median(values(judged)), median(values(few))
	so := p.count(f.name, len(few))
	return advice{
		Recommendation: content.Recommendation{
			Title: f.more + ": the " + so + " so far have a median of " + p.amount("median of "+f.name, "count", m, len(few)), About: f.about,
			Why: upper(p.pointer(best(few)[0])) + " " + f.is + "; " + f.name + " lie at " + p.times("ratio to the median", m/usual, n) + " the median of " + p.amount("median", "count", usual, n) +
				" over " + p.posts("comparable posts", n) + ", but " + so + " of them prove nothing.",
			How: upper(strings.ReplaceAll(f.do, "%s", "at least "+p.count("posts missing for a comparison", minSide-len(few))+" more of the coming posts")) + "; from " + p.count("posts needed on either side", minSide) +
				" on " + f.name + " can be compared with the other " + p.count("the other posts", n-len(few)) + ".",
			Measure: "The median of " + f.name + ", " + p.amount("median of "+f.name, "count", m, len(few)) + " so far, against " + p.amount("median", "count", usual, n) + ".",
			Figures: p.figures, PostIDs: cite(best(few), best(judged)), Evidence: weak,
		},
		score: single(m/usual) / 2, with: few,
	}
}

// recycled advises against posting the same words again, with what the
// repetitions got.
func (d *desk) recycled(p *prose) (advice, bool) {
	first := map[string][]*item{}
	var order []string
	for _, it := range d.own.judged() {
		if key := fold(unlinked(it.Text)); it.words >= 5 {
			if first[key] == nil {
				order = append(order, key)
			}
			first[key] = append(first[key], it)
		}
	}
	usual := median(values(d.own.judged()))
	for _, key := range order {
		same := first[key]
		m := median(values(same))
		if len(same) < 2 || m >= usual {
			continue
		}
		n := len(d.own.judged())
		return advice{
			Recommendation: content.Recommendation{
				Title: "Do not post " + quoted(opening(same[0].Text)) + " word for word again", About: "repetition",
				Why: "The same words were posted " + p.count("posts with the same words", len(same)) + " times and reached a median of " + p.amount("median of the repetitions", "count", m, len(same)) +
					" " + d.metric + ", the " + p.posts("comparable posts", n) + " of " + d.own.handle + " " + p.amount("median", "count", usual, n) + ".",
				How:     "Say it once; if it must come again, open differently, as " + d.model(d.own.judged(), p) + " does.",
				Measure: "A rewritten repetition should pass " + p.amount("median of the repetitions", "count", m, len(same)) + ".",
				PostIDs: cite(same, best(d.own.judged())), Evidence: weak,
			},
			score: 0.1, with: same,
		}, true
	}
	return advice{}, false
}
