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
	weakChance = 0.25
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
	chance, period, honest float64   // see grade
	grade                  string    // "" when chance explains the difference
	alike                  []feature // that mark nearly the same posts
	trial                  int       // posts a side that would show such a ratio again
}

// up reports whether the posts with the feature do better.
func (f finding) up() bool { return f.ratio > 1 }

// score ranks findings: effect (on the log scale, at most ×4) by evidence, the
// share of posts concerned breaking near-ties.
func (f finding) score() float64 {
	effect := min(math.Abs(math.Log(f.ratio)), math.Log(4))
	return effect * weight(f.grade) * (1 - f.honest)
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
// enough lack, grades what came out and merges features that mark the same
// posts. Best supported first; those that chance explains come last.
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
	for i, adjusted := range adjust(chances) {
		all[i].grade = grade(all[i], adjusted)
		all[i].honest = max(all[i].chance, all[i].period)
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if (a.grade == "") != (b.grade == "") {
			return a.grade != ""
		}
		return cmp.Or(cmp.Compare(b.score(), a.score()), cmp.Compare(a.key, b.key)) < 0
	})
	kept := merged(all)
	for i, f := range kept {
		if f.grade != "" && min(len(f.with), len(f.rest)) >= strongSide {
			kept[i].low, kept[i].high = interval(values(f.with), values(f.rest), seeded(s.corpus.Account.Key(), among.handle, f.key, "interval"))
		}
	}
	return kept
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
		got.period = chance(drifted(got.with, drift), drifted(got.rest, drift), random)
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

func drifted(items []*item, drift map[*item]float64) []float64 {
	out := make([]float64, len(items))
	for i, it := range items {
		out[i] = drift[it]
	}
	return out
}

// merged folds findings that split the posts in nearly the same way into the
// best of them, which names the others.
func merged(all []finding) []finding {
	var kept []finding
	for _, f := range all {
		twin := -1
		if f.grade != "" {
			twin = slices.IndexFunc(kept, func(k finding) bool { return k.grade != "" && sameSplit(k, f) })
		}
		if twin < 0 {
			kept = append(kept, f)
			continue
		}
		if overlap(kept[twin].with, f.with) > overlap(kept[twin].rest, f.with) { // else the same seen from the other side
			kept[twin].alike = append(kept[twin].alike, f.feature)
		}
	}
	return kept
}

// sameSplit reports whether two findings set apart nearly the same posts, in
// whichever direction: at least 7 in 10 of those that either sets apart.
func sameSplit(a, b finding) bool {
	if a.about == b.about && a.about == "topic" {
		return false
	}
	return overlap(a.with, b.with) >= 0.7 || overlap(a.with, b.rest) >= 0.7 && overlap(a.rest, b.with) >= 0.7
}

func overlap(a, b []*item) float64 {
	in := map[*item]bool{}
	for _, it := range a {
		in[it] = true
	}
	both := 0
	for _, it := range b {
		if in[it] {
			both++
		}
	}
	return float64(both) / float64(max(len(a)+len(b)-both, 1))
}

// sentence writes a finding with its numbers and what they are worth.
func (f finding) sentence(p *prose, metric string) string {
	f.note(p)
	text := upper(f.name) + " reach a median of " + p.amount("median of "+f.name, "count", f.median, len(f.with)) + " " + metric +
		" over " + p.posts("posts compared: "+f.name, len(f.with)) + ", " + f.others + " " +
		p.amount("median of "+f.others, "count", f.other, len(f.rest)) + " over " + p.posts("posts compared: "+f.others, len(f.rest)) +
		", a ratio of " + p.times("ratio of the medians", f.ratio, len(f.with)+len(f.rest))
	if f.high > 0 {
		text += " (80 % interval " + p.times("interval, low", f.low, len(f.with)+len(f.rest)) + "–" +
			p.times("interval, high", f.high, len(f.with)+len(f.rest)) + ")"
		p.percent("coverage of the interval", 0.8, len(f.with)+len(f.rest))
	}
	return text + "; " + f.worth(p) + "."
}

func (f feature) note(p *prose) {
	for _, figure := range f.figures {
		p.keep(figure)
	}
}

func (f finding) worth(p *prose) string {
	all := len(f.with) + len(f.rest)
	odds := p.percent("chance of such a gap", f.chance, all)
	if f.tries > 1 {
		odds += " (as the best of " + p.count("slots it was picked from", f.tries) + " slots)"
	}
	switch {
	case f.grade == "" && f.period > weakChance && f.chance <= weakChance:
		return "but measured against the posts around the same time the gap is gone (" +
			p.percent("chance of such a gap within its time", f.period, all) + " by chance), so it goes with the period"
	case f.grade == "":
		return "shuffling the " + p.posts("posts shuffled", all) + " gives as wide a gap " + odds + " of the time, so it says nothing yet"
	case f.grade == weak:
		text := "shuffled posts give as wide a gap " + odds + " of the time"
		if f.period > f.chance {
			text += ", against the posts around the same time " + p.percent("chance of such a gap within its time", f.period, all)
		}
		return text + ": a hint to test, not yet a rule"
	}
	text := "shuffled posts give as wide a gap only " + odds + " of the time"
	if f.period > 0 {
		text += ", and it holds against the posts around the same time (" + p.percent("chance of such a gap within its time", f.period, all) + ")"
	}
	return text
}

// twins says which other features mark the same posts.
func (f finding) twins(p *prose) string {
	if len(f.alike) == 0 {
		return ""
	}
	var names []string
	for _, twin := range f.alike[:min(3, len(f.alike))] {
		names = append(names, twin.name)
		twin.note(p)
	}
	return " Nearly the same posts are " + list(names, "and") + ", so the data cannot tell which of these makes the difference."
}
