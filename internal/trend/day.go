package trend

import (
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// day is a calendar day, counted from 1970-01-01. It has no zone and no
// length: days that last 23 or 25 hours are neighbours like any others.
type day int

// dayOf returns the calendar day that t's own zone shows at t.
func dayOf(t time.Time) day {
	y, m, d := t.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return day(midnight.Unix() / (24 * 60 * 60)) // exact: Unix time has no leap seconds
}

// String returns the day as 2006-01-02.
func (d day) String() string {
	return time.Unix(int64(d)*24*60*60, 0).UTC().Format(time.DateOnly)
}

// weekday returns the weekday of t's calendar day, 0 = Monday.
func weekday(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

// seriesDays is how many days the series shows at most, the newest: two years,
// in which a season of the year could be seen twice.
const seriesDays = 730

// series returns one entry a local day from the first regular post to the
// last, nil when the posts are no series.
func (s sample) series() []content.Day {
	first, last, ok := s.span()
	if !ok || s.unfit() != "" {
		return nil
	}
	to := dayOf(last) + 1
	return s.days(max(dayOf(first), to-seriesDays), to)
}

// days returns one entry for each day from from to the one before to.
func (s sample) days(from, to day) []content.Day {
	days := make([]content.Day, to-from)
	for n := range days {
		days[n].Date = (from + day(n)).String()
	}
	for _, i := range s.regular() {
		if d := dayOf(i.local); d >= from && d < to {
			days[d-from].Posts++
			days[d-from].Engagement += i.value
		}
	}
	return days
}

// daysBetween returns the time from a to b in days of 24 hours. It is not a
// [time.Duration], which ends at 292 years.
func daysBetween(a, b time.Time) float64 {
	return float64(b.Unix()-a.Unix()) / (24 * 60 * 60)
}
