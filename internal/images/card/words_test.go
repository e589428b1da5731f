package card

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"emoji inside":            {"so 🔥 good", "so good"},
		"emoji before a capital":  {"Out now 🎉 Get yours", "Out now\nGet yours"},
		"emoji glued to a word":   {"Out now🎉 Get yours", "Out now\nGet yours"},
		"family and skin tones":   {"hi 👩‍👩‍👧🏽 all", "hi all"},
		"flag":                    {"Visit 🇫🇷 today", "Visit today"},
		"keycap":                  {"Top 1️⃣0️⃣", "Top 10"},
		"links and hashtags":      {"Read https://example.com/a and www.example.com #now #a_b ok", "Read and ok"},
		"number sign alone":       {"We are # 1", "We are # 1"},
		"control characters":      {"a\x00b\u200bc", "abc"},
		"bullets":                 {"- one\n• two", "one\ntwo"},
		"blank lines":             {"one\n\n \n✨\ntwo", "one\ntwo"},
		"bold letters":            {"𝐁𝐮𝐲 ｎｏｗ", "Buy now"},
		"composed":                {"cafe\u0301", "café"},
		"not UTF-8":               {"a\xffb", "ab"},
		"signs that are no emoji": {"5 ° ± ™ № €", "5 ° ± ™ № €"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := clean(c.in); got != c.want {
				t.Errorf("clean(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestFirstSentence(t *testing.T) {
	long := "We kept a diary of every weekend with drawings and costs and mistakes and all, because the next crew should not have to learn it"
	for name, c := range map[string]struct{ in, head, rest string }{
		"full stop":      {"It is here. Come and see.", "It is here.", "Come and see."},
		"question":       {"Ready? Go on", "Ready?", "Go on"},
		"line":           {"A line\nand more\nand all", "A line", "and more · and all"},
		"decimal":        {"Up 3.5 percent today. Wow", "Up 3.5 percent today.", "Wow"},
		"title":          {"Dr. Moss is here. Hi", "Dr. Moss is here.", "Hi"},
		"initials":       {"The U.S. team won. Yes", "The U.S. team won.", "Yes"},
		"small letter":   {"Visit example. com today", "Visit example. com today", ""},
		"marks":          {"What?! Really", "What?!", "Really"},
		"Armenian":       {"Նոր գրքեր։ Այցելեք", "Նոր գրքեր։", "Այցելեք"},
		"nothing":        {"", "", ""},
		"long, a clause": {long, "We kept a diary of every weekend with drawings and costs and mistakes and all,", "because the next crew should not have to learn it"},
	} {
		t.Run(name, func(t *testing.T) {
			if head, rest := firstSentence(c.in); head != c.head || rest != c.rest {
				t.Errorf("firstSentence(%q) = %q, %q, want %q, %q", c.in, head, rest, c.head, c.rest)
			}
		})
	}
}

func TestADividedSentenceLosesNoWord(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word after word ", 20))
	head, rest := firstSentence(long)
	joined := strings.TrimSuffix(head, "…") + " " + strings.TrimPrefix(rest, "…")
	if !strings.HasSuffix(head, "…") || joined != long {
		t.Errorf("divided %q into %q and %q", long, head, rest)
	}
}

func FuzzCleanKeepsWordsOnly(f *testing.F) {
	f.Add("a\v✨ B\x00\nc")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' }) {
			t.Errorf("clean(%q) = %q", s, got)
		}
		for l := range strings.SplitSeq(got, "\n") {
			if got != "" && !hasWords(l) {
				t.Errorf("clean(%q) = %q holds a line without words", s, got)
			}
		}
	})
}
