package trend

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// What best times need. Hours one by one would be too thin: a slot is three
// hours, on any day until there are four posts for each of the week's 56.
const (
	bestPosts   = 10 // comparable posts with a date
	slotPosts   = 3  // of them in a slot that is named
	slotHours   = 3  // length of a slot
	slotsADay   = 24 / slotHours
	dailyFrom   = 4 * 7 * slotsADay // comparable posts from which weekdays are told apart
	bestSlots   = 5                 // slots named at most
	worthIt     = 1.05              // smallest lift worth naming
	weakPattern = 0.05              // chance above which a pattern is called weak
	noPattern   = 0.2               // chance above which there is none to speak of
	longSpan    = 365.25            // days after which habits have changed
)

// slotting is how the week is cut into slots.
type slotting struct{ days int }

// slots returns how many slots there are.
func (c slotting) slots() int { return c.days * slotsADay }

// at returns the slot in which a post falls.
func (c slotting) at(i item) int {
	slot := i.local.Hour() / slotHours
	if c.days == 7 {
		slot += weekday(i.local) * slotsADay
	}
	return slot
}

// slot returns the n-th slot, without its posts.
func (c slotting) slot(n int) content.Slot {
	from := n % slotsADay * slotHours
	slot := content.Slot{Weekday: -1, From: from, To: from + slotHours}
	day := "any day"
	if c.days == 7 {
		slot.Weekday = n / slotsADay
		day = weekdayName(slot.Weekday)
	}
	slot.Label = fmt.Sprintf("%s %02d:00–%02d:00", day, slot.From, slot.To)
	return slot
}

// best returns the times at which posts did best.
func (s sample) best() content.BestTimes {
	if why := s.unfit(); why != "" {
		best := content.BestTimes{NotEnough: why}
		if s.order == content.MostLiked {
			best.Caveat = "hours and weekdays show when the most-liked posts were made, not how posts at that time do on average"
		}
		return best
	}
	posts := s.measured()
	if len(posts) < bestPosts {
		return content.BestTimes{NotEnough: fmt.Sprintf(
			"not enough data: need %d comparable posts with a date, have %d", bestPosts, len(posts))}
	}
	cut := slotting{days: 1}
	if len(posts) >= dailyFrom {
		cut.days = 7
	}
	groups := split(posts, cut.slots(), cut.at)
	if full := filled(groups, slotPosts); full < 2 {
		return content.BestTimes{NotEnough: fmt.Sprintf(
			"not enough data: need 2 slots of %d hours with %d comparable posts each, have %d", slotHours, slotPosts, full)}
	}
	p := chance(groups)
	if p > noPattern {
		return content.BestTimes{NotEnough: fmt.Sprintf(
			"no time stands out: differences as large as those between the slots of %d hours of the %d comparable posts arise by chance in %.0f of 100 cases",
			slotHours, len(posts), p*100)}
	}
	slots := rank(cut, groups)
	if len(slots) == 0 {
		return content.BestTimes{NotEnough: fmt.Sprintf(
			"no time stands out: allowing for chance, no slot of %d hours with %d or more of the %d comparable posts is %.0f %% above the mean",
			slotHours, slotPosts, len(posts), (worthIt-1)*100)}
	}
	return content.BestTimes{Slots: slots, Caveat: s.doubt(p)}
}

// rank returns the slots worth naming, best first.
func rank(cut slotting, groups [][]item) []content.Slot {
	var slots []content.Slot
	for n, lift := range lifts(groups) {
		if len(groups[n]) < slotPosts || lift < worthIt {
			continue
		}
		slot := cut.slot(n)
		slot.N, slot.Lift, slot.Mean = len(groups[n]), lift, mean(values(groups[n]))
		for _, i := range groups[n] {
			slot.PostIDs = append(slot.PostIDs, i.post.ID)
		}
		slots = append(slots, slot)
	}
	slices.SortStableFunc(slots, func(a, b content.Slot) int { return cmp.Compare(b.Lift, a.Lift) })
	return slots[:min(len(slots), bestSlots)]
}

// doubt says what limits the slots that were found, "" when nothing is known to.
func (s sample) doubt(p float64) string {
	var doubts []string
	if p > weakPattern {
		doubts = append(doubts, fmt.Sprintf(
			"weak: differences this large between slots arise by chance in %.0f of 100 cases", p*100))
	}
	if young := keep(s.measured(), s.young); len(young) > 0 {
		doubts = append(doubts, fmt.Sprintf(
			"%d of the posts were less than %.0f days old when scraped and may still grow", len(young), settled.Hours()/24))
	}
	if first, last, _ := s.span(); daysBetween(first, last) > longSpan {
		doubts = append(doubts, fmt.Sprintf(
			"the posts span %.1f years, in which audience and habits change", daysBetween(first, last)/longSpan))
	}
	return strings.Join(doubts, "; ")
}

// filled returns how many groups hold at least n posts.
func filled(groups [][]item, n int) int {
	full := 0
	for _, g := range groups {
		if len(g) >= n {
			full++
		}
	}
	return full
}
