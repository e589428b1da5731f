package clean

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Report says in lines for an operator what became of the raw records of s: how
// many are posts, how many were dropped for what reason, and what was repaired.
func Report(s content.Source) []string {
	lines := []string{fmt.Sprintf("%s: %d posts of %d records", s.Username, len(s.Posts), len(s.Posts)+len(s.Dropped))}
	for _, reason := range reasons(s.Dropped) {
		lines = append(lines, "dropped: "+reason)
	}
	for _, what := range counted(s.Mended) {
		lines = append(lines, "mended: "+what)
	}
	return lines
}

// reasons counts dropped records by the fixed part of their reasons.
func reasons(dropped []content.Dropped) []string {
	counts := map[string]int{}
	for _, d := range dropped {
		reason, _, _ := strings.Cut(d.Reason, ":")
		counts[reason]++
	}
	return counted(counts)
}

// counted lists what with how often, the most frequent first.
func counted(counts map[string]int) []string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%d)", name, counts[name])
	}
	return names
}
