package generate

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// pictograph reports whether r is drawn as an emoji by itself.
func pictograph(r rune) bool {
	switch {
	case r >= 0x1F300 && r <= 0x1FAFF, r >= 0x1F000 && r <= 0x1F0FF, r >= 0x1F170 && r <= 0x1F251:
		return true
	case r >= 0x2600 && r <= 0x27BF, r >= 0x2B05 && r <= 0x2B55, r >= 0x23E9 && r <= 0x23FA:
		return true
	case r >= 0x2934 && r <= 0x2935, r >= 0x25AA && r <= 0x25FE, r == 0x203C, r == 0x2049:
		return true
	}
	return r == 0x231A || r == 0x231B || r == 0x2328 || r == 0x23CF || r == 0x267E
}

func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// joins reports whether r only changes the emoji before it: variation
// selectors, skin tones, tags and the enclosing key.
func joins(r rune) bool {
	return r == 0xFE0F || r == 0xFE0E || r == 0x20E3 ||
		(r >= 0x1F3FB && r <= 0x1F3FF) || (r >= 0xE0020 && r <= 0xE007F)
}

// emojiAt returns the length in bytes of the emoji that text starts with, with
// all its modifiers and joined parts; 0 when it starts with none.
func emojiAt(text string) int {
	first, size := utf8.DecodeRuneInString(text)
	if regional(first) {
		if next, more := utf8.DecodeRuneInString(text[size:]); regional(next) {
			return size + more
		}
		return size
	}
	if isKey(first) {
		return keycap(text)
	}
	if !pictograph(first) {
		return 0
	}
	for {
		r, more := utf8.DecodeRuneInString(text[size:])
		if joins(r) {
			size += more
			continue
		}
		const joiner = 0x200D
		if r != joiner {
			return size
		}
		next, wide := utf8.DecodeRuneInString(text[size+more:])
		if !pictograph(next) {
			return size
		}
		size += more + wide
	}
}

func isKey(r rune) bool { return r >= '0' && r <= '9' || r == '#' || r == '*' }

func keycap(text string) int {
	for _, tail := range []string{"\uFE0F\u20E3", "\u20E3"} {
		if strings.HasPrefix(text[1:], tail) {
			return 1 + len(tail)
		}
	}
	return 0
}

// emojis returns the emoji of text in order, repeated ones repeated.
func emojis(text string) []string {
	var found []string
	for len(text) > 0 {
		size := emojiAt(text)
		if size > 0 {
			found = append(found, text[:size])
		} else {
			_, size = utf8.DecodeRuneInString(text)
		}
		text = text[size:]
	}
	return found
}

// plainEmoji reports whether an emoji carries no skin tone and is no flag: a
// draft takes over neither.
func plainEmoji(emoji string) bool {
	for _, r := range emoji {
		if regional(r) || (r >= 0x1F3FB && r <= 0x1F3FF) {
			return false
		}
	}
	return true
}

// tweetLimit is the longest tweet, as tweetLength counts.
const tweetLimit = 280

// tweetLength returns the length of text as X counts it (developer.x.com,
// "Counting characters"): after NFC a link counts 23, an emoji 2 however many
// code points it has, Latin and other alphabets up to U+10FF and common
// punctuation 1, everything else, CJK among it, 2. A domain without a scheme
// counts as a link or as its letters, whichever is more.
func tweetLength(text string) int {
	const link = 23
	text = norm.NFC.String(text)
	length := 0
	for len(text) > 0 {
		if size := linkAt(text); size > 0 {
			if hasScheme(text) {
				length += link
			} else {
				length += max(link, utf8.RuneCountInString(text[:size]))
			}
			text = text[size:]
			continue
		}
		if size := emojiAt(text); size > 0 {
			length += 2
			text = text[size:]
			continue
		}
		inWord := wordByte(text[0])
		size, weight := letterAt(text)
		length += weight
		text = text[size:]
		for inWord && len(text) > 0 && wordByte(text[0]) { // the rest of a word starts no link
			length++
			text = text[1:]
		}
	}
	return length
}

func letterAt(text string) (size, weight int) {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r <= 0x10FF, r >= 0x2000 && r <= 0x200D, r >= 0x2010 && r <= 0x201F, r >= 0x2032 && r <= 0x2037:
		return size, 1
	}
	return size, 2
}

func wordByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}

func hasScheme(text string) bool {
	return len(text) >= 8 && (strings.EqualFold(text[:8], "https://") || strings.EqualFold(text[:7], "http://"))
}

// linkAt returns the length in bytes of the link or bare domain that text
// starts with, 0 when it starts with none.
func linkAt(text string) int {
	if hasScheme(text) {
		end := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > 0x10FF })
		if end < 0 {
			end = len(text)
		}
		return len(strings.TrimRight(text[:end], ".,;:!?)\"'"))
	}
	end := 0
	for end < len(text) && (wordByte(text[end]) || text[end] == '.' || text[end] == '-') {
		end++
	}
	host := strings.TrimRight(text[:end], ".-")
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 || len(host)-dot < 3 || !letters(host[dot+1:]) || strings.Contains(host, "..") {
		return 0
	}
	end = len(host)
	if end == len(text) || text[end] != '/' {
		return end
	}
	for end < len(text) && (wordByte(text[end]) || strings.IndexByte("/-?=&%#+.", text[end]) >= 0) {
		end++
	}
	return len(strings.TrimRight(text[:end], "."))
}

func letters(word string) bool {
	for i := range len(word) {
		if c := word[i] | 0x20; c < 'a' || c > 'z' { // the bit that tells a small letter
			return false
		}
	}
	return true
}
