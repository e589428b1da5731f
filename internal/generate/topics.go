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

// findTopics groups the posts with words, those of each of the index's models
// by themselves, or all by their words when the index holds too few of them. A
// group of one, one whose posts are no closer to each other than to the rest,
// or one most of whose posts share no words of their own is no topic.
func (s *set) findTopics(vectors []content.Vector) {
	items := s.worded()
	items = items[:min(len(items), maxTopical)]
	spaces := placed(items, vectors)
	covered := 0
	for _, sp := range spaces {
		covered += len(sp.items)
	}
	if s.words = covered*3 < len(items)*2; s.words {
		spaces = []space{{points: s.wordPoints(items), items: items}}
	}
	for _, sp := range spaces {
		if len(sp.items) >= minTopical {
			s.topics = append(s.topics, s.topicsIn(sp)...)
		}
	}
	slices.SortStableFunc(s.topics, func(a, b topic) int { return len(b.items) - len(a.items) })
}

// A space holds posts whose places may be compared.
type space struct {
	points [][]float64
	items  []*item
}

func (s *set) topicsIn(sp space) []topic {
	labels, closeness := cluster(sp.points)
	groups := map[int][]*item{}
	fit := map[int]float64{}
	for i, label := range labels {
		groups[label] = append(groups[label], sp.items[i])
		fit[label] += closeness[i]
	}
	all := len(where(s.items, func(it *item) bool { return !it.Repost }))
	var out []topic
	for _, label := range slices.Sorted(maps.Keys(groups)) {
		group := groups[label]
		if len(group) < 2 || fit[label] <= 0 {
			continue
		}
		inside := map[*item]bool{}
		for _, it := range group {
			inside[it] = true
		}
		terms := telling(s.topical(), inside, all, topicTerms)
		if named := holding(group, terms); len(named) >= 2 && len(named)*2 >= len(group) {
			out = append(out, topic{terms: terms, items: named})
		}
	}
	return out
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

// placed returns the items that have a vector, one space a model, each item in
// the space of the model that knows most of them.
func placed(items []*item, vectors []content.Vector) []space {
	models := map[string]map[string][]float32{}
	for _, v := range vectors {
		if models[v.Model] == nil {
			models[v.Model] = map[string][]float32{}
		}
		models[v.Model][v.PostID] = v.Values
	}
	var spaces []space
	for _, model := range slices.Sorted(maps.Keys(models)) {
		var sp space
		for _, it := range items {
			v := models[model][it.ID]
			if len(v) == 0 || len(sp.points) > 0 && len(v) != len(sp.points[0]) || !finite(v) {
				continue
			}
			sp.points, sp.items = append(sp.points, widen(v)), append(sp.items, it)
		}
		spaces = append(spaces, sp)
	}
	slices.SortStableFunc(spaces, func(a, b space) int { return len(b.items) - len(a.items) })
	taken := map[*item]bool{}
	for i, sp := range spaces {
		var left space
		for at, it := range sp.items {
			if !taken[it] {
				taken[it] = true
				left.points, left.items = append(left.points, sp.points[at]), append(left.items, it)
			}
		}
		spaces[i] = left
	}
	return spaces
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
