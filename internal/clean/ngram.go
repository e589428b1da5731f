package clean

import (
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stagewatch/stagewatch/internal/clean/ngrams"
	"github.com/stagewatch/stagewatch/internal/content"
)

// guess is what a text alone says of its language.
type guess struct {
	language string
	// certain says that nothing else need be asked.
	certain bool
	scores  map[string]float64 // by language, of the best and those near it
}

// The bounds of certainty, found on hand-checked captions of three accounts and on
// pieces of two to eight words of the sentences that come with the table's package,
// each language judged also as if the table did not know it.
const (
	leastNgrams  = 6    // about two short words; fewer say too little
	sureNgrams   = 12   // about three words; fewer are never certain
	leastScore   = 2.0  // nats an n-gram; less is no language of the table
	leastMargin  = 2    // nats over the second best
	nearby       = 0.70 // share of the best score from which a language may be it
	unseen       = 0.05 // occurrences: what is taken for the n-grams that a language lacks
	seldom       = 0.5  // occurrences: what is taken for less than one
	longestWord  = 70   // bytes
	longestNgram = 4    // bytes
	stride       = 3    // bytes from one n-gram to the next
	enoughBytes  = 1000 // of text; more does not change the verdict
)

// mayBe reports whether the text may be in language, for all that it says itself.
func (g guess) mayBe(language string) bool { return g.scores[language] > 0 }

// byNgrams judges a text by which languages its n-grams are frequent in: naive
// Bayes, each distinct n-gram counted once. A language's score is how much likelier
// the text is in it than in one that has none of its n-grams, in nats.
func byNgrams(table ngrams.Table, text string) guess {
	g := guess{language: content.UnknownLanguage, scores: map[string]float64{}}
	if table.Empty() {
		return g
	}
	seen := map[string]bool{}
	for _, word := range splitWords(text) {
		for _, n := range ngramsOf(word) {
			seen[n] = true
		}
	}
	languages := table.Languages()
	sums := make([]float64, len(languages))
	for _, n := range slices.Sorted(maps.Keys(seen)) { // Sums depend on the order, by a hair.
		for language, frequency := range table.Of(n) {
			sums[language] += math.Log1p(max(float64(frequency), seldom) / unseen)
		}
	}
	best, second := firstTwo(sums)
	for i, sum := range sums {
		if sum > 0 && sum >= nearby*sums[best] {
			g.scores[languages[i]] = sum
		}
	}
	stands := sums[best] >= leastScore*float64(len(seen)) && sums[best]-second >= leastMargin
	if len(seen) >= leastNgrams && stands {
		g.language = languages[best]
		g.certain = len(seen) >= sureNgrams
	}
	return g
}

// firstTwo returns where the highest sum is, and how much the one after it is.
func firstTwo(sums []float64) (best int, second float64) {
	for i, sum := range sums {
		if sum > sums[best] {
			best = i
		}
	}
	for i, sum := range sums {
		if i != best {
			second = max(second, sum)
		}
	}
	return best, second
}

// splitWords returns the lower-case words of a text: letters, and apostrophes before
// a letter.
func splitWords(text string) []string {
	text = strings.ToLower(clipBytes(text, enoughBytes))
	var words []string
	begin := -1
	for i, r := range text {
		inside := unicode.IsLetter(r)
		if !inside && begin >= 0 && strings.ContainsRune("'`’", r) {
			next, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
			inside = unicode.IsLetter(next)
		}
		switch {
		case inside && begin < 0:
			begin = i
		case !inside && begin >= 0:
			words = append(words, text[begin:i])
			begin = -1
		}
	}
	if begin >= 0 {
		words = append(words, text[begin:])
	}
	return words
}

func clipBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// ngramsOf cuts a word into overlapping pieces of four bytes, as the table's were.
func ngramsOf(word string) []string {
	word = word[:min(len(word), longestWord)]
	var all []string
	start := " "
	for at := 0; at+longestNgram < len(word); at += stride {
		all = append(all, start+word[at:at+longestNgram])
		start = ""
	}
	return append(all, start+word[max(len(word)-longestNgram, 0):]+" ")
}
