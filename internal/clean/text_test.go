package clean

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestTextIsAsAReaderSeesIt(t *testing.T) {
	for name, tt := range map[string]struct {
		in, want string
		mended   []string
	}{
		"plain":          {"Kettle on", "Kettle on", nil},
		"entities":       {"Tea &amp; cake &lt;3 &#39;now&#39;", "Tea & cake <3 'now'", []string{"HTML entities decoded"}},
		"a lone &":       {"Tea & cake", "Tea & cake", nil},
		"entity of one":  {"&amp;lt;", "&lt;", []string{"HTML entities decoded"}},
		"normal form":    {"cafe\u0301", "café", nil},
		"line ends":      {" a\r\nb\rc\u2028d\n", "a\nb\nc\nd", nil},
		"controls":       {"a\x00b\x07c\td", "abc\td", nil},
		"not UTF-8":      {"te\xffa", "tea", []string{"invalid UTF-8 removed"}},
		"half an emoji":  {"tea\uFFFD", "tea", []string{"invalid UTF-8 removed"}},
		"joined emoji":   {"👩‍👩‍👧 ❤️‍🔥", "👩‍👩‍👧 ❤️‍🔥", nil},
		"right to left":  {"مرحبا \u200facme", "مرحبا \u200facme", nil},
		"without bounds": {strings.Repeat("é", longest+5), strings.Repeat("é", longest), []string{"text cut to 65536 characters"}},
		"ten megabytes":  {strings.Repeat("tea ", 2_500_000), strings.TrimSpace(strings.Repeat("tea ", longest/4)), []string{"text cut to 65536 characters"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, mended := tidy(tt.in)
			if got != tt.want {
				t.Errorf("tidy = %q, want %q", clip(got, 80), clip(tt.want, 80))
			}
			if diff := cmp.Diff(tt.mended, mended); diff != "" {
				t.Errorf("mended (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHashtagsAndMentionsAreFoundInAnyScript(t *testing.T) {
	for name, tt := range map[string]struct {
		in             string
		tags, mentions []string
	}{
		"plain":       {"#Tea, #tea_2 and #TEA! by @Acme.Tea.", []string{"Tea", "tea_2", "TEA"}, []string{"Acme.Tea"}},
		"scripts":     {"#ՎայելիրԻրական… #ToJeTaObčutek #चाय #お茶", []string{"ՎայելիրԻրական", "ToJeTaObčutek", "चाय", "お茶"}, nil},
		"bracketed":   {"[#kettle] (@acme) “#mug”", []string{"kettle", "mug"}, []string{"acme"}},
		"none":        {"# #1 #2025 C# a#b &#39; me@acme.example @ ..@", nil, nil},
		"with dash":   {"#Acme-Tea", []string{"Acme"}, nil},
		"wide marks":  {"＃お茶 ＠acme", []string{"お茶"}, []string{"acme"}},
		"in a row":    {"#a#b @c@d", []string{"a"}, []string{"c"}},
		"joiners":     {"#می\u200cخوانم", []string{"می\u200cخوانم"}, nil},
		"after a dot": {".@acme said it.#tea", []string{"tea"}, []string{"acme"}},
		"after emoji": {"☕#tea", []string{"tea"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.tags, hashtags(tt.in)); diff != "" {
				t.Errorf("hashtags (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.mentions, mentioned(tt.in)); diff != "" {
				t.Errorf("mentions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListedHashtagsLoseTheirPunctuation(t *testing.T) {
	for in, want := range map[string]string{"acmexnorth,": "acmexnorth", "#Tea!": "Tea", "tea": "tea", "…": "", "2025": "", "": "", "a b": "a", "\xff": ""} {
		if got := trimTag(in); got != want {
			t.Errorf("trimTag(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLinksEndBeforeTheSentenceDoes(t *testing.T) {
	got := links(`See https://acme.example/tea?a=1#top. (http://bit.ly/Acme_1), HTTPS://X.example! and https://acme.example/tea?a=1#top`)
	want := []string{"https://acme.example/tea?a=1#top", "http://bit.ly/Acme_1", "HTTPS://X.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	for in, want := range map[string]string{
		"Kettle on https://t.co/abc \n https://t.co/d": "Kettle on", "https://t.co/abc": "", "https://t.co/abc is new": "https://t.co/abc is new",
		"See https://acme.example/t.co": "See https://acme.example/t.co",
	} {
		if got := withoutMedia(in); got != want {
			t.Errorf("withoutMedia(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTidyingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raw := rapid.String().Draw(rt, "text")
		once, _ := tidy(strings.ReplaceAll(raw, "&", "")) // An entity of an entity decodes twice.
		twice, mended := tidy(once)
		if once != twice || len(mended) > 0 || !utf8.ValidString(once) || !norm.NFC.IsNormalString(once) {
			rt.Errorf("tidy(%q) = %q, then %q, mended %q", raw, once, twice, mended)
		}
		for _, tag := range hashtags(once) {
			if trimTag(tag) != tag {
				rt.Errorf("hashtag %q of %q is none", tag, once)
			}
		}
	})
}
