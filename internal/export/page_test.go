package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/stagewatch/stagewatch/internal/export/report"
)

func pageFor(tb testing.TB, in Input) string {
	tb.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, report.Input{Run: in.Run.ID, Started: in.Run.Started, Corpus: in.Corpus, Analysis: in.Analysis, Plan: in.Plan}); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// elements calls visit for each element of the page.
func elements(t *testing.T, page string, visit func(tag string, attr map[string]string)) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				t.Fatal(z.Err())
			}
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			attr := map[string]string{}
			for _, a := range token.Attr {
				attr[a.Key] = a.Val
			}
			visit(token.Data, attr)
		default:
		}
	}
}

// harmless fails the test when an element loads, runs or sends anything.
func harmless(t *testing.T, tag string, attr map[string]string) {
	t.Helper()
	if slices.Contains([]string{"script", "link", "img", "iframe", "object", "embed", "video", "audio", "form", "base", "image", "use"}, tag) {
		t.Errorf("the page has an element %s", tag)
	}
	for key, value := range attr {
		if strings.HasPrefix(key, "on") || key == "src" || key == "style" || key == "srcset" {
			t.Errorf("%s has the attribute %s=%q", tag, key, value)
		}
	}
	if to, ok := attr["href"]; ok && !strings.HasPrefix(to, "#") && !strings.HasPrefix(to, "https://") && !strings.HasPrefix(to, "http://") {
		t.Errorf("%s leads to %q", tag, to)
	}
}

func TestReportAsksNothingOfTheNetworkAndRunsNothing(t *testing.T) {
	for name, in := range samples() {
		t.Run(name, func(t *testing.T) {
			page, styles := pageFor(t, in), 0
			elements(t, page, func(tag string, attr map[string]string) {
				if tag == "style" {
					styles++
				}
				harmless(t, tag, attr)
			})
			if styles != 1 {
				t.Errorf("%d style elements, want 1", styles)
			}
			if strings.Contains(page, "ZgotmplZ") {
				t.Error("html/template refused a value")
			}
			if !utf8.ValidString(page) {
				t.Error("not UTF-8")
			}
		})
	}
}

func TestReportPolicyAllowsItsOwnStyleAndNothingElse(t *testing.T) {
	page := pageFor(t, branding(31))
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	got := ""
	elements(t, page, func(tag string, attr map[string]string) {
		if tag == "meta" && attr["http-equiv"] == "Content-Security-Policy" {
			got = attr["content"]
		}
	})
	if got != want {
		t.Errorf("policy = %q, want %q", got, want)
	}
}

func TestReportLinksLeadSomewhereAndIdsAreUnique(t *testing.T) {
	for name, in := range samples() {
		ids, targets := map[string]int{}, map[string]bool{}
		elements(t, pageFor(t, in), func(_ string, attr map[string]string) {
			if id := attr["id"]; id != "" {
				ids[id]++
			}
			for id := range strings.FieldsSeq(attr["aria-labelledby"]) {
				targets[id] = true
			}
			if to, ok := strings.CutPrefix(attr["href"], "#"); ok {
				targets[to] = true
			}
		})
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: id %s stands %d times", name, id, n)
			}
		}
		for id := range targets {
			if ids[id] == 0 {
				t.Errorf("%s: nothing has the id %s", name, id)
			}
		}
	}
}

func TestReportSaysWhatIsMissing(t *testing.T) {
	tests := map[string]struct {
		in   Input
		want []string
	}{
		"thin":     {thin(), []string{"No next post is suggested. 1 post is too few", "None: 1 post is too few", "(not given: assumed)", "Not enough data for a recommendation"}},
		"tweets":   {tweets(), []string{"the most liked ever, not the newest", "a gap is not a silence", "Orbit is a place", "The data carry 1 recommendation."}},
		"branding": {branding(100), []string{"The account is private.", "2 × child of a carousel", "80 % interval", "Forecast of 1,450 a day", "far outside what is usual", "Before you read", "6 × trailing punctuation"}},
	}
	for name, test := range tests {
		page := pageFor(t, test.in)
		for _, want := range test.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page does not say %q", name, want)
			}
		}
	}
}

func TestReportOfAHundredPostsIsSmall(t *testing.T) {
	in := branding(100)
	for i := range in.Corpus.Main.Posts {
		in.Corpus.Main.Posts[i].Text = strings.Repeat("so many words ", 800) // 11 kB each.
	}
	if n := len(pageFor(t, in)); n > 400_000 {
		t.Errorf("the page has %d bytes, want at most 400,000", n)
	}
}

func TestReportIsTheSameForTheSameInput(t *testing.T) {
	first := pageFor(t, branding(60))
	for range 3 {
		if pageFor(t, branding(60)) != first {
			t.Fatal("two pages differ")
		}
	}
}

func TestEveryColourPairReadsAtFourAndAHalfToOne(t *testing.T) {
	page := pageFor(t, thin())
	variables := regexp.MustCompile(`--(\w+): (#[0-9a-f]{6}|#[0-9a-f]{3})\b`)
	for _, block := range regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(page, -1) {
		colour := map[string]string{}
		for _, v := range variables.FindAllStringSubmatch(block[1], -1) {
			colour[v[1]] = v[2]
		}
		if len(colour) < 8 {
			t.Fatalf("found %d colours in %q", len(colour), block[1])
		}
		for _, back := range []string{"paper", "card", "note"} {
			for _, text := range []string{"ink", "quiet", "accent", "warm"} {
				if c := contrast(t, colour[text], colour[back]); c < 4.5 {
					t.Errorf("%s %s on %s %s: contrast %.2f", text, colour[text], back, colour[back], c)
				}
			}
		}
	}
}

// contrast is the ratio of WCAG 2.2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light := func(s string) float64 {
		if len(s) == 4 {
			s = "#" + strings.Repeat(s[1:2], 2) + strings.Repeat(s[2:3], 2) + strings.Repeat(s[3:4], 2)
		}
		var rgb [3]int
		if _, err := fmt.Sscanf(s, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
			t.Fatalf("colour %q: %v", s, err)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			sum += weight * linearLight(float64(rgb[i])/255)
		}
		return sum
	}
	x, y := light(a), light(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func linearLight(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}
