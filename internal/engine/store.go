package engine

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/stagewatch/stagewatch/internal/sqlite"
)

var (
	// ErrDiskFull marks errors of a database that could not grow. Once there is
	// space again, [Engine.Retry] or the next [Open] lets a run go on.
	ErrDiskFull = errors.New("disk is full")
	// ErrEnvironment is returned by [Open] when an environment variable makes
	// DBOS ignore its configuration.
	ErrEnvironment = errors.New("the environment overrides the engine's configuration")
)

// store is the SQLite file.
type store struct {
	path string
	db   *sql.DB
}

// openStore opens the file, and makes it with mode 0600 if it is absent. The
// settings are those that DBOS gives a pool of its own: a power cut may cost the
// last commits, a killed process nothing.
func openStore(path string) (*store, error) {
	s := &store{path: path}
	var err error
	if s.db, err = sqlite.Open(path, "synchronous(NORMAL)", "foreign_keys(ON)", "secure_delete(ON)"); err != nil {
		return nil, fmt.Errorf("open database: %w", s.shorten(err))
	}
	s.db.SetMaxOpenConns(8)
	s.db.SetMaxIdleConns(4)
	return s, nil
}

func (s *store) close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.path, err)
	}
	return nil
}

// shorten replaces an error of DBOS that SQLite caused by its cause, and marks
// it with [ErrDiskFull] if it is that.
func (s *store) shorten(err error) error {
	cause := (*sqlite.Error)(nil)
	if errors.As(err, &cause) {
		err = cause
	}
	switch {
	case sqlite.Full(err):
		return fmt.Errorf("%s: %w: %w", s.path, ErrDiskFull, err)
	case cause != nil:
		return fmt.Errorf("%s: %w", s.path, err)
	default:
		return err
	}
}

// explain adds [ErrDiskFull] to an error in which DBOS kept only the text of its
// cause, by asking the database to write something that changes nothing.
func (s *store) explain(ctx context.Context, err error) error {
	if _, cause := s.db.ExecContext(ctx, "PRAGMA user_version = 0"); cause != nil {
		return fmt.Errorf("%w: %w", err, s.shorten(cause))
	}
	return err
}

// jsonText makes DBOS store results as the JSON they are, without base64 around
// it. It only ever sees json.RawMessage.
type jsonText struct{}

// Name is stored with each value.
func (jsonText) Name() string { return "json" }

// Encode returns the JSON text, "" where there is none.
func (jsonText) Encode(value any) (*string, error) {
	raw, ok := value.(json.RawMessage)
	if value != nil && !ok {
		return nil, fmt.Errorf("encode %T: not JSON", value)
	}
	text := string(raw)
	return &text, nil
}

// Decode returns a json.RawMessage, nil where there is none.
func (jsonText) Decode(text *string) (any, error) {
	if text == nil {
		return json.RawMessage(nil), nil
	}
	return json.RawMessage(*text), nil
}

// warnings drops what is below a warning: DBOS reports each start and stop.
type warnings struct{ slog.Handler }

// Enabled says whether a record of that level is handled.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// WithAttrs returns the same filter around the handler with these attributes.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup returns the same filter around the handler with this group.
func (w warnings) WithGroup(name string) slog.Handler {
	return warnings{w.Handler.WithGroup(name)}
}
