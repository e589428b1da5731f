package stagewatch

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// NewHandler returns a log handler that writes "[LEVEL] message" lines: the
// operator's default format. Attributes are left out, except an error's text.
// With stamp each line begins with the local time.
func NewHandler(w io.Writer, stamp bool) slog.Handler {
	return &lineHandler{w: w, stamp: stamp, mu: &sync.Mutex{}}
}

type lineHandler struct {
	w     io.Writer
	stamp bool
	mu    *sync.Mutex // a line is written whole
}

func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	line := "[" + r.Level.String() + "] " + r.Message
	if h.stamp {
		line = r.Time.Format(time.DateTime) + " " + line
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			line += ": " + Plain(a.Value.String())
		}
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, line+"\n")
	return err
}

func (h *lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h *lineHandler) WithGroup(string) slog.Handler { return h }
