package generate

import (
	"math"
	"slices"
)

// merged folds findings that come down to one into the best of them, which
// names those that mark its posts or part of them.
func merged(all []finding) []finding {
	var kept []finding
	for _, f := range all {
		twin := -1
		if f.grade != "" {
			twin = slices.IndexFunc(kept, func(k finding) bool { return k.grade != "" && oneFinding(k, f) })
		}
		switch {
		case twin < 0:
			kept = append(kept, f)
		case f.up() == kept[twin].up(): // else the same seen from the other side
			kept[twin].alike = append(kept[twin].alike, f)
		}
	}
	return kept
}

// oneFinding reports whether two findings come down to one: they set apart
// nearly the same posts, one names a part of what the other names, or they are
// the two ends of one choice (more videos, fewer photos).
func oneFinding(a, b finding) bool {
	switch {
	case a.about == "topic" && b.about == "topic":
		return false
	case a.about == "kind" && b.about == "kind":
		return a.up() != b.up()
	case a.up() != b.up():
		return overlap(a.with, b.rest) >= 0.7 && overlap(a.rest, b.with) >= 0.7
	}
	return overlap(a.with, b.with) >= 0.7 || speaksOf(a.about) && speaksOf(b.about) && inside(a.with, b.with)
}

// speaksOf reports whether a feature is what a post is said to be about.
func speaksOf(about string) bool { return about == "topic" || about == "hashtag" || about == "mention" }

// inside reports whether nearly all posts of the smaller group are in the
// larger, which is of the same order of size: a word that nearly every post
// holds is no explanation for each of its parts.
func inside(a, b []*item) bool {
	small, large := min(len(a), len(b)), max(len(a), len(b))
	return large <= 3*small && float64(common(a, b)) >= 0.8*float64(small)
}

// overlap returns the share of posts in both groups among those in either.
func overlap(a, b []*item) float64 {
	both := common(a, b)
	return float64(both) / float64(max(len(a)+len(b)-both, 1))
}

func common(a, b []*item) int {
	in := make(map[*item]bool, len(a))
	for _, it := range a {
		in[it] = true
	}
	both := 0
	for _, it := range b {
		if in[it] {
			both++
		}
	}
	return both
}

// untangle tests each finding beside the better supported ones that hold, best
// first: their additive effects on log-engagement are taken away (by
// backfitting), and the permutation test is repeated on what is left. What is
// then gone or turned round was theirs: evening posts that follow a longer
// pause make the pause look good. A finding is graded by the worst of its
// chances.
func (s *study) untangle(all []finding, among *set) {
	left := map[*item]float64{}
	var held []*finding
	for i := range all {
		f := &all[i]
		if f.grade == "" {
			continue
		}
		if len(held) > 0 {
			with, rest := picked(f.with, left), picked(f.rest, left)
			f.beside = chance(with, rest, seeded(s.corpus.Account.Key(), among.handle, f.key, "beside"))
			switch {
			case f.beside > weakChance || (mean(with) > mean(rest)) != f.up():
				other := closest(*f, held).feature // a copy: the findings are sorted again
				f.grade, f.behind = "", &other
			case f.beside > strongChance:
				f.grade = weak
			}
		}
		if f.grade == strong || f.grade == moderate {
			held = append(held, f)
			left = remainder(among.judged(), held)
		}
	}
}

// closest returns the finding whose split of the posts is most like that of f.
func closest(f finding, among []*finding) *finding {
	likeness := func(g *finding) float64 {
		n := float64(len(f.with) + len(f.rest))
		expected := float64(len(f.with)) * float64(len(g.with)) / n
		return math.Abs(float64(common(f.with, g.with))-expected) / math.Sqrt(float64(len(g.with))*float64(len(g.rest)))
	}
	return slices.MaxFunc(among, func(a, b *finding) int {
		switch x, y := likeness(a), likeness(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

// remainder returns the log-engagement of items less the additive effects of
// the findings' features, each estimated with the others taken away in turn.
func remainder(items []*item, held []*finding) map[*item]float64 {
	const rounds = 20 // far more than the few features need to settle
	logs := logged(values(items))
	left := make(map[*item]float64, len(items))
	for i, it := range items {
		left[it] = logs[i]
	}
	for range rounds {
		for _, f := range held {
			gap := mean(picked(f.with, left)) - mean(picked(f.rest, left))
			for _, it := range f.with {
				left[it] -= gap
			}
		}
	}
	return left
}

func picked(items []*item, from map[*item]float64) []float64 {
	out := make([]float64, len(items))
	for i, it := range items {
		out[i] = from[it]
	}
	return out
}
