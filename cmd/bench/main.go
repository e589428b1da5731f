// Command bench measures what tracking costs, beside what else a pipeline could
// do: in one run, on one machine, so that the ratios mean something also where
// the microseconds do not. docs/performance.md tells what came out.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx := context.Background()
	if len(os.Args) > 1 && os.Args[1] == writerRole {
		os.Exit(report(os.Stderr, write(os.Stdin, os.Stdout)))
	}
	short := flag.Bool("short", false, "a tenth of the work: shows that all of it runs, no more")
	records := flag.Int("records", 200_000, "records that each fleet writes")
	flag.Parse()
	b := bench{out: os.Stdout, calls: 20_000, records: *records}
	if *short {
		b.calls, b.records = b.calls/10, b.records/10
	}
	os.Exit(report(os.Stderr, b.run(ctx)))
}

func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(w, "bench:", err) // there is nowhere else to say it
	return 1
}

// bench is one run of everything.
type bench struct {
	out     io.Writer
	calls   int // of each cheap kind
	records int // of each fleet
	dir     string
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "stagewatch-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }() // of use to nobody
	b.say("%s, %d cores, %s, load %s\n", machine(), runtime.NumCPU(), runtime.Version(), load())
	for _, part := range []func(context.Context) error{b.oneCall, b.flat, b.fleets, b.line} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	b.say("\nload at the end %s\n", load())
	return nil
}

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.out, format, args...) // a reader who has gone needs no figures
}

// took is how long each of many calls took.
type took []time.Duration

// at returns the given part of the calls' durations, 0.5 for the median.
func (t took) at(part float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	slices.Sort(t)
	return t[int(part*float64(len(t)-1))]
}

// measure calls f n times.
func (t *took) measure(n int, f func() error) error {
	for range n {
		began := time.Now()
		if err := f(); err != nil {
			return err
		}
		*t = append(*t, time.Since(began))
	}
	return nil
}

func micros(d time.Duration) string {
	const small = 100
	us := float64(d) / float64(time.Microsecond)
	if us < small {
		return fmt.Sprintf("%.2f µs", us)
	}
	return fmt.Sprintf("%.0f µs", us)
}

func machine() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, model, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}

func load() string {
	const shown = 3
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:shown], " ")
}
