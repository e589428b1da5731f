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
	if len(found) == 0 {
		return append(out, s.nothingToCompare())
	}
	for _, about := range abouts(found) {
		for _, f := range found {
			if f.about == about && f.grade != "" {
				out = append(out, f.statement(s.metric))
			}
		}
		if !slices.ContainsFunc(found, func(f finding) bool { return f.covers(about) }) {
			out = append(out, s.notEnough(about))
		}
	}
	if st, ok := s.silent(found); ok {
		out = append(out, st)
	}
	return out
}

// covers reports whether a finding, or one folded into it, is about something.
func (f finding) covers(about string) bool {
	return f.about == about || slices.ContainsFunc(f.alike, func(twin finding) bool { return twin.about == about })
}

// silent says in one line how many comparisons said nothing of their own.
func (s *study) silent(found []finding) (content.Statement, bool) {
	p := &prose{}
	var behind []string
	byChance, taken := 0, 0
	for _, f := range found {
		switch {
		case f.behind != nil:
			if taken++; len(behind) < 2 {
				f.note(p)
				f.behind.note(p)
				behind = append(behind, f.name+" (with "+f.behind.name+")")
			}
		case f.grade == "":
			byChance++
		}
	}
	if byChance+taken == 0 {
		return content.Statement{}, false
	}
	text := "Of " + p.count("comparisons", len(found)) + " comparisons with enough posts of " + s.own.handle + ", " + p.count("comparisons explained by chance", byChance) + " " +
		either(byChance, "says", "say") + " nothing that chance does not explain"
	if taken > 0 {
		text += ", and " + p.count("comparisons explained by a stronger finding", taken) + " " + either(taken, "goes", "go") + " with a stronger finding: " + list(behind, "and")
		if taken > len(behind) {
			text += " among them"
		}
	}
	return content.Statement{About: "chance", Text: text + ".", Figures: p.figures, PostIDs: cite(best(s.own.judged()))}, true
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
			text += because(told(s.own.Missing))
		}
	default:
		text += p.posts("posts", len(s.own.items)) + ", none of which has an engagement that may be compared" + s.whyUnfit(p)
	}
	text += ": not enough data to say what works; a comparison needs " + p.posts("posts needed on either side", minSide) + " on either side"
	return []content.Statement{{About: "data", Text: text + ".", Figures: p.figures, PostIDs: cite(s.own.items)}}
}

// nothingToCompare says in one place what is missing for any comparison.
func (s *study) nothingToCompare() content.Statement {
	p := &prose{}
	judged := s.own.judged()
	text := "What works for " + s.own.handle + " by kind, topic, hashtag or time cannot be told from " + p.count("comparable posts", len(judged)) + " comparable " + plural("post", len(judged)) +
		": a comparison needs " + p.posts("posts needed on either side", minSide) + " on either side, topics are looked for from " + p.posts("posts with words needed", minTopical) + " with words on (not enough data)."
	return content.Statement{About: "data", Text: text, Figures: p.figures, PostIDs: cite(best(judged))}
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
		text = have + ", but no " + about + " holds enough of them and leaves enough: a comparison needs " + need
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
