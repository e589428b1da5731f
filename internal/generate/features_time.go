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
		label := slot.Label + " (" + s.zone.String() + ")"
		all = append(all, s.timed(slot.Label, "posts of "+label, "in the slot "+label, func(it *item) bool {
			return inSlot(it.local, slot)
		}))
	}
	for d := range 7 {
		name := time.Weekday((d + 1) % 7)
		all = append(all, s.timed(name.String(), name.String()+" posts", "on a "+name.String(), func(it *item) bool {
			return it.local.Weekday() == name
		}))
	}
	return append(all, s.timed("the weekend", "weekend posts", "on a Saturday or Sunday", func(it *item) bool {
		return it.local.Weekday() == time.Saturday || it.local.Weekday() == time.Sunday
	}))
}

func (s *study) timed(when, name, at string, holds func(*item) bool) feature {
	return feature{
		about: "time", key: "time " + when, name: name, others: "posts at other times",
		is: "was posted " + at, are: "were posted " + at, more: "Post more on " + when, fewer: "Post less on " + when,
		do: "publish %s " + at, undo: "publish %s at another time than " + when,
		holds: holds,
		known: func(it *item) bool { return !it.local.IsZero() },
	}
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
	close := int(median(hours) + 0.5)
	if close < 1 || close > 7*24 {
		return nil
	}
	within := fmt.Sprintf("within %s hours of the one before", grouped(float64(close)))
	return []feature{{
		about: "rhythm", key: "rhythm", name: "posts " + within, others: "posts after a longer pause",
		is: "came " + within, are: "came " + within,
		more: "Keep posts close together", fewer: "Leave more room between posts",
		do: "publish %s " + within, undo: fmt.Sprintf("leave more than %s hours before %%s", grouped(float64(close))),
		figures: []content.Figure{{Name: "median gap between posts", Value: float64(close), Unit: "hours", N: len(hours)}},
		holds:   func(it *item) bool { return gaps[it] <= time.Duration(close)*time.Hour },
		known:   func(it *item) bool { _, known := gaps[it]; return known },
	}}
}
