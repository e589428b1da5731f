package trend

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/stagewatch/stagewatch/internal/content"
)

// What a rate of posting needs: below five posts one gap more or less changes
// it by a quarter, below three days it says nothing of a week.
const (
	ratePosts = 5
	rateDays  = 3
)

// summary describes the engagement of all comparable posts, dated or not.
func (s sample) summary() content.Summary {
	items := keep(s.items, func(i item) bool { return i.comparable })
	v := values(items)
	sum := content.Summary{
		N:      len(v),
		Mean:   mean(v),
		Median: median(v),
		P25:    quantile(v, 0.25),
		P75:    quantile(v, 0.75),
	}
	if len(items) > 0 {
		top := slices.MaxFunc(items, func(a, b item) int { return cmp.Compare(a.value, b.value) })
		sum.Max, sum.MaxID = top.value, top.post.ID
	}
	sum.PerWeek, sum.PerWeekReason = s.rate()
	return sum
}

// rate returns the posts a week and over what they were counted, or nil and
// what is missing. It is the number of gaps between posts over the time from
// the first to the last: the first post opens the span and is not counted.
func (s sample) rate() (perWeek *float64, reason string) {
	if why := s.unfit(); why != "" {
		return nil, why
	}
	r := s.regular()
	first, last, _ := s.span()
	days := daysBetween(first, last)
	if len(r) < ratePosts || days < rateDays {
		return nil, fmt.Sprintf("not enough data: need %d posts over at least %d days, have %d over %s",
			ratePosts, rateDays, len(r), short(days))
	}
	x := float64(len(r)-1) / days * 7
	reason = fmt.Sprintf("mean from %s to %s, %d posts over %s days",
		dayOf(first), dayOf(last), len(r), short(days))
	if year := last.AddDate(-1, 0, 0); first.Before(year) {
		lately := keep(r, func(i item) bool { return i.local.After(year) })
		reason += fmt.Sprintf("; %d of them in the last 12 months", len(lately))
	}
	return &x, reason
}

// kinds returns the engagement by kind of post, most posts first.
func (s sample) kinds() []content.KindFigure {
	byKind := make(map[content.Kind][]item)
	for _, i := range s.items {
		byKind[i.post.Kind] = append(byKind[i.post.Kind], i)
	}
	figures := make([]content.KindFigure, 0, len(byKind))
	for kind, items := range byKind {
		v := values(keep(items, func(i item) bool { return i.comparable }))
		figures = append(figures, content.KindFigure{
			Kind: kind, Posts: len(items), N: len(v), Mean: mean(v), Median: median(v), Views: medianViews(items),
		})
	}
	slices.SortFunc(figures, func(a, b content.KindFigure) int {
		return cmp.Or(cmp.Compare(b.Posts, a.Posts), cmp.Compare(a.Kind, b.Kind))
	})
	return figures
}

// medianViews returns the median of the known views, nil when none is known.
func medianViews(items []item) *float64 {
	var views []float64
	for _, i := range items {
		if i.post.Views != nil && !i.stray {
			views = append(views, float64(*i.post.Views))
		}
	}
	if len(views) == 0 {
		return nil
	}
	m := median(views)
	return &m
}

// short returns days with a decimal while that matters.
func short(days float64) string {
	if days < 10 {
		return fmt.Sprintf("%.1f", days)
	}
	return fmt.Sprintf("%.0f", days)
}
