package generate

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/content"
)

func TestTweetLengthIsAsXCounts(t *testing.T) {
	for text, want := range map[string]int{
		"":           0,
		"hello":      5,
		"cafe\u0301": 4, // composed before counting
		"日本":         4,
		"한국어 a":      8,
		"👍":          2,
		"👍🏽":         2,
		"👩‍👩‍👧":      2,
		"🇪🇸🇵🇹":       4,
		"1️⃣":        2,
		"❤️":         2,
		"a https://example.com/" + strings.Repeat("x", 90): 25,
		"https://t.co/abc, yes":                            28,
		"see example.com now":                              31,
		"e.g. this":                                        9,
		"“quoted” – dash":                                  15,
		"€":                                                2, // U+20AC is outside the light ranges
		strings.Repeat("a", 280):                           280,
		"3.14 and 10.000":                                  15,
	} {
		if got := tweetLength(text); got != want {
			t.Errorf("tweetLength(%q) = %d, want %d", text, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "a 👩‍👩‍👧 b.c d", "\xff\xfe", "https://", "1️⃣ #tag @x", "…!?。\n\n", "🇪", "Soft’Lit's", "co.uk./x", "A\u200d\u200d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n := tweetLength(text); n < 0 || n > 23*len(text)+23 {
			t.Errorf("tweetLength(%q) = %d", text, n)
		}
		for _, s := range sentences(text) {
			if !utf8.ValidString(s) || strings.TrimSpace(s) == "" {
				t.Errorf("sentences(%q) holds %q", text, s)
			}
			for _, tok := range tokens(s) {
				if tok.key == "" || tok.written == "" {
					t.Errorf("tokens(%q) holds an empty word", s)
				}
			}
		}
		if o := opening(text); strings.ContainsAny(o, "\n“”") {
			t.Errorf("opening(%q) = %q", text, o)
		}
		_, _, _ = emojis(text), unlinked(text), wordCount(text)
	})
}

func TestEmojiAreTakenWhole(t *testing.T) {
	got := emojis("a👩‍👩‍👧b 💅🏽💅 🇪🇸! 1️⃣ 2 ✨")
	if want := []string{"👩‍👩‍👧", "💅🏽", "💅", "🇪🇸", "1️⃣", "✨"}; !slices.Equal(got, want) {
		t.Errorf("emojis = %q, want %q", got, want)
	}
}

func TestSentencesEndWhereAReaderPauses(t *testing.T) {
	got := sentences("Glow up ✨ Get it at shop.example today! Or not… later\n✨ A point\n日本。東京")
	want := []string{"Glow up ✨", "Get it at shop.example today!", "Or not…", "later", "✨ A point", "日本。", "東京"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnlinkedDropsNamesAndLinks(t *testing.T) {
	got := strings.Join(strings.Fields(unlinked("With @a_b.c, #täg! https://x.example/y?z and x.example. me@home")), " ")
	if want := "With , ! and . me@home"; got != want {
		t.Errorf("unlinked = %q, want %q", got, want)
	}
}

func TestPhrasesPreferTheWholeName(t *testing.T) {
	s := newSet(content.Source{Posts: []content.Post{
		{ID: "1", Language: "en", Text: "We love Bright Fix here. The Bright Fix powder."},
		{ID: "2", Language: "en", Text: "Use Bright Fix’s brush"},
		{ID: "3", Language: "en", Text: "Use Bright Fix again"},
	}}, "x", time.UTC)
	var keys []string
	for _, p := range s.phrases {
		keys = append(keys, p.key)
		if p.key == "bright fix" && (!p.name || p.written != "Bright Fix" || len(p.in) != 3) {
			t.Errorf("phrase = %+v", p)
		}
	}
	if !slices.Contains(keys, "bright fix") || slices.Contains(keys, "bright") {
		t.Errorf("phrases %q", keys)
	}
}

func TestHabitsRepeatNothingSaidOnce(t *testing.T) {
	posts := []content.Post{
		{ID: "1", Language: "en", Text: "Shop the velvet balm at our little store. It is a soft balm for dry skin and lips.", Time: time.Unix(1, 0)},
		{ID: "2", Language: "en", Text: "Shop the velvet balm at our little store. It is a soft balm for dry skin and lips."},
		{ID: "3", Language: "en", Text: "It is a soft balm for dry skin and elbows. I use it on my own skin and lips daily."},
		{ID: "4", Language: "en", Text: "I use it on my own skin and lips daily. “It is a soft balm for all,” said Ada."},
		{ID: "5", Language: "en", Text: "Come to the store on Friday and see the balm. Come to the store on Friday and see the balm."},
		{ID: "6", Language: "en", Text: "Come to the store on Friday and see the balm."},
	}
	s := newSet(content.Source{Posts: posts}, "x", time.UTC)
	found := map[string]int{}
	for _, h := range s.habits(s.items) {
		found[h.text] = len(h.in)
	}
	want := map[string]int{"Shop the velvet balm at our little store.": 2, "It is a soft balm for dry skin and lips.": 2}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("habits (-want +got):\n%s", diff)
	}
}

func TestFramesAreWholeInEveryLanguage(t *testing.T) {
	for _, language := range []string{"en", "es", "pt", "fr", "de", "it"} {
		for _, brand := range []bool{true, false} {
			f, known := captionFrames(language, brand)
			if !known || functionWords(language) == "" || len(asks(language)) == 0 || !strings.Contains(draftLanguages(), languageName(language)) {
				t.Fatalf("%s: frames, function words, requests or name missing", language)
			}
			all := slices.Concat(f.choice, f.open, f.talk, f.comment, []string{f.friend, f.reply, f.headChoice})
			for _, frame := range all {
				if !strings.Contains(frame, "{A}") || strings.Contains(fill(frame, "Aa", "Bb"), "{") {
					t.Errorf("%s: frame %q", language, frame)
				}
			}
			for _, frame := range append(f.choice, f.headChoice) {
				if !strings.Contains(frame, "{B}") {
					t.Errorf("%s: choice %q lacks its second name", language, frame)
				}
			}
		}
	}
	if _, known := captionFrames("sl", true); known {
		t.Error("frames of an unknown language")
	}
}

func TestNumbersReadWell(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 12454: "12,454", 1.84: "1.8", 0.462: "0.46", 0.0063: "0.0063", 99.95: "100", 1234567.6: "1,234,568", -1234: "-1,234", 10.04: "10", 1e-12: "0",
	} {
		if got := grouped(v); got != want {
			t.Errorf("grouped(%v) = %q, want %q", v, got, want)
		}
	}
}
