package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/clean"
	"github.com/stagewatch/stagewatch/internal/index"
)

// screen is where the operator's lines go. Each is written in its turn; a
// reader that stands still (a full pipe, Ctrl-S) holds up the lines, and with
// them nothing but the reporter, and not the end of the program.
type screen struct {
	*slog.Logger
	lines   chan []byte
	quit    chan struct{} // closed when nothing more is said
	written chan struct{} // closed when all lines are written
	gone    chan struct{} // closed when nobody waits for the reader any more
	once    sync.Once
}

const (
	screenLines    = 1024 // that wait for the reader
	screenPatience = time.Second
)

func newScreen(w io.Writer, format string) *screen {
	s := &screen{
		lines: make(chan []byte, screenLines), quit: make(chan struct{}),
		written: make(chan struct{}), gone: make(chan struct{}),
	}
	go s.run(w)
	if format == "json" {
		s.Logger = slog.New(slog.NewJSONHandler(s, nil))
	} else {
		s.Logger = slog.New(stagewatch.NewHandler(s, format == "time"))
	}
	return s
}

func (s *screen) run(w io.Writer) {
	defer close(s.written)
	for {
		select {
		case line := <-s.lines:
			_, _ = w.Write(line) // who reads no more misses it
		case <-s.quit:
			for len(s.lines) > 0 { // nobody else takes from it
				_, _ = w.Write(<-s.lines) // as above
			}
			return
		}
	}
}

// Write takes in one line.
func (s *screen) Write(line []byte) (int, error) {
	select {
	case s.lines <- bytes.Clone(line):
	case <-s.gone:
	}
	return len(line), nil
}

// abandon stops waiting for a reader that stands still.
func (s *screen) abandon() { s.once.Do(func() { close(s.gone) }) }

// close waits a second for the reader to take what is left. Nothing is said afterwards.
func (s *screen) close() {
	close(s.quit)
	select {
	case <-s.written:
	case <-time.After(screenPatience):
	}
	s.abandon()
}

// lacks says what this binary was built without, if anything.
func lacks(ctx context.Context, to *slog.Logger) {
	warn := func(line string) {
		to.LogAttrs(ctx, slog.LevelWarn, line) //nolint:sloglint // as say
	}
	if !index.ModelBuiltIn() {
		warn("⚠️  Built without the sentence model: posts are indexed by words alone (make build brings it)")
	}
	if !clean.LanguagesKnown() {
		warn("⚠️  Built without the language table: languages are told by platform and script only (make build brings it)")
	}
}

// say writes one of the miner's own lines.
func say(ctx context.Context, to *slog.Logger, line string) {
	to.LogAttrs(ctx, slog.LevelInfo, line) //nolint:sloglint // the miner's lines are its output, not log messages
}
