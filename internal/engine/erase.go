package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Erase deletes the runs that whose names, of every executor, with all that is
// stored of them, so that it is in no file any more, and returns how many there
// were. The caller sees to it that none of them is being worked on. A file that
// is not there holds none.
func Erase(ctx context.Context, path, lockDir string, whose func(run, executor string) bool) (deleted int, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	e, err := Open(ctx, Config{
		Path: path, LockDir: lockDir, ExecutorID: "erase", Workflow: "none", Version: "1",
		Steps: []Step{{Name: "none", Do: func(context.Context, *Run) (any, error) { return nil, errNoWork }}},
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Close(closeGrace)) }()
	all, err := e.list(ctx, everyExecutor())
	if err != nil {
		return 0, fmt.Errorf("erase runs: %w", err)
	}
	var theirs []Status
	for _, run := range all {
		if whose(run.ID, run.Executor) {
			theirs = append(theirs, run)
		}
	}
	deleted, err = e.remove(ctx, theirs)
	if err != nil {
		return deleted, err
	}
	// The write-ahead log still holds the old pages.
	var busy, frames, moved int
	if err := e.store.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return deleted, fmt.Errorf("erase runs: %w", e.store.shorten(err))
	}
	if busy != 0 {
		return deleted, errors.New("erase runs: they are deleted, but another process still reads pages that hold them: try again")
	}
	return deleted, nil
}

// closeGrace is what the parts of DBOS get to end: they hold no run.
const closeGrace = 5 * time.Second

var errNoWork = errors.New("this executor takes no work")
