package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// ErrNotRetryable is returned by [Engine.Retry] for a run that succeeded or is
// still being worked on.
var ErrNotRetryable = errors.New("run cannot be retried")

// Retry lets a run of this executor go on that has failed or cannot go on by
// itself: from the step that has no result yet, without repeating the steps
// before it, or from the first step if the run was begun by another version. It
// is taken up within about a second; [Engine.Wait] waits for its new end.
func (e *Engine) Retry(ctx context.Context, id string) error {
	status, err := e.own(ctx, id)
	if err != nil {
		return err
	}
	live, _ := e.flights.of(id)
	if status.State == Succeeded || status.queued || (live != nil && status.State != Failed) {
		return fmt.Errorf("run %s is %s: %w", id, status.State, ErrNotRetryable)
	}
	if status.State != Failed { // DBOS rewinds only what has ended
		if err := dbos.CancelWorkflow(e.dbos, id); err != nil {
			return fmt.Errorf("retry run %s: %w", id, e.store.shorten(err))
		}
	}
	e.flights.free(id)
	var done uint
	if status.Version == e.version {
		if done, err = e.stepsDone(id); err != nil {
			return fmt.Errorf("retry run %s: %w", id, err)
		}
	}
	if _, err := dbos.RewindWorkflow[any](e.dbos, id,
		dbos.WithRewindStartStep(done), dbos.WithRewindApplicationVersion(e.version)); err != nil {
		return fmt.Errorf("retry run %s: %w", id, e.store.shorten(err))
	}
	return nil
}

// stepsDone counts the steps of a run that have a result.
func (e *Engine) stepsDone(id string) (uint, error) {
	steps, err := dbos.GetWorkflowSteps(e.dbos, id, dbos.WithStepsLoadOutput(false))
	if err != nil {
		return 0, e.store.shorten(err)
	}
	var done uint
	for _, step := range steps {
		if step.Error == nil {
			done++
		}
	}
	return done, nil
}

// pruneBatch is how many runs one transaction of Prune deletes, so that others
// that write are not kept waiting.
const pruneBatch = 50

// Prune deletes the runs of all executors that ended more than age ago, with
// their results, and the pending ones that nobody has touched for as long and
// whose executor is not running. It returns how many it deleted.
func (e *Engine) Prune(ctx context.Context, age time.Duration) (int, error) {
	before := time.Now().Add(-age)
	ended, err := e.list(ctx, everyExecutor(), dbos.WithFilterCompletedBefore(before))
	if err != nil {
		return 0, fmt.Errorf("prune runs: %w", err)
	}
	left, err := e.list(ctx, everyExecutor(), dbos.WithFilterCreatedBefore(before),
		dbos.WithFilterStatus(dbos.WorkflowStatusPending, dbos.WorkflowStatusEnqueued))
	if err != nil {
		return 0, fmt.Errorf("prune runs: %w", err)
	}
	deleted, err := e.remove(ctx, ended)
	if err != nil {
		return deleted, err
	}
	for _, run := range left {
		if run.Executor == e.cfg.ExecutorID && run.State != Stranded || run.updated.After(before) {
			continue
		}
		n, err := e.removeAbandoned(ctx, run)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// removeAbandoned deletes a pending run of another executor if that executor's
// lock is free, and holds the lock meanwhile, so that the executor does not start.
func (e *Engine) removeAbandoned(ctx context.Context, run Status) (int, error) {
	if run.Executor != e.cfg.ExecutorID {
		lock, err := tryLock(executorLock(e.cfg.LockDir, run.Executor))
		if errors.Is(err, errHeld) {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("prune run %s: %w", run.ID, err)
		}
		n, err := e.remove(ctx, []Status{run})
		return n, errors.Join(err, lock.release())
	}
	return e.remove(ctx, []Status{run})
}

func (e *Engine) remove(ctx context.Context, runs []Status) (int, error) {
	var deleted int
	for len(runs) > 0 {
		if err := ctx.Err(); err != nil {
			return deleted, err
		}
		batch := runs[:min(pruneBatch, len(runs))]
		ids := make([]string, len(batch))
		for i, run := range batch {
			ids[i] = run.ID
		}
		if err := dbos.DeleteWorkflows(e.dbos, ids); err != nil {
			return deleted, fmt.Errorf("prune runs: %w", e.store.shorten(err))
		}
		deleted += len(batch)
		runs = runs[len(batch):]
	}
	return deleted, nil
}
