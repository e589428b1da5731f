package generate

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// Grades of evidence, as Recommendation.Evidence promises them.
const (
	strong   = "strong"
	moderate = "moderate"
	weak     = "weak"
)

const (
	// Strong needs this many posts a side and a chance this small after
	// correction for the number of comparisons; moderate the same chance before.
	strongSide   = 5
	strongChance = 0.05
	// weakChance is where a difference stops being worth a trial.
	weakChance = 0.1
	// halfYear is how many weeks a confirmation may take at most for the finding
	// to be called strong.
	halfYear = 26
	// neighbours is how many posts before and after make a post's time.
	neighbours = 5
	// fewForTime is the fewest posts whose level over time can be told.
	fewForTime = 20
)

// A finding is what comparing the posts with a feature and those without it
// gave.
type finding struct {
	feature
	with, rest             []*item // comparable posts
	median, other          float64
	ratio                  float64   // of the medians; 0 when either is 0
	low, high              float64   // 80 % interval of the ratio; 0 when too few posts
	chance, period, beside float64   // see grade and untangle
	grade                  string    // "" when chance or a stronger finding explains the difference
	behind                 *feature  // of the stronger finding that explains it, nil when none does
	alike                  []finding // that mark nearly the same posts, or part of them
	trial                  int       // posts a side that would show such a ratio again
	endless                bool      // so many posts are not published in half a year
}

// odds is the largest of the chances that were computed.
func (f finding) odds() float64 { return max(f.chance, f.period, f.beside) }

// up reports whether the posts with the feature do better.
func (f finding) up() bool { return f.ratio > 1 }

func (f finding) down() bool { return !f.up() }

// score ranks findings: effect (on the log scale, at most ×4) by evidence, the
// share of posts concerned breaking near-ties.
func (f finding) score() float64 {
	effect := min(math.Abs(math.Log(f.ratio)), math.Log(4))
	return effect * weight(f.grade) * (1 - f.odds())
}

func weight(grade string) float64 {
	switch grade {
	case strong:
		return 3
	case moderate:
		return 2
	}
	return 1
}

// findings compares the posts by every feature that enough of them have and
// enough lack, grades what came out, merges features that mark the same posts
// and tests what is left beside the stronger findings. Best supported first;
// those that chance or a stronger finding explains come last.
func (s *study) findings() []finding {
	if s.winners() {
		return nil
	}
	return s.weigh(s.own, s.features(), s.drift())
}

func (s *study) weigh(among *set, features []feature, drift map[*item]float64) []finding {
	var all []finding
	for _, f := range features {
		if got, enough := s.compare(among, f, drift); enough {
			all = append(all, got)
		}
	}
	chances := make([]float64, len(all))
	for i, f := range all {
		chances[i] = f.chance
	}
	rate, over := among.perWeek()
	for i, adjusted := range adjust(chances) {
		f := &all[i]
		f.endless = over != nil && float64(2*f.trial) > halfYear*rate
		if f.grade = grade(*f, adjusted); f.grade == strong && f.endless {
			f.grade = moderate
		}
	}
	ranked(all)
	kept := merged(all)
	s.untangle(kept, among)
	ranked(kept)
	for i, f := range kept {
		if f.grade != "" && min(len(f.with), len(f.rest)) >= strongSide {
			kept[i].low, kept[i].high = interval(values(f.with), values(f.rest), seeded(s.corpus.Account.Key(), among.handle, f.key, "interval"))
		}
	}
	return kept
}

// ranked sorts findings by score, those without a grade last and of two ends
// of one choice the better first.
func ranked(all []finding) {
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if (a.grade == "") != (b.grade == "") {
			return a.grade != ""
		}
		return cmp.Or(cmp.Compare(b.score(), a.score()), order(a.down(), b.down()), cmp.Compare(a.key, b.key)) < 0
	})
}

func (s *study) compare(among *set, f feature, drift map[*item]float64) (finding, bool) {
	got := finding{feature: f}
	for _, it := range among.judged() {
		switch {
		case f.known != nil && !f.known(it):
		case f.holds(it):
			got.with = append(got.with, it)
		default:
			got.rest = append(got.rest, it)
		}
	}
	if len(got.with) < minSide || len(got.rest) < minSide {
		return got, false
	}
	with, rest := values(got.with), values(got.rest)
	got.median, got.other = median(with), median(rest)
	if got.median == 0 || got.other == 0 {
		return got, false
	}
	random := seeded(s.corpus.Account.Key(), among.handle, f.key)
	got.ratio = got.median / got.other
	got.chance = chance(with, rest, random)
	if f.tries > 1 { // the best of several must beat what the best of several gives by chance (Šidák)
		got.chance = 1 - math.Pow(1-got.chance, float64(f.tries))
	}
	if drift != nil {
		got.period = chance(picked(got.with, drift), picked(got.rest, drift), random)
	}
	got.trial = needed(spread(with, rest), got.ratio)
	return got, true
}

// grade says how much a comparison tells. A median that points one way while
// the ranks point the other tells nothing, nor does a gap that is gone when
// each post is measured against those published around the same time.
func grade(f finding, adjusted float64) string {
	if f.ratio == 1 || (f.ratio > 1) != (mean(logged(values(f.with))) > mean(logged(values(f.rest)))) {
		return ""
	}
	switch {
	case max(f.chance, f.period) > weakChance:
		return ""
	case max(adjusted, f.period) <= strongChance && min(len(f.with), len(f.rest)) >= strongSide:
		return strong
	case max(f.chance, f.period) <= strongChance:
		return moderate
	}
	return weak
}

// drift returns each comparable post's log-engagement over the median of its
// neighbours in time; nil when there are too few dated posts to tell.
func (s *study) drift() map[*item]float64 {
	posts := where(s.own.judged(), func(it *item) bool { return !it.local.IsZero() })
	if len(posts) < fewForTime || len(posts) < len(s.own.judged()) {
		return nil
	}
	slices.SortStableFunc(posts, func(a, b *item) int { return a.Time.Compare(b.Time) })
	logs := logged(values(posts))
	out := make(map[*item]float64, len(posts))
	for i, it := range posts {
		from := min(max(i-neighbours, 0), len(posts)-2*neighbours-1)
		near := slices.Clone(logs[from : from+2*neighbours+1])
		near = slices.Delete(near, i-from, i-from+1)
		out[it] = logs[i] - median(near)
	}
	return out
}
