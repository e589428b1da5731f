package account

import (
	"slices"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Next returns whose turn it is among the entries that are due at now, and false
// when none is. Platforms take turns: the search begins with the platform after
// last ("" at the start), so one with much work cannot starve another. Within a
// platform the account that has been due for longest comes first, so none of
// those can be starved either.
func Next(entries []Entry, last content.Platform, now time.Time) (Entry, bool) {
	order := content.Platforms()
	first := slices.Index(order, last) + 1
	for i := range order {
		if e, found := oldest(entries, order[(first+i)%len(order)], now); found {
			return e, true
		}
	}
	return Entry{}, false
}

func oldest(entries []Entry, platform content.Platform, now time.Time) (best Entry, found bool) {
	var since time.Time
	for _, e := range entries {
		if e.Account.Platform != platform || !Due(e, now) {
			continue
		}
		if at := waitingSince(e); !found || at.Before(since) {
			best, since, found = e, at, true
		}
	}
	return best, found
}
