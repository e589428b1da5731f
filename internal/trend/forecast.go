package trend

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// What a forecast needs and promises.
const (
	minTrain   = 2 * season // days before the first forecast that is judged
	minHistory = 8 * season // two weeks to start from, four to choose by, two held back
	maxOrigins = 12         // past weeks that are forecast to choose and to measure by
	coverage   = 0.8        // share of days that an interval is to hold
)

// ErrTooShort says that a series has fewer than eight full weeks.
var ErrTooShort = errors.New("fewer than 56 days")

// Interval is one foreseen day: Low to High holds the day's value in 80 of 100
// cases, as far as the coming days are like the past ones.
type Interval struct{ Value, Low, High float64 }

// Outlook is a forecast and how good its like has been.
type Outlook struct {
	Days   []Interval
	Method string
	// MASE is the mean absolute error on held-back weeks over that of the
	// seasonal naive forecast, which repeats the last week (1 = as good).
	MASE float64
	// Coverage is the share of held-back days that fell inside their interval.
	Coverage float64
	// Held is the number of held-back days behind MASE and Coverage.
	Held int
}

// Forecast returns the next horizon values of series with an 80 % interval.
//
// series is one value per day, oldest first, with no gaps, none negative;
// fewer than eight full weeks give [ErrTooShort]. horizon is 1 to 7 days.
//
// Up to twelve past weeks are forecast from the days before them alone, by
// each of a few simple models. The three with the least error are blended by
// 1/error², and the interval is made of the blend's own past errors. The
// newest third of those weeks is held back: each is forecast by what the weeks
// before it teach. A blend that is not better there than repeating the last
// week is dropped, and the last week is repeated.
func Forecast(series []float64, horizon int) (Outlook, error) {
	if horizon < 1 || horizon > season {
		return Outlook{}, fmt.Errorf("forecast %d days: the horizon is 1 to %d", horizon, season)
	}
	if len(series) < minHistory {
		return Outlook{}, fmt.Errorf("forecast from %d days: %w", len(series), ErrTooShort)
	}
	for n, y := range series {
		if y < 0 || math.IsNaN(y) || math.IsInf(y, 0) {
			return Outlook{}, fmt.Errorf("forecast: day %d is %v: need finite values from 0", n, y)
		}
	}
	trials := replay(series)
	held := len(trials) / 3
	blend, naive := judge(trials, held, blendBest), judge(trials, held, baselineOnly)
	choose, was, ratio := blendBest, blend, 1.0
	if blend.err < naive.err {
		ratio = blend.err / naive.err
	} else {
		choose, was = baselineOnly, naive
	}
	r := learn(trials, choose)
	now := foresee(series, horizon)
	out := Outlook{Method: r.String(), MASE: ratio, Coverage: was.inside, Held: held * season}
	if ratio == 1 {
		out.Method += "; no blend of models was better on held-back days"
	}
	for h := range horizon {
		out.Days = append(out.Days, r.interval(now, h))
	}
	return out, nil
}

// String names the models and where the interval comes from.
func (r recipe) String() string {
	var parts []string
	for n, m := range models() {
		switch w := r.weights[n]; {
		case w == 1:
			parts = append(parts, m.name)
		case w > 0:
			parts = append(parts, fmt.Sprintf("%.0f %% %s", w*100, m.name))
		}
	}
	return fmt.Sprintf("%s; interval from %d past errors", strings.Join(parts, " + "), r.errors)
}
