package supervise

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
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
