package generate

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/stagewatch/stagewatch/internal/content"
)

// A duel sets one competitor beside the account.
type duel struct {
	s     *study
	own   *set
	rival *set
	found []finding // what works for the competitor, among its own posts
	gaps  []gap
}

// A gap is something that the competitor does at least twice and the account
// never: a topic, a hashtag or a part of the day.
type gap struct {
	about, name string
	items       []*item  // the competitor's posts
	found       *finding // nil when chance explains how they do
}

func (s *study) duels() []*duel {
	var out []*duel
	for _, r := range s.rivals {
		d := &duel{s: s, own: s.own, rival: r}
		if r.Order != content.MostLiked {
			features := append(append(kindFeatures(), topicFeatures(r.topics)...), r.tagFeatures()...)
			for i := range features {
				features[i].name = r.handle + "’s " + features[i].name
			}
			d.found = s.weigh(r, features, nil)
		}
		d.findGaps()
		out = append(out, d)
	}
	return out
}

// findGaps lists the gaps, hashtags first; a topic of the same posts adds nothing.
func (d *duel) findGaps() {
	counts, spelling := carriers(d.rival.items, hashtags)
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		used := where(d.own.items, carries(hashtags, key))
		if counts[key] < 2 || len(used) > 0 || d.ownBrand(key) {
			continue
		}
		d.gaps = append(d.gaps, gap{
			about: "hashtag", name: "#" + spelling[key],
			items: where(d.rival.items, carries(hashtags, key)), found: d.findingOf("hashtag " + key),
		})
	}
	for _, t := range d.rival.topics {
		// A name is the competitor's own product or guest: only what anybody may
		// speak of is a gap.
		terms := only(t.terms, func(p phrase) bool {
			return !p.name && !p.tag && !d.ownBrand(p.key) && !says(d.own.items, p.key)
		})
		open := topic{terms: terms, items: holding(t.items, terms)}
		if len(open.items) >= minSide && !slices.ContainsFunc(d.gaps, func(g gap) bool { return overlap(g.items, open.items) >= 0.7 }) {
			d.gaps = append(d.gaps, gap{about: "topic", name: open.name(), items: open.items, found: d.findingOf("topic " + t.name())})
		}
	}
}

func (d *duel) findingOf(key string) *finding {
	at := slices.IndexFunc(d.found, func(f finding) bool { return f.key == key })
	if at < 0 || d.found[at].grade == "" {
		return nil
	}
	return &d.found[at]
}

// ownBrand reports whether words belong to the competitor: its name, or part
// of it, is in them. Those are not for anybody else to use.
func (d *duel) ownBrand(words string) bool {
	words = fold(words)
	names := []string{d.rival.handle}
	if d.rival.Profile != nil {
		names = append(names, strings.Fields(d.rival.Profile.Name)...)
	}
	for _, name := range names {
		name = fold(name)
		if len(name) >= 3 && (strings.Contains(words, name) || len(words) >= 3 && strings.HasPrefix(name, words[:3])) {
			return true
		}
	}
	return false
}

// lifts reports whether the competitor's posts of a gap do better than its
// usual ones.
func (d *duel) lifts(g gap) bool {
	judged := where(g.items, func(it *item) bool { return it.judged })
	return len(judged) > 0 && median(values(judged)) > median(values(d.rival.judged()))
}

// says reports whether a post holds the words, whole and in any form that
// differs in accents or a plural s only.
func says(items []*item, key string) bool {
	words := stems(strings.TrimPrefix(key, "#"))
	if strings.HasPrefix(key, "#") && slices.ContainsFunc(items, carries(hashtags, key[1:])) {
		return true
	}
	return len(words) > 0 && slices.ContainsFunc(items, func(it *item) bool {
		text := stems(it.Text)
		for at := range text {
			if at+len(words) <= len(text) && slices.Equal(text[at:at+len(words)], words) {
				return true
			}
		}
		return false
	})
}

// stems returns the words of a text without accents and plural s.
func stems(text string) []string {
	var out []string
	for _, t := range tokens(text) {
		plain := strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(t.key))
		if plain = strings.TrimSuffix(strings.TrimSuffix(plain, "'s"), "’s"); len(plain) > 3 {
			plain = strings.TrimSuffix(plain, "s")
		}
		out = append(out, plain)
	}
	return out
}

// covers reports whether the competitor speaks of a topic: in one of its posts
// stands any of the words that name it.
func (d *duel) covers(t topic) bool {
	return slices.ContainsFunc(t.terms[:min(3, len(t.terms))], func(ph phrase) bool { return says(d.rival.items, ph.key) })
}

func (d *duel) analysis() content.CompetitorAnalysis {
	out := content.CompetitorAnalysis{Username: d.rival.Username}
	if len(d.rival.items) == 0 {
		out.Missing = d.rival.handle + " has no posts in the data" + because(told(d.rival.Missing)) + "."
		return out
	}
	p := &prose{}
	out.Overview, out.Figures = d.overview(p), nil
	out.Figures = p.figures
	for _, c := range d.contrasts() {
		switch {
		case c.about == "rhythm": // neither good nor bad by itself: the overview tells it
		case c.theirs > c.ours:
			out.Strengths = append(out.Strengths, d.contrast(c))
		default:
			out.Vulnerabilities = append(out.Vulnerabilities, d.contrast(c))
		}
	}
	for _, f := range d.found {
		switch {
		case f.grade == "":
		case f.up():
			out.Strengths = append(out.Strengths, d.pattern(f))
		default:
			out.Vulnerabilities = append(out.Vulnerabilities, d.pattern(f))
		}
	}
	if peak, ok := d.peak(); ok {
		out.Strengths = append(out.Strengths, peak)
	}
	if open, ok := d.uncovered(); ok {
		out.Vulnerabilities = append(out.Vulnerabilities, open)
	}
	out.CounterStrategies = d.counters()
	for _, t := range d.rival.topics {
		out.Themes = append(out.Themes, t.name())
	}
	return out
}

// pattern tells what works for the competitor, and of a form what the account's
// own posts say of it.
func (d *duel) pattern(f finding) content.Statement {
	st := f.statement(d.s.metric)
	if f.about != "kind" {
		return st
	}
	p := &prose{figures: st.Figures}
	ours, _ := d.ours(f, p)
	st.Text, st.Figures = st.Text+" "+ours, p.figures
	return st
}

// overview sets the two accounts beside each other in numbers.
func (d *duel) overview(p *prose) string {
	text := p.posts("posts of "+d.rival.handle, len(d.rival.items)) + " of " + d.rival.handle
	if first, last := span(d.rival.dated()); !first.IsZero() {
		text += " (" + days(first, last) + ")"
	}
	text += " beside " + p.posts("posts of "+d.own.handle, len(d.own.items)) + " of " + d.own.handle
	text += "."
	if a, b := followers(d.rival), followers(d.own); a > 0 && b > 0 {
		text += " " + d.rival.handle + " has " + p.amount("followers of "+d.rival.handle, "count", a, 0) + " followers, " +
			d.own.handle + " " + p.amount("followers of "+d.own.handle, "count", b, 0) + "."
	}
	if a, b := d.rival.judged(), d.own.judged(); len(a) > 0 && len(b) > 0 {
		text += " The median post of " + d.rival.handle + " reaches " + p.amount("median of "+d.rival.handle, "count", median(values(a)), len(a)) + " " + d.s.metric +
			", that of " + d.own.handle + " " + p.amount("median of "+d.own.handle, "count", median(values(b)), len(b)) + d.orderCaveat() + "."
	}
	if c, ok := d.measured("rhythm"); ok {
		text += " " + d.rival.handle + " publishes " + p.amount(d.rival.handle+": "+c.per, c.unit, c.theirs, len(c.of[0])) + " posts a week, " + d.own.handle + " " + p.amount(d.own.handle+": "+c.per, c.unit, c.ours, len(c.of[1])) + "."
	}
	groups := byKind(d.rival.items)
	var mix []string
	for _, kind := range kindsByUse(groups) {
		mix = append(mix, p.count(d.rival.handle+": "+kindNoun(kind, 2), len(groups[kind]))+" "+kindNoun(kind, len(groups[kind])))
	}
	return text + " " + d.rival.handle + " shows " + list(mix, "and") + "."
}

func (d *duel) orderCaveat() string {
	if d.comparable() {
		return ""
	}
	return ", which says little, because only one of the two sets was chosen by likes"
}

// comparable reports whether the two sets were scraped in the same order.
func (d *duel) comparable() bool { return d.rival.Order == d.own.Order }

func followers(s *set) float64 {
	if s.Profile == nil || s.Profile.Followers == nil {
		return 0
	}
	return float64(*s.Profile.Followers)
}

// peak names the competitor's best post when it stands out.
func (d *duel) peak() (content.Statement, bool) {
	judged := d.rival.judged()
	usual := median(values(judged))
	if len(judged) < 2*minSide || usual == 0 || best(judged)[0].value < 2*usual {
		return content.Statement{}, false
	}
	p, top := &prose{}, best(judged)[0]
	text := "The best of " + d.rival.handle + " is " + p.pointer(top) + ", " + p.times("best post of "+d.rival.handle+" over its median", top.value/usual, len(judged)) +
		" its median of " + p.amount("median of "+d.rival.handle, "count", usual, len(judged)) + "."
	return content.Statement{About: "outlier", Text: text, Figures: p.figures, PostIDs: cite([]*item{top}, best(judged))}, true
}

// uncovered names the account's topics of which the competitor says nothing.
func (d *duel) uncovered() (content.Statement, bool) {
	p := &prose{}
	var names []string
	var of []*item
	for _, t := range d.own.topics {
		if !d.covers(t) {
			names = append(names, quoted(t.name())+" ("+p.posts("posts of "+d.own.handle+" around "+t.name(), len(t.items))+" of "+d.own.handle+")")
			of = append(of, t.items...)
		}
	}
	if len(names) == 0 {
		return content.Statement{}, false
	}
	text := "None of the " + p.posts("posts of "+d.rival.handle, len(d.rival.items)) + " of " + d.rival.handle + " touches " + list(names, "or") + "."
	return content.Statement{About: "topic", Text: text, Figures: p.figures, PostIDs: cite(best(of), d.rival.items)}, true
}
