package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stagewatch/stagewatch"
)

// line measures from a call to the operator's line of it.
func (b *bench) line(ctx context.Context) error {
	const every = 5 * time.Millisecond
	t, err := stagewatch.Open(stagewatch.Config{Home: filepath.Join(b.dir, "line")})
	if err != nil {
		return err
	}
	defer t.Close()
	s := &screen{}
	began := time.Now()
	s.now = func() time.Duration { return time.Since(began) }
	reporter := stagewatch.NewReporter(t, slog.New(stagewatch.NewHandler(s, false)))
	reporter.StartMonitoring(time.Second) //nolint:contextcheck // StopMonitoring is its end; the interface is the original's
	tick := time.NewTicker(every)
	defer tick.Stop()
	calls := b.calls / 20
	for range calls {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		t.Start(3, "called at "+strconv.FormatInt(int64(s.now()), 10), stagewatch.For("elonmusk"))
	}
	reporter.StopMonitoring()
	b.say("\nFrom a call to its line on the screen             p50         p99     lines\n")
	b.say("  %-36s %11s %11s %5d/%d\n", "a call each 5 ms (<= 2 ms, <= 10 ms)", micros(s.delays.at(0.5)), micros(s.delays.at(0.99)), len(s.delays), calls)
	return nil
}

// screen takes lines and reads from each when its call was made.
type screen struct {
	now func() time.Duration

	mu     sync.Mutex
	delays took
}

var _ io.Writer = (*screen)(nil)

func (s *screen) Write(line []byte) (int, error) {
	_, after, found := strings.Cut(string(line), "called at ")
	if found {
		digits, _, _ := strings.Cut(strings.TrimSpace(after), " ")
		if at, err := strconv.ParseInt(digits, 10, 64); err == nil {
			s.mu.Lock()
			s.delays = append(s.delays, s.now()-time.Duration(at))
			s.mu.Unlock()
		}
	}
	return len(line), nil
}
