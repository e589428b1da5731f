package generate

import (
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/stagewatch/stagewatch/internal/content"
)

const (
	// minTopical is the fewest posts with words in which topics are looked for.
	minTopical = 6
	// maxTopical bounds the work, which grows with the square of the posts; the
	// newest are taken.
	maxTopical = 1500
	maxTopics  = 10
	topicTerms = 6
)

// A topic is a group of posts that are close in the index and share words.
type topic struct {
	terms []phrase
	items []*item
}

// name returns the words that tell the topic from the account's others.
func (t topic) name() string {
	return strings.Join(t.written()[:min(2, len(t.terms))], ", ")
}

func (t topic) written() []string {
	words := make([]string, len(t.terms))
	for i, p := range t.terms {
		words[i] = p.written
	}
	return words
}

func isLetter(r rune) bool { return unicode.IsLetter(r) }

// findTopics groups the posts with words. A group of one, one whose posts are
// no closer to each other than to the rest, or one most of whose posts share
// no words of their own is no topic.
func (s *set) findTopics(vectors []content.Vector) {
	items := s.worded()
	items = items[:min(len(items), maxTopical)]
	if len(items) < minTopical {
		return
	}
	points, covered := placed(items, vectors)
	if s.words = len(covered)*3 < len(items)*2; s.words {
		points, covered = s.wordPoints(items), items
	}
	if len(covered) < minTopical {
		return
	}
	labels, closeness := cluster(points)
	groups := map[int][]*item{}
	fit := map[int]float64{}
	for i, label := range labels {
		groups[label] = append(groups[label], covered[i])
		fit[label] += closeness[i]
	}
	for _, label := range slices.Sorted(maps.Keys(groups)) {
		group := groups[label]
		if len(group) < 2 || fit[label] <= 0 || len(group) == len(covered) {
			continue
		}
		inside := map[*item]bool{}
		for _, it := range group {
			inside[it] = true
		}
		terms := telling(s.topical(), inside, len(covered), topicTerms)
		if named := holding(group, terms); len(named) >= 2 && len(named)*2 >= len(group) {
			s.topics = append(s.topics, topic{terms: terms, items: named})
		}
	}
	slices.SortStableFunc(s.topics, func(a, b topic) int { return len(b.items) - len(a.items) })
}

// holding returns those of a group that hold one of the terms: what is said of
// a topic is said of posts in which a reader can find it.
func holding(group []*item, terms []phrase) []*item {
	return where(group, func(it *item) bool {
		return slices.ContainsFunc(terms, func(p phrase) bool { return slices.Contains(p.in, it) })
	})
}

// topical returns the phrases that can name a topic: not the account's own name.
func (s *set) topical() []phrase {
	return only(s.phrases, func(p phrase) bool { return !s.selfName(p) })
}

func (s *set) selfName(p phrase) bool {
	own := []string{s.handle}
	if s.Profile != nil {
		own = append(own, s.Profile.Name, s.Profile.Username)
		own = append(own, strings.Fields(s.Profile.Name)...)
	}
	return slices.ContainsFunc(own, func(name string) bool { return fold(name) == fold(p.key) })
}

// fold returns only the letters and digits of a name, in lower case.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

func only(phrases []phrase, holds func(phrase) bool) []phrase {
	var kept []phrase
	for _, p := range phrases {
		if holds(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// placed returns the vectors of the items that have one, all of the one model
// that knows most of them.
func placed(items []*item, vectors []content.Vector) (points [][]float64, covered []*item) {
	models := map[string]map[string][]float32{}
	for _, v := range vectors {
		if models[v.Model] == nil {
			models[v.Model] = map[string][]float32{}
		}
		models[v.Model][v.PostID] = v.Values
	}
	for _, model := range slices.Sorted(maps.Keys(models)) {
		var at [][]float64
		var of []*item
		width := -1
		for _, it := range items {
			v := models[model][it.ID]
			if len(v) == 0 || width >= 0 && len(v) != width || !finite(v) {
				continue
			}
			width = len(v)
			at, of = append(at, widen(v)), append(of, it)
		}
		if len(of) > len(covered) {
			points, covered = at, of
		}
	}
	return points, covered
}

func finite(values []float32) bool {
	return !slices.ContainsFunc(values, func(v float32) bool {
		return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)
	})
}

func widen(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// wordPoints places items by the phrases that they hold, rare ones weighing
// more (tf-idf with presence for the frequency).
func (s *set) wordPoints(items []*item) [][]float64 {
	at := make(map[*item]int, len(items))
	points := make([][]float64, len(items))
	for i, it := range items {
		at[it] = i
		points[i] = make([]float64, len(s.phrases))
	}
	for column, p := range s.phrases {
		for _, it := range p.in {
			if row, ok := at[it]; ok {
				points[row][column] = math.Log(1 + float64(len(items))/float64(len(p.in)))
			}
		}
	}
	return points
}
