package generate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/stagewatch/stagewatch/internal/content"
)

// works writes what works: each finding that is more than chance, and for
// kind, topic, hashtag and time at least what is known or still needed.
func (s *study) works(found []finding) []content.Statement {
	if len(s.own.judged()) == 0 {
		return s.nothingComparable()
	}
	out := s.kindTable()
	if s.winners() {
		return append(out, s.winnersWork()...)
	}
	for _, about := range abouts(found) {
		shown := 0
		for _, f := range found {
			if f.about == about && (f.grade != "" || shown == 0) {
				out = append(out, f.statement(s.metric))
				shown++
			}
		}
		if shown == 0 {
			out = append(out, s.notEnough(about))
		}
	}
	return append(out, s.outliers()...)
}

func (f finding) statement(metric string) content.Statement {
	p := &prose{}
	text := f.sentence(p, metric) + f.twins(p)
	return content.Statement{
		About: f.about, Text: text, Figures: p.figures,
		PostIDs: cite(best(f.with), best(f.rest)),
	}
}

// abouts returns what is always spoken of, then whatever else was found.
func abouts(found []finding) []string {
	out := []string{"kind", "topic", "hashtag", "time"}
	for _, f := range found {
		if f.grade != "" && !slices.Contains(out, f.about) {
			out = append(out, f.about)
		}
	}
	return out
}

func (s *study) nothingComparable() []content.Statement {
	p := &prose{}
	text := s.own.handle + " has "
	switch {
	case len(s.own.items) == 0:
		text += "no posts in the data"
		if s.own.Missing != "" {
			text += " (" + s.own.Missing + ")"
		}
	default:
		text += p.posts("posts", len(s.own.items)) + ", none of which has an engagement that may be compared" + s.whyUnfit(p)
	}
	text += ": not enough data to say what works; a comparison needs " + p.posts("posts needed on either side", minSide) + " on either side"
	return []content.Statement{{About: "data", Text: text + ".", Figures: p.figures, PostIDs: cite(s.own.items)}}
}

// whyUnfit lists why posts are left out of comparisons, "" when none is.
func (s *study) whyUnfit(p *prose) string {
	var parts []string
	for _, why := range []string{content.UnfitCounts, content.UnfitPinned, content.UnfitYoung, content.UnfitRepost} {
		if n := len(s.own.unfit(why)); n > 0 {
			parts = append(parts, p.count("posts left out: "+why, n)+" "+why)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + list(parts, "and") + ")"
}

// kindTable says how often each kind was used and what it reached.
func (s *study) kindTable() []content.Statement {
	p := &prose{}
	judged := s.own.judged()
	groups := byKind(judged)
	var parts []string
	for _, kind := range kindsByUse(groups) {
		g := groups[kind]
		parts = append(parts, p.count(kindNoun(kind, 2), len(g))+" "+kindNoun(kind, len(g))+" (median "+
			p.amount("median of "+kindNoun(kind, 2), "count", median(values(g)), len(g))+")")
	}
	text := "The " + either(len(judged), "one comparable post", p.count("comparable posts", len(judged))+" comparable posts") + " of " + s.own.handle +
		" " + either(len(judged), "is ", "are ") + list(parts, "and") + ", counted in " + s.metric + "."
	return []content.Statement{{About: "kind", Text: text, Figures: p.figures, PostIDs: cite(judged)}}
}

func byKind(items []*item) map[content.Kind][]*item {
	groups := map[content.Kind][]*item{}
	for _, it := range items {
		groups[it.Kind] = append(groups[it.Kind], it)
	}
	return groups
}

func kindsByUse(groups map[content.Kind][]*item) []content.Kind {
	return slices.SortedFunc(maps.Keys(groups), func(a, b content.Kind) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a, b))
	})
}

// notEnough says what a comparison by topic, hashtag, time or kind would need.
func (s *study) notEnough(about string) content.Statement {
	p := &prose{}
	judged := s.own.judged()
	have := s.own.handle + " has " + p.count("comparable posts", len(judged)) + " comparable " + plural("post", len(judged))
	need := p.posts("posts needed on either side", minSide) + " on either side"
	var text string
	switch about {
	case "topic":
		text = have + s.topicShort(p)
	case "hashtag":
		text = have + "; " + s.closestTag(p) + ", and a comparison needs " + need
	case "time":
		undated := len(where(judged, func(it *item) bool { return it.local.IsZero() }))
		text = have + ", " + p.count("comparable posts without a date", undated) + " of them undated, and no weekday or slot holds enough of them: a comparison needs " + need
	default:
		text = have + ", too many of them of one " + about + ": a comparison needs " + need
	}
	return content.Statement{About: about, Text: text + " (not enough data).", Figures: p.figures, PostIDs: cite(judged)}
}

func (s *study) topicShort(p *prose) string {
	worded := len(s.own.worded())
	if worded < minTopical {
		return ", " + p.posts("posts with words", worded) + " with words in all; topics are looked for from " + p.posts("posts with words needed", minTopical) + " on"
	}
	if len(s.own.topics) == 0 {
		return ", and the " + p.posts("posts with words", worded) + " with words form no groups that share words of their own"
	}
	largest := s.own.topics[0]
	return "; the largest topic, " + quoted(largest.name()) + ", holds " + p.posts("posts of the largest topic", len(largest.items)) +
		", and a comparison needs " + p.posts("posts needed on either side", minSide) + " inside and outside of it"
}

func (s *study) closestTag(p *prose) string {
	counts, spelling := carriers(s.own.judged(), hashtags)
	if len(counts) == 0 {
		return "none carries a hashtag"
	}
	top := slices.MaxFunc(slices.Sorted(maps.Keys(counts)), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[a], counts[b]), cmp.Compare(b, a))
	})
	return "#" + spelling[top] + " comes first with " + p.posts("posts with #"+spelling[top], counts[top])
}

// outliers names the posts far outside what the account usually gets.
func (s *study) outliers() []content.Statement {
	var out []content.Statement
	usual := median(values(s.own.judged()))
	for _, a := range s.analysis.Anomalies.Found {
		at := slices.IndexFunc(s.own.items, func(it *item) bool { return it.ID == a.PostID && it.judged })
		if at < 0 || usual == 0 {
			continue
		}
		it, p := s.own.items[at], &prose{}
		text := upper(p.pointer(it)) + " stands out: " + p.times("engagement over the median", it.value/usual, len(s.own.judged())) + " the median of " +
			p.amount("median of the account", "count", usual, len(s.own.judged())) + "."
		out = append(out, content.Statement{About: "outlier", Text: text, Figures: p.figures, PostIDs: cite([]*item{it}, best(s.own.judged()))})
	}
	return out
}
