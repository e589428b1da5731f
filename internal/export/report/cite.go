package report

import (
	"iter"
	"slices"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Cited yields the ids of the posts that the plan and the analysis rest on, in
// the order in which a reader meets them, repeats included.
func Cited(p content.Plan, a content.Analysis) iter.Seq[string] {
	return func(yield func(string) bool) {
		for ids := range citations(p, a) {
			for _, id := range ids {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// citations yields each list of posts that something rests on.
func citations(p content.Plan, a content.Analysis) iter.Seq[[]string] {
	lists := [][]string{p.Next.PostIDs}
	add := func(all []content.Statement) {
		for _, s := range all {
			lists = append(lists, s.PostIDs)
		}
	}
	for _, r := range p.Recommendations {
		lists = append(lists, r.PostIDs)
	}
	add(p.Profile)
	add(p.Works)
	add(p.Trend)
	for _, t := range p.Topics {
		lists = append(lists, t.PostIDs)
	}
	for _, s := range a.Best.Slots {
		lists = append(lists, s.PostIDs)
	}
	for _, x := range a.Anomalies.Found {
		lists = append(lists, []string{x.PostID})
	}
	for _, c := range p.Competitors {
		add(c.Strengths)
		add(c.Vulnerabilities)
		add(c.CounterStrategies)
	}
	return slices.Values(lists)
}

// shown is how many posts are named beside one statement; of more, it is said how many.
const shown = 12

// ref is a cited post's place in the appendix.
type ref struct {
	N int
}

// refs are the posts beside one statement.
type refs struct {
	List []ref
	More int // cited too, but not listed
}

// entry is one post of the appendix.
type entry struct {
	N       int
	Account string
	Own     bool
	Date    string
	Kind    string
	Counts  []count
	Excerpt string
	Lang    string
	URL     string
}

// count is a named number.
type count struct {
	Name  string
	Value string
	Of    string // what it was measured on, if that is said
}

// appendix numbers posts as they are first cited.
type appendix struct {
	corpus  content.Corpus
	posts   map[string]content.Post
	numbers map[string]int
	Entries []entry
}

func newAppendix(c content.Corpus) *appendix {
	a := &appendix{corpus: c, posts: map[string]content.Post{}, numbers: map[string]int{}}
	for _, p := range c.All() {
		if _, ok := a.posts[p.ID]; !ok {
			a.posts[p.ID] = p
		}
	}
	return a
}

// cite returns references to posts. An id that is in no post of the corpus is
// left out: there is nothing to show.
func (a *appendix) cite(ids []string) refs {
	var r refs
	for _, id := range ids {
		p, ok := a.posts[id]
		if !ok {
			continue
		}
		if len(r.List) == shown {
			r.More++
			continue
		}
		if a.numbers[id] == 0 {
			a.numbers[id] = len(a.Entries) + 1
			a.Entries = append(a.Entries, a.entry(p))
		}
		r.List = append(r.List, ref{N: a.numbers[id]})
	}
	return r
}

// excerptRunes is how much of a post's text the appendix shows.
const excerptRunes = 280

func (a *appendix) entry(p content.Post) entry {
	e := entry{
		N: len(a.Entries) + 1, Account: p.Account, Own: content.SameHandle(p.Account, a.corpus.Account.Username),
		Date: moment(p.Time, a.corpus.Account.Location()), Kind: string(p.Kind),
		Excerpt: excerpt(p.Text, excerptRunes), Lang: languageTag(p.Language), URL: webLink(p.URL),
	}
	add := func(name string, n *int64) {
		if n != nil {
			e.Counts = append(e.Counts, count{Name: name, Value: whole(*n)})
		}
	}
	replies, shares := "comments", "shares"
	if p.Platform == content.Twitter {
		replies, shares = "replies", "retweets"
	}
	add("likes", p.Likes)
	add(replies, p.Comments)
	add(shares, p.Shares)
	add("quotes", p.Quotes)
	add("bookmarks", p.Bookmarks)
	add("views", p.Views)
	return e
}
