package trend

import (
	"cmp"
	"math"
	"slices"
)

// trial is one week as each model foresaw it from the days before, and as it
// came.
type trial struct {
	foreseen [][]float64 // by model, by day
	came     []float64   // nil while it is still to come
	usual    float64     // mean of the four weeks before
}

// foresee lets each model foresee the days after past.
func foresee(past []float64, horizon int) trial {
	t := trial{usual: mean(past[max(0, len(past)-4*season):])}
	for _, m := range models() {
		t.foreseen = append(t.foreseen, m.foresee(past, horizon))
	}
	return t
}

// replay forecasts the last full weeks of series, oldest first, each from the
// days before it alone.
func replay(series []float64) []trial {
	var trials []trial
	for k := min(maxOrigins, (len(series)-minTrain)/season); k > 0; k-- {
		at := len(series) - k*season
		t := foresee(series[:at], season)
		t.came = series[at : at+season]
		trials = append(trials, t)
	}
	return trials
}

// recipe is what past weeks teach: how to weigh the models and how far off
// their blend may be.
type recipe struct {
	weights   []float64
	low, high float64 // scaled errors between which 80 % of the past ones lie
	errors    int     // past errors behind low and high
}

// learn makes a recipe from past weeks; choose weighs the models.
//
// The interval is a conformal one: of n past errors, each over [trial.scale],
// low and high are those at rank ⌈0.9 (n + 1)⌉ from either side, which the next
// error stays within in 80 of 100 cases if it is like them.
func learn(trials []trial, choose func([]trial) []float64) recipe {
	r := recipe{weights: choose(trials)}
	var errs []float64
	for _, t := range trials {
		for h, y := range t.came {
			value := r.value(t, h)
			errs = append(errs, (y-value)/t.scale(value))
		}
	}
	slices.Sort(errs)
	r.errors = len(errs)
	tail := (1 - coverage) / 2
	rank := min(int(math.Ceil((1-tail)*float64(len(errs)+1))), len(errs))
	r.low, r.high = errs[len(errs)-rank], errs[rank-1]
	return r
}

// scale is the unit of an error: halfway between what was foreseen, because
// larger days are less certain, and the usual day, because a day foreseen as
// nothing is not certain either.
func (t trial) scale(value float64) float64 {
	if s := (value + t.usual) / 2; s > 0 {
		return s
	}
	return 1
}

// value returns what the recipe foresees for day h, 0 at least.
func (r recipe) value(t trial, h int) float64 {
	var sum float64
	for m, w := range r.weights {
		sum += w * max(0, t.foreseen[m][h])
	}
	return sum
}

// interval returns day h with its interval.
func (r recipe) interval(t trial, h int) Interval {
	value := r.value(t, h)
	s := t.scale(value)
	return Interval{
		Value: value,
		Low:   min(value, max(0, value+r.low*s)),
		High:  max(value, value+r.high*s),
	}
}

// baselineOnly weighs the seasonal naive forecast alone.
func baselineOnly([]trial) []float64 {
	weights := make([]float64, len(models()))
	weights[0] = 1
	return weights
}

// blendBest weighs the three models with the least mean absolute error by
// 1/error².
func blendBest(trials []trial) []float64 {
	const blended = 3
	type score struct {
		model int
		err   float64
	}
	scores := make([]score, len(models()))
	for m := range scores {
		scores[m].model = m
		for _, t := range trials {
			for h, y := range t.came {
				scores[m].err += math.Abs(y - max(0, t.foreseen[m][h]))
			}
		}
	}
	slices.SortStableFunc(scores, func(a, b score) int { return cmp.Compare(a.err, b.err) })
	weights := make([]float64, len(scores))
	if scores[0].err == 0 {
		weights[scores[0].model] = 1
		return weights
	}
	var sum float64
	for _, s := range scores[:blended] {
		weights[s.model] = square(scores[0].err / s.err)
		sum += weights[s.model]
	}
	for m := range weights {
		weights[m] /= sum
	}
	return weights
}

// verdict is how a way of choosing did on held-back weeks.
type verdict struct {
	err    float64 // mean absolute error
	inside float64 // share of days inside their interval
}

// judge forecasts each of the newest held weeks by what those before it teach.
func judge(trials []trial, held int, choose func([]trial) []float64) verdict {
	var v verdict
	days := 0.0
	for n := len(trials) - held; n < len(trials); n++ {
		r := learn(trials[:n], choose)
		for h, y := range trials[n].came {
			i := r.interval(trials[n], h)
			v.err += math.Abs(y - i.Value)
			if y >= i.Low && y <= i.High {
				v.inside++
			}
			days++
		}
	}
	v.err /= days
	v.inside /= days
	return v
}
