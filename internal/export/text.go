package export

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
	"golang.org/x/text/width"

	"github.com/stagewatch/stagewatch/internal/content"
)

// columns is the width that text is set to: it fits a terminal of 80, with a margin.
const columns = 79

// textPosts is how many posts are named beside one statement.
const textPosts = 3

// What the text tells in full; report.html tells the rest.
const (
	textHints    = 3 // recommendations of weak evidence, by their finding alone
	textFindings = 1 // of each list of a competitor
)

// Text writes the plan as plain text for a terminal of 80 columns or more: all
// that is supported, and of mere hints and competitors the first. Posts
// are those that the plan cites, as [Read] returns them; numbers in square
// brackets point to their list at the end. Control characters in words from
// outside are left out, so that they cannot steer the terminal.
func Text(w io.Writer, plan content.Plan, posts []content.Post) error {
	t := &typesetter{w: bufio.NewWriter(w), where: plan.Account.Location(), owner: plan.Account.Username, analyzed: plan.Analyzed, numbers: map[string]int{}, posts: map[string]content.Post{}}
	for _, p := range posts {
		t.posts[p.ID] = p
	}
	t.wrap("", plan.Account.Username+" on "+string(plan.Account.Platform))
	made := ""
	if !plan.Made.IsZero() {
		made = ", plan of " + plan.Made.UTC().Format("2 January 2006")
	}
	t.wrap("", fmt.Sprintf("%d posts analysed%s", plan.Analyzed, made))
	if len(plan.Notes) > 0 {
		t.head("Before you read")
		for _, n := range plan.Notes {
			t.hang("- ", n)
		}
	}
	t.next(plan.Next)
	t.recommendations(plan)
	t.statements("What works", unsaid(plan))
	t.statements("Times, week, what stands out, forecast", plan.Trend)
	t.statements("The account", plan.Profile)
	if len(plan.Topics) > 0 {
		var names []string
		for _, topic := range plan.Topics {
			names = append(names, fmt.Sprintf("“%s” (%d posts)", topic.Name, len(topic.PostIDs)))
		}
		t.head("Topics")
		t.wrap("", strings.Join(names, " · "))
	}
	for _, c := range plan.Competitors {
		t.competitor(c)
	}
	t.list()
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// typesetter sets text. Its writer keeps the first error until it is flushed.
type typesetter struct {
	w     *bufio.Writer
	where *time.Location
	owner string // the account's handle
	// analyzed is how many posts the account has.
	analyzed int
	posts    map[string]content.Post
	numbers  map[string]int
	cited    []content.Post
}

func (t *typesetter) head(title string) {
	t.title(strings.ToUpper(title))
}

// title sets a heading as it is written: a handle has its own capitals.
func (t *typesetter) title(words string) {
	t.line("")
	t.line(words)
}

func (t *typesetter) next(n content.NextPost) {
	t.head("The next post")
	if n.Withheld != "" {
		t.wrap("  ", "None is suggested. "+n.Withheld)
		return
	}
	for line := range strings.SplitSeq(orElse(n.Caption, n.Tweet), "\n") {
		t.wrap("  | ", line)
	}
	if len(n.Hashtags) > 0 {
		t.wrap("  | ", strings.Join(n.Hashtags, " "))
	}
	t.labelled("Call to action", n.CallToAction)
	t.labelled("When", n.When)
	t.labelled("Image", n.ImagePrompt)
	if n.Why != "" {
		t.labelled("Why", n.Why+t.cite(n.PostIDs))
	}
}

func (t *typesetter) labelled(name, words string) {
	if words != "" {
		t.hang("  "+name+": ", words)
	}
}

func (t *typesetter) recommendations(plan content.Plan) {
	t.head("Recommendations")
	if plan.Withheld != "" {
		t.wrap("  ", plan.Withheld)
	}
	hints := 0
	for i, r := range plan.Recommendations {
		weak := r.Evidence == "weak"
		if weak {
			hints++
		}
		if hints > textHints {
			t.line("")
			t.wrap("", fmt.Sprintf("More weak hints, and how to try each: %d in the report.", len(plan.Recommendations)-i))
			return
		}
		if i > 0 || plan.Withheld != "" {
			t.line("")
		}
		t.hang(fmt.Sprintf("%2d  ", i+1), r.Title)
		t.wrap("    ", r.Why+" Evidence: "+r.Evidence+"."+t.cite(r.PostIDs))
		if !weak || r.About == "data" {
			t.wrap("    ", "How: "+r.How)
			t.wrap("    ", "Measure: "+r.Measure)
		}
	}
	if hints > 0 {
		t.line("")
		t.wrap("", "How to try each weak hint, and how to measure it, is in the report.")
	}
}

// unsaid returns what works and is not told as the reason of a recommendation.
func unsaid(plan content.Plan) []content.Statement {
	return slices.DeleteFunc(slices.Clone(plan.Works), func(s content.Statement) bool {
		return slices.ContainsFunc(plan.Recommendations, func(r content.Recommendation) bool { return strings.HasPrefix(r.Why, s.Text) })
	})
}

func (t *typesetter) statements(title string, all []content.Statement) {
	if len(all) == 0 {
		return
	}
	t.head(title)
	for _, s := range all {
		if 2*len(s.PostIDs) > t.analyzed { // it rests on the posts as a whole: naming three says nothing
			s.PostIDs = nil
		}
		t.hang("- ", s.Text+t.cite(s.PostIDs))
	}
}

func (t *typesetter) competitor(c content.CompetitorAnalysis) {
	t.title("COMPETITOR @" + clean(strings.TrimPrefix(c.Username, "@")))
	if c.Missing != "" {
		t.wrap("  ", "Nothing to compare. "+c.Missing)
		return
	}
	t.wrap("  ", c.Overview)
	more := t.some("  + ", c.Strengths) + t.some("  - ", c.Vulnerabilities) + t.some("  > ", c.CounterStrategies)
	if more > 0 {
		t.wrap("  ", fmt.Sprintf("%d more in the report.", more))
	}
}

// some sets the first statements of a list and returns how many there are besides.
func (t *typesetter) some(mark string, all []content.Statement) (more int) {
	told := min(len(all), textFindings)
	for _, s := range all[:told] {
		t.hang(mark, s.Text+t.cite(s.PostIDs))
	}
	return len(all) - told
}

// cite returns " [1] [2] +7" for nine posts, numbered as they are first cited.
func (t *typesetter) cite(ids []string) string {
	var b strings.Builder
	named, known := 0, 0
	for _, id := range ids {
		p, ok := t.posts[id]
		if !ok {
			continue
		}
		if known++; known > textPosts {
			continue
		}
		if t.numbers[id] == 0 {
			t.cited = append(t.cited, p)
			t.numbers[id] = len(t.cited)
		}
		fmt.Fprintf(&b, " [%d]", t.numbers[id])
		named++
	}
	if known > named {
		fmt.Fprintf(&b, " +%d", known-named)
	}
	return b.String()
}

// list names the cited posts, the account's own first, then those of each
// other account under its handle.
func (t *typesetter) list() {
	if len(t.cited) == 0 {
		return
	}
	t.head("Posts")
	order := slices.SortedStableFunc(slices.Values(t.cited), func(a, b content.Post) int {
		return strings.Compare(t.other(a), t.other(b))
	})
	of := ""
	for _, p := range order {
		if other := t.other(p); other != of {
			of = other
			t.wrap("", "of @"+of)
		}
		words := "no date"
		if !p.Time.IsZero() {
			words = p.Time.In(t.where).Format("2006-01-02 15:04")
		}
		words += " " + string(p.Kind)
		if sum, ok := p.Engagement(); ok {
			words += " " + humanize.Comma(sum)
		}
		t.hang(fmt.Sprintf("%4s ", fmt.Sprintf("[%d]", t.numbers[p.ID])), words+" "+orElse(p.URL, opening(p.Text)))
	}
}

// other returns the handle of a post that is not the account's own.
func (t *typesetter) other(p content.Post) string {
	if content.SameHandle(p.Account, t.owner) {
		return ""
	}
	return strings.TrimPrefix(p.Account, "@")
}

// opening returns the first words of a post, by which one knows it again.
func opening(text string) string {
	const enough = 40
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > enough {
		text = string(runes[:enough]) + "…"
	}
	return "“" + text + "”"
}

// hang sets words behind a label, with what follows indented by as much.
func (t *typesetter) hang(label, words string) {
	t.set(label, strings.Repeat(" ", cells(label)), words)
}

// wrap sets words with every line indented alike.
func (t *typesetter) wrap(indent, words string) { t.set(indent, indent, words) }

func (t *typesetter) set(first, rest, words string) {
	line, used := first, cells(first)
	empty := true
	for word := range strings.FieldsSeq(clean(words)) {
		n := cells(word)
		if !empty && used+1+n > columns {
			t.line(line)
			line, used, empty = rest, cells(rest), true
		}
		if !empty {
			line, used = line+" ", used+1
		}
		line, used, empty = line+word, used+n, false
	}
	t.line(line)
}

func (t *typesetter) line(s string) {
	_, _ = t.w.WriteString(strings.TrimRight(s, " ") + "\n") // Flush returns the error.
}

// clean removes what could steer a terminal or turn the direction of a line
// around; line breaks and tabs become blanks.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}

// cells returns how many columns of a terminal s takes, as nearly as can be told
// without asking it.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
