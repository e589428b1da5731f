package card

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longestHeadline is the most characters that a sentence may have to be a headline whole.
const longestHeadline = 110

// pause stands for what was left out until lines are divided: an emoji often
// ends a sentence. It is no character that clean could keep.
const pause = '\v'

// mostMarks is the most combining marks that one letter keeps.
const mostMarks = 2

// clean returns the words of s that a card may show: without emoji, links,
// hashtags, bullets and control characters, in NFC. Line breaks stay, and an emoji
// before a capital letter is one; other space is one blank.
func clean(s string) string {
	var lines []string
	for given := range strings.SplitSeq(visible(s), "\n") {
		for l := range strings.SplitSeq(pauses(dropTokens(strings.FieldsFunc(given, blank))), "\n") {
			if l = strings.TrimLeft(l, "-–—•·*› "); hasWords(l) {
				lines = append(lines, l)
			}
		}
	}
	return strings.Join(lines, "\n")
}

// visible reduces s to visible characters, '\n', ' ', no-break spaces and pauses.
func visible(s string) string {
	var out strings.Builder
	dropped := false // The rune before was left out, so a mark on it is too.
	marks := 0       // in a row: towers of them are ornament
	for _, r := range norm.NFC.String(plain(strings.ToValidUTF8(s, ""))) {
		if marks++; !unicode.IsMark(r) {
			marks = 0
		}
		if decoration(r) || marks > mostMarks || (dropped && marks > 0) {
			if !dropped && unicode.Is(unicode.So, r) {
				out.WriteRune(pause)
			}
			dropped = true
			continue
		}
		dropped = false
		out.WriteRune(spaced(r))
	}
	return out.String()
}

// spaced returns the one line break, blank or no-break space that stands for all
// of their kind, or r itself.
func spaced(r rune) rune {
	switch {
	case r == '\n' || r == '\u2028' || r == '\u2029':
		return '\n'
	case r == '\u00a0' || r == '\u202f':
		return '\u00a0'
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

// pauses joins tokens with blanks, or with a line break where something was left
// out between two of them and a sentence may end there.
func pauses(tokens []string) string {
	var out strings.Builder
	paused := false
	for _, t := range tokens {
		word := strings.ReplaceAll(t, string(pause), "")
		if word == "" {
			paused = true
			continue
		}
		initial, _ := utf8.DecodeRuneInString(word)
		switch {
		case out.Len() == 0:
		case (paused || t[0] == pause) && unicode.IsUpper(initial):
			out.WriteByte('\n')
		default:
			out.WriteByte(' ')
		}
		out.WriteString(word)
		paused = t[len(t)-1] == pause
	}
	return out.String()
}

// blank reports whether a line may break at r; a no-break space is not blank.
func blank(r rune) bool { return r == ' ' }

// plain turns the mathematical and full-width alphabets, which some authors use
// as ornament, into the letters that they stand for.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if (r >= 0x1D400 && r <= 0x1D7FF) || (r >= 0xFF01 && r <= 0xFF5E) {
			r, _ = utf8.DecodeRuneInString(norm.NFKC.String(string(r)))
		}
		return r
	}, s)
}

// decoration reports whether r is an emoji, a part of one, or no character to be seen.
func decoration(r rune) bool {
	switch {
	case unicode.IsSpace(r):
		return false
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Variation_Selector, r):
		return true
	case unicode.Is(unicode.Me, r): // Enclosing marks: the key of a keycap emoji.
		return true
	case unicode.Is(unicode.So, r), unicode.Is(unicode.Sk, r):
		return r >= 0x2190 // Below lie ©, °, №, ™ and spacing accents.
	}
	return false
}

// dropTokens leaves out links, hashtags and what cleaning left of others.
func dropTokens(tokens []string) []string {
	kept := tokens[:0]
	for _, t := range tokens {
		word := strings.ToLower(strings.Trim(t, string(pause)))
		link := strings.Contains(word, "://") || strings.HasPrefix(word, "www.")
		tag := strings.HasPrefix(word, "#") && len(word) > 1
		if !link && !tag {
			kept = append(kept, t)
		}
	}
	return kept
}

// line joins the lines of s: with a blank after a mark that ends a sentence or
// clause, else with a dot between.
func line(s string) string {
	var out strings.Builder
	for l := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if done := out.String(); done != "" {
			if last, _ := utf8.DecodeLastRuneInString(done); unicode.IsPunct(last) {
				out.WriteByte(' ')
			} else {
				out.WriteString(" · ")
			}
		}
		out.WriteString(l)
	}
	return out.String()
}

// hasWords reports whether s holds a letter or a digit.
func hasWords(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// firstSentence divides s after its first sentence or line. A first sentence
// that is too long for a headline is divided at a clause, else between two words.
func firstSentence(s string) (head, rest string) {
	end := sentenceEnd(s)
	head, rest = line(s[:end]), line(s[end:])
	runes := []rune(head)
	if len(runes) <= longestHeadline {
		return head, rest
	}
	cut, ellipsis := clauseEnd(runes), ""
	if cut == 0 {
		cut, ellipsis = wordEnd(runes), "…"
	}
	head, tail := string(runes[:cut]), string(runes[cut:])
	return strings.TrimSpace(head) + ellipsis, strings.TrimSpace(ellipsis + strings.TrimSpace(tail) + " " + rest)
}

// sentenceEnd returns the byte after the first sentence's last mark. A full stop
// after one or two letters ("Dr.", "U.S.") or before a small letter ends nothing.
func sentenceEnd(s string) int {
	word := 0 // letters since the last blank or mark
	for i, r := range s {
		end := i + utf8.RuneLen(r)
		next, _ := utf8.DecodeRuneInString(s[end:])
		after, _ := utf8.DecodeRuneInString(strings.TrimLeft(s[end:], " "))
		switch {
		case r == '\n':
			return i
		case strings.ContainsRune("!?…։", r) && (next == ' ' || next == '\n'):
			return end
		case r == '.' && (next == ' ' || next == '\n') && word > 2 && !unicode.IsLower(after):
			return end
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			word++
		case unicode.IsMark(r):
		default:
			word = 0
		}
	}
	return len(s)
}

// clauseEnd returns the last place at or before longestHeadline at which a clause
// ends, 0 when that would leave a very short headline.
func clauseEnd(runes []rune) int {
	for i := longestHeadline; i > longestHeadline/3; i-- {
		if strings.ContainsRune(",;:—–", runes[i-1]) && runes[i] == ' ' {
			return i
		}
	}
	return 0
}

// wordEnd returns the last place at or before longestHeadline at which a word ends.
func wordEnd(runes []rune) int {
	for i := longestHeadline; i > longestHeadline/3; i-- {
		if runes[i] == ' ' {
			return i
		}
	}
	return longestHeadline
}

// withheld returns ErrWithheld with a reason.
func withheld(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrWithheld, fmt.Sprintf(format, args...))
}
