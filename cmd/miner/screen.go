package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/clean"
	"github.com/stagewatch/stagewatch/internal/index"
)

// screen is where the operator's lines go.
func screen(w io.Writer, format string) *slog.Logger {
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil))
	default:
		return slog.New(stagewatch.NewHandler(w, format == "time"))
	}
}

// lacks says what this binary was built without, if anything.
func lacks(ctx context.Context, to *slog.Logger) {
	warn := func(line string) {
		to.LogAttrs(ctx, slog.LevelWarn, line) //nolint:sloglint // as say
	}
	if !index.ModelBuiltIn() {
		warn("⚠️  Built without the sentence model: posts are indexed by words alone (make build brings it)")
	}
	if known, err := clean.LanguagesKnown(); err == nil && !known {
		warn("⚠️  Built without the language table: languages are told by platform and script only (make build brings it)")
	}
}

// say writes one of the miner's own lines.
func say(ctx context.Context, to *slog.Logger, line string) {
	to.LogAttrs(ctx, slog.LevelInfo, line) //nolint:sloglint // the miner's lines are its output, not log messages
}
