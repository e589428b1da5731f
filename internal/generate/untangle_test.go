package generate

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stagewatch/stagewatch/internal/content"
)

// marked makes judged items of the values, the i-th of which has the i-th
// name's letters as its marks.
func marked(values []float64, marks []string) []*item {
	items := make([]*item, len(values))
	for i, v := range values {
		items[i] = &item{Post: content.Post{ID: fmt.Sprint(i), Text: marks[i]}, value: v, judged: true}
	}
	return items
}

// with makes a feature of the items marked by a letter.
func with(about, letter string) feature {
	return feature{
		about: about, key: about + " " + letter, name: "posts with " + letter, others: "posts without it",
		holds: func(it *item) bool { return slices.Contains([]byte(it.Text), letter[0]) },
	}
}

// evening are posts of which those in the evening (e) get twice as much, and
// those after a pause (p) no more than their evenings explain.
func evening() *set {
	var values []float64
	var marks []string
	for i := range 80 {
		v, m := 500+float64(i*37%90), ""
		if i%4 == 0 {
			v, m = 2*v, "e"
		}
		if i%4 == 0 && i%20 != 0 || i%4 == 1 && i%8 != 1 {
			m += "p"
		}
		if i%5 == 0 {
			v, m = v*1.5, m+"v"
		}
		values, marks = append(values, v), append(marks, m)
	}
	return &set{handle: "@dusk", items: marked(values, marks), Source: content.Source{Order: content.Recent}}
}

func TestWhatAStrongerFindingExplainsIsNoFinding(t *testing.T) {
	s := &study{own: evening()}
	found := s.weigh(s.own, []feature{with("time", "e"), with("rhythm", "p"), with("kind", "v")}, nil)
	for _, f := range found {
		switch {
		case f.key == "rhythm p" && (f.grade != "" || f.behind == nil || f.behind.name != "posts with e" || f.chance > 0.01):
			t.Errorf("the pause is graded %q, chance %v, beside the evening %v, behind %+v", f.grade, f.chance, f.beside, f.behind)
		case f.key != "rhythm p" && f.grade != strong:
			t.Errorf("%s is graded %q: chance %v, beside the others %v", f.key, f.grade, f.chance, f.beside)
		}
	}
}

func TestOneFindingIsToldOnce(t *testing.T) {
	items := marked([]float64{9, 9, 9, 9, 9, 9, 9, 9, 2, 2, 2, 2, 2, 2, 2, 2}, make([]string, 16))
	side := func(about string, in []*item) finding {
		rest := where(items, func(it *item) bool { return !slices.Contains(in, it) })
		return finding{feature: feature{about: about, key: about}, with: in, rest: rest, grade: strong, ratio: mean(values(in)) / mean(values(rest))}
	}
	for name, tt := range map[string]struct {
		a, b finding
		want bool
	}{
		"a hashtag inside its topic":     {side("topic", items[:8]), side("hashtag", items[1:5]), true},
		"a hashtag all over the account": {side("topic", items[:3]), side("hashtag", items[:13]), false},
		"a time inside a topic":          {side("topic", items[:8]), side("time", items[1:5]), false},
		"more videos, fewer photos":      {side("kind", items[:5]), side("kind", items[9:]), true},
		"two kinds that do well":         {side("kind", items[:5]), side("kind", items[5:8]), false},
		"nearly the same posts":          {side("emoji", items[:7]), side("question", items[:8]), true},
		"seen from the other side":       {side("emoji", items[:8]), side("question", items[8:]), true},
		"two topics":                     {side("topic", items[:8]), side("topic", items[:7]), false},
	} {
		if got := len(merged([]finding{tt.a, tt.b})) == 1; got != tt.want {
			t.Errorf("%s: told as one finding = %v", name, got)
		}
	}
}

func TestAConfirmationBeyondHalfAYearIsNotStrong(t *testing.T) {
	for rate, want := range map[int]string{60 * 24: moderate, 1: strong} { // hours between posts
		s := &study{own: evening()}
		for i, it := range s.own.items {
			it.use = content.Use{Timed: true}
			it.local = made().Add(-hours(i * rate))
		}
		found := s.weigh(s.own, []feature{with("time", "e")}, nil)
		if f := found[0]; f.grade != want || f.endless != (want == moderate) {
			t.Errorf("one post in %d hours: graded %q, endless %v, %d posts a side", rate, f.grade, f.endless, f.trial)
		}
	}
}
