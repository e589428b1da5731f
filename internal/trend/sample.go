package trend

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// sample is one source's posts, made ready to be counted.
type sample struct {
	order   content.Order
	scraped time.Time // local; zero when unknown
	items   []item    // oldest first, those without a date last
}

// item is one post as it is counted here.
type item struct {
	post  *content.Post
	local time.Time // in the account's zone; zero when the post has no usable date
	value float64   // engagement, 0 unless comparable
	// comparable says that value may be compared with that of other posts.
	comparable bool
	// stray marks a post that is in the scrape only because it is pinned.
	stray bool
}

// dated reports whether the post has a usable date.
func (i item) dated() bool { return !i.local.IsZero() }

// log returns ln(1 + value): engagement varies by factors, not by amounts.
func (i item) log() float64 { return math.Log1p(i.value) }

// newSample prepares the posts of src for counting in where's local time, each
// for what [content.Source.Uses] says.
func newSample(src content.Source, where *time.Location) sample {
	s := sample{order: src.Order, items: make([]item, len(src.Posts))}
	if !src.Scraped.IsZero() {
		s.scraped = src.Scraped.In(where)
	}
	for n, use := range src.Uses() {
		p := &src.Posts[n]
		i := item{post: p, stray: use.Stray, comparable: use.Unfit == ""}
		if use.Timed {
			i.local = p.Time.In(where)
		}
		if i.comparable {
			sum, _ := p.Engagement()
			i.value = float64(sum)
		}
		s.items[n] = i
	}
	slices.SortFunc(s.items, compareItems)
	return s
}

// compareItems orders items oldest first and leaves no tie that could show in
// a result, so that the order in which posts arrive does not matter.
func compareItems(a, b item) int {
	if a.dated() != b.dated() {
		if a.dated() {
			return -1
		}
		return 1
	}
	return cmp.Or(
		a.local.Compare(b.local),
		strings.Compare(a.post.ID, b.post.ID),
		cmp.Compare(a.value, b.value),
		strings.Compare(string(a.post.Kind), string(b.post.Kind)),
	)
}

// settled is the age from which a post has most of what it will ever get.
const settled = 48 * time.Hour

// young reports whether a post is known to have been too fresh at the scrape
// to be called low.
func (s sample) young(i item) bool {
	return !s.scraped.IsZero() && i.dated() && s.scraped.Sub(i.local) < settled
}

// dated returns the items with a date, oldest first.
func (s sample) dated() []item {
	n, _ := slices.BinarySearchFunc(s.items, false, func(i item, _ bool) int {
		if i.dated() {
			return -1
		}
		return 0
	})
	return s.items[:n]
}

// regular returns the dated items that are no strays: those that say when the
// account posts.
func (s sample) regular() []item {
	return keep(s.dated(), func(i item) bool { return !i.stray })
}

// measured returns the items with a date and a comparable engagement.
func (s sample) measured() []item {
	return keep(s.dated(), func(i item) bool { return i.comparable })
}

// span returns the times of the first and last regular post, and false when
// there is none.
func (s sample) span() (first, last time.Time, ok bool) {
	r := s.regular()
	if len(r) == 0 {
		return time.Time{}, time.Time{}, false
	}
	return r[0].local, r[len(r)-1].local, true
}

// unfit says why no rate, trend or comparison of times can be drawn from these
// posts whatever their number, "" when it can.
func (s sample) unfit() string {
	switch {
	case len(s.items) == 0 || s.order == content.Recent:
		return ""
	case s.order == content.MostLiked:
		return "not enough data: the scrape holds the most-liked posts ever, not the recent ones: " +
			"need a chronological scrape of the account"
	default:
		return "not enough data: it is not known how the scraped posts were chosen: " +
			"need a chronological scrape of the account"
	}
}

// keep returns the items for which good holds.
func keep(items []item, good func(item) bool) []item {
	var kept []item
	for _, i := range items {
		if good(i) {
			kept = append(kept, i)
		}
	}
	return kept
}

// values returns the items' engagement.
func values(items []item) []float64 {
	v := make([]float64, len(items))
	for n, i := range items {
		v[n] = i.value
	}
	return v
}
