package supervise

import (
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/pattern"
)

// BenchmarkCrashToRestart is the time from a kill -9 to the new process, the
// records of the death and the start included.
func BenchmarkCrashToRestart(b *testing.B) {
	p := sh(b, "a", "exec sleep 1000")
	p.Policy = eager()
	s := run(b, Config{Processes: []Process{p}, Guard: self(b, "guard")})
	pid := s.next(Started).PID
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		pid = s.next(Started).PID
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkKillToExit is the time until the death is told.
func BenchmarkKillToExit(b *testing.B) {
	p := sh(b, "a", "exec sleep 1000")
	p.Policy = eager()
	s := run(b, Config{Processes: []Process{p}, Guard: self(b, "guard")})
	for b.Loop() {
		b.StopTimer()
		pid := s.next(Started).PID
		b.StartTimer()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		s.next(Exited)
	}
}

// BenchmarkDrain is one process that prints as fast as it can into a rotating
// log of 16 MiB × 5.
func BenchmarkDrain(b *testing.B) {
	const size = 256 << 20
	p := sh(b, "a", fmt.Sprintf("exec head -c %d /dev/zero", size))
	p.Policy = eager()
	b.SetBytes(size)
	s := run(b, Config{Processes: []Process{p}})
	for b.Loop() {
		if e := s.next(Exited); e.Exit.Dropped > 0 {
			b.Fatalf("%d bytes dropped", e.Exit.Dropped)
		}
	}
}

// BenchmarkDrainLines is one process that prints log lines as fast as it can,
// with nobody reading along and with patterns looked for in every line. Lines
// that came too fast for that are reported as missed.
func BenchmarkDrainLines(b *testing.B) {
	const size = 256 << 20
	const line = "2026-11-23 21:14:05,332 INFO pipeline.scrape: fetched page 17 of somebody, 50 posts, 0.31 s"
	cases := map[string][]pattern.Rule{
		"alone":       nil,
		"stage-marks": {{Builtin: pattern.StageMarks}},
		"stage-lines": {{Builtin: pattern.StageLines}},
		"expression":  {{Match: `scraping (?P<account>\w+) on (?P<platform>\w+)`, Event: pattern.Started, Stage: "1"}},
		"no literal":  {{Match: `(?i)scraping (?P<account>\w+)`, Event: pattern.Started, Stage: "1"}},
	}
	for name, rules := range cases {
		b.Run(name, func(b *testing.B) {
			set, err := pattern.New(rules)
			if err != nil {
				b.Fatal(err)
			}
			var missed atomic.Uint64
			p := sh(b, "a", fmt.Sprintf("yes '%s' | head -c %d", line, size))
			p.Policy = eager()
			if set != nil {
				p.Output = func(int, uint64) io.WriteCloser {
					return pattern.NewTap(pattern.Output{
						Patterns: set, Record: func(pattern.Event) {},
						Trouble: func(t pattern.Trouble) { missed.Add(t.Missed) },
					})
				}
			}
			b.SetBytes(size)
			s := run(b, Config{Processes: []Process{p}})
			for b.Loop() {
				if e := s.next(Exited); e.Exit.Dropped > 0 {
					b.Fatalf("%d bytes dropped", e.Exit.Dropped)
				}
			}
			b.ReportMetric(float64(missed.Load())/float64(b.N*size/(len(line)+1))*100, "missed-%")
		})
	}
}
