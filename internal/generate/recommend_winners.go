package generate

import (
	"slices"

	"github.com/stagewatch/stagewatch/internal/content"
)

// fewWinners is the fewest most-liked posts whose likeness is worth a hint.
const fewWinners = 20

// winnersAdvice is what a set of most-liked posts supports: above all to
// scrape the others, then to try what the winners share, each as a hint.
func (d *desk) winnersAdvice() []advice {
	judged := d.own.judged()
	if len(judged) < minSide {
		return nil
	}
	out := []advice{d.scrapeAdvice()}
	if len(judged) < fewWinners {
		return out
	}
	for _, write := range []func(*prose) (advice, bool){d.lengthAdvice, d.wordlessAdvice, d.daysAdvice, d.topicAdvice, d.hourAdvice, d.spreadAdvice, d.talkedAdvice} {
		p := &prose{}
		if a, ok := write(p); ok {
			a.Figures, a.Evidence = p.figures, weak
			out = append(out, a)
		}
	}
	for _, t := range d.traits() {
		if a, ok := d.absence(t); ok {
			out = append(out, a)
		}
	}
	return out
}

func (d *desk) scrapeAdvice() advice {
	p := &prose{}
	judged := d.own.judged()
	first, last := span(judged)
	low, high := slices.Min(values(judged)), slices.Max(values(judged))
	grade := strong
	if d.own.OrderAssumed {
		grade = weak // nothing in the posts shows that they were chosen
	}
	why := "All " + p.posts("posts", len(judged)) + " read of " + d.own.handle + " are " + pick(d.own.OrderAssumed, "assumed to be ", "") + "among its most-liked" + because(told(d.own.OrderReason)) + ": they lie between " +
		p.amount("lowest", "count", low, 1) + " and " + p.amount("highest", "count", high, 1) + " " + d.metric
	if !first.IsZero() {
		why += " and reach from " + day(first) + " to " + day(last)
	}
	ends := best(judged)
	return advice{
		Recommendation: content.Recommendation{
			Title: "Scrape the newest posts of " + d.own.handle + " beside its " + p.count("winners", len(judged)) + " winners", About: "data",
			Why: why + ", so nothing in them says what its ordinary posts get.",
			How: "Ask the scraper for at least as many of the newest posts of " + d.own.handle + " as it gave winners (" + p.count("posts to scrape", len(judged)) +
				"), in order of time; every hint below can then be tested with and without.",
			Measure: "The hints hold if they also part the newest posts, whose median is unknown today while the winners’ is " + p.amount("median of the winners", "count", median(values(judged)), len(judged)) + ".",
			Figures: p.figures, PostIDs: cite([]*item{ends[0], ends[len(ends)-1]}, ends), Evidence: grade,
		},
		score: 10,
	}
}

// lengthAdvice advises short posts where the short winners outdo the long ones
// by more than chance.
func (d *desk) lengthAdvice(p *prose) (advice, bool) {
	worded := where(d.own.judged(), func(it *item) bool { return it.words > 0 })
	middle, _ := wordQuantiles(worded)
	short := where(worded, func(it *item) bool { return float64(it.words) <= middle })
	long := where(worded, func(it *item) bool { return float64(it.words) > middle })
	if len(short) < strongSide || len(long) < strongSide || median(values(short)) <= median(values(long)) {
		return advice{}, false
	}
	n, odds := len(worded), chance(values(short), values(long), seeded(d.corpus.Account.Key(), "length"))
	if odds > weakChance {
		return advice{}, false
	}
	return advice{
		Recommendation: content.Recommendation{
			Title: "Keep to " + p.amount("median words", "words", middle, n) + " words or fewer when it matters", About: "length",
			Why: "The " + p.count("short winners", len(short)) + " winners of up to " + p.amount("median words", "words", middle, n) + " words have a median of " + p.amount("median of the short", "count", median(values(short)), len(short)) +
				", the " + p.count("long winners", len(long)) + " longer ones " + p.amount("median of the long", "count", median(values(long)), len(long)) + "; chance gives such a gap " + p.percent("chance of such a gap", odds, n) + " of the time.",
			How:     "Cut a draft until it reads like " + d.model(short, p) + ".",
			Measure: "Among the newest posts, those within " + p.amount("median words", "words", middle, n) + " words should beat the longer ones; winners alone cannot show it.",
			PostIDs: cite(best(short), best(long)),
		},
		score: 1, with: short,
	}, true
}

func (d *desk) wordlessAdvice(p *prose) (advice, bool) {
	judged := d.own.judged()
	bare := where(judged, func(it *item) bool { return it.words == 0 })
	if len(bare) < minSide || len(bare)*5 < len(judged) {
		return advice{}, false
	}
	rest := where(judged, func(it *item) bool { return it.words > 0 })
	why := p.count("wordless winners", len(bare)) + " of " + p.count("winners", len(judged)) + " winners (" + p.percent("share of wordless winners", float64(len(bare))/float64(len(judged)), len(judged)) +
		") are a link or an emoji and nothing else, with a median of " + p.amount("median of wordless winners", "count", median(values(bare)), len(bare))
	if len(rest) > 0 {
		why += "; the " + p.count("winners with words", len(rest)) + " with words have " + p.amount("median of winners with words", "count", median(values(rest)), len(rest))
	}
	return advice{
		Recommendation: content.Recommendation{
			Title: "Let a picture stand alone now and then: " + p.count("wordless winners", len(bare)) + " of the winners of " + d.own.handle + " do", About: "kind",
			Why: why + ".",
			How: "What the links show is not in the data: open " + d.link(bare) + " first, and repeat its kind of picture.",
			Measure: "The share of wordless posts among the newest, against " + p.percent("share of wordless winners", float64(len(bare))/float64(len(judged)), len(judged)) +
				" of the winners: only if it is lower do they win more often than they are made.",
			PostIDs: cite(best(bare)),
		},
		score: 0.9, with: bare,
	}, true
}

// link names the best of posts that have no words of their own.
func (d *desk) link(items []*item) string {
	top := best(items)[0]
	name := "post " + top.ID
	if !top.local.IsZero() {
		name += " of " + day(top.local)
	}
	return name
}

func (d *desk) daysAdvice(p *prose) (advice, bool) {
	big := d.bigDays()
	if len(big) == 0 {
		return advice{}, false
	}
	top := best(big[0])
	return advice{
		Recommendation: content.Recommendation{
			Title: "When a day is yours, post again: " + p.count("winners of "+day(top[0].local), len(top)) + " winners are of " + day(top[0].local), About: "rhythm",
			Why: p.count("days with many winners", len(big)) + " " + plural("day", len(big)) + " gave " + p.count("winners that make a big day", minSide) + " winners or more, " +
				day(top[0].local) + " the most; its first was " + p.pointer(earliest(top)) + ".",
			How:     "After a post takes off as " + p.pointer(top[0]) + " did, follow it the same day with the next short one instead of waiting.",
			Measure: "How many of a day’s later posts join the winners: on " + day(top[0].local) + " it was " + p.count("later winners of the day", len(top)-1) + " after the first.",
			PostIDs: cite(top),
		},
		score: 0.8, with: top,
	}, true
}

func earliest(items []*item) *item {
	return slices.MinFunc(items, func(a, b *item) int { return a.Time.Compare(b.Time) })
}

func (d *desk) topicAdvice(p *prose) (advice, bool) {
	common := d.shared()
	if len(common) == 0 {
		return advice{}, false
	}
	t, worded := common[0], len(where(d.own.judged(), func(it *item) bool { return it.words > 0 }))
	hits := float64(len(t.in)) / float64(worded)
	return advice{
		Recommendation: content.Recommendation{
			Title: "Come back to " + quoted(t.written) + ", of which most winners of " + d.own.handle + " speak", About: "topic",
			Why:     p.posts("winners with "+t.written, len(t.in)) + " of " + p.count("winners with words", worded) + " winners with words speak of it, with a median of " + p.amount("median with "+t.written, "count", median(values(t.in)), len(t.in)) + ".",
			How:     "Say one new thing about " + t.written + " in as few words as " + d.model(t.in, p) + " does.",
			Measure: "Whether " + quoted(t.written) + " is rarer among the newest posts than the " + p.percent("share with "+t.written, hits, worded) + " it has among the winners.",
			PostIDs: cite(best(t.in)),
		},
		score: 0.7, with: t.in,
	}, true
}

func (d *desk) hourAdvice(p *prose) (advice, bool) {
	parts := d.dayparts()
	if len(parts) < 2 {
		return advice{}, false
	}
	top, last := parts[0], parts[len(parts)-1]
	total := 0
	for _, part := range parts {
		total += len(part.items)
	}
	if len(top.items) < 2*len(last.items) || 5*len(top.items) < 2*total {
		return advice{}, false
	}
	share := p.percent("share of winners "+top.label, float64(len(top.items))/float64(total), total)
	return advice{
		Recommendation: content.Recommendation{
			Title: "Try the hours " + top.label + " (" + d.zone.String() + "), which hold " + share + " of the winners", About: "time",
			Why: p.count("winners "+top.label, len(top.items)) + " of " + p.count("dated winners", total) + " dated winners were posted " + top.label + ", " +
				p.count("winners "+last.label, len(last.items)) + " " + last.label + ".",
			How:     "Hold the next strong post for those hours, as with " + d.model(top.items, p) + ".",
			Measure: "The same hours’ share among the newest posts: " + share + " or more would mean that this is only when " + d.own.handle + " is awake.",
			PostIDs: cite(best(top.items)),
		},
		score: 0.6, with: top.items,
	}, true
}

// spreadAdvice learns from the winner that was passed on most for its likes.
func (d *desk) spreadAdvice(p *prose) (advice, bool) {
	shared := where(d.own.judged(), func(it *item) bool { return it.Shares != nil && *it.Shares > 0 && it.Likes != nil && *it.Likes > 0 })
	if len(shared) < 2*minSide {
		return advice{}, false
	}
	rate := func(it *item) float64 { return float64(*it.Shares) * 1000 / float64(*it.Likes) }
	slices.SortStableFunc(shared, func(a, b *item) int { return compareDown(rate(a), rate(b)) })
	all := make([]float64, len(shared))
	for i, it := range shared {
		all[i] = rate(it)
	}
	top := shared[0]
	return advice{
		Recommendation: content.Recommendation{
			Title: "To be passed on, write as " + p.pointer(top), About: "shares",
			Why: "It was shared " + p.amount("shares per 1,000 likes, highest", "per 1,000 likes", all[0], 1) + " times per " + p.count("likes in the unit", 1000) + " likes; the median of " +
				p.posts("posts with shares", len(shared)) + " is " + p.amount("shares per 1,000 likes", "per 1,000 likes", median(all), len(shared)) + ".",
			How: "Compare it with " + p.pointer(shared[1]) + " and " + p.pointer(shared[2]) + ", which come next by shares per like, and with " + p.pointer(shared[len(shared)-1]) +
				", which comes last: the first ones show what readers wanted others to see.",
			Measure: "Shares per " + p.count("likes in the unit", 1000) + " likes against the median of " + p.amount("shares per 1,000 likes", "per 1,000 likes", median(all), len(shared)) + "; a ratio within one post does not depend on how the set was chosen as much as likes do.",
			PostIDs: cite(shared[:3], shared[len(shared)-1:], shared),
		},
		score: 0.65, with: []*item{top},
	}, true
}

func compareDown(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// talkedAdvice learns from the winner that drew most replies for its likes.
func (d *desk) talkedAdvice(p *prose) (advice, bool) {
	posts := talkative(d.own.judged())
	if len(posts) < 2*minSide || median(rates(posts)) == 0 {
		return advice{}, false
	}
	top, all := posts[0], rates(posts)
	return advice{
		Recommendation: content.Recommendation{
			Title: "To be answered, write as " + p.pointer(top), About: "conversation",
			Why: "It drew " + p.amount("comments per 1,000 likes, highest", "per 1,000 likes", all[0], 1) + " replies per " + p.count("likes in the unit", 1000) + " likes, " +
				p.times("highest over the median", all[0]/median(all), len(all)) + " the median of " + p.amount("comments per 1,000 likes", "per 1,000 likes", median(all), len(all)) + ".",
			How:     "Next come " + p.pointer(posts[1]) + " and " + p.pointer(posts[2]) + ": read the three together and take up what readers answered, not what they liked.",
			Measure: "Replies per " + p.count("likes in the unit", 1000) + " likes against " + p.amount("comments per 1,000 likes", "per 1,000 likes", median(all), len(all)) + ", the median of " + p.posts("posts with replies", len(all)) + ".",
			PostIDs: cite(posts),
		},
		score: 0.5, with: []*item{top},
	}, true
}

// absence advises to keep doing without what hardly any winner has.
func (d *desk) absence(t trait) (advice, bool) {
	n, all := len(t.with), len(t.all)
	if all < 10 || n*20 > all || t.about == "kind" {
		return advice{}, false
	}
	p := &prose{}
	title := map[string]string{"hashtag": "Leave hashtags out", "mention": "Name nobody", "question": "State, do not ask", "emoji": "Do without emoji", "reply": "Post on your own, not as a reply"}[t.about]
	rest := where(t.all, func(it *item) bool { return !slices.Contains(t.with, it) })
	return advice{
		Recommendation: content.Recommendation{
			Title: title + ": " + p.count("winners: "+t.key, n) + " of " + p.count("winners looked at", all) + " winners of " + d.own.handle + " " + either(n, "does", "do") + " otherwise", About: t.about,
			Why:     t.sentence(p, d.own.handle),
			How:     "Write the next one as plainly as " + d.model(rest, p) + ".",
			Measure: "If more than " + p.percent("share: "+t.key, float64(n)/float64(all), all) + " of the newest posts of " + d.own.handle + " " + either(2, t.is, t.are) + ", such posts win less often than they are made.",
			Figures: p.figures, PostIDs: cite(best(rest)), Evidence: weak,
		},
		score: 0.4 + float64(all)/10000, with: rest,
	}, true
}
