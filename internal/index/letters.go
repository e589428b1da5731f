package index

import (
	"hash/fnv"
	"math"
)

// lettersModel is the id of the vectors that [letters] makes; lettersWidth is
// how many numbers they have.
const (
	lettersModel = "letters/1"
	lettersWidth = 512
)

// letters returns the vector of a text by its words and their letters, or nil
// when it has none: the hashing trick of Weinberger et al. 2009
// (arXiv:0902.2206), which needs no vocabulary and so knows every language.
//
// Words, pairs of neighbouring words and the letter trigrams of words each add
// to one of the numbers, with the sign that their hash gives, so that what
// collides cancels out on average. A word's trigrams together weigh as much as
// the word: they take the place of stemming, which would need to know the
// language. The vector has length 1.
func letters(text string) []float32 {
	all := terms(text)
	if len(all) == 0 {
		return nil
	}
	sums := make([]float64, lettersWidth)
	for i, term := range all {
		weight := telling(term)
		hashInto(sums, term, weight)
		if i > 0 {
			hashInto(sums, all[i-1]+" "+term, .3*min(weight, telling(all[i-1])))
		}
		if n := length(term); n > 2 {
			marked := []rune("^" + term + "$")
			for j := range n {
				hashInto(sums, string(marked[j:j+3]), weight/math.Sqrt(float64(n)))
			}
		}
	}
	return unit(sums)
}

// telling is how much a word tells: in every alphabet the shortest words are
// mostly those that stand in every sentence (Zipf's law of abbreviation).
func telling(term string) float64 {
	return min(1, float64(length(term))/6)
}

// hashInto adds a weight to the number that a feature's 64-bit FNV-1a hash chooses.
func hashInto(sums []float64, feature string, weight float64) {
	h := fnv.New64a()
	h.Write([]byte(feature))
	sum := h.Sum64()
	if sum>>63 == 1 {
		weight = -weight
	}
	sums[sum%lettersWidth] += weight
}

// unit returns x scaled to length 1.
func unit(x []float64) []float32 {
	var squares float64
	for _, v := range x {
		squares += v * v
	}
	out := make([]float32, len(x))
	if squares == 0 {
		return out
	}
	for i, v := range x {
		out[i] = float32(v / math.Sqrt(squares))
	}
	return out
}
