package images

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/stagewatch/stagewatch/internal/content"
)

// evidence is what an answer may draw on.
type evidence struct {
	question string
	username string
	hits     []content.Hit
	whole    bool // The hits are all that the index could compare, not what fits the question.
	plan     content.Plan
}

// scope names the hits.
func (e evidence) scope() string {
	if e.whole {
		return "posts that could be compared"
	}
	return "posts that fit"
}

// finding is a sentence made of measured figures.
type finding struct {
	text    string
	figures []content.Figure
}

// rule says by which words a question asks for something, and how it is found.
type rule struct {
	words []string // whole words; several in one entry must follow one another
	find  func(evidence) (finding, bool)
}

// rules lists what questions may ask for, in the order in which it is answered.
// A question that names none of it is answered by the posts' engagement alone.
func rules() []rule {
	return []rule{
		{[]string{"when", "what time", "best time", "best day", "hour", "weekday", "schedule"}, planned("time", "rhythm")},
		{[]string{"hashtag", "hashtags", "tag", "tags"}, hashtagsUsed},
		{[]string{"most liked", "most popular", "most viewed", "best post", "best posts", "did best", "do best", "performed best", "top", "best performing", "strongest"}, strongestPost},
		{[]string{"video", "videos", "reel", "reels", "photo", "photos", "carousel", "carousels", "kind", "kinds", "format", "formats"}, byKind},
		{rivalWords(), byAccount},
		{[]string{"topic", "topics", "about what", "what works", "works best"}, planned("topic", "kind")},
	}
}

// rivalWords are the words by which a question asks for competitors too.
func rivalWords() []string {
	return []string{"competitor", "competitors", "rival", "rivals", "compare", "compared", "versus", "vs"}
}

// commonWords are those that say nothing of what posts are about.
const commonWords = " a about account accounts all an and any are at average best better can could did do does engagement for from get give got had has " +
	"have how i in is it like likes many me mean most much my of on or our ours perform performs performed post posted posting posts shall should show tell that the their them they " +
	"this to tweet tweets use used us was we well were what which who why will with work worked works would you your "

// subject returns the words of a question that say what posts should be about. It
// is empty for a question about the account as a whole.
func subject(question string) []string {
	rest := words(question)
	for _, r := range rules() {
		for _, w := range r.words {
			rest = strings.ReplaceAll(rest, " "+w+" ", " ")
		}
	}
	return slices.DeleteFunc(strings.Fields(rest), func(w string) bool { return strings.Contains(commonWords, " "+w+" ") })
}

// mostSentences is how long an answer gets.
const mostSentences = 2

// findings answers the question in at most mostSentences findings: what it asks
// for by name first, then how the posts that fit it did.
func findings(e evidence) []finding {
	var all []finding
	for _, r := range rules() {
		if asks(e.question, r.words) {
			if f, ok := r.find(e); ok {
				all = append(all, f)
			}
		}
	}
	if f, ok := engagement(e); ok {
		all = append(all, f)
	}
	return all[:min(len(all), mostSentences)]
}

// asks reports whether one of the words, or rows of words, is in the question.
func asks(question string, wanted []string) bool {
	said := words(question)
	return slices.ContainsFunc(wanted, func(w string) bool { return strings.Contains(said, " "+w+" ") })
}

// words returns the words of s in small letters with single blanks before, between and after.
func words(s string) string {
	parts := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return " " + strings.Join(parts, " ") + " "
}

// planned returns the stored plan's first statement about one of the subjects.
func planned(about ...string) func(evidence) (finding, bool) {
	return func(e evidence) (finding, bool) {
		for _, subject := range about {
			for _, s := range slices.Concat(e.plan.Works, e.plan.Profile) {
				if s.About == subject {
					return finding{sentence(s.Text), s.Figures}, true
				}
			}
		}
		return finding{}, false
	}
}

// tally is what a group of posts got together.
type tally struct {
	name   string
	posts  int
	values []float64 // engagement of the comparable ones
}

func (t tally) mean() float64 {
	total := 0.0
	for _, v := range t.values {
		total += v
	}
	return total / float64(max(len(t.values), 1))
}

func (t tally) median() float64 {
	v := slices.Sorted(slices.Values(t.values))
	switch n := len(v); {
	case n == 0:
		return 0
	case n%2 == 1:
		return v[n/2]
	default:
		return (v[n/2-1] + v[n/2]) / 2
	}
}

// measure is what engagement counts, in words and as the figures' unit.
const measure = "likes, comments, shares and quotes"

// figure is the tally's mean as a figure.
func (t tally) figure() content.Figure {
	return content.Figure{Name: "mean engagement, " + t.name, Value: t.mean(), Unit: measure, N: len(t.values)}
}

// tallies groups the hits' posts by the names that each has, most posts first.
func tallies(hits []content.Hit, names func(content.Post) []string) []tally {
	var all []tally
	for _, h := range hits {
		for _, name := range names(h.Post) {
			i := slices.IndexFunc(all, func(t tally) bool { return strings.EqualFold(t.name, name) })
			if i < 0 {
				i = len(all)
				all = append(all, tally{name: name})
			}
			all[i].posts++
			if sum, known := h.Post.Engagement(); known {
				all[i].values = append(all[i].values, float64(sum))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b tally) int {
		return cmp.Or(cmp.Compare(b.posts, a.posts), cmp.Compare(b.mean(), a.mean()))
	})
	return all
}

// engagement tells how the account's own posts among the hits did, or, when there
// is none, its competitors'.
func engagement(e evidence) (finding, bool) {
	whose := tallies(e.hits, func(p content.Post) []string {
		if content.SameHandle(p.Account, e.username) {
			return []string{"own post"}
		}
		return []string{"post of competitors"}
	})
	slices.SortStableFunc(whose, func(a, b tally) int { return cmp.Compare(a.name, b.name) })
	if len(whose) == 0 {
		return finding{}, false
	}
	t := whose[0]
	subject := counted(t.posts, t.name) + " " + either(t.posts, "fits", "fit") + " the question"
	if e.whole {
		subject = counted(t.posts, t.name) + " could be compared"
	}
	if len(t.values) == 0 {
		return finding{subject + "; likes are known of none.", nil}, true
	}
	t.name = strings.Replace(t.name, "post", "posts", 1) + " among the " + e.scope()
	if len(t.values) == 1 {
		return finding{fmt.Sprintf("%s; 1 with known likes got %s %s.", subject, number(t.mean()), measure), []content.Figure{t.figure()}}, true
	}
	median := content.Figure{Name: "median engagement, " + t.name, Value: t.median(), Unit: measure, N: len(t.values)}
	text := fmt.Sprintf("%s; %d with known likes got %s %s on average, with a median of %s.",
		subject, len(t.values), number(t.mean()), measure, number(t.median()))
	return finding{text, []content.Figure{t.figure(), median}}, true
}

// hashtagsUsed names the hashtags that the fitting posts share, else the plan's statement.
func hashtagsUsed(e evidence) (finding, bool) {
	if f, ok := planned("hashtag")(e); ok {
		return f, true
	}
	used := tallies(e.hits, func(p content.Post) []string { return p.Hashtags })
	if len(used) == 0 {
		return finding{"None of the " + e.scope() + " has a hashtag.", nil}, len(e.hits) > 0
	}
	var f finding
	var parts []string
	for _, t := range used[:min(len(used), 3)] {
		parts = append(parts, fmt.Sprintf("#%s (%s)", t.name, counted(t.posts, "post")))
		if len(t.values) > 0 {
			t.name = "#" + t.name
			f.figures = append(f.figures, t.figure())
		}
	}
	f.text = "Most used in the " + e.scope() + ": " + strings.Join(parts, ", ") + "."
	return f, true
}

// strongestPost names the fitting post with the most engagement.
func strongestPost(e evidence) (finding, bool) {
	if len(e.hits) == 0 {
		return finding{}, false
	}
	best := slices.MaxFunc(e.hits, func(a, b content.Hit) int { return cmp.Compare(engagementOf(a.Post), engagementOf(b.Post)) }).Post
	most := engagementOf(best)
	if most < 0 {
		return finding{}, false
	}
	when := "without a date"
	if !best.Time.IsZero() {
		when = "of " + best.Time.UTC().Format("2006-01-02")
	}
	return finding{
		fmt.Sprintf("Of the %s, %s's %s %s (id %s) got the most: %s %s.",
			e.scope(), best.Account, best.Kind, when, best.ID, humanize.Comma(most), measure),
		[]content.Figure{{Name: "engagement of " + best.ID, Value: float64(most), Unit: measure, N: 1}},
	}, true
}

// byKind compares the kinds of the fitting posts.
func byKind(e evidence) (finding, bool) {
	return compared(tallies(e.hits, func(p content.Post) []string { return []string{string(p.Kind)} }), "By kind, the "+e.scope())
}

// byAccount compares the accounts of the fitting posts.
func byAccount(e evidence) (finding, bool) {
	return compared(tallies(e.hits, func(p content.Post) []string { return []string{p.Account} }), "By account, the "+e.scope())
}

// compared lists the groups' means.
func compared(groups []tally, subject string) (f finding, ok bool) {
	var parts []string
	for _, t := range groups {
		if len(t.values) > 0 {
			parts = append(parts, fmt.Sprintf("%s %s (%s)", t.name, number(t.mean()), counted(len(t.values), "post")))
			f.figures = append(f.figures, t.figure())
		}
	}
	f.text = subject + " got on average: " + strings.Join(parts, ", ") + "; counted are " + measure + "."
	return f, len(parts) > 0
}

// counted is n with its noun, which holds the word post.
func counted(n int, noun string) string {
	return fmt.Sprintf("%d %s", n, either(n, noun, strings.Replace(noun, "post", "posts", 1)))
}

func either(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// number writes v with thousands apart, and a broken one below a hundred with one decimal.
func number(v float64) string {
	if v < 100 && v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return humanize.Comma(int64(math.Round(v)))
}

// sentence ends s in a full stop.
func sentence(s string) string {
	if s = strings.TrimSpace(s); s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}
