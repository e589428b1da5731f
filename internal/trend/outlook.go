package trend

import (
	"fmt"

	"github.com/stagewatch/stagewatch/internal/content"
)

// What a daily forecast of an account needs besides eight weeks.
const (
	historyDays = 365 // days that a forecast looks back on at most
	recentDays  = 28  // days in which the account must be active
	activeDays  = 14  // days of these with a post: on fewer, most days are nothing and a daily value means little
	knownShare  = 0.9 // share of the posts whose likes must be known: the others would count as nothing
	ahead       = season
)

// forecast returns the expected engagement of the coming week's posts by day.
//
// The first and the last day are left out: the scrape begins and ends within
// them. The last is the day of the scrape where that is known, else that of
// the newest post, and the forecast begins with it.
func (s sample) forecast() content.Forecast {
	if why := s.unfit(); why != "" {
		return content.Forecast{NotEnough: why}
	}
	from, to := s.wholeDays()
	if why := s.unforeseeable(from, to); why != "" {
		return content.Forecast{NotEnough: why}
	}
	history := s.days(max(from, to-historyDays), to)
	series := make([]float64, len(history))
	for n, d := range history {
		series[n] = d.Engagement
	}
	out, err := Forecast(series, ahead)
	if err != nil {
		return content.Forecast{NotEnough: "not enough data: " + err.Error()}
	}
	f := content.Forecast{
		Level:    coverage,
		Method:   fmt.Sprintf("%s; %d days, the last %d held back in turn to measure the error", out.Method, len(series), out.Held),
		MASE:     &out.MASE,
		Coverage: &out.Coverage,
	}
	for n, d := range out.Days {
		f.Points = append(f.Points, content.Point{Date: (to + day(n)).String(), Value: d.Value, Low: d.Low, High: d.High})
	}
	return f
}

// wholeDays returns the first day that the scrape holds as a whole and the
// first one that it does not any more; they are equal when it holds none.
//
// Where the time of the scrape is unknown, the dates of the posts alone decide:
// the same posts give the same forecast whenever they are read. A Scraped that
// is later than the true one (the date of a copied file, say) would turn the
// time between into days on which nothing was posted: they pull the forecast
// towards nothing, move it, and from two weeks on refuse it as that of an
// account that has fallen silent. One that is earlier makes the newest posts
// count as impossible, a day of wrong clocks aside. Who does not know the time
// must leave it at zero.
func (s sample) wholeDays() (from, to day) {
	first, last, ok := s.span()
	if !ok {
		return 0, 0
	}
	from, to = dayOf(first)+1, dayOf(last)
	if !s.scraped.IsZero() {
		to = max(to, dayOf(s.scraped))
	}
	return from, max(from, to)
}

// unforeseeable says why the days from from to the one before to carry no
// daily forecast, "" when they do.
func (s sample) unforeseeable(from, to day) string {
	if to-from < minHistory {
		return fmt.Sprintf("not enough data: need posts over %d whole days (%d weeks), have %d",
			minHistory, minHistory/season, to-from)
	}
	active := 0
	for _, d := range s.days(to-recentDays, to) {
		if d.Posts > 0 {
			active++
		}
	}
	if active < activeDays {
		return fmt.Sprintf("not enough data: need posts on %d of the %d days before %s, have them on %d",
			activeDays, recentDays, to, active)
	}
	own := keep(s.regular(), func(i item) bool { return dayOf(i.local) >= to-historyDays && !i.post.Repost })
	known := keep(own, func(i item) bool { return i.comparable })
	if float64(len(known)) < knownShare*float64(len(own)) {
		return fmt.Sprintf("not enough data: need the likes of %.0f %% of the posts, have them of %d of %d",
			knownShare*100, len(known), len(own))
	}
	return ""
}
