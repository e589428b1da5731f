package report

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// page is what the template shows, in its order.
type page struct {
	CSS    template.CSS
	Policy string

	Title    string
	Platform string
	Profile  *content.Profile
	Link     string // the profile's address
	Site     string // the account's own site
	Figures  []count
	Facts    []fact
	Notes    []string

	Next            content.NextPost
	NextRefs        refs
	NextLang        string
	Recommendations []recommendation
	Withheld        string
	About           []statement
	Works           []statement
	Trend           []statement
	Topics          []topic
	Main            []*chart // over the whole width
	Pairs           []*chart // side by side where there is room
	Compare         table
	Competitors     []competitor
	Cleaning        []cleaning
	Methods         []fact
	Posts           []entry
	Run             string
	Made            string
}

type fact struct {
	Name string
	Text string
}

type statement struct {
	content.Statement
	Figures []count
	Refs    refs
}

type recommendation struct {
	content.Recommendation
	N       int
	Figures []count
	Refs    refs
	Marks   string // ●●○
}

type topic struct {
	content.Topic
	Size   string
	Refs   refs
	Mean   string
	Change string
}

type competitor struct {
	content.CompetitorAnalysis
	Figures []count
	Lists   []findings
}

type findings struct {
	Title string
	All   []statement
}

// cleaning is what became of one account's raw records.
type cleaning struct {
	Account string
	Kept    string
	Missing string
	Dropped []count // reason → how many
	Mended  []count
}

func (in Input) location() *time.Location {
	return content.Account{Timezone: in.Analysis.Timezone}.Location()
}

// zone names the time zone of every hour and day of the page.
func (in Input) zone() string {
	if where := in.location(); where != time.UTC {
		return where.String() + " time"
	}
	return "UTC"
}

func pageOf(in Input) page {
	refs := newAppendix(in.Corpus)
	plan, made := in.Plan, "unknown"
	if !plan.Made.IsZero() {
		made = plan.Made.UTC().Format("2 January 2006, 15:04 UTC")
	}
	p := page{
		Title: plan.Account.Username, Platform: platformName(plan.Account.Platform), Profile: in.Corpus.Main.Profile,
		Notes: plan.Notes, Next: plan.Next, NextRefs: refs.cite(plan.Next.PostIDs), NextLang: languageTag(plan.Next.Language),
		Withheld: plan.Withheld,
		Run:      in.Run, Made: made,
	}
	if p.Profile != nil {
		p.Link, p.Site = webLink(p.Profile.URL), webLink(p.Profile.Website)
		p.Figures = profileFigures(*p.Profile)
	}
	p.Facts = factsOf(in)
	for i, r := range plan.Recommendations {
		p.Recommendations = append(p.Recommendations, recommendation{
			Recommendation: r, N: i + 1, Refs: refs.cite(r.PostIDs), Figures: refs.figures(r.Figures), Marks: marks(r.Evidence),
		})
	}
	p.About, p.Works, p.Trend = refs.statements(plan.Profile), refs.statements(plan.Works), refs.statements(plan.Trend)
	for _, t := range plan.Topics {
		p.Topics = append(p.Topics, topic{Topic: t, Size: plural(len(t.PostIDs), "post"), Refs: refs.cite(t.PostIDs), Mean: number(t.Mean), Change: change(t.Lift)})
	}
	p.Main = present(timeline(in), outlook(in), week(in))
	p.Pairs = present(
		cells("weekdays", "By weekday", in.Analysis.Weekdays, func(c content.Cell) string { return weekday(c.Weekday) }, in),
		cells("hours", "By hour", in.Analysis.Hours, func(c content.Cell) string { return fmt.Sprintf("%02d:00", c.Hour) }, in),
		kinds(in),
	)
	for _, a := range in.Analysis.Anomalies.Found {
		refs.cite([]string{a.PostID})
	}
	p.Compare = compare(in)
	for _, c := range plan.Competitors {
		p.Competitors = append(p.Competitors, refs.competitor(c))
	}
	p.Cleaning = cleaned(in.Corpus)
	p.Methods = methods(in)
	p.Posts = refs.Entries
	return p
}

func present(all ...*chart) []*chart {
	return slices.DeleteFunc(all, func(c *chart) bool { return c == nil })
}

func (a *appendix) statements(all []content.Statement) []statement {
	var out []statement
	for _, s := range all {
		out = append(out, statement{Statement: s, Refs: a.cite(s.PostIDs), Figures: a.figures(s.Figures)})
	}
	return out
}

func (a *appendix) competitor(c content.CompetitorAnalysis) competitor {
	out := competitor{CompetitorAnalysis: c, Figures: a.figures(c.Figures)}
	for _, list := range []findings{
		{"Strengths", a.statements(c.Strengths)},
		{"Weak points", a.statements(c.Vulnerabilities)},
		{"What to do about it", a.statements(c.CounterStrategies)},
	} {
		if len(list.All) > 0 {
			out.Lists = append(out.Lists, list)
		}
	}
	return out
}

// figures says measured numbers with their units. A post's id in a name becomes
// its number in the appendix.
func (a *appendix) figures(all []content.Figure) []count {
	var out []count
	for _, f := range all {
		one := count{Name: a.named(f.Name), Value: measured(f)}
		if f.N > 1 && float64(f.N) != f.Value {
			one.Of = plural(f.N, "post")
		}
		out = append(out, one)
	}
	return out
}

// named returns words with each id of a post replaced by its number.
func (a *appendix) named(words string) string {
	fields := strings.Fields(words)
	for i, word := range fields {
		if r := a.cite([]string{word}); len(r.List) > 0 {
			fields[i] = strconv.Itoa(r.List[0].N)
		}
	}
	return strings.Join(fields, " ")
}

// measured says a value in its unit. A share is told in per cent, a count needs no
// unit at all.
func measured(f content.Figure) string {
	switch f.Unit {
	case "", "count":
		return number(f.Value)
	case "share":
		return number(f.Value*100) + " %"
	case "ratio":
		return number(f.Value) + " ×"
	}
	return number(f.Value) + " " + f.Unit
}

// marks draws a grade, so that it can be seen from afar; its word stands beside it.
func marks(evidence string) string {
	switch evidence {
	case "strong":
		return "●●●"
	case "moderate":
		return "●●○"
	}
	return "●○○"
}

// change says a lift in words.
func change(lift float64) string {
	percent := (lift - 1) * 100
	switch {
	case lift <= 0:
		return ""
	case percent > 0.5:
		return number(float64(int(percent+0.5))) + " % above the account's mean"
	case percent < -0.5:
		return number(float64(int(0.5-percent))) + " % below the account's mean"
	}
	return "at the account's mean"
}

func profileFigures(p content.Profile) []count {
	var out []count
	add := func(name string, n *int64) {
		if n != nil {
			out = append(out, count{Name: name, Value: whole(*n)})
		}
	}
	add("followers", p.Followers)
	add("following", p.Following)
	add("posts in all", p.Posts)
	return out
}

func platformName(p content.Platform) string {
	switch p {
	case content.Instagram:
		return "Instagram"
	case content.Twitter:
		return "Twitter / X"
	case content.Facebook:
		return "Facebook"
	}
	return string(p)
}

// factsOf says what was looked at.
func factsOf(in Input) []fact {
	main, account, where := in.Corpus.Main, in.Plan.Account, in.location()
	out := []fact{{"Posts", plural(in.Plan.Analyzed, "post") + between(main, where)}}
	order := "the newest"
	if main.Order == content.MostLiked {
		order = "the most liked ever, not the newest"
	}
	out = append(out, fact{"Chosen", order + sentence(main.OrderReason)}, fact{"Times", in.zone()})
	if mix := languages(main.Posts); mix != "" {
		out = append(out, fact{"Languages", mix})
	}
	kind := account.Type
	if !account.TypeGiven {
		kind += " (not given: assumed)"
	}
	style := account.Style
	if style == "" {
		style = "not given"
	}
	out = append(out, fact{"Account type", kind}, fact{"Posting style", style})
	if !main.Scraped.IsZero() {
		out = append(out, fact{"Data taken", day(main.Scraped, where)})
	}
	return append(out, fact{"Run", in.Run + ", started " + in.Started.UTC().Format("2 Jan 2006, 15:04 UTC")})
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return " — " + s
}

// span returns the times between which the account's posts lie, zero when no
// post has a date.
func span(s content.Source) (first, last time.Time) {
	for n, use := range s.Uses() {
		if t := s.Posts[n].Time; use.Regular() {
			if first.IsZero() || t.Before(first) {
				first = t
			}
			if t.After(last) {
				last = t
			}
		}
	}
	return first, last
}

func between(s content.Source, where *time.Location) string {
	first, last := span(s)
	if first.IsZero() {
		return ""
	}
	return ", " + day(first, where) + " to " + day(last, where)
}

func languages(posts []content.Post) string {
	found := map[string]int{}
	for _, p := range posts {
		found[languageName(p.Language)]++
	}
	names := slices.Sorted(maps.Keys(found))
	slices.SortStableFunc(names, func(x, y string) int { return found[y] - found[x] })
	var parts []string
	for _, n := range names {
		parts = append(parts, fmt.Sprintf("%s %d", n, found[n]))
	}
	return strings.Join(parts, ", ")
}
