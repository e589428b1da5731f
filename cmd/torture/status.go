package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// watchStatus reads the status file again and again until ctx ends: each time
// it must be whole, and speak of a place in the journal that exists and is not
// before the one that it spoke of last.
func watchStatus(ctx context.Context, home string, r *result) {
	const poll = time.Millisecond
	path := filepath.Join(home, stagewatch.StatusFile)
	var last stagewatch.State
	for pause(ctx, poll) {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && last.Version == 0 {
			continue // before the first
		}
		if err != nil {
			r.broke("status: %v", err)
			return
		}
		end, err := journal.End(home + "/journal")
		if err != nil {
			r.broke("status: %v", err)
			return
		}
		var now stagewatch.State
		if err := json.Unmarshal(text, &now); err != nil {
			r.broke("status is no JSON: %v: %.200q", err, text)
			return
		}
		r.count("status read", 1)
		switch {
		case now.Version != stagewatch.StateVersion:
			r.broke("status has version %d", now.Version)
		case now.Position.Before(last.Position) || now.Events < last.Events:
			r.broke("status went back from %+v, %d events, to %+v, %d events", last.Position, last.Events, now.Position, now.Events)
		case end.Before(now.Position):
			r.broke("status speaks of %+v, the journal ends at %+v", now.Position, end)
		}
		last = now
	}
}

// encode returns v as JSON; values of ours can always be encoded.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
