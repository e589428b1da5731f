package clean

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longest is how many characters of a text are kept. The longest post that any of
// the platforms allows has 63,206 (Facebook).
const longest = 1 << 16

// tidy returns a text as a reader sees it: valid UTF-8 in normal form C, HTML
// entities decoded, line ends as \n, without control characters and without blanks
// at its ends; and what had to be repaired for that.
func tidy(raw string) (text string, mended []string) {
	if len(raw) > longest*utf8.UTFMax {
		raw = raw[:longest*utf8.UTFMax]
	}
	text = strings.ToValidUTF8(raw, "")
	text = strings.ReplaceAll(text, string(utf8.RuneError), "") // What the JSON reader made of invalid UTF-8.
	if text != raw {
		mended = append(mended, "invalid UTF-8 removed")
	}
	if strings.ContainsRune(text, '&') {
		decoded := html.UnescapeString(text)
		if decoded != text {
			mended = append(mended, "HTML entities decoded")
		}
		text = decoded
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	text = norm.NFC.String(text)
	if cut := clip(text, longest); cut != text {
		text = cut
		mended = append(mended, "text cut to 65536 characters")
	}
	return strings.TrimSpace(text), mended
}

// clip returns at most the first n characters of s.
func clip(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

var (
	linkPattern = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"]+`)
	mediaLinks  = regexp.MustCompile(`(?:\s*\bhttps?://t\.co/\w+)+\s*$`)
)

// closing are the characters that end a sentence rather than a link.
const closing = ".,;:!?…'’\")]}»”"

// links returns the addresses in a text, in order, each once.
func links(text string) []string {
	var all []string
	for _, link := range linkPattern.FindAllString(text, -1) {
		all = append(all, strings.TrimRight(link, closing))
	}
	return distinct(all)
}

func withoutLinks(text string) string { return linkPattern.ReplaceAllString(text, " ") }

// withoutMedia removes the short links at the end of a tweet, by which X shows its
// media and quotes.
func withoutMedia(text string) string {
	return strings.TrimSpace(mediaLinks.ReplaceAllString(text, ""))
}

// tagRune reports whether r can be within a hashtag: letters with their marks and
// digits of any script, the underscore, and the joiners that some scripts need.
func tagRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || r == '_' || r == '\u200c' || r == '\u200d' || r == '·'
}

// hashtags finds the hashtags of a text that has no links, without their #. As on
// the platforms, one begins after anything that is no part of a word and holds at
// least one letter.
func hashtags(text string) []string {
	return marked(text, func(r rune) bool { return r == '#' || r == '＃' }, tagRune, trimTag)
}

// mentioned finds the handles mentioned in a text, without their @. What follows a
// letter or a digit is an e-mail address.
func mentioned(text string) []string {
	handleRune := func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.')
	}
	return marked(text, func(r rune) bool { return r == '@' || r == '＠' }, handleRune, trimHandle)
}

// marked finds the words that begin with a mark and go on for as long as part
// says; trim makes "" of what is none.
func marked(text string, mark, part func(rune) bool, trim func(string) string) []string {
	var all []string
	before := ' '
	for i, r := range text {
		if mark(r) && !tagRune(before) && before != '&' && before != '/' {
			rest := text[i+utf8.RuneLen(r):]
			end := strings.IndexFunc(rest, func(r rune) bool { return !part(r) })
			if end < 0 {
				end = len(rest)
			}
			if word := trim(rest[:end]); word != "" {
				all = append(all, word)
			}
		}
		before = r
	}
	return all
}

// trimTag takes what is no part of a hashtag from its ends; "" comes back when no
// letter is left.
func trimTag(tag string) string {
	tag = strings.TrimLeft(norm.NFC.String(strings.ToValidUTF8(tag, "")), "#＃ ")
	if end := strings.IndexFunc(tag, func(r rune) bool { return !tagRune(r) }); end >= 0 {
		tag = tag[:end]
	}
	tag = strings.Trim(tag, "\u200c\u200d·")
	if !strings.ContainsFunc(tag, unicode.IsLetter) {
		return ""
	}
	return tag
}

func trimHandle(handle string) string { return strings.Trim(handle, ".") }

// handles trims the mentions that a platform lists.
func handles(listed []string) []string {
	var all []string
	for _, h := range listed {
		if h = trimHandle(strings.TrimPrefix(strings.TrimSpace(h), "@")); h != "" {
			all = append(all, clip(h, 100))
		}
	}
	return all
}

// distinct keeps the first of all that are the same but for letter case.
func distinct(all []string) []string {
	seen := map[string]bool{}
	var kept []string
	for _, s := range all {
		if folded := strings.ToLower(s); !seen[folded] {
			seen[folded] = true
			kept = append(kept, s)
		}
	}
	return kept
}
