package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/stagewatch/stagewatch"
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

// say writes one of the miner's own lines.
func say(ctx context.Context, to *slog.Logger, line string) {
	to.LogAttrs(ctx, slog.LevelInfo, line) //nolint:sloglint // the miner's lines are its output, not log messages
}
