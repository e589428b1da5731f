package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// result gathers what was done, measured and found. It is safe for concurrent use.
type result struct {
	out      io.Writer
	scenario string // that runs now
	began    time.Time

	mu      sync.Mutex
	slain   map[string]map[string]int // by scenario and kind
	counts  map[string]int
	samples map[string][]time.Duration
	faults  []string
}

func newResult(out io.Writer) *result {
	return &result{
		out: out, began: time.Now(), slain: map[string]map[string]int{},
		counts: map[string]int{}, samples: map[string][]time.Duration{},
	}
}

// broke notes a broken promise.
func (r *result) broke(format string, args ...any) {
	const enough = 20
	fault := fmt.Sprintf(format, args...)
	r.mu.Lock()
	r.faults = append(r.faults, fault)
	many := len(r.faults) > enough
	r.mu.Unlock()
	if !many {
		r.progress("BROKEN: %s", fault)
	}
}

func (r *result) broken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.faults)
}

func (r *result) progress(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(r.out, "%6.1fs  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

func (r *result) kill(kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slain[r.scenario] == nil {
		r.slain[r.scenario] = map[string]int{}
	}
	r.slain[r.scenario][kind]++
}

// killed returns how many processes a scenario has killed.
func (r *result) killed(scenario string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.slain[scenario] {
		n += k
	}
	return n
}

func (r *result) count(what string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what] += n
}

func (r *result) sample(what string, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples[what] = append(r.samples[what], d)
}

// table prints everything.
func (r *result) table(out io.Writer, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	total := 0
	row("\nkilled")
	for _, scenario := range slices.Sorted(maps.Keys(r.slain)) {
		for _, kind := range slices.Sorted(maps.Keys(r.slain[scenario])) {
			row("  %s\t%s\t%d", scenario, kind, r.slain[scenario][kind])
			total += r.slain[scenario][kind]
		}
	}
	row("  in all\t\t%d\tin %v", total, took.Round(time.Second))
	row("\ncounted")
	for _, what := range slices.Sorted(maps.Keys(r.counts)) {
		row("  %s\t%d", what, r.counts[what])
	}
	row("\nmeasured\tn\tp50\tp99\tworst")
	for _, what := range slices.Sorted(maps.Keys(r.samples)) {
		all := slices.Sorted(slices.Values(r.samples[what]))
		at := func(p int) time.Duration { return all[(len(all)-1)*p/100].Round(time.Millisecond / 10) }
		row("  %s\t%d\t%v\t%v\t%v", what, len(all), at(50), at(99), at(100))
	}
	row("\nbroken promises\t%d", len(r.faults))
	_ = w.Flush() // a terminal that is gone reads nothing
	for _, fault := range r.faults {
		_, _ = fmt.Fprintln(out, "  "+fault)
	}
}
