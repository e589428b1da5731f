package generate

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// A phrase is one to three words in a row, or a hashtag, that at least two
// posts hold.
type phrase struct {
	key     string
	written string  // as most posts write it
	in      []*item // the posts that hold it
	times   int
	words   int
	name    bool // written as a name in most places
	tag     bool
}

// tally gathers the places of one phrase.
type tally struct {
	phrase
	spellings          map[string]int
	capitals, readable int
}

// longestPhrase is the most words of one phrase.
const longestPhrase = 3

// vocabulary returns the phrases of items, by key. A phrase that hardly occurs
// outside a longer one is left out in favour of it.
func vocabulary(items []*item) []phrase {
	tallies := map[string]*tally{}
	for _, it := range items {
		if it.Repost {
			continue
		}
		for _, line := range it.lines {
			countPhrases(tallies, it, tokens(line))
		}
		for _, tag := range it.Hashtags {
			note(tallies, it, "#"+strings.ToLower(tag), "#"+tag).tag = true
		}
	}
	var found []phrase
	for _, key := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[key]
		if len(t.in) < 2 {
			continue
		}
		t.key, t.written = key, commonest(t.spellings)
		t.words = strings.Count(key, " ") + 1
		t.name = t.capitals*5 >= t.readable*3 && t.capitals >= 2
		found = append(found, t.phrase)
	}
	return unabsorbed(found)
}

func countPhrases(tallies map[string]*tally, it *item, words []token) {
	for from := range words {
		var keys, written []string
		for to := from; to < min(from+longestPhrase, len(words)); to++ {
			t := words[to]
			if to > from && t.apart {
				break
			}
			keys, written = append(keys, t.key), append(written, t.written)
			if functionWord(it.Language, t.key) || bare(keys[:1]) {
				break
			}
			got := note(tallies, it, strings.Join(keys, " "), strings.Join(written, " "))
			if !words[from].begins || to > from {
				got.readable++
				if named(words[from:to+1], it.Language) {
					got.capitals++
				}
			}
		}
	}
}

// bare reports whether a phrase is nothing but numbers.
func bare(keys []string) bool {
	return !slices.ContainsFunc(keys, func(k string) bool { return strings.IndexFunc(k, isLetter) >= 0 })
}

func named(words []token, language string) bool {
	for i, t := range words {
		first := i == 0 && t.begins && len(words) > 1 // the others tell
		if !first && !t.capital() && !functionWord(language, t.key) {
			return false
		}
	}
	return true
}

func note(tallies map[string]*tally, it *item, key, written string) *tally {
	t := tallies[key]
	if t == nil {
		t = &tally{spellings: map[string]int{}}
		tallies[key] = t
	}
	t.times++
	t.spellings[written]++
	if len(t.in) == 0 || t.in[len(t.in)-1] != it {
		t.in = append(t.in, it)
	}
	return t
}

// commonest returns the spelling that occurs most often, the first in the
// alphabet of equally many, without a possessive.
func commonest(spellings map[string]int) string {
	most := ""
	for _, s := range slices.Sorted(maps.Keys(spellings)) {
		if most == "" || spellings[s] > spellings[most] {
			most = s
		}
	}
	return strings.TrimSuffix(strings.TrimSuffix(most, "’s"), "'s")
}

// unabsorbed drops each phrase of which three places in four are inside one
// longer phrase.
func unabsorbed(phrases []phrase) []phrase {
	times := make(map[string]int, len(phrases))
	for _, p := range phrases {
		times[p.key] = p.times
	}
	gone := map[string]bool{}
	for _, p := range phrases {
		words := strings.Fields(p.key)
		for from := range words {
			for to := from + 1; to <= len(words); to++ {
				part := strings.Join(words[from:to], " ")
				if to-from < len(words) && p.times*4 >= times[part]*3 {
					gone[part] = true
				}
			}
		}
	}
	return slices.DeleteFunc(phrases, func(p phrase) bool { return gone[p.key] })
}

// telling returns the phrases by which the posts inside differ most from the
// others, most telling first: the log-odds of a post holding the phrase, with
// an informative prior from all posts, over its standard error (Monroe,
// Colaresi & Quinn, Fightin' Words, 2008). Phrases that share a word with a
// better one are left out.
func telling(phrases []phrase, inside map[*item]bool, all, most int) []phrase {
	type scored struct {
		phrase
		score float64
	}
	var candidates []scored
	n1 := float64(len(inside))
	n0 := float64(all) - n1
	for _, p := range phrases {
		y1 := 0.0
		for _, it := range p.in {
			if inside[it] {
				y1++
			}
		}
		y0 := float64(len(p.in)) - y1
		if y1 < 2 || y1*3 < n1 {
			continue
		}
		prior := float64(len(p.in)) / float64(all)
		odds := func(y, n float64) float64 { return math.Log((y + prior) / (n - y + 1 - prior + 1e-9)) }
		score := (odds(y1, n1) - odds(y0, n0)) / math.Sqrt(1/(y1+prior)+1/(y0+prior))
		if p.name || p.tag {
			score *= 1.25 // names say more than other words
		}
		if p.words > 1 {
			score *= 1.25 // and whole phrases more than a lone one
		}
		if score > 0 {
			candidates = append(candidates, scored{p, score})
		}
	}
	slices.SortStableFunc(candidates, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.key, b.key))
	})
	var chosen []phrase
	for _, c := range candidates {
		if len(chosen) < most && !slices.ContainsFunc(chosen, func(p phrase) bool { return shareWord(p.key, c.key) }) {
			chosen = append(chosen, c.phrase)
		}
	}
	return chosen
}

// shareWord reports whether two phrases have a word in common, a hashtag's
// letters counting as one.
func shareWord(a, b string) bool {
	a, b = strings.TrimPrefix(a, "#"), strings.TrimPrefix(b, "#")
	if strings.ReplaceAll(a, " ", "") == strings.ReplaceAll(b, " ", "") {
		return true
	}
	others := strings.Fields(b)
	return slices.ContainsFunc(strings.Fields(a), func(w string) bool { return slices.Contains(others, w) })
}
