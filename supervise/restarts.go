package supervise

import (
	"slices"
	"time"
)

// restarts decides what follows a death. It knows no clock and no process.
type restarts struct {
	policy Policy
	random func() float64 // in [0, 1)

	quick  int         // deaths in a row without a healthy time before them
	failed bool        // in a crash loop, and not healthy since
	deaths []time.Time // in the window, oldest first; fewer than policy.Deaths
}

// pause is a wait before the next start. Its kind is Backoff or Failed, or
// empty when there is nothing to wait for.
type pause struct {
	kind Kind
	wait time.Duration
}

// after says what follows the exit e at the time now.
func (r *restarts) after(e Exit, now time.Time) pause {
	if e.AlreadyRunning {
		return pause{Backoff, r.policy.AlreadyEvery}
	}
	return r.died(e.Wall, now)
}

// died says what follows a death after the process ran for so long; a process
// that could not be started ran for no time.
func (r *restarts) died(ran time.Duration, now time.Time) pause {
	r.quick++
	if ran >= r.policy.Healthy {
		r.quick, r.failed = 0, false
	}
	r.deaths = slices.DeleteFunc(r.deaths, func(t time.Time) bool { return now.Sub(t) >= r.policy.Window })
	r.deaths = append(r.deaths, now)
	if r.failed || len(r.deaths) >= r.policy.Deaths {
		r.failed, r.deaths = true, nil
		return pause{Failed, r.policy.FailedEvery}
	}
	if r.quick == 0 {
		return pause{}
	}
	return pause{Backoff, r.backoff()}
}

func (r *restarts) backoff() time.Duration {
	wait := r.policy.Backoff
	for range r.quick - 1 {
		if wait >= r.policy.BackoffMax/2 {
			wait = r.policy.BackoffMax
			break
		}
		wait *= 2
	}
	return wait - time.Duration(r.random()*float64(wait/4))
}
