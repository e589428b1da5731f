package supervise

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDefaultPolicyBacksOffThenFails(t *testing.T) {
	r := restarts{policy: Policy{}.withDefaults(), random: func() float64 { return 0 }}
	now := time.Now()
	var got []pause
	die := func(ran time.Duration) {
		now = now.Add(ran)
		next := r.died(ran, now)
		got = append(got, next)
		now = now.Add(next.wait)
	}
	die(time.Hour) // healthy: at once
	for range 9 {  // and no more: the ninth is the tenth death in 10 minutes
		die(time.Second) // 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 s
	}
	die(time.Second)      // still failed
	die(10 * time.Second) // healthy once: forgiven
	die(time.Second)

	s := time.Second
	want := []pause{
		{},
		{Backoff, s},
		{Backoff, 2 * s},
		{Backoff, 4 * s},
		{Backoff, 8 * s},
		{Backoff, 16 * s},
		{Backoff, 32 * s},
		{Backoff, 60 * s},
		{Backoff, 60 * s},
		{Failed, 600 * s},
		{Failed, 600 * s},
		{},
		{Backoff, s},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(pause{})); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

func TestOldDeathsDoNotCount(t *testing.T) {
	r := restarts{policy: Policy{}.withDefaults(), random: func() float64 { return 0 }}
	now := time.Now()
	for range 100 { // one each 67 s: nine in any ten minutes
		now = now.Add(67 * time.Second)
		if next := r.died(11*time.Second, now); next != (pause{}) {
			t.Fatalf("died(11s) = %v, want an immediate start", next)
		}
	}
}

func TestAlreadyRunningIsNoDeath(t *testing.T) {
	r := restarts{policy: Policy{}.withDefaults(), random: func() float64 { return 0 }}
	for range 100 {
		if got, want := r.after(Exit{Code: 75, AlreadyRunning: true}, time.Now()), (pause{Backoff, time.Minute}); got != want {
			t.Fatalf("after(already running) = %v, want %v", got, want)
		}
	}
	if got, want := r.after(Exit{Code: 1}, time.Now()), (pause{Backoff, time.Second}); got != want {
		t.Errorf("after(first death) = %v, want %v", got, want)
	}
}

// Whatever happens: a wait keeps within its bounds, waits do not shrink by more
// than the jitter, and no window has more deaths than allowed without a Failed.
func TestRestartsKeepTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			Healthy: time.Duration(rapid.Int64Range(1, 1e10).Draw(t, "healthy")),
			Backoff: time.Duration(rapid.Int64Range(1, 1e9).Draw(t, "backoff")),
			Window:  time.Duration(rapid.Int64Range(1, 1e12).Draw(t, "window")),
			Deaths:  rapid.IntRange(1, 20).Draw(t, "deaths"),
		}.withDefaults()
		r := restarts{policy: p, random: func() float64 { return rapid.Float64Range(0, 0.999).Draw(t, "random") }}
		now := time.Now()
		var deaths []time.Time // since the last Failed
		lower := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			ran := time.Duration(rapid.Int64Range(0, int64(2*p.Healthy)).Draw(t, "ran"))
			now = now.Add(ran)
			deaths = append(deaths, now)
			within := 0
			for _, d := range deaths {
				if now.Sub(d) < p.Window {
					within++
				}
			}
			wasFailed := r.failed && ran < p.Healthy
			next := r.died(ran, now)
			now = now.Add(next.wait)
			switch {
			case wasFailed || within >= p.Deaths:
				if want := (pause{Failed, p.FailedEvery}); next != want {
					t.Fatalf("%d deaths in the window: %v, want %v", within, next, want)
				}
				deaths = nil
			case ran >= p.Healthy:
				if next != (pause{}) {
					t.Fatalf("after a healthy time: %v", next)
				}
				lower = 0
			case next.kind != Backoff || next.wait > p.BackoffMax || next.wait < p.Backoff*3/4 || next.wait < lower:
				t.Fatalf("%v is no backoff within %v and %v, at least %v", next, p.Backoff, p.BackoffMax, lower)
			default:
				lower = next.wait * 3 / 4
			}
		}
	})
}
