package trend

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones' rules, also where the system has none

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/content"
)

// TestDaysKeepTheirLengthAcrossClockChanges posts once an hour of real time
// over five local days and counts the posts of each: the days of 23 and 25
// hours are known from the zones' laws, and no date is missing or doubled.
func TestDaysKeepTheirLengthAcrossClockChanges(t *testing.T) {
	tests := map[string]struct {
		zone, first string
		hours       [5]int
		weekday     int // of the third day, 0 = Monday
	}{
		"berlin forward":            {"Europe/Berlin", "2025-03-28", [5]int{24, 24, 23, 24, 24}, 6},
		"berlin back":               {"Europe/Berlin", "2025-10-24", [5]int{24, 24, 25, 24, 24}, 6},
		"new york forward":          {"America/New_York", "2025-03-07", [5]int{24, 24, 23, 24, 24}, 6},
		"new york back":             {"America/New_York", "2025-10-31", [5]int{24, 24, 25, 24, 24}, 6},
		"kolkata does not change":   {"Asia/Kolkata", "2025-03-28", [5]int{24, 24, 24, 24, 24}, 6},
		"sao paulo has no midnight": {"America/Sao_Paulo", "2018-11-02", [5]int{24, 24, 23, 24, 24}, 6},
		"sao paulo has two elevens": {"America/Sao_Paulo", "2018-02-15", [5]int{24, 24, 25, 24, 24}, 5},
		"beirut has no midnight":    {"Asia/Beirut", "2024-03-29", [5]int{24, 24, 23, 24, 24}, 6},
		"beirut has two elevens":    {"Asia/Beirut", "2024-10-24", [5]int{24, 24, 25, 24, 24}, 5},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			where := load(t, test.zone)
			total := 0
			var want []content.Day
			first, err := time.Parse(time.DateOnly, test.first)
			if err != nil {
				t.Fatal(err)
			}
			for n, hours := range test.hours {
				total += hours
				want = append(want, content.Day{
					Date: first.AddDate(0, 0, n).Format(time.DateOnly), Posts: hours, Engagement: float64(10 * hours),
				})
			}
			posts := every(at(where, test.first+" 00:00"), time.Hour, total, func(int) int64 { return 10 })
			a, err := Analyze(t.Context(), recent(test.zone, posts))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, a.Series); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
			if got := a.Weekdays[test.weekday].Posts; got != test.hours[2] {
				t.Errorf("weekday %d has %d posts, want %d", test.weekday, got, test.hours[2])
			}
		})
	}
}

// TestHoursAreLocalAcrossClockChanges posts at the same local times on every
// day of a year with both changes: the clock that the followers see counts.
func TestHoursAreLocalAcrossClockChanges(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "Asia/Beirut"} {
		t.Run(zone, func(t *testing.T) {
			where := load(t, zone)
			var posts []content.Post
			noise := []int64{0, 30, -20, 10, -40}
			for d := range 365 {
				day := time.Date(2018, 1, 1+d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				posts = append(posts,
					liked("m"+day, at(where, day+" 08:59"), 500+noise[d%5]),
					liked("e"+day, at(where, day+" 18:00"), 1000+noise[d%5]))
			}
			a, err := Analyze(t.Context(), recent(zone, posts))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range a.Hours {
				want := 0
				if c.Hour == 8 || c.Hour == 18 {
					want = 365
				}
				if c.N != want {
					t.Errorf("hour %d has %d posts, want %d", c.Hour, c.N, want)
				}
			}
			for _, c := range a.Weekdays {
				want := 104 // 2018 begins and ends on a Monday
				if c.Weekday == 0 {
					want = 106
				}
				if c.N != want {
					t.Errorf("weekday %d has %d posts, want %d", c.Weekday, c.N, want)
				}
			}
			for _, slot := range a.Best.Slots {
				if slot.From != 18 || slot.To != 21 {
					t.Errorf("%s is a best time, want evenings only", slot.Label)
				}
			}
			if len(a.Best.Slots) != bestSlots {
				t.Errorf("%d best times, want %d: %+v", len(a.Best.Slots), bestSlots, a.Best)
			}
			if len(a.Series) != 365 || len(a.Forecast.Points) != 7 || a.Forecast.Points[0].Date != "2018-12-31" {
				t.Errorf("series of %d days, forecast %+v, want 365 and seven from 2018-12-31", len(a.Series), a.Forecast)
			}
		})
	}
}

func load(t *testing.T, zone string) *time.Location {
	t.Helper()
	where, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return where
}
