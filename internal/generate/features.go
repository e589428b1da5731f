package generate

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/stagewatch/stagewatch/internal/content"
)

// A feature is something that some posts have and others do not, with the
// words in which a finding about it is written.
type feature struct {
	about, key   string
	name, others string // "carousels", "the other posts"
	is, are      string // "is a carousel", "are carousels"
	more, fewer  string // how a title begins
	do, undo     string // what to do to %s, the posts to come
	figures      []content.Figure
	holds        func(*item) bool
	known        func(*item) bool // whether it can be told of a post; nil means of each
	tries        int              // how many such features this one was picked from for doing best; 0 when it was not
}

// features lists what the account's posts are compared by.
func (s *study) features() []feature {
	all := kindFeatures()
	all = append(all, topicFeatures(s.own.topics)...)
	all = append(all, s.own.tagFeatures()...)
	all = append(all, s.own.mentionFeatures()...)
	all = append(all, s.timeFeatures()...)
	all = append(all, s.rhythmFeature()...)
	all = append(all, s.languageFeatures()...)
	all = append(all, s.lengthFeatures()...)
	return append(all, s.formFeatures()...)
}

func kindFeatures() []feature {
	var all []feature
	for _, kind := range kinds() {
		many, one := kindNoun(kind, 2), kindNoun(kind, 1)
		all = append(all, feature{
			about: "kind", key: "kind " + string(kind), name: many, others: "posts of other kinds",
			is: "is a " + one, are: "are " + many, more: "Make more " + many, fewer: "Make fewer " + many,
			do: "make %s " + many, undo: "give %s another form than " + one,
			holds: func(it *item) bool { return it.Kind == kind },
		})
	}
	return all
}

func kinds() []content.Kind {
	return []content.Kind{content.Carousel, content.Photo, content.Video, content.Text, content.Link}
}

func topicFeatures(topics []topic) []feature {
	all := make([]feature, 0, len(topics))
	for _, t := range topics {
		in := map[*item]bool{}
		for _, it := range t.items {
			in[it] = true
		}
		name := quoted(t.name())
		all = append(all, feature{
			about: "topic", key: "topic " + t.name(), name: "posts around " + name, others: "posts on anything else",
			is: "is about it", are: "are about it", more: "Return to " + name, fewer: "Rework or rest " + name,
			do:    "put %s on " + name + marking(t),
			undo:  "leave " + name + " out of %s, or tell it another way",
			holds: func(it *item) bool { return in[it] },
		})
	}
	return all
}

// marking lists the words of a topic that its name does not hold.
func marking(t topic) string {
	if len(t.terms) < 3 {
		return ""
	}
	return ", with " + list(t.written()[2:], "or") + " in it"
}

// carriers counts the items by name that they carry, names folded, with the
// spelling first met.
func carriers(items []*item, names func(*item) []string) (counts map[string]int, spelling map[string]string) {
	counts, spelling = map[string]int{}, map[string]string{}
	for _, it := range items {
		for _, name := range names(it) {
			key := strings.ToLower(name)
			if spelling[key] == "" {
				spelling[key] = name
			}
			counts[key]++
		}
	}
	return counts, spelling
}

func hashtags(it *item) []string { return it.Hashtags }
func mentions(it *item) []string { return it.Mentions }

func carries(names func(*item) []string, name string) func(*item) bool {
	return func(it *item) bool {
		return slices.ContainsFunc(names(it), func(n string) bool { return strings.EqualFold(n, name) })
	}
}

func (s *set) tagFeatures() []feature {
	all := s.named("hashtag", "#", hashtags)
	return append(all, feature{
		about: "hashtag", key: "hashtags", name: "posts with any hashtag", others: "posts without one",
		is: "has a hashtag", are: "have a hashtag", more: "Tag more posts", fewer: "Leave the hashtags off",
		do: "give %s a hashtag of those already in use", undo: "leave hashtags off %s",
		holds: func(it *item) bool { return len(it.Hashtags) > 0 },
	})
}

func (s *set) mentionFeatures() []feature {
	all := s.named("mention", "@", mentions)
	return append(all, feature{
		about: "mention", key: "mentions", name: "posts that name another account", others: "posts that name none",
		is: "names another account", are: "name another account", more: "Name partners in more posts", fewer: "Let the posts stand without partners",
		do: "name a partner in %s", undo: "name nobody else in %s",
		holds: func(it *item) bool { return len(it.Mentions) > 0 },
	})
}

func (s *set) named(about, sign string, names func(*item) []string) []feature {
	counts, spelling := carriers(s.judged(), names)
	var all []feature
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		if counts[key] < minSide {
			continue
		}
		name := sign + spelling[key]
		all = append(all, feature{
			about: about, key: about + " " + key, name: "posts with " + name, others: "posts without it",
			is: "carries " + name, are: "carry " + name, more: "Use " + name + " more", fewer: "Rest " + name,
			do: "put " + name + " on %s", undo: "leave " + name + " off %s",
			holds: carries(names, key),
		})
	}
	return all
}

func (s *study) languageFeatures() []feature {
	if s.language == "" {
		return nil
	}
	name := languageName(s.language)
	return []feature{{
		about: "language", key: "language", name: "posts in " + name, others: "posts in other languages",
		is: "is in " + name, are: "are in " + name, more: "Write more in " + name, fewer: "Write more in the languages besides " + name,
		do: "write %s in " + name, undo: "write %s in one of the other languages",
		holds: func(it *item) bool { return it.Language == s.language },
	}}
}

func (s *study) lengthFeatures() []feature {
	var lengths []float64
	for _, it := range s.own.judged() {
		if it.words > 0 {
			lengths = append(lengths, float64(it.words))
		}
	}
	if len(lengths) == 0 {
		return nil
	}
	middle := int(median(lengths))
	words := grouped(float64(middle))
	return []feature{{
		about: "length", key: "length", name: "posts of more than " + words + " words", others: "shorter ones",
		is: "is longer than " + words + " words", are: "are longer than " + words + " words",
		more: "Write longer than " + words + " words", fewer: "Stay under " + words + " words",
		do: "write more than " + words + " words for %s", undo: "keep %s to " + words + " words",
		figures: []content.Figure{{Name: "median words of a post", Value: float64(middle), Unit: "words", N: len(lengths)}},
		holds:   func(it *item) bool { return it.words > middle },
	}}
}

// formFeatures are the ways of writing that can be seen without understanding.
func (s *study) formFeatures() []feature {
	form := func(key, noun, has, more, fewer, do, undo string) feature {
		return feature{
			about: key, key: key, name: "posts that " + noun, others: "those that do not",
			is: has, are: noun, more: more, fewer: fewer, do: do, undo: undo,
		}
	}
	with := func(f feature, holds func(*item) bool) feature { f.holds = holds; return f }
	return []feature{
		with(form("question", "ask a question", "asks a question", "Ask more questions", "Ask fewer questions",
			"ask a question in %s", "let %s do without a question"), func(it *item) bool { return it.doubt }),
		with(form("call to action", "ask the reader to act", "asks the reader to act", "Ask for an action more often", "Sell less openly",
			"end %s with a clear request", "let %s stand without a request"), func(it *item) bool { return it.asks != "" }),
		with(form("emoji", "use emoji", "uses emoji", "Use emoji more often", "Write without emoji",
			"give %s an emoji", "write %s without emoji"), func(it *item) bool { return len(it.emoji) > 0 }),
		with(form("link", "hold a link", "holds a link", "Put the link in the post", "Keep links out of the post",
			"put the link into %s", "leave the link out of %s"), func(it *item) bool { return len(it.Links) > 0 }),
		with(form("list", "hold a list", "holds a list", "Write in lists", "Write without lists",
			"set out %s as lists", "write %s without lists"), listed),
		with(form("opening", "open with an emoji", "opens with an emoji", "Open with an emoji", "Open with words, not with an emoji",
			"open %s with an emoji", "open %s with words"), func(it *item) bool { return emojiAt(strings.TrimSpace(it.Text)) > 0 }),
		with(form("words", "have no words", "has no words", "Let the picture speak", "Give every post words",
			"publish %s without words", "write at least a line for %s"), func(it *item) bool { return it.words == 0 }),
		with(form("reply", "reply to somebody", "replies to somebody", "Reply more", "Post more, reply less",
			"make %s replies", "let %s stand by themselves"), func(it *item) bool { return it.Reply }),
		with(form("quote", "quote another post", "quotes another post", "Quote more", "Post more, quote less",
			"make %s quotes", "let %s stand by themselves"), func(it *item) bool { return it.Quote }),
	}
}

// listed reports whether at least minSide lines of a post begin with a sign
// and not with a word.
func listed(it *item) bool {
	signs := 0
	for line := range strings.Lines(it.Text) {
		line = strings.TrimSpace(line)
		r := firstRune(line)
		if line != "" && !unicode.IsLetter(r) && !strings.ContainsRune("#@“\"'¿¡(", r) {
			signs++
		}
	}
	return signs >= minSide
}

func languageName(code string) string {
	const names = "ar Arabic az Azerbaijani bg Bulgarian bn Bengali bs Bosnian ca Catalan cs Czech da Danish de German el Greek en English es Spanish " +
		"et Estonian fa Persian fi Finnish fr French he Hebrew hi Hindi hr Croatian hu Hungarian hy Armenian id Indonesian it Italian ja Japanese " +
		"ka Georgian ko Korean lt Lithuanian lv Latvian mk Macedonian ms Malay nb Norwegian nl Dutch no Norwegian pl Polish pt Portuguese ro Romanian " +
		"ru Russian sk Slovak sl Slovene sq Albanian sr Serbian sv Swedish ta Tamil th Thai tl Tagalog tr Turkish uk Ukrainian ur Urdu vi Vietnamese zh Chinese "
	fields := strings.Fields(names)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == code {
			return fields[i+1]
		}
	}
	return "the language " + quoted(code)
}
