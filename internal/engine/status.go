package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

var (
	// ErrUnknownRun is returned for an id that no run of this executor has.
	ErrUnknownRun = errors.New("unknown run")
	// ErrClosed is returned by everything that a closed engine is asked, and by
	// [Engine.Wait] if it is closed meanwhile: the run goes on at the next [Open].
	ErrClosed = errors.New("engine is closed")
	// ErrStranded is returned by [Engine.Wait] for a run that was begun with other
	// steps or another version. [Engine.Retry] begins it anew.
	ErrStranded = errors.New("run was begun by another version")
	// ErrUnrecorded is returned by [Engine.Wait] when a run has left this process
	// and its end is not in the database.
	ErrUnrecorded = errors.New("end of run was not recorded")
)

// State is how far a run is.
type State string

// The states of a run.
const (
	// Pending is a run that has not ended: it is being worked on, or its executor
	// is not running and will take it up when it is.
	Pending State = "pending"
	// Stranded is a pending run of this executor that was begun with other steps
	// or another version and is therefore not taken up.
	Stranded State = "stranded"
	// Succeeded is a run all of whose steps are done.
	Succeeded State = "succeeded"
	// Failed is a run that a failure ended.
	Failed State = "failed"
)

// Status is what is stored of a run, without input and results.
type Status struct {
	ID       string
	Executor string
	Version  string
	State    State
	// Failure is set if State is Failed.
	Failure *Failure
	// TakeUps counts the times that a process has taken up this run since it was
	// started or retried.
	TakeUps int
	// Created is when the run was started, Ended when it succeeded or failed.
	Created, Ended time.Time

	queued  bool
	updated time.Time
}

// Start stores a run and begins it. A run that has this id already is left as it
// is, whatever its input and its state. The caller waits for nothing: cancelling
// ctx after Start has returned does not stop the run.
func (e *Engine) Start(ctx context.Context, id string, input any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if id == "" {
		return errors.New("start run: id is required")
	}
	encoded, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("start run %s: encode input: %w", id, err)
	}
	e.starting.RLock()
	defer e.starting.RUnlock()
	if e.closing {
		return fmt.Errorf("start run %s: %w", id, ErrClosed)
	}
	// With the engine's own context: DBOS would tie the run to the caller's.
	if _, err := dbos.RunWorkflow(e.dbos, e.workflow, encoded, dbos.WithWorkflowID(id)); err != nil {
		return fmt.Errorf("start run %s: %w", id, e.store.shorten(err))
	}
	return nil
}

const (
	firstPause = 5 * time.Millisecond
	lastPause  = 250 * time.Millisecond
	// recordPatience is how long the end of a run that has left this process may
	// take to reach the database: twice as long as one wait for another writer.
	recordPatience = 10 * time.Second
)

// Wait returns the status of a run of this executor once it has ended. A failed
// run is no error. When the run cannot go on, it returns the pending status and
// the reason, such as [ErrDiskFull], [ErrStranded] or [ErrClosed].
func (e *Engine) Wait(ctx context.Context, id string) (Status, error) {
	pause := firstPause
	var unknown time.Time // since when it is not known who is working on the run
	for {
		live, halted := e.flights.of(id)
		status, err := e.own(ctx, id)
		switch {
		case e.closed():
			return status, fmt.Errorf("run %s: %w", id, ErrClosed)
		case err != nil:
			return status, err
		case status.State == Stranded:
			return status, fmt.Errorf("run %s: %w: %s, this is %s", id, ErrStranded, status.Version, e.version)
		case status.State != Pending:
			return status, nil
		case halted != nil:
			return status, halted
		}
		var poll <-chan time.Time
		switch {
		case live != nil:
			pause, unknown = firstPause, time.Time{}
		case status.queued:
			unknown = time.Time{}
		case unknown.IsZero():
			unknown = time.Now()
		case time.Since(unknown) > e.patience:
			return status, e.store.explain(ctx, fmt.Errorf("run %s: %w", id, ErrUnrecorded))
		}
		if live == nil {
			poll, pause = time.After(pause), min(2*pause, lastPause)
		}
		select {
		case <-live:
		case <-poll:
		case <-e.dbos.Done():
		case <-ctx.Done():
			return status, ctx.Err()
		}
	}
}

// Interrupted returns the runs of this executor that were pending when the engine
// was opened, oldest first: those that are being taken up again and those that
// are stranded.
func (e *Engine) Interrupted() []Status { return slices.Clone(e.interrupted) }

// Runs returns the newest runs of all executors that share the file, at most limit.
func (e *Engine) Runs(ctx context.Context, limit int) ([]Status, error) {
	runs, err := e.list(ctx, everyExecutor(), dbos.WithFilterSortDesc(), dbos.WithFilterLimit(limit))
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return runs, nil
}

// pending lists this executor's runs that have not ended.
func (e *Engine) pending(ctx context.Context) ([]Status, error) {
	return e.list(ctx, dbos.WithFilterExecutorIDs(e.cfg.ExecutorID),
		dbos.WithFilterStatus(dbos.WorkflowStatusPending, dbos.WorkflowStatusEnqueued))
}

// own finds a run of this executor.
func (e *Engine) own(ctx context.Context, id string) (Status, error) {
	status, err := e.find(ctx, id)
	if err == nil && status.Executor != e.cfg.ExecutorID {
		err = fmt.Errorf("run %s: %w: it is executor %s's", id, ErrUnknownRun, status.Executor)
	}
	return status, err
}

func (e *Engine) find(ctx context.Context, id string) (Status, error) {
	runs, err := e.list(ctx, dbos.WithFilterWorkflowIDs(id))
	if err != nil {
		return Status{}, fmt.Errorf("read run %s: %w", id, err)
	}
	if len(runs) == 0 {
		return Status{}, fmt.Errorf("run %s: %w", id, ErrUnknownRun)
	}
	return runs[0], nil
}

// everyExecutor lifts the filter by application: no names means all, nil means own.
func everyExecutor() dbos.ListWorkflowsOption {
	return dbos.WithFilterApplicationName([]string{}...)
}

// list reads statuses, oldest first. The query runs on the engine's own context:
// with that of a workflow, DBOS would store it as one of the workflow's steps.
func (e *Engine) list(ctx context.Context, filter ...dbos.ListWorkflowsOption) ([]Status, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.closed() {
		return nil, ErrClosed
	}
	// The outputs are only asked for because the errors come with them.
	filter = append(filter, dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(true))
	rows, err := dbos.ListWorkflows(e.dbos, filter...)
	if err != nil {
		return nil, e.store.shorten(err)
	}
	statuses := make([]Status, len(rows))
	for i := range rows {
		statuses[i] = e.status(&rows[i])
	}
	return statuses, nil
}

func (e *Engine) status(row *dbos.WorkflowStatus) Status {
	status := Status{
		ID: row.ID, Executor: row.ExecutorID, Version: row.ApplicationVersion,
		State: Pending, Failure: loadFailure(row), TakeUps: row.Attempts,
		Created: row.CreatedAt, Ended: row.CompletedAt,
		queued: row.Status == dbos.WorkflowStatusEnqueued, updated: row.UpdatedAt,
	}
	switch {
	case row.Status == dbos.WorkflowStatusSuccess:
		status.State = Succeeded
	case status.Failure != nil:
		status.State = Failed
	case row.ExecutorID == e.cfg.ExecutorID && row.ApplicationVersion != e.version:
		status.State = Stranded
	}
	return status
}
