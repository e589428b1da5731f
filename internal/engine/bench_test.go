package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkStep is what a step costs beyond what it does: a run of seven steps
// that do nothing, one run after the other.
func BenchmarkStep(b *testing.B) {
	const each = 7
	benchmarkRuns(b, each, func(context.Context, *Run) (any, error) { return 1, nil })
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/each, "µs/step")
}

// BenchmarkLargeResult is what it costs to keep a result of 4 MB and to hand it on.
func BenchmarkLargeResult(b *testing.B) {
	large := strings.Repeat("a corpus of posts ", 4<<20/18)
	b.SetBytes(int64(len(large)))
	benchmarkRuns(b, 2, func(_ context.Context, run *Run) (any, error) {
		if len(run.results) == 0 {
			return large, nil
		}
		var got string
		return nil, run.Result("0", &got)
	})
}

func benchmarkRuns(b *testing.B, each int, do func(context.Context, *Run) (any, error)) {
	b.Helper()
	cfg := testConfig(b.TempDir(), "content", nil)
	cfg.Steps = nil
	for i := range each {
		cfg.Steps = append(cfg.Steps, Step{Name: fmt.Sprint(i), Do: do})
	}
	e, err := Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprint(i)
		if err := e.Start(b.Context(), id, nil); err != nil {
			b.Fatal(err)
		}
		if status, err := e.Wait(b.Context(), id); err != nil || status.State != Succeeded {
			b.Fatal(status, err)
		}
	}
	b.StopTimer()
	if err := e.Close(time.Second); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen is the time from Open to the return of Close, on a new file and
// on one that is migrated already.
func BenchmarkOpen(b *testing.B) {
	for _, kind := range []string{"new", "migrated"} {
		b.Run(kind, func(b *testing.B) {
			dir := b.TempDir()
			for i := 0; b.Loop(); i++ {
				cfg := testConfig(dir, "content", nil)
				if kind == "new" {
					cfg.Path = filepath.Join(dir, fmt.Sprint(i))
				}
				e, err := Open(b.Context(), cfg)
				if err != nil {
					b.Fatal(err)
				}
				if err := e.Close(time.Second); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
