package trend

import (
	"fmt"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// What a pattern over the week needs: two posts a weekday on average, and two
// weeks, because in one a weekday cannot be told from its date.
const (
	weeklyPosts = 14
	weeklyDays  = 14
)

// weekly returns the pattern over the week. Where there is not enough, both
// weekdays are −1.
func (s sample) weekly() content.Weekly {
	if why := s.unfit(); why != "" {
		return content.Weekly{Busiest: -1, Strongest: -1, NotEnough: why}
	}
	posts := s.measured()
	first, last, ok := s.span()
	have := 0
	if ok {
		have = int(dayOf(last)-dayOf(first)) + 1
	}
	if len(posts) < weeklyPosts || have < weeklyDays {
		return content.Weekly{Busiest: -1, Strongest: -1, NotEnough: fmt.Sprintf(
			"not enough data: need %d comparable posts over at least %d days, have %d over %d",
			weeklyPosts, weeklyDays, len(posts), have)}
	}
	at := func(i item) int { return weekday(i.local) }
	groups := split(posts, 7, at)
	if full := filled(groups, slotPosts); full < 2 {
		return content.Weekly{Busiest: -1, Strongest: -1, NotEnough: fmt.Sprintf(
			"not enough data: need 2 weekdays with %d comparable posts each, have %d", slotPosts, full)}
	}
	p := chance(groups)
	return content.Weekly{Busiest: busiest(split(s.regular(), 7, at)), Strongest: strongest(groups), Chance: &p}
}

// busiest returns the group with most posts, the first of several.
func busiest(groups [][]item) int {
	most := 0
	for g := range groups {
		if len(groups[g]) > len(groups[most]) {
			most = g
		}
	}
	return most
}

// strongest returns the group with the highest lift of those with enough posts
// to be named. Where chance explains all differences the lifts are equal, and
// the highest mean of ln(1 + engagement) decides.
func strongest(groups [][]item) int {
	lift := lifts(groups)
	top := -1
	for g, items := range groups {
		if len(items) < slotPosts {
			continue
		}
		if top < 0 || lift[g] > lift[top] || lift[g] == lift[top] && mean(logs(items)) > mean(logs(groups[top])) {
			top = g
		}
	}
	return top
}

// weekdayName returns the English name of a weekday, 0 = Monday.
func weekdayName(n int) string { return time.Weekday((n + 1) % 7).String() }
