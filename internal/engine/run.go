package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// Step is one part of a run.
type Step struct {
	// Name identifies the step's stored result.
	Name string
	// Do does the step. Its result must survive a round trip through JSON, and
	// may be several megabytes. It returns soon after ctx is cancelled, which
	// [Engine.Close] does; what it returns then is not stored. No other context
	// has this meaning: a step that gives up because a context of the caller's was
	// cancelled has failed.
	//
	// An error fails the run; wrap a [Failure] to classify it. A panic is caught
	// and fails the run with [CodePanic].
	Do func(ctx context.Context, run *Run) (any, error)
}

// Run is what a step sees of its run. It must not be kept after the step.
type Run struct {
	// ID is the id that the run was started with.
	ID string
	// TakeUps counts the times that a process has taken up this run since it was
	// started or retried: 1 the first time, 2 after one interruption.
	TakeUps int

	input   json.RawMessage
	results map[string]json.RawMessage
}

// Input decodes what the run was started with into the value that into points to.
func (r *Run) Input(into any) error {
	if err := json.Unmarshal(r.input, into); err != nil {
		return fmt.Errorf("run %s: read input: %w", r.ID, err)
	}
	return nil
}

// Result decodes the result of an earlier step into the value that into points
// to. It is the same JSON whether that step was done by this process or another.
func (r *Run) Result(step string, into any) error {
	result, ok := r.results[step]
	if !ok {
		return fmt.Errorf("run %s: step %s has no result yet", r.ID, step)
	}
	if err := json.Unmarshal(result, into); err != nil {
		return fmt.Errorf("run %s: read result of step %s: %w", r.ID, step, err)
	}
	return nil
}

// workflow is the function that DBOS starts and recovers. All that it does
// outside a step is repeated when the run is taken up again.
func (e *Engine) workflow(ctx dbos.Context, input json.RawMessage) (json.RawMessage, error) {
	id, err := dbos.GetWorkflowID(ctx)
	if err != nil {
		return nil, fmt.Errorf("take up run: %w", err)
	}
	leave := e.flights.enter(id)
	defer leave()

	run := &Run{ID: id, input: input, results: make(map[string]json.RawMessage, len(e.cfg.Steps))}
	status, err := e.find(ctx, id)
	if err != nil {
		return nil, e.halt(id, fmt.Errorf("read run %s: %w", id, err))
	}
	run.TakeUps = status.TakeUps
	if e.cfg.Gate != nil {
		release, err := e.cfg.Gate(ctx, run)
		if err != nil && ctx.Err() != nil {
			return nil, ctx.Err() // the engine is closing: in any other words DBOS could store it as the run's failure
		}
		if err != nil {
			return nil, newFailure("", err).stored()
		}
		defer release()
	}
	for _, step := range e.cfg.Steps {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		result, err := dbos.RunAsStep(ctx, func(ctx context.Context) (json.RawMessage, error) {
			return e.do(ctx, step, run)
		}, dbos.WithStepName(step.Name))
		if err != nil {
			return nil, e.stopped(ctx, run, step, err)
		}
		run.results[step.Name] = result
	}
	return nil, nil
}

// stopped tells the three reasons apart for which a step has no result: it
// failed, the engine is closing, or the database did not take its result.
func (e *Engine) stopped(ctx context.Context, run *Run, step Step, err error) error {
	if failed := (*dbos.PortableWorkflowError)(nil); errors.As(err, &failed) || ctx.Err() != nil {
		return err
	}
	return e.halt(run.ID, fmt.Errorf("run %s: keep result of step %s: %w", run.ID, step.Name, e.store.shorten(err)))
}

// halt notes why a run cannot go on in this process though nothing is wrong
// with it, and returns an error that leaves it pending. DBOS stores every error
// of a workflow as its outcome, except the one that says that another execution
// owns the run: then it waits for that one's outcome, here [Engine.Retry]'s.
func (e *Engine) halt(id string, err error) error {
	e.flights.halt(id, err)
	return fmt.Errorf("%w: %w", dbos.ErrConflictingWorkflowID, err)
}

// do does one step and turns what comes of it into what DBOS stores.
func (e *Engine) do(ctx context.Context, step Step, run *Run) (_ json.RawMessage, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			e.log.LogAttrs(ctx, slog.LevelError, "step panicked", slog.String("run", run.ID), slog.String("step", step.Name), slog.String("stack", string(debug.Stack())))
			failure := &Failure{Code: CodePanic, Err: fmt.Errorf("panic: %v", cause)}
			err = newFailure(step.Name, failure).stored()
		}
	}()
	result, err := step.Do(ctx, run)
	if err != nil {
		return nil, newFailure(step.Name, err).stored()
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		return nil, newFailure(step.Name, fmt.Errorf("encode result: %w", err)).stored()
	}
	return encoded, nil
}
