package generate

import (
	"slices"
	"strings"
	"unicode"
)

const (
	habitShortest, habitLongest = 5, 45 // words
	// habitLines is how many sentences, the newest, are held against each other.
	habitLines = 800
	// habitLikeness is the share of common words from which two sentences are
	// one habit.
	habitLikeness = 0.6
)

// A habit is a sentence that the account writes again and again, given as one
// of its posts has it.
type habit struct {
	text string
	ask  string // what it asks of the reader, "" when it only states
	in   []*item
}

type line struct {
	text string
	keys []string // sorted, each once
	ask  string
	it   *item
}

// habits returns the sentences that at least two of the posts hold in nearly
// the same words, most frequent first. Each word of what is returned stands in
// two posts and each name in minSide, so that nothing said once (a shade, a
// guest, a date) is said again.
func (s *set) habits(posts []*item) []habit {
	lines := s.repeatable(posts)
	lines = lines[:min(len(lines), habitLines)]
	var out []habit
	for _, a := range lines {
		h := habit{text: a.text, ask: a.ask}
		for _, b := range lines {
			if a.ask == b.ask && likeness(a.keys, b.keys) >= habitLikeness && !slices.Contains(h.in, b.it) {
				h.in = append(h.in, b.it)
			}
		}
		if len(h.in) > 1 {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b habit) int { return len(b.in) - len(a.in) })
	return out
}

// repeatable returns the sentences of posts that may stand in a draft.
func (s *set) repeatable(posts []*item) []line {
	common := sharedWords(posts)
	names, _ := carriers(s.items, mentions)
	tags, _ := carriers(s.items, hashtags)
	var out []line
	for _, it := range posts {
		for _, text := range sentences(it.Text) {
			text = strings.TrimLeftFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune("@#¿¡", r) })
			if timeless(text) && frequent(text, '@', names, minSide) && frequent(text, '#', tags, 2) {
				if keys := keysOf(text); allIn(keys, common) && !personal(it.Language, keys) && len(strings.Fields(text)) >= habitShortest && len(keys) <= habitLongest {
					slices.Sort(keys)
					out = append(out, line{text: text, keys: slices.Compact(keys), it: it, ask: asking(it.Language, text)})
				}
			}
		}
	}
	return out
}

// timeless reports whether a sentence says nothing of a day or a contest, quotes nobody,
// has no footnote and leads nowhere in particular.
func timeless(text string) bool {
	return !passing(unlinked(text)) && !event(text) && !strings.ContainsAny(text, "“”\"«»*") && !strings.Contains(strings.ToLower(text), "http")
}

func keysOf(text string) []string {
	var keys []string
	for _, t := range tokens(unlinked(text)) {
		keys = append(keys, t.key)
	}
	return keys
}

// sharedWords returns the words that at least two of the posts hold.
func sharedWords(posts []*item) map[string]bool {
	first := map[string]*item{}
	shared := map[string]bool{}
	for _, it := range posts {
		for _, l := range it.lines {
			for _, t := range tokens(l) {
				if first[t.key] == nil {
					first[t.key] = it
				}
				shared[t.key] = shared[t.key] || first[t.key] != it
			}
		}
	}
	return shared
}

// allIn reports whether each of the words is shared.
func allIn(keys []string, shared map[string]bool) bool {
	return len(keys) > 0 && !slices.ContainsFunc(keys, func(k string) bool { return !shared[k] })
}

// frequent reports whether each @name or #tag in text is carried by at least
// so many posts.
func frequent(text string, sign byte, counts map[string]int, least int) bool {
	for i := range len(text) {
		if text[i] == sign {
			name := strings.ToLower(text[i+1 : i+1+nameLength(text[i+1:])])
			if name != "" && counts[name] < least {
				return false
			}
		}
	}
	return true
}

// personal reports whether a sentence speaks in the first person singular,
// which a brand's post mostly borrows from a guest.
func personal(language string, keys []string) bool {
	return language == "en" && slices.ContainsFunc(keys, func(k string) bool {
		return k == "i" || k == "i'm" || k == "i've" || k == "my" || k == "me"
	})
}

// likeness returns the share of words that two sentences have in common, their
// words sorted and each once.
func likeness(a, b []string) float64 {
	both, i, j := 0, 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			both, i, j = both+1, i+1, j+1
		}
	}
	return float64(both) / float64(max(len(a)+len(b)-both, 1))
}
