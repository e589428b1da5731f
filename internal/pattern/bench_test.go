package pattern

import "testing"

// BenchmarkMatch is one line looked at: one that says nothing, and one that does.
func BenchmarkMatch(b *testing.B) {
	const plain = "2026-11-23 21:14:05,332 INFO pipeline.scrape: fetched page 17 of somebody, 50 posts, 0.31 s"
	cases := map[string]struct {
		rule Rule
		line string
	}{
		"stage-marks": {Rule{Builtin: StageMarks}, "2026-11-23 21:14:05,332 INFO x: @stage start 3 for=elonmusk on=twitter: Indexing 50 posts"},
		"stage-lines": {Rule{Builtin: StageLines}, "[INFO] ⚙️  Stage 3 - Vector Database for elonmusk: Indexing 50 posts"},
		"expression": {
			Rule{Match: `scraping (?P<account>\w+) on (?P<platform>\w+)`, Event: Started, Stage: "1"},
			"2026-11-23 21:14:05,332 INFO x: scraping elonmusk on twitter",
		},
	}
	for name, c := range cases {
		s := set(b, c.rule)
		for kind, line := range map[string]string{"nothing": plain, "stage": c.line} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				text := []byte(line)
				b.ReportAllocs()
				for b.Loop() {
					if _, ok, _ := s.Match(text); ok != (kind == "stage") {
						b.Fatalf("Match(%q) = %v", line, ok)
					}
				}
			})
		}
	}
}
