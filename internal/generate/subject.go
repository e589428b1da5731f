package generate

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// choose picks the topic (the best supported of those that do better, else the
// largest), what to speak of in it, and the kind.
func (d *draft) choose(worded []*item, found []finding, p *prose) {
	for _, f := range found {
		if f.grade == "" || !f.up() {
			continue
		}
		for _, each := range append([]finding{f}, f.alike...) {
			if t := d.topicOf(each); t != nil && each.up() && d.take(t, worded) {
				d.reasons = append(d.reasons, "posts around "+quoted(t.name())+" reach a median of "+p.amount("median of "+each.name, "count", each.median, len(each.with))+
					" against "+p.amount("median of "+each.others, "count", each.other, len(each.rest))+" ("+f.grade+" evidence)")
				d.form(found, p)
				return
			}
		}
	}
	for i := range d.own.topics {
		if d.shunned(found, d.own.topics[i]) || !d.take(&d.own.topics[i], worded) {
			continue
		}
		d.form(found, p)
		return
	}
	d.posts = worded
	d.names(worded)
	d.form(found, p)
}

func (d *draft) topicOf(f finding) *topic {
	for i := range d.own.topics {
		if f.key == "topic "+d.own.topics[i].name() {
			return &d.own.topics[i]
		}
	}
	return nil
}

// shunned reports whether a topic does worse than the others.
func (s *study) shunned(found []finding, t topic) bool {
	return slices.ContainsFunc(found, func(f finding) bool { return f.key == "topic "+t.name() && f.grade != "" && !f.up() })
}

// take makes a topic the draft's, if it has something to speak of.
func (d *draft) take(t *topic, worded []*item) bool {
	d.topic, d.posts = t, where(t.items, func(it *item) bool { return it.Language == d.language })
	if d.names(worded); d.a.key == "" {
		d.topic, d.posts = nil, nil
	}
	return d.a.key != ""
}

// names picks what the draft speaks of: phrases that belong to its posts, the
// topic's most telling first, so that words, hashtags, picture and reason are
// about one thing.
func (d *draft) names(worded []*item) {
	candidates := only(fitting(vocabulary(worded), d.study, d.frames.free), d.belongs)
	if d.topic != nil {
		place := func(p phrase) int {
			at := slices.IndexFunc(d.topic.terms, func(t phrase) bool { return t.key == p.key })
			return (at + len(d.topic.terms) + 1) % (len(d.topic.terms) + 1)
		}
		slices.SortStableFunc(candidates, func(a, b phrase) int { return cmp.Or(order(a.tag, b.tag), cmp.Compare(place(a), place(b))) })
	}
	if len(candidates) == 0 {
		return
	}
	d.a = candidates[0]
	if !d.a.distinct() {
		return
	}
	for _, b := range candidates {
		if b.distinct() && !shareWord(b.key, d.a.key) && overlap(b.in, d.a.in) <= 0.2 {
			d.b = b
			return
		}
	}
}

// order puts what is not so before what is.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// belongs reports whether a phrase speaks of the draft's posts: half of the
// posts with it are among them and a quarter of them hold it.
func (d *draft) belongs(p phrase) bool {
	n := common(p.in, d.posts)
	return n >= 2 && 2*n >= len(p.in) && (d.topic == nil || 4*n >= len(d.posts))
}

// distinct reports whether a phrase is the name of one thing: of several
// words, or written as no ordinary word is. Only such names can be offered
// against each other.
func (p phrase) distinct() bool {
	if !p.name || p.tag {
		return false
	}
	_, size := utf8.DecodeRuneInString(p.written)
	return p.words > 1 || strings.IndexFunc(p.written[size:], func(r rune) bool { return unicode.IsUpper(r) || r == '’' || r == '\'' || r == '-' }) >= 0
}

// fitting returns the phrases that may stand in a frame, best first: distinct
// names, hashtags, other names and, where any noun fits, other words.
func fitting(phrases []phrase, s *study, free bool) []phrase {
	rank := func(p phrase) int {
		switch {
		case p.distinct():
			return 0
		case p.tag:
			return 1
		case p.name:
			return 2
		}
		return 3
	}
	kept := only(phrases, func(p phrase) bool {
		return (free || rank(p) < 3) && !s.own.selfName(p) && !hasDigit(p.key) && !passing(p.written) && len([]rune(p.key)) > 2
	})
	slices.SortStableFunc(kept, func(a, b phrase) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b.in), len(a.in)), cmp.Compare(b.times, a.times), newest(b).Compare(newest(a)), cmp.Compare(a.key, b.key))
	})
	return kept
}

// newest returns when the phrase was last used.
func newest(p phrase) time.Time {
	_, last := span(p.in)
	return last
}

// form picks the kind: one that does better than chance, else what the
// account mostly publishes on the topic.
func (d *draft) form(found []finding, p *prose) {
	for _, f := range found {
		if f.about == "kind" && f.grade != "" && f.up() {
			d.kind = f.with[0].Kind
			d.reasons = append(d.reasons, kindNoun(d.kind, 2)+" "+p.times("ratio of the form", f.ratio, len(f.with)+len(f.rest))+" the median of the other posts ("+f.grade+" evidence)")
			return
		}
	}
	d.kind = kindsByUse(byKind(d.posts))[0]
}
