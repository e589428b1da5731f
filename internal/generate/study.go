package generate

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// A study is all that a plan is drawn from, read once.
type study struct {
	corpus   content.Corpus
	analysis content.Analysis
	zone     *time.Location
	metric   string // what an engagement counts, in words
	language string // the account's main one, "" when none
	own      *set
	rivals   []*set
}

// A set is one account's posts, read.
type set struct {
	content.Source
	handle string // with @
	items  []*item
	topics []topic
	// words says that the topics were found by words alone, without the index.
	words    bool
	phrases  []phrase
	language string
}

// An item is one post and what is counted in it.
type item struct {
	content.Post
	value  float64 // engagement; only meaningful when judged
	judged bool    // its engagement may be compared with the others'
	use    content.Use
	local  time.Time // zero when the post has no date
	lines  []string  // its sentences, without links, mentions and hashtags
	words  int
	emoji  []string
	asks   string // how it asks its reader for something, "" when it does not
	doubt  bool   // it asks a question
}

func newStudy(corpus content.Corpus, analysis content.Analysis, vectors []content.Vector) *study {
	s := &study{corpus: corpus, analysis: analysis, zone: zone(corpus.Account, analysis), metric: analysis.Metric}
	s.own = newSet(corpus.Main, corpus.Account.Username, s.zone)
	for _, source := range corpus.Competitors {
		s.rivals = append(s.rivals, newSet(source, source.Username, s.zone))
	}
	if s.metric == "" {
		s.metric = metric(s.own)
	}
	s.language = s.own.language
	for _, each := range s.sets() {
		each.findTopics(vectors)
	}
	return s
}

func zone(account content.Account, analysis content.Analysis) *time.Location {
	if analysis.Timezone != "" {
		if known, err := time.LoadLocation(analysis.Timezone); err == nil {
			return known
		}
	}
	return account.Location()
}

func (s *study) sets() []*set { return append([]*set{s.own}, s.rivals...) }

// branding reports whether the account is run as a brand.
func (s *study) branding() bool { return s.corpus.Account.Type == content.Branding }

// winners reports whether only the account's best posts were scraped.
func (s *study) winners() bool { return s.own.Order == content.MostLiked }

func newSet(source content.Source, username string, local *time.Location) *set {
	s := &set{Source: source, handle: "@" + strings.TrimPrefix(username, "@")}
	for i, use := range source.Uses() {
		s.items = append(s.items, newItem(source.Posts[i], use, local))
	}
	s.language = mainLanguage(s.items)
	s.phrases = vocabulary(s.items)
	return s
}

func newItem(p content.Post, use content.Use, local *time.Location) *item {
	p.Text = strings.ToValidUTF8(p.Text, "")
	it := &item{Post: p, use: use, judged: use.Unfit == "", emoji: emojis(p.Text), words: wordCount(p.Text)}
	sum, _ := p.Engagement()
	it.value = float64(sum)
	if use.Timed {
		it.local = p.Time.In(local)
	}
	for _, line := range sentences(p.Text) {
		if it.asks == "" {
			it.asks = asking(p.Language, line)
		}
		it.doubt = it.doubt || strings.ContainsAny(line, "?¿？؟")
	}
	it.lines = sentences(unlinked(p.Text))
	return it
}

// metric names the counts that the posts' engagement is the sum of.
func metric(s *set) string {
	var names []string
	for _, each := range []struct {
		name  string
		count func(content.Post) *int64
	}{
		{"likes", func(p content.Post) *int64 { return p.Likes }},
		{"comments", func(p content.Post) *int64 { return p.Comments }},
		{"shares", func(p content.Post) *int64 { return p.Shares }},
		{"quotes", func(p content.Post) *int64 { return p.Quotes }},
	} {
		if slices.ContainsFunc(s.items, func(it *item) bool { return each.count(it.Post) != nil }) {
			names = append(names, each.name)
		}
	}
	if len(names) == 0 {
		return "likes"
	}
	return strings.Join(names, " + ")
}

// answer is what a comment is called on the account's platform.
func (s *study) answer() string {
	if s.corpus.Account.Platform == content.Twitter {
		return "reply"
	}
	return "comment"
}

// mainLanguage returns the language of most posts with words, of equally many
// the first in the alphabet; "" when no post has a known one.
func mainLanguage(items []*item) string {
	counts := map[string]int{}
	for _, it := range items {
		if spoken(it.Language) && it.words > 0 && !it.Repost {
			counts[it.Language]++
		}
	}
	if len(counts) == 0 {
		return ""
	}
	return slices.MaxFunc(slices.Sorted(maps.Keys(counts)), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[a], counts[b]), cmp.Compare(b, a))
	})
}

func spoken(language string) bool {
	return language != "" && language != content.NoWords && language != content.UnknownLanguage
}

// judged returns the items whose engagement may be compared, in the set's order.
func (s *set) judged() []*item { return where(s.items, func(it *item) bool { return it.judged }) }

// worded returns the items of the set's own that say something.
func (s *set) worded() []*item {
	return where(s.items, func(it *item) bool { return it.words > 0 && !it.Repost })
}

func (s *set) unfit(why string) []*item {
	return where(s.items, func(it *item) bool { return it.use.Unfit == why })
}

// dated returns the items that say when the account posts.
func (s *set) dated() []*item {
	return where(s.items, func(it *item) bool { return it.use.Regular() })
}

func where(items []*item, holds func(*item) bool) []*item {
	var kept []*item
	for _, it := range items {
		if holds(it) {
			kept = append(kept, it)
		}
	}
	return kept
}

func values(items []*item) []float64 {
	out := make([]float64, len(items))
	for i, it := range items {
		out[i] = it.value
	}
	return out
}

// best returns the items by engagement, highest first, those that cannot be
// compared last.
func best(items []*item) []*item {
	return slices.SortedStableFunc(slices.Values(items), func(a, b *item) int {
		if a.judged != b.judged {
			if a.judged {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.value, a.value)
	})
}

// cite returns the ids of posts, each once, in the order given.
func cite(groups ...[]*item) []string {
	var ids []string
	seen := map[string]bool{}
	for _, group := range groups {
		for _, it := range group {
			if it.ID != "" && !seen[it.ID] {
				seen[it.ID] = true
				ids = append(ids, it.ID)
			}
		}
	}
	return ids
}

// perWeek returns how many posts a week the set's dates show, as stage 4 counts
// them: the gaps between its dated posts over the span from first to last. It
// needs five posts over three days that were not chosen for their likes.
func (s *set) perWeek() (rate float64, over []*item) {
	over = s.dated()
	first, last := span(over)
	weeks := last.Sub(first).Hours() / (24 * 7)
	if s.Order == content.MostLiked || len(over) < 5 || weeks < 3.0/7 {
		return 0, nil
	}
	return float64(len(over)-1) / weeks, over
}

func span(items []*item) (first, last time.Time) {
	for _, it := range items {
		if it.local.IsZero() {
			continue
		}
		if first.IsZero() || it.local.Before(first) {
			first = it.local
		}
		if last.IsZero() || it.local.After(last) {
			last = it.local
		}
	}
	return first, last
}
