package generate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token is one word of a post: how it is written and its key, under which
// all its spellings are counted.
type token struct {
	key, written string
	// begins says that a sentence begins with it, so its capital says nothing;
	// apart that more than a blank stands between it and the word before.
	begins, apart bool
}

// unlinked returns text without links, domains, mentions and hashtags.
func unlinked(text string) string {
	var kept strings.Builder
	boundary := true
	for len(text) > 0 {
		size := 0
		if boundary {
			size = linkAt(text)
			if size == 0 && (text[0] == '@' || text[0] == '#') {
				size = 1 + nameLength(text[1:])
			}
		}
		if size > 1 {
			kept.WriteByte(' ')
			text = text[size:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		boundary = !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_'
		kept.WriteString(text[:size])
		text = text[size:]
	}
	return kept.String()
}

func nameLength(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '_' && r != '.'
	})
	if end < 0 {
		end = len(text)
	}
	return len(strings.TrimRight(text[:end], "."))
}

// sentences cuts text at line ends, at closing punctuation, and after emoji
// that a capital follows.
func sentences(text string) []string {
	text = strings.ToValidUTF8(text, "")
	var found []string
	start, end := 0, 0
	cut := func() {
		if s := strings.TrimSpace(text[start:end]); s != "" {
			found = append(found, s)
		}
		start = end
	}
	drawn := false // only emoji and blanks since the last emoji
	for end < len(text) {
		if size := emojiAt(text[end:]); size > 0 {
			end, drawn = end+size, true
			continue
		}
		r, size := utf8.DecodeRuneInString(text[end:])
		if drawn && unicode.IsUpper(r) && strings.IndexFunc(text[start:end], unicode.IsLetter) >= 0 {
			cut()
		}
		drawn = drawn && unicode.IsSpace(r)
		end += size
		if closes(r, text[end:]) {
			cut()
		}
	}
	cut()
	return found
}

// closes reports whether a sentence ends with r when rest follows.
func closes(r rune, rest string) bool {
	switch r {
	case '\n', '\r', '。', '！', '？', '…':
		return true
	case '.', '!', '?':
		return rest == "" || rest[0] == ' ' || rest[0] == '\n'
	}
	return false
}

// tokens returns the words of one sentence. Scripts written without blanks
// (Han, kana, Thai …) give overlapping pairs of characters instead.
func tokens(sentence string) []token {
	var found []token
	var word []rune
	begins, apart := true, false
	flush := func() {
		if len(word) == 0 {
			return
		}
		found = append(found, split(word, begins, apart)...)
		word, begins, apart = word[:0], false, false
	}
	for _, r := range sentence {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) && r != 0xFE0F:
			word = append(word, r)
		case (r == '\'' || r == '’' || r == '-' || r == '·' || r == '&') && len(word) > 0:
			word = append(word, r)
		default:
			flush()
			apart = apart || !unicode.IsSpace(r)
		}
	}
	flush()
	return found
}

func split(word []rune, begins, apart bool) []token {
	written := strings.TrimRight(string(word), "'’-·&")
	if written == "" {
		return nil
	}
	if !unspaced([]rune(written)[0]) {
		return []token{{key: wordKey(written), written: written, begins: begins, apart: apart}}
	}
	runes := []rune(written)
	var pairs []token
	for i := 0; i+1 < len(runes); i++ {
		pair := string(runes[i : i+2])
		pairs = append(pairs, token{key: pair, written: pair, apart: true})
	}
	return pairs
}

func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// wordKey folds case and the kinds of apostrophes, and drops an English possessive.
func wordKey(written string) string {
	key := strings.ToLower(strings.ReplaceAll(written, "’", "'"))
	return strings.TrimSuffix(key, "'s")
}

func wordCount(text string) int {
	n := 0
	for _, s := range sentences(unlinked(text)) {
		n += len(tokens(s))
	}
	return n
}

func hasDigit(word string) bool {
	return strings.IndexFunc(word, unicode.IsDigit) >= 0
}

// capital reports whether a word is written as a name: a capital that does not
// come from beginning a sentence, or one inside the word.
func (t token) capital() bool {
	first, size := utf8.DecodeRuneInString(t.written)
	inner := strings.IndexFunc(t.written[size:], unicode.IsUpper) >= 0
	lower := strings.IndexFunc(t.written, unicode.IsLower) >= 0
	if !lower {
		return false // all capitals is shouting as often as a name
	}
	return inner || unicode.IsUpper(first) && !t.begins
}

// opening returns the first words of a post, for telling it from others.
func opening(text string) string {
	const most = 7
	line := ""
	for s := range strings.SplitSeq(text, "\n") {
		if line = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "); line != "" {
			break
		}
	}
	fields := strings.Fields(line)
	cut := len(fields) > most
	line = strings.Join(fields[:min(most, len(fields))], " ")
	if runes := []rune(line); len(runes) > 60 {
		line, cut = string(runes[:60]), true
	}
	line = strings.NewReplacer("“", "‘", "”", "’", "\"", "’").Replace(line)
	if cut {
		line = strings.TrimRight(line, ".,;:!?…-–— ") + "…"
	}
	return line
}
