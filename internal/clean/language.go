package clean

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/stagewatch/stagewatch/internal/clean/ngrams"
	"github.com/stagewatch/stagewatch/internal/content"
)

// LanguagesKnown reports whether the program was built with the language table.
// Without it the language of a post is known only where its platform says it or its
// script is that of one language.
func LanguagesKnown() bool { return ngrams.BuiltIn() }

// languages tells the language of each post whose platform did not say.
//
// A text is judged by its script where that suffices and by its n-grams otherwise,
// without links, hashtags, mentions and emoji. What cannot be told reliably from
// a text alone is taken for the account's main language if it may well be that:
// a short caption of an account that writes English is more likely English than
// anything else it resembles. Bosnian, Croatian and Serbian in Latin letters are one
// language here ("hr"), as are Malay and Indonesian ("ms").
//
// Without a table only scripts that are used for one language tell it.
func languages(table ngrams.Table, posts []content.Post) {
	guesses := make([]guess, len(posts))
	for i := range posts {
		guesses[i] = tell(table, posts[i].Text)
		if posts[i].Language == "" || guesses[i].language == content.NoWords {
			posts[i].Language = guesses[i].language
		}
	}
	usual := mainLanguage(posts)
	if usual == "" {
		return
	}
	for i := range posts {
		if g := guesses[i]; posts[i].Language == g.language && !g.certain && g.mayBe(usual) {
			posts[i].Language = usual
		}
	}
}

// mainLanguage returns the language of at least three in five of the posts whose
// language is known, when those are five or more, else "".
func mainLanguage(posts []content.Post) string {
	counts := map[string]int{}
	known := 0
	for _, p := range posts {
		if p.Language != content.NoWords && p.Language != content.UnknownLanguage {
			counts[p.Language]++
			known++
		}
	}
	for language, n := range counts {
		if known >= 5 && 5*n >= 3*known {
			return language
		}
	}
	return ""
}

// platformLanguage returns what X says of a tweet's language, "" when it says
// nothing. Beside languages X has codes for tweets that hold only media, hashtags,
// mentions, cashtags or links, and for those too short to tell; and old codes of
// Indonesian, Hebrew and Yiddish.
func platformLanguage(code string) string {
	code, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(code)), "-")
	switch code {
	case "zxx", "qme", "qht", "qam", "qct", "art":
		return content.NoWords
	case "qst", "und":
		return content.UnknownLanguage
	case "in":
		return "id"
	case "iw":
		return "he"
	case "ji":
		return "yi"
	}
	if len(code) < 2 || len(code) > 3 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return code
}

var marks = regexp.MustCompile(`[#＃@＠][\pL\pM\p{Nd}_.]+|[\w.+-]+@[\w-]+\.[\w.]+`)

// tell judges one text.
func tell(table ngrams.Table, text string) guess {
	text = marks.ReplaceAllString(withoutLinks(text), " ")
	scripts := map[string]int{}
	letters := 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
			scripts[scriptLanguage(r)]++
		}
	}
	if letters == 0 {
		return guess{language: content.NoWords, certain: true}
	}
	scripts["zh"] += scripts["ja"] // Japanese is written with Han too, a short caption with nothing else.
	if scripts["ja"] > 0 && 2*scripts["zh"] > letters {
		return guess{language: "ja", certain: true}
	}
	delete(scripts, "")
	for language, n := range scripts {
		if 2*n > letters {
			return guess{language: language, certain: language != "zh", scores: map[string]float64{language: 1, "ja": 1}}
		}
	}
	return byNgrams(table, text)
}

// scriptLanguage returns the one language that a letter's script is used for, as
// far as captions go, and "" for the scripts of several.
func scriptLanguage(r rune) string {
	switch {
	case r < 0x370 || unicode.In(r, unicode.Latin, unicode.Cyrillic, unicode.Arabic, unicode.Devanagari):
		return ""
	case unicode.In(r, unicode.Hiragana, unicode.Katakana):
		return "ja"
	case unicode.Is(unicode.Han, r):
		return "zh"
	case unicode.Is(unicode.Hangul, r):
		return "ko"
	}
	return rareScript(r)
}

func rareScript(r rune) string {
	for _, s := range []struct {
		language string
		table    *unicode.RangeTable
	}{
		{"el", unicode.Greek},
		{"hy", unicode.Armenian},
		{"he", unicode.Hebrew},
		{"ka", unicode.Georgian},
		{"th", unicode.Thai},
		{"bn", unicode.Bengali},
		{"pa", unicode.Gurmukhi},
		{"gu", unicode.Gujarati},
		{"or", unicode.Oriya},
		{"ta", unicode.Tamil},
		{"te", unicode.Telugu},
		{"kn", unicode.Kannada},
		{"ml", unicode.Malayalam},
		{"si", unicode.Sinhala},
		{"lo", unicode.Lao},
		{"my", unicode.Myanmar},
		{"km", unicode.Khmer},
		{"bo", unicode.Tibetan},
		{"am", unicode.Ethiopic},
		{"dv", unicode.Thaana},
	} {
		if unicode.Is(s.table, r) {
			return s.language
		}
	}
	return ""
}
