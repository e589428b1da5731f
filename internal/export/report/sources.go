package report

import (
	"fmt"
	"maps"
	"slices"

	"github.com/stagewatch/stagewatch/internal/content"
)

// unknown stands in a table where the data say nothing.
const unknown = "–"

// compare sets the account and its competitors side by side, by what the corpus
// itself says. It is empty when there is nobody to compare with.
func compare(in Input) table {
	if len(in.Corpus.Competitors) == 0 {
		return table{}
	}
	t := table{Head: []string{"Account", "Followers", "Posts looked at", "From", "To", "Median engagement", "Highest", "Most frequent kind"}}
	where := in.location()
	for _, s := range slices.Concat([]content.Source{in.Corpus.Main}, in.Corpus.Competitors) {
		row := []string{s.Username, unknown, fmt.Sprint(len(s.Posts)), unknown, unknown, unknown, unknown, unknown}
		if s.Profile != nil && s.Profile.Followers != nil {
			row[1] = whole(*s.Profile.Followers)
		}
		if first, last := span(s); !first.IsZero() {
			row[3], row[4] = day(first, where), day(last, where)
		}
		if values := compared(s); len(values) > 0 {
			middle := len(values) / 2
			row[5], row[6] = number((values[middle]+values[(len(values)-1)/2])/2), number(values[len(values)-1])
		}
		if kind := mostFrequent(s.Posts); kind != "" {
			row[7] = kind
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// compared returns the engagement of the posts that are compared, in rising order.
func compared(s content.Source) []float64 {
	var values []float64
	for n, use := range s.Uses() {
		if sum, _ := s.Posts[n].Engagement(); use.Unfit == "" {
			values = append(values, float64(sum))
		}
	}
	slices.Sort(values)
	return values
}

func mostFrequent(posts []content.Post) string {
	found := map[string]int{}
	for _, p := range posts {
		found[string(p.Kind)]++
	}
	best := ""
	for _, kind := range slices.Sorted(maps.Keys(found)) {
		if found[kind] > found[best] {
			best = kind
		}
	}
	return best
}

// cleaned says what became of the raw records of each account.
func cleaned(c content.Corpus) []cleaning {
	var out []cleaning
	for _, s := range slices.Concat([]content.Source{c.Main}, c.Competitors) {
		one := cleaning{Account: s.Username, Kept: plural(len(s.Posts), "post"), Missing: s.Missing, Mended: tally(s.Mended)}
		reasons := map[string]int{}
		for _, d := range s.Dropped {
			reasons[d.Reason]++
		}
		one.Dropped = tally(reasons)
		out = append(out, one)
	}
	return out
}

// tally lists counts, the largest first.
func tally(of map[string]int) []count {
	names := slices.Sorted(maps.Keys(of))
	slices.SortStableFunc(names, func(x, y string) int { return of[y] - of[x] })
	var out []count
	for _, n := range names {
		out = append(out, count{Name: n, Value: whole(int64(of[n]))})
	}
	return out
}

// methods says how each kind of number on the page was made.
func methods(in Input) []fact {
	a := in.Analysis
	out := []fact{
		{"Engagement", "The sum of " + a.Metric + ", as far as the data hold them. A post whose likes are unknown is not compared: " +
			fmt.Sprintf("%d of %s could be.", a.Comparable, plural(a.Dated, "dated post"))},
		{"Hours and weekdays", "Counted in " + in.zone() + ". A mean of few posts is drawn toward the overall mean, the more the fewer there are."},
	}
	if s := a.Summary; s.PerWeek != nil {
		out = append(out, fact{"Posts a week", number(*s.PerWeek) + " over the observed span."})
	} else if s.PerWeekReason != "" {
		out = append(out, fact{"Posts a week", "Not said: " + s.PerWeekReason})
	}
	if a.Weekly.NotEnough != "" {
		out = append(out, fact{"Pattern over the week", "Not said: " + a.Weekly.NotEnough})
	} else if a.Weekly.Chance != nil {
		out = append(out, fact{"Pattern over the week", fmt.Sprintf("If weekdays did not matter, a difference this large would come up with probability %s.", number(*a.Weekly.Chance))})
	}
	if a.Anomalies.NotEnough != "" {
		out = append(out, fact{"Unusual posts", "Not looked for: " + a.Anomalies.NotEnough})
	} else if a.Anomalies.Method != "" {
		out = append(out, fact{"Unusual posts", a.Anomalies.Method})
	}
	return append(out, forecastMethod(a.Forecast),
		fact{"Evidence", "Strong, moderate or weak says how much the data carry a recommendation, by the number of posts and the size of the difference behind it. None is proof of a cause."})
}

func forecastMethod(f content.Forecast) fact {
	if f.NotEnough != "" {
		return fact{"Forecast", "None: " + f.NotEnough}
	}
	text := f.Method
	if f.MASE != nil {
		text += fmt.Sprintf(" Its error on days that were held back is %s times that of repeating the week before.", number(*f.MASE))
	}
	if f.Coverage != nil {
		text += fmt.Sprintf(" %s %% of those days fell into their interval, which should hold %s %%.", number(*f.Coverage*100), number(f.Level*100))
	}
	return fact{"Forecast", text}
}
