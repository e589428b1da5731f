package export

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/stagewatch/stagewatch/internal/content"
)

func textOf(t *testing.T, in Input) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, in.Plan, cited(in)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextFitsATerminal(t *testing.T) {
	for name, in := range samples() {
		for line := range strings.SplitSeq(textOf(t, in), "\n") {
			if cells(line) > 80 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s: %d columns: %q", name, cells(line), line)
			}
		}
	}
}

func TestTextSaysEverythingOfThePlan(t *testing.T) {
	in := branding(100)
	got := strings.Join(strings.Fields(textOf(t, in)), " ")
	for _, want := range []string{
		"kilnandclay on instagram", "100 posts analysed", "BEFORE YOU READ", "Likes of 3 posts are hidden", "the blue bowls are back", "#restock",
		"3 Make carousel 3 of the process", "Evidence: weak", "+10", "COMPETITOR @mudroom.studio", "FORECAST", "Forecast of 1,450 a day", "Nothing to compare. The account is private.",
		"[1] 2025-08-18 18:18 carousel 1,", "https://example.com/kilnandclay/2",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the text does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(textOf(t, in))
	}
}

// TestTextIsShort holds what a terminal is given: the text of the fullest plan
// stays within a few screens, and lists only posts that it cites, of each
// statement three at most.
func TestTextIsShort(t *testing.T) {
	in := branding(100)
	for range 20 {
		c := in.Plan.Competitors[0]
		in.Plan.Competitors[0].Strengths = append(c.Strengths, c.Strengths[0])
	}
	got := textOf(t, in)
	if n := strings.Count(got, "\n"); n > 250 {
		t.Errorf("the text has %d lines", n)
	}
	body, list, _ := strings.Cut(got, "\nPOSTS\n")
	for n := 1; strings.Contains(list, fmt.Sprintf("[%d]", n)); n++ {
		if !strings.Contains(body, fmt.Sprintf("[%d]", n)) {
			t.Errorf("post %d is listed and not cited", n)
		}
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(body, "\n ", " "), "\n") {
		if strings.HasPrefix(line, "- ") && strings.Count(line, "[") > 3 {
			t.Errorf("more than three posts are cited: %s", line)
		}
	}
	if !strings.Contains(body, "20 more in the report") {
		t.Error("the text does not say how much it leaves out")
	}
}

// TestTextTellsAFindingOnce holds that what works is not told again where it is
// the reason of a recommendation.
func TestTextTellsAFindingOnce(t *testing.T) {
	in := branding(31)
	in.Plan.Works = []content.Statement{{Text: "Carousels get more."}, {Text: "Mugs get less."}}
	in.Plan.Recommendations = []content.Recommendation{{Title: "Make carousels", Why: "Carousels get more. So it is.", How: "Do.", Measure: "See.", Evidence: "strong", PostIDs: []string{"x"}}}
	got := textOf(t, in)
	if strings.Count(got, "Carousels get more.") != 1 || !strings.Contains(got, "- Mugs get less.") {
		t.Errorf("text:\n%s", got)
	}
}

func TestTextCannotSteerTheTerminal(t *testing.T) {
	in := branding(31)
	in.Plan.Next.Caption = "a\x1b[2Jb\u202ec\u009bd\r\ae"
	in.Plan.Competitors[0].Username = "x\x1b]0;title\a"
	in.Corpus.Main.Posts[2].URL = "https://example.com/\x1b[31m"
	for _, r := range textOf(t, in) {
		if r != '\n' && unicode.IsControl(r) || r == '\u202e' {
			t.Fatalf("the text holds %U", r)
		}
	}
}

func TestTextOfWithheldNextPostSaysWhy(t *testing.T) {
	if got := textOf(t, thin()); !strings.Contains(got, "None is suggested. 1 post is too few") {
		t.Errorf("text:\n%s", got)
	}
}

func TestTextReturnsTheWritersError(t *testing.T) {
	if err := Text(broken{}, content.Plan{}, nil); err == nil {
		t.Error("no error from a writer that fails")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

const errBroken = brokenError("broken")

type brokenError string

func (e brokenError) Error() string { return string(e) }

func TestCellsCountWideLetters(t *testing.T) {
	for s, want := range map[string]int{"abc": 3, "日本": 4, "é": 1, "e\u0301": 1, "💙": 2, "": 0} {
		if got := cells(s); got != want {
			t.Errorf("cells(%q) = %d, want %d", s, got, want)
		}
	}
}

func FuzzTextHoldsNoControls(f *testing.F) {
	f.Add("a\x1bb", "c")
	f.Fuzz(func(t *testing.T, caption, name string) {
		var b strings.Builder
		plan := content.Plan{Account: content.Account{Username: name}, Next: content.NextPost{Caption: caption}}
		if err := Text(&b, plan, nil); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.String() {
			if r != '\n' && unicode.IsControl(r) {
				t.Fatalf("%q leads to %U", caption, r)
			}
		}
	})
}
