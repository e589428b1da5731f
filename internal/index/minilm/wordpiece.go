package minilm

import (
	"fmt"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longestWord is how many characters a word may have before it counts as unknown.
const longestWord = 100

// tokenizer turns text into word pieces as BERT's uncased tokenizer does:
// control characters dropped, letters lower-case and without accents,
// punctuation and Chinese characters alone, then for each word the longest
// known piece first (Wu et al. 2016, arXiv:1609.08144; Devlin et al. 2019).
//
// One difference from the reference is meant: "[SEP]" and the like in a post
// are the words somebody wrote, not marks of the model.
type tokenizer struct {
	first   map[string]int32 // pieces that begin a word
	later   map[string]int32 // pieces inside a word, without their ##
	unknown int32
	begin   int32
	end     int32
}

func newTokenizer(pieces []string) (*tokenizer, error) {
	t := &tokenizer{first: make(map[string]int32, len(pieces)), later: map[string]int32{}}
	for id, piece := range pieces {
		if inner, ok := strings.CutPrefix(piece, "##"); ok && inner != "" {
			t.later[inner] = int32(id)
		} else {
			t.first[piece] = int32(id)
		}
	}
	for name, id := range map[string]*int32{"[UNK]": &t.unknown, "[CLS]": &t.begin, "[SEP]": &t.end} {
		found, ok := t.first[name]
		if !ok {
			return nil, fmt.Errorf("%w: the vocabulary has no %s", ErrFormat, name)
		}
		*id = found
	}
	return t, nil
}

// pieces returns the ids of text between [CLS] and [SEP], at most limit in all:
// what is longer loses its end.
func (t *tokenizer) pieces(text string, limit int) []int32 {
	ids := []int32{t.begin}
	for word := range words(text) {
		if len(ids) >= limit-1 {
			break
		}
		ids = t.split(ids, word)
	}
	ids = ids[:min(len(ids), limit-1)]
	return append(ids, t.end)
}

// split appends the pieces of one word, or the unknown piece when one of its
// parts is in no piece.
func (t *tokenizer) split(ids []int32, word string) []int32 {
	if utf8.RuneCountInString(word) > longestWord {
		return append(ids, t.unknown)
	}
	known := len(ids)
	for at := 0; at < len(word); {
		vocabulary := t.later
		if at == 0 {
			vocabulary = t.first
		}
		end := len(word)
		for ; end > at; end-- {
			if id, ok := vocabulary[word[at:end]]; ok {
				ids = append(ids, id)
				break
			}
		}
		if end == at {
			return append(ids[:known], t.unknown)
		}
		at = end
	}
	return ids
}

// words yields the words of text, lower-case and without accents, each
// punctuation mark and each Chinese character a word of its own.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var word strings.Builder
		flush := func() bool {
			if word.Len() == 0 {
				return true
			}
			whole := word.String()
			word.Reset()
			return yield(whole)
		}
		for _, r := range norm.NFD.String(text) {
			switch {
			case dropped(r):
			case unicode.IsSpace(r):
				if !flush() {
					return
				}
			case punctuation(r) || chinese(r):
				if !flush() || !yield(string(r)) {
					return
				}
			default:
				word.WriteRune(unicode.ToLower(r))
			}
		}
		flush()
	}
}

// dropped reports whether r is no part of any word: control and format
// characters, private use, accents, and what stands for broken text.
func dropped(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	case unicode.ReplacementChar:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Mn)
}

// punctuation reports whether r stands alone: Unicode punctuation, and every
// ASCII character that is neither a letter, a digit nor blank.
func punctuation(r rune) bool {
	return r < unicode.MaxASCII && r > ' ' && !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsPunct(r)
}

// chinese reports whether r is in one of the blocks of Chinese characters that
// BERT splits; Japanese kana and Korean are not among them.
func chinese(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0xF900 && r <= 0xFAFF ||
		r >= 0x20000 && r <= 0x2A6DF || r >= 0x2A700 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF ||
		r >= 0x2F800 && r <= 0x2FA1F
}
