package index

import (
	"cmp"
	"math"
	"slices"
)

// fuse ranks the candidates by each of their merits and returns those that have
// any, best first by the sum of 1 / (60 + rank) over the ranks that they got.
func fuse(all []*candidate, asked []uint32) []*candidate {
	words := bm25(all, asked)
	for _, merit := range []func(i int) float64{
		func(i int) float64 { return cosineOf(all[i], sentenceModel, 0) },
		func(i int) float64 { return cosineOf(all[i], lettersModel, leastLikeness) },
		func(i int) float64 { return words[i] },
	} {
		var order []int
		for i := range all {
			if merit(i) > 0 {
				order = append(order, i)
			}
		}
		slices.SortFunc(order, func(i, j int) int {
			return cmp.Or(cmp.Compare(merit(j), merit(i)), cmp.Compare(all[i].key, all[j].key))
		})
		for rank, i := range order {
			all[i].fused += 1 / float64(60+rank+1)
		}
	}
	found := slices.DeleteFunc(slices.Clone(all), func(c *candidate) bool { return c.fused == 0 })
	slices.SortFunc(found, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(b.fused, a.fused), cmp.Compare(b.cosine, a.cosine), cmp.Compare(a.key, b.key))
	})
	return found
}

// leastLikeness is the cosine up to which two letter vectors share no more than
// chance gives: three standard deviations, 3 / √512, of unrelated ones.
const leastLikeness = .15

// coverage is the share of the weight of the words asked for that a post must hold.
const coverage = .5

// cosineOf returns a candidate's cosine when its vector is of the model and the
// cosine is above least, else 0.
func cosineOf(c *candidate, model string, least float64) float64 {
	if c.model != model || c.cosine <= least {
		return 0
	}
	return c.cosine
}

// bm25 scores each candidate's words against those asked for, counted among the
// candidates alone (Robertson and Zaragoza 2009; k1 = 1.2, b = .75). Only posts
// that hold at least half of what the words asked for weigh have a score: "for"
// and "the" in common is no merit beside "jogging" that is not.
func bm25(all []*candidate, asked []uint32) []float64 {
	const k1, b = 1.2, .75
	asked = slices.Clone(asked)
	slices.Sort(asked)
	asked = slices.Compact(asked)

	counts, with, words := count(all, asked)
	scores := make([]float64, len(all))
	if words == 0 {
		return scores
	}
	average := float64(words) / float64(len(all))
	weights, total := make([]float64, len(asked)), 0.
	for j, n := range with {
		weights[j] = math.Log(1 + (float64(len(all)-n)+.5)/(float64(n)+.5))
		total += weights[j]
	}
	for i, c := range all {
		var score, held float64
		for j, n := range counts[i] {
			if n > 0 {
				held += weights[j]
			}
			score += weights[j] * float64(n) * (k1 + 1) / (float64(n) + k1*(1-b+b*float64(len(c.terms))/average))
		}
		if held >= coverage*total {
			scores[i] = score
		}
	}
	return scores
}

// count counts the words asked for, which are sorted: how often each candidate
// has each, how many candidates have each, and how many words there are in all.
func count(all []*candidate, asked []uint32) (counts [][]int, with []int, words int) {
	counts, with = make([][]int, len(all)), make([]int, len(asked))
	for i, c := range all {
		words += len(c.terms)
		counts[i] = make([]int, len(asked))
		for _, term := range c.terms {
			if j, ok := slices.BinarySearch(asked, term); ok {
				counts[i][j]++
			}
		}
		for j, n := range counts[i] {
			if n > 0 {
				with[j]++
			}
		}
	}
	return counts, with, words
}
