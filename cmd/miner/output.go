package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/pattern"
)

// listener makes stage records, in a module's name, of what the module prints.
// It is made anew for each life of the module.
type listener struct {
	home        string
	owner       stagewatch.Owner // the module's process
	known       chan struct{}    // closed when the journal knows of the process
	definitions map[string]stagewatch.Definition
	trackers    map[string]*stagewatch.Tracker // by definition, from its first use on
	tap         *pattern.Tap
}

// listen returns what takes the output of a module's process, nil when the
// module has no patterns. What could not be taken is told as long as the miner runs.
func (m *miner) listen(ctx context.Context, module string, rules []pattern.Rule) (func(pid int, startTime uint64) io.WriteCloser, error) {
	set, err := pattern.New(rules)
	if err != nil || set == nil {
		return nil, err
	}
	return func(pid int, startTime uint64) io.WriteCloser {
		owner := m.tracker.Owner() // of the same boot and pid namespace
		owner.PID, owner.Start = pid, startTime
		l := &listener{
			home: m.config.Home, owner: owner, known: make(chan struct{}),
			definitions: m.definitions, trackers: map[string]*stagewatch.Tracker{},
		}
		l.tap = pattern.NewTap(pattern.Output{
			Patterns: set, Mask: m.mask, Record: l.record,
			Trouble: func(t pattern.Trouble) { m.complain(ctx, moduleFact(module).Number, t) },
		})
		m.mu.Lock()
		m.listeners[module] = l
		m.mu.Unlock()
		return l
	}, nil
}

// heard lets the records of a module's process follow the one of its start.
func (m *miner) heard(module string) {
	m.mu.Lock()
	l := m.listeners[module]
	m.mu.Unlock()
	if l != nil {
		close(l.known)
	}
}

// complain tells the operator what of a module's output could not be taken.
func (m *miner) complain(ctx context.Context, number int, t pattern.Trouble) {
	if t.Missed > 0 {
		warn(ctx, m.out, fmt.Sprintf("⚠️  Module %d: %s too fast to be looked through for stages", number, counted(t.Missed, "line came", "lines came")))
	}
	if t.Wrong > 0 {
		warn(ctx, m.out, fmt.Sprintf("⚠️  Module %d: %s: %s", number, counted(t.Wrong, "line is marked as a stage and is none", "lines are marked as stages and are none"), stagewatch.Plain(t.Err.Error())))
	}
}

// Write takes output as it is read, without waiting for anything.
func (l *listener) Write(p []byte) (int, error) { return l.tap.Write(p) }

// Close returns when all that was printed is recorded.
func (l *listener) Close() error {
	err := l.tap.Close()
	var wg sync.WaitGroup
	for _, t := range l.trackers {
		wg.Go(t.Close)
	}
	wg.Wait()
	return err
}

// record is called by one goroutine, and not after the tap is closed.
func (l *listener) record(e pattern.Event) {
	<-l.known
	t := l.tracker(e.Definition)
	opts := []stagewatch.Option{stagewatch.By(l.owner), stagewatch.On(e.Platform), stagewatch.For(e.Account)}
	if e.Definition != "" {
		opts = append(opts, stagewatch.Of(e.Definition))
	}
	if e.Run != "" {
		opts = append(opts, stagewatch.InRun(e.Run))
	}
	if e.Key != "" {
		opts = append(opts, stagewatch.Key(e.Key))
	}
	call(t, stagewatch.Event{What: e.What, Stage: e.Stage, Message: e.Message, Done: e.Done, Total: e.Total}, opts)
}

// tracker returns the tracker for a definition, which knows where its runs end.
// Definitions that are not known share one: a line can name any number of them.
func (l *listener) tracker(definition string) *stagewatch.Tracker {
	d, known := l.definitions[definition]
	key := "=" + d.Name
	if builtIn := definition == "" || definition == stagewatch.DefaultDefinition().Name; !known && !builtIn {
		key = "unknown"
	}
	t := l.trackers[key]
	if t == nil {
		t, _ = stagewatch.Open(stagewatch.Config{Home: l.home, Definition: d}) // one that cannot be opened does nothing
		l.trackers[key] = t
	}
	return t
}

// warn writes one of the miner's own lines.
func warn(ctx context.Context, to *slog.Logger, line string) {
	to.LogAttrs(ctx, slog.LevelWarn, line) //nolint:sloglint // as say
}

// counted returns a count with the words for one, or for several.
func counted(n uint64, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
