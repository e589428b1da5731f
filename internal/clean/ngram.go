package clean

import (
	_ "embed" // For the table of n-grams.
	"encoding/binary"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stagewatch/stagewatch/internal/content"
)

//go:embed ngrams/ngrams.bin
var ngramTable string // Sorted, searched where it lies; its form is in ngrams/README.md.

// guess is what a text alone says of its language.
type guess struct {
	language string
	// certain says that nothing else need be asked.
	certain bool
	scores  map[string]float64 // by language, of the best and those near it
}

// The bounds of certainty, found on hand-checked captions of three accounts.
const (
	leastNgrams  = 6    // about two short words; fewer say too little
	sureNgrams   = 12   // about three words; fewer are never certain
	leastScore   = 33.0 // weight an n-gram; less is no language of the table
	leastMargin  = 1.04 // times the second best
	nearby       = 0.70 // share of the best score from which a language may be it
	baseWeight   = 53   // what the table leaves off each weight
	longestWord  = 70   // bytes
	longestNgram = 4    // bytes
	stride       = 3    // bytes from one n-gram to the next
	enoughBytes  = 1000 // of text; more does not change the verdict
)

// mayBe reports whether the text may be in language, for all that it says itself.
func (g guess) mayBe(language string) bool { return g.scores[language] > 0 }

// byNgrams judges a text by which languages its n-grams are frequent in.
func byNgrams(text string) guess {
	table := openNgrams(ngramTable)
	seen := map[string]bool{}
	for _, word := range splitWords(text) {
		for _, n := range ngramsOf(word) {
			seen[n] = true
		}
	}
	sums := make([]float64, len(table.languages))
	for n := range seen {
		table.add(n, sums)
	}
	best, second := firstTwo(sums)
	g := guess{language: content.UnknownLanguage, scores: map[string]float64{}}
	for i, sum := range sums {
		if sum > 0 && sum >= nearby*sums[best] {
			g.scores[table.languages[i]] = sum
		}
	}
	clear := sums[best]/float64(max(len(seen), 1)) >= leastScore && sums[best] >= leastMargin*second
	if len(seen) >= leastNgrams && clear {
		g.language = table.languages[best]
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

// ngrams is the opened table.
type ngrams struct {
	languages      []string
	index, entries string
}

func openNgrams(table string) ngrams {
	head := 2 + 4
	languages := int(binary.BigEndian.Uint16([]byte(table[:2])))
	count := int(binary.BigEndian.Uint32([]byte(table[2:head])))
	index := head + languages
	return ngrams{
		languages: strings.Fields(table[head:index]),
		index:     table[index : index+4*count],
		entries:   table[index+4*count:],
	}
}

// entry returns an n-gram of the table and its pairs of language and weight.
func (t ngrams) entry(i int) (ngram, pairs string) {
	at := int(binary.BigEndian.Uint32([]byte(t.index[4*i : 4*i+4])))
	ngram = t.entries[at+1 : at+1+int(t.entries[at])]
	at += 1 + len(ngram)
	return ngram, t.entries[at+1 : at+1+2*int(t.entries[at])]
}

// add adds what an n-gram says to the sums of the languages.
func (t ngrams) add(ngram string, sums []float64) {
	n := len(t.index) / 4
	i := sort.Search(n, func(i int) bool {
		at, _ := t.entry(i)
		return at >= ngram
	})
	if i == n {
		return
	}
	found, pairs := t.entry(i)
	if found != ngram {
		return
	}
	for k := 0; k < len(pairs); k += 2 {
		sums[pairs[k]] += float64(pairs[k+1]) + baseWeight
	}
}
