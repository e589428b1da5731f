package generate

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// A trait is something that part of an account's most-liked posts share. It
// says what winners look like; whether it made them win cannot be seen without
// the posts that did not.
type trait struct {
	about, key  string
	of, is, are string // "winners", "asks a question", "ask a question"
	with, all   []*item
}

// traits lists what the winners share, in the order in which they are told.
func (s *study) traits() []trait {
	all := s.own.judged()
	worded := where(all, func(it *item) bool { return it.words > 0 })
	out := []trait{
		{
			about: "kind", key: "link", of: "winners", is: "is nothing but a link or an emoji", are: "are nothing but a link or an emoji",
			all: all, with: where(all, func(it *item) bool { return it.words == 0 }),
		},
		{
			about: "hashtag", key: "hashtag", of: "winners", is: "carries a hashtag", are: "carry a hashtag",
			all: all, with: where(all, func(it *item) bool { return len(it.Hashtags) > 0 }),
		},
		{
			about: "mention", key: "mention", of: "winners", is: "names another account", are: "name another account",
			all: all, with: where(all, func(it *item) bool { return len(it.Mentions) > 0 }),
		},
		{
			about: "question", key: "question", of: "winners with words", is: "asks a question", are: "ask a question",
			all: worded, with: where(worded, func(it *item) bool { return it.doubt }),
		},
		{
			about: "emoji", key: "emoji", of: "winners", is: "uses emoji", are: "use emoji",
			all: all, with: where(all, func(it *item) bool { return len(it.emoji) > 0 }),
		},
		{
			about: "reply", key: "reply", of: "winners", is: "is a reply or a quote", are: "are replies or quotes",
			all: all, with: where(all, func(it *item) bool { return it.Reply || it.Quote }),
		},
	}
	return slices.DeleteFunc(out, func(t trait) bool { return len(t.all) < minSide })
}

func (t trait) sentence(p *prose, handle string) string {
	n, all := len(t.with), len(t.all)
	if n == 0 {
		return "None of the " + p.count("winners: "+t.of, all) + " " + t.of + " of " + handle + " " + t.is + "."
	}
	text := p.count("winners: "+t.key, n) + " of the " + p.count("winners: "+t.of, all) + " " + t.of + " of " + handle +
		" (" + p.percent("share: "+t.key, float64(n)/float64(all), all) + ") " + either(n, t.is, t.are)
	if n >= minSide {
		text += ", with a median of " + p.amount("median: "+t.key, "count", median(values(t.with)), n)
	}
	return text + "."
}

// winnersWork describes the winners.
func (s *study) winnersWork() []content.Statement {
	if n := len(s.own.judged()); n < fewWinners {
		p := &prose{}
		text := "What the " + p.posts("posts", n) + " of " + s.own.handle + " share says nothing: a likeness of most-liked posts is told from " + p.count("winners needed", fewWinners) + " on (not enough data)."
		return []content.Statement{{About: "data", Text: text, Figures: p.figures, PostIDs: cite(best(s.own.judged()))}}
	}
	var out []content.Statement
	for _, t := range s.traits() {
		p := &prose{}
		ids := cite(best(t.with))
		if len(t.with) == 0 {
			ids = cite(t.all)
		}
		out = append(out, content.Statement{About: t.about, Text: t.sentence(p, s.own.handle), Figures: p.figures, PostIDs: ids})
	}
	for _, write := range []func() (content.Statement, bool){s.winnersLength, s.winnersTopics, s.winnersDays, s.winnersHours} {
		if st, ok := write(); ok {
			out = append(out, st)
		}
	}
	return out
}

func (s *study) winnersLength() (content.Statement, bool) {
	worded := where(s.own.judged(), func(it *item) bool { return it.words > 0 })
	if len(worded) < minSide {
		return content.Statement{}, false
	}
	p := &prose{}
	middle, long := wordQuantiles(worded)
	text := "Half of the " + p.count("winners with words", len(worded)) + " winners with words run to " + p.amount("median words", "words", middle, len(worded)) +
		" words or fewer, nine in ten to " + p.amount("words of nine in ten", "words", long, len(worded)) + " or fewer."
	return content.Statement{About: "length", Text: text, Figures: p.figures, PostIDs: cite(best(worded))}, true
}

// wordQuantiles returns the numbers of words that half and nine in ten of the
// posts stay within, each one that occurs.
func wordQuantiles(items []*item) (middle, long float64) {
	if len(items) == 0 {
		return 0, 0
	}
	lengths := make([]int, len(items))
	for i, it := range items {
		lengths[i] = it.words
	}
	slices.Sort(lengths)
	at := func(q float64) float64 { return float64(lengths[int(math.Ceil(q*float64(len(lengths))))-1]) }
	return at(0.5), at(0.9)
}

func (s *study) winnersTopics() (content.Statement, bool) {
	common := s.shared()
	if len(common) == 0 {
		return s.notEnough("topic"), true
	}
	p := &prose{}
	var parts []string
	var of []*item
	for _, ph := range common[:min(3, len(common))] {
		parts = append(parts, quoted(ph.written)+" ("+p.posts("winners with "+ph.written, len(ph.in))+")")
		of = append(of, ph.in...)
	}
	text := "What winners of " + s.own.handle + " speak of most is " + list(parts, "and") + "."
	return content.Statement{About: "topic", Text: text, Figures: p.figures, PostIDs: cite(of)}, true
}

// shared returns the phrases that at least minSide comparable posts hold, with
// those posts, the phrases of most posts first.
func (s *study) shared() []phrase {
	var common []phrase
	for _, p := range s.own.topical() {
		if p.in = where(p.in, func(it *item) bool { return it.judged }); len(p.in) >= minSide {
			common = append(common, p)
		}
	}
	slices.SortStableFunc(common, func(a, b phrase) int { return cmp.Compare(len(b.in), len(a.in)) })
	return common
}

// bigDays returns the days on which most winners were posted, most first.
func (s *study) bigDays() [][]*item {
	byDay := map[string][]*item{}
	for _, it := range s.own.judged() {
		if !it.local.IsZero() {
			date := it.local.Format(time.DateOnly)
			byDay[date] = append(byDay[date], it)
		}
	}
	var days [][]*item
	for _, date := range slices.Sorted(maps.Keys(byDay)) {
		if len(byDay[date]) >= minSide {
			days = append(days, byDay[date])
		}
	}
	slices.SortStableFunc(days, func(a, b []*item) int { return cmp.Compare(len(b), len(a)) })
	return days
}

func (s *study) winnersDays() (content.Statement, bool) {
	big := s.bigDays()
	if len(big) == 0 {
		return content.Statement{}, false
	}
	p := &prose{}
	var parts []string
	var of []*item
	for _, d := range big {
		of = append(of, d...)
		if len(parts) < 3 {
			parts = append(parts, p.count("winners of "+day(d[0].local), len(d))+" on "+day(d[0].local))
		}
	}
	text := "Winners come in bursts: " + list(parts, "and") + "; days with " + p.count("winners that make a big day", minSide) + " or more hold " +
		p.count("winners on big days", len(of)) + " of the " + p.count("winners", len(s.own.judged())) + "."
	return content.Statement{About: "rhythm", Text: text, Figures: p.figures, PostIDs: cite(of)}, true
}

func (s *study) winnersHours() (content.Statement, bool) {
	parts := s.dayparts()
	if len(parts) == 0 {
		return s.notEnough("time"), true
	}
	p := &prose{}
	dated := len(where(s.own.judged(), func(it *item) bool { return !it.local.IsZero() }))
	top := parts[0]
	text := p.count("winners of "+top.label, len(top.items)) + " of the " + p.count("dated winners", dated) + " dated winners were posted " + top.label +
		" (" + s.zone.String() + "); when the others were posted is not in the data, so this is no lift."
	return content.Statement{About: "time", Text: text, Figures: p.figures, PostIDs: cite(best(top.items))}, true
}

type daypart struct {
	label string
	items []*item
}

// dayparts returns the quarters of the day by how many comparable posts they
// hold, most first; empty when fewer than minSide are dated.
func (s *study) dayparts() []daypart {
	parts := quarters(s.own.judged())
	if len(where(s.own.judged(), func(it *item) bool { return !it.local.IsZero() })) < minSide {
		return nil
	}
	return parts
}

// quarters groups dated items by quarter of the local day, largest first.
func quarters(items []*item) []daypart {
	parts := []daypart{{label: "between 00:00 and 06:00"}, {label: "between 06:00 and 12:00"}, {label: "between 12:00 and 18:00"}, {label: "between 18:00 and 24:00"}}
	for _, it := range items {
		if !it.local.IsZero() {
			at := it.local.Hour() / 6
			parts[at].items = append(parts[at].items, it)
		}
	}
	parts = slices.DeleteFunc(parts, func(d daypart) bool { return len(d.items) == 0 })
	slices.SortStableFunc(parts, func(a, b daypart) int { return cmp.Compare(len(b.items), len(a.items)) })
	return parts
}
