package index

import (
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// readable returns the words of a text: what is left without its links, which
// say nothing in words. Nothing is added.
func readable(text string) string {
	kept := make([]string, 0, 16)
	for field := range strings.FieldsSeq(text) {
		if !strings.Contains(field, "://") && !strings.HasPrefix(field, "www.") {
			kept = append(kept, field)
		}
	}
	return strings.Join(kept, " ")
}

// terms returns the words of text in order: lower-case, without the accents of
// European scripts, letters and digits only. Scripts that put no blanks between
// words give each pair of neighbouring characters instead.
func terms(text string) []string {
	var all []string
	var run []rune
	unspaced := false
	flush := func() {
		switch {
		case len(run) == 0:
		case !unspaced || len(run) == 1:
			all = append(all, string(run))
		default:
			for i := range len(run) - 1 {
				all = append(all, string(run[i:i+2]))
			}
		}
		run = run[:0]
	}
	for _, r := range folded(text) {
		switch {
		case len(run) > 0 && (unicode.Is(unicode.M, r) || r == 'ー'): // It lengthens the letter before it.
			run = append(run, r)
		case unicode.In(r, unicode.L, unicode.N, unicode.M):
			if u := withoutBlanks(r); u != unspaced {
				flush()
				unspaced = u
			}
			run = append(run, r)
		default:
			flush()
		}
	}
	flush()
	return all
}

// folded returns text in lower case, compatibility forms made plain, without
// the accents of European scripts. Marks that other scripts spell with stay.
func folded(text string) string {
	bare := strings.Map(func(r rune) rune {
		if r >= 0x300 && r <= 0x36F {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
	return norm.NFC.String(bare)
}

// withoutBlanks reports whether r belongs to a script that is written without
// blanks between words.
func withoutBlanks(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// termHashes returns the 32-bit FNV-1a hash of each term, as the index keeps them.
func termHashes(all []string) []uint32 {
	hashes := make([]uint32, len(all))
	for i, term := range all {
		h := fnv.New32a()
		h.Write([]byte(term))
		hashes[i] = h.Sum32()
	}
	return hashes
}

// length counts characters.
func length(term string) int { return utf8.RuneCountInString(term) }
