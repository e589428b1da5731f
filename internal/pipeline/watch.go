package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/engine"
)

const (
	pollEvery  = 30 * time.Second // the net under file events
	pruneEvery = 24 * time.Hour
	diskPause  = 10 * time.Second // between looks at a disk that is full
)

// Watch works through the accounts of AccountInfo files, each with a fresh
// scrape, platforms in turns, until ctx ends. With none ready it waits for at
// most idle; a new file ends the wait.
func (p *Pipeline) Watch(ctx context.Context, results string, idle time.Duration) error {
	p.tracker.Start(0, "Starting watchdog mode")
	changed, err := account.Watch(ctx, results, pollEvery)
	if err != nil {
		p.tracker.Failed(0, err.Error())
		return fmt.Errorf("watch accounts: %w", err)
	}
	p.tracker.Complete(0, "Watchdog mode initialized successfully")
	p.turn <- struct{}{}
	w := &watchdog{Pipeline: p, changed: changed, idle: idle}
	if err := w.goOn(ctx); err != nil {
		return w.end(ctx, err)
	}
	return w.end(ctx, w.loop(ctx))
}

// watchdog is the state of watching.
type watchdog struct {
	*Pipeline
	changed <-chan struct{}
	idle    time.Duration
	last    content.Platform // whose turn it was
	pruned  time.Time
}

// end tells being told to stop from an error.
func (w *watchdog) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // what a stop broke off is no error
	}
	return err
}

// goOn waits for the runs that a kill or a stop left unfinished; the engine
// has taken them up already.
func (w *watchdog) goOn(ctx context.Context) error {
	for _, open := range w.engine.Interrupted() {
		if open.State == engine.Stranded {
			if err := w.engine.Retry(ctx, open.ID); err != nil {
				return fmt.Errorf("resume run %s: %w", open.ID, err)
			}
		}
		o, err := w.wait(ctx, open.ID)
		if err != nil {
			return err
		}
		if o.Job.Account.Username == "" { // it ended before its first stage: the loop comes back to it
			continue
		}
		a := o.Job.Account
		w.last = a.Platform
		entry, err := account.Load(ctx, w.results, a.Platform, a.Username)
		if err != nil {
			return err
		}
		if entry == nil { // its file is gone: nobody asks for the outcome
			continue
		}
		entry.Input = o.Job.Input                                          // the outcome is that of the input it was begun with
		if err := w.record(ctx, *entry, o); err != nil && !diskFull(err) { // the loop comes back to it
			return err
		}
	}
	return nil
}

func (w *watchdog) loop(ctx context.Context) error {
	for ctx.Err() == nil {
		entries, err := account.Find(ctx, w.results)
		if err != nil {
			return err
		}
		if err := w.refuse(ctx, entries); err != nil {
			return err
		}
		entry, ok := account.Next(entries, w.last, time.Now())
		if ok {
			w.last = entry.Account.Platform
			err = w.process(ctx, entry)
		} else {
			err = w.idleWait(ctx, entries)
		}
		if diskFull(err) { // an outcome could not be kept: its run goes on when it can
			err = w.pause(ctx, diskPause)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refuse tells once of each AccountInfo file that cannot be used, as a failure
// of stage 1, and goes on.
func (w *watchdog) refuse(ctx context.Context, entries []account.Entry) error {
	for _, e := range entries {
		if e.Err == nil || e.Outcome != nil && e.Outcome.State == account.Failed && e.Outcome.Input == e.Input {
			continue
		}
		run := w.tracker.Run(stagewatch.For(e.Account.Username), stagewatch.On(string(e.Account.Platform)))
		run.Start(1, "Reading "+e.Key)
		run.Failed(1, "Failed to scrape profile: "+e.Err.Error())
		begun := e.Begin("", time.Now())
		if err := account.Record(ctx, w.results, e, begun.Fail(1, e.Err.Error(), account.Permanent, time.Now())); err != nil {
			return err
		}
	}
	return nil
}

// process takes one account through the stages.
func (w *watchdog) process(ctx context.Context, e account.Entry) error {
	release, err := account.Claim(w.locks, e.Account)
	if errors.Is(err, account.ErrClaimed) { // a direct run has it: look again shortly
		return w.pause(ctx, time.Second)
	}
	if err != nil {
		return err
	}
	release() // the run claims it itself, once it is its turn
	job := Job{Account: e.Account, Fresh: true, Input: e.Input, Started: time.Now().UTC()}
	run, err := w.begin(ctx, e, job)
	if err != nil {
		return err
	}
	if err := account.Record(ctx, w.results, e, e.Begin(run, time.Now())); err != nil {
		return err
	}
	o, err := w.wait(ctx, run)
	if err != nil {
		if ctx.Err() != nil {
			return w.stopped(ctx, e, run)
		}
		return err
	}
	if err := w.record(ctx, e, o); err != nil {
		return err
	}
	if o.Done {
		return nil
	}
	return w.afterFailure(ctx)
}

// begin starts a run, or lets the account's unfinished one go on where it was.
func (w *watchdog) begin(ctx context.Context, e account.Entry, job Job) (string, error) {
	if o := e.Outcome; o != nil && o.State != account.Processed && o.Input == e.Input && o.Run != "" {
		switch err := w.engine.Retry(ctx, o.Run); {
		case err == nil, errors.Is(err, engine.ErrNotRetryable): // it goes on, or its end is only to be read
			return o.Run, nil
		case !errors.Is(err, engine.ErrUnknownRun):
			return "", fmt.Errorf("retry run %s: %w", o.Run, err)
		}
	}
	run := newRunID(e.Account)
	if err := w.engine.Start(ctx, run, job); err != nil {
		return "", fmt.Errorf("start run %s: %w", run, err)
	}
	return run, nil
}

func (w *watchdog) record(ctx context.Context, e account.Entry, o Outcome) error {
	begun := e.Begin(o.Run, time.Now())
	if o.Done {
		return account.Record(ctx, w.results, e, begun.Done(time.Now()))
	}
	return account.Record(ctx, w.results, e, begun.Fail(o.Stage, o.Reason, o.Cause, time.Now()))
}

// stopped keeps that a run was broken off by a stop; ctx has ended already.
func (w *watchdog) stopped(ctx context.Context, e account.Entry, run string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return account.Record(ctx, w.results, e, e.Begin(run, time.Now()).Stop(w.leave(run).stage, time.Now()))
}

// afterFailure says that there is nothing else to do, when that is so.
func (w *watchdog) afterFailure(ctx context.Context) error {
	entries, err := account.Find(ctx, w.results)
	if err != nil {
		return err
	}
	if _, more := account.Next(entries, w.last, time.Now()); !more {
		w.tracker.Start(0, "Waiting for accounts to process")
	}
	return nil
}

// idleWait waits until an account may be ready: 300 s by default.
func (w *watchdog) idleWait(ctx context.Context, entries []account.Entry) error {
	if time.Since(w.pruned) > pruneEvery {
		if _, err := w.engine.Prune(ctx, keepRuns); err != nil {
			return fmt.Errorf("forget old runs: %w", err)
		}
		w.pruned = time.Now()
	}
	wait := w.idle
	if next, found := account.NextDue(entries); found {
		wait = max(min(wait, time.Until(next)), time.Second)
	}
	w.tracker.Start(0, fmt.Sprintf("No accounts found - waiting %.0f seconds for new accounts", wait.Seconds()))
	if err := w.pause(ctx, wait); err != nil {
		return err
	}
	w.tracker.Complete(0, "Wait cycle completed - checking for new accounts")
	return nil
}

// pause waits for a change of the accounts, at most for d.
func (w *watchdog) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.changed:
	case <-timer.C:
	}
	return nil
}
