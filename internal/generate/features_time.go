package generate

import (
	"fmt"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// timeFeatures are the slots that stage 4 found best, each weekday, and the
// weekend.
func (s *study) timeFeatures() []feature {
	var all []feature
	for _, slot := range s.analysis.Best.Slots {
		when := slotName(slot)
		if slot.Weekday >= 0 {
			when = "on " + when
		}
		f := s.timed(when, "posts "+when+" ("+s.zone.String()+")", when, func(it *item) bool { return inSlot(it.local, slot) })
		f.tries = s.rivalSlots(slot)
		all = append(all, f)
	}
	for d := range 7 {
		name := time.Weekday((d + 1) % 7)
		all = append(all, s.timed("on "+name.String()+"s", name.String()+" posts", "on a "+name.String(), func(it *item) bool {
			return it.local.Weekday() == name
		}))
	}
	return append(all, s.timed("at the weekend", "weekend posts", "on a Saturday or Sunday", func(it *item) bool {
		return it.local.Weekday() == time.Saturday || it.local.Weekday() == time.Sunday
	}))
}

func (s *study) timed(when, name, at string, holds func(*item) bool) feature {
	return feature{
		about: "time", key: "time " + when, name: name, others: "posts at other times",
		is: "was posted " + at, are: "were posted " + at, more: "Post more " + when, fewer: "Post less " + when,
		do: "publish %s " + at, undo: "publish %s at another time",
		holds: holds,
		known: func(it *item) bool { return !it.local.IsZero() },
	}
}

// slotName writes a slot so that it fits into a sentence.
func slotName(slot content.Slot) string {
	hours := fmt.Sprintf("between %02d:00 and %02d:00", slot.From, slot.To)
	if slot.Weekday < 0 {
		return hours
	}
	return time.Weekday((slot.Weekday+1)%7).String() + "s " + hours
}

// rivalSlots returns how many slots as wide as this one hold enough posts for
// a comparison: the slot is the best of them, so it had that many tries.
func (s *study) rivalSlots(slot content.Slot) int {
	width := (slot.To - slot.From + 24) % 24
	if width == 0 {
		return 1
	}
	days := []int{-1}
	if slot.Weekday >= 0 {
		days = []int{0, 1, 2, 3, 4, 5, 6}
	}
	n := 0
	for _, weekday := range days {
		for at := 0; at+width <= 24; at += width {
			from := (slot.From + at) % 24
			other := content.Slot{Weekday: weekday, From: from, To: (from + width) % 24}
			if len(where(s.own.judged(), func(it *item) bool { return !it.local.IsZero() && inSlot(it.local, other) })) >= minSide {
				n++
			}
		}
	}
	return max(n, 1)
}

func inSlot(at time.Time, slot content.Slot) bool {
	weekday := (int(at.Weekday()) + 6) % 7
	from, to, hour := slot.From, slot.To, at.Hour()
	if from < to {
		return (slot.Weekday < 0 || slot.Weekday == weekday) && hour >= from && hour < to
	}
	if hour >= from {
		return slot.Weekday < 0 || slot.Weekday == weekday
	}
	return hour < to && (slot.Weekday < 0 || slot.Weekday == (weekday+6)%7) // the slot passes midnight
}

// rhythmFeature compares posts that follow another closely with the rest. What
// counts as close is the account's own median gap, when it is at most a week.
func (s *study) rhythmFeature() []feature {
	dated := s.own.dated()
	if len(dated) < 2*minSide || s.winners() {
		return nil
	}
	gaps := map[*item]time.Duration{}
	var hours []float64
	for i, it := range dated[:len(dated)-1] {
		gap := it.Time.Sub(dated[i+1].Time)
		if gap < 0 {
			return nil // not in the order of time: no gap can be told
		}
		gaps[it] = gap
		hours = append(hours, gap.Hours())
	}
	near := int(median(hours) + 0.5)
	if near < 1 || near > 7*24 {
		return nil
	}
	within := fmt.Sprintf("within %s hours of the one before", grouped(float64(near)))
	return []feature{{
		about: "rhythm", key: "rhythm", name: "posts " + within, others: "posts after a longer pause",
		is: "came " + within, are: "came " + within,
		more: "Keep posts close together", fewer: "Leave more room between posts",
		do: "publish %s " + within, undo: fmt.Sprintf("leave more than %s hours before %%s", grouped(float64(near))),
		figures: []content.Figure{{Name: "median gap between posts", Value: float64(near), Unit: "hours", N: len(hours)}},
		holds:   func(it *item) bool { return gaps[it] <= time.Duration(near)*time.Hour },
		known:   func(it *item) bool { _, known := gaps[it]; return known },
	}}
}
