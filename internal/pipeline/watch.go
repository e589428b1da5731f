package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

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
	w := &watchdog{Pipeline: p, changed: changed, idle: idle, aside: map[string]account.Outcome{}}
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
	aside   map[string]account.Outcome // by key of the AccountInfo file; see keep
}

// end tells being told to stop from an error.
func (w *watchdog) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // what a stop broke off is no error
	}
	return err
}

// goOn waits for the runs that a kill or a stop left unfinished; the engine
// has taken them up already, or given them up.
func (w *watchdog) goOn(ctx context.Context) error {
	for _, open := range w.engine.Interrupted() {
		entry, err := w.ofRun(ctx, open.ID)
		if err != nil {
			return err
		}
		var job Job
		if entry != nil {
			job = Job{Account: entry.Account, Fresh: true, Input: entry.Outcome.Input}
		}
		o, err := w.wait(ctx, open.ID, job)
		if err != nil {
			return err
		}
		a := o.Job.Account
		w.last = a.Platform
		if entry == nil && a.Username != "" {
			entry, err = account.Load(ctx, w.results, a.Platform, a.Username)
		}
		if err != nil {
			return err
		}
		if entry == nil { // its file is gone: nobody asks for the outcome
			continue
		}
		entry.Input = o.Job.Input                                                                          // the outcome is that of the input it was begun with
		if err := w.record(ctx, *entry, entry.Begin(o.Run, time.Now()), o); err != nil && !diskFull(err) { // the loop comes back to it
			return err
		}
	}
	return nil
}

// ofRun returns the account whose outcome names the run, nil if there is none.
func (w *watchdog) ofRun(ctx context.Context, run string) (*account.Entry, error) {
	entries, err := account.Find(ctx, w.results)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Outcome != nil && e.Outcome.Run == run {
			return &e, nil
		}
	}
	return nil, nil
}

func (w *watchdog) loop(ctx context.Context) error {
	for ctx.Err() == nil {
		err := w.round(ctx)
		if diskFull(err) { // an outcome could not be kept: its run goes on when it can
			err = w.pause(ctx, diskPause)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// round looks at the accounts and works on one of them, or waits.
func (w *watchdog) round(ctx context.Context) error {
	entries, err := w.find(ctx)
	if err != nil {
		return err
	}
	if err := w.refuse(ctx, entries); err != nil {
		return err
	}
	claimed := false
	for {
		entry, due := account.Next(entries, w.last, time.Now())
		switch {
		case !due && claimed: // direct runs have all that is due: look again shortly
			return w.pause(ctx, claimEvery)
		case !due:
			return w.idleWait(ctx, entries)
		}
		release, err := account.Claim(w.locks, entry.Account)
		if err == nil {
			release() // the run claims it itself, once it is its turn
			w.last = entry.Account.Platform
			return w.process(ctx, entry)
		}
		if !errors.Is(err, account.ErrClaimed) {
			return err
		}
		claimed = true
		entries = slices.DeleteFunc(entries, func(e account.Entry) bool { return e.Key == entry.Key })
	}
}

// refuse tells once of each AccountInfo file that cannot be used, as a failure
// of stage 1, and goes on.
func (w *watchdog) refuse(ctx context.Context, entries []account.Entry) error {
	for _, e := range entries {
		if e.Err == nil || e.Outcome != nil && e.Outcome.State == account.Failed && e.Outcome.Input == e.Input {
			continue
		}
		refused := e.Begin("", time.Now()).Fail(1, e.Err.Error(), account.Permanent, time.Now())
		if err := account.Record(ctx, w.results, e, refused); diskFull(err) || ctx.Err() != nil {
			return err
		} else if err != nil { // told of below; with a retry, lest it outlive the fault
			w.setAside(e, refused, err)
		}
		run := w.told("", Job{Account: e.Account})
		run.Start(1, "Reading "+e.Key)
		run.Failed(1, "Failed to scrape profile: "+e.Err.Error())
	}
	return nil
}

// process takes one account through the stages, or lets its unfinished run go on
// where it was. The outcome names the run before the run begins, so that
// no run is begun whose account would not know of it.
func (w *watchdog) process(ctx context.Context, e account.Entry) error {
	run, failed := newRunID(e.Account), false
	if o := e.Outcome; o != nil && o.State != account.Processed && o.Input == e.Input && o.Run != "" {
		run, failed = o.Run, o.State == account.Failed
	}
	begun := e.Begin(run, time.Now())
	if kept, err := w.keep(ctx, e, begun); !kept {
		return err
	}
	if failed { // any other run goes on by itself, or its end is only to be read
		err := w.engine.Retry(ctx, run)
		if err != nil && !errors.Is(err, engine.ErrNotRetryable) && !errors.Is(err, engine.ErrUnknownRun) {
			return fmt.Errorf("retry run %s: %w", run, err)
		}
	}
	job := Job{Account: e.Account, Fresh: true, Input: e.Input, Started: time.Now().UTC()}
	o, err := w.wait(ctx, run, job)
	if err != nil {
		if ctx.Err() != nil {
			return w.stopped(ctx, e, begun)
		}
		return err
	}
	if err := w.record(ctx, e, begun, o); err != nil {
		return err
	}
	if o.Done {
		return nil
	}
	return w.afterFailure(ctx)
}

// record keeps how a run ended that begun told of.
func (w *watchdog) record(ctx context.Context, e account.Entry, begun account.Outcome, o Outcome) error {
	if o.Done {
		_, err := w.keep(ctx, e, begun.Done(time.Now()))
		return err
	}
	failed := begun.Fail(o.Stage, o.Reason, o.Cause, time.Now())
	_, err := w.keep(ctx, e, failed)
	if diskFull(err) && o.Cause == account.Transient { // it goes on once there is space
		failed.NextTry = time.Time{}
		w.aside[e.Key] = failed
	}
	return err
}

// stopped keeps that a run was broken off by a stop; ctx has ended already.
func (w *watchdog) stopped(ctx context.Context, e account.Entry, begun account.Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return account.Record(ctx, w.results, e, begun.Stop(w.leave(begun.Run).stage, time.Now()))
}

// afterFailure says that there is nothing else to do, when that is so.
func (w *watchdog) afterFailure(ctx context.Context) error {
	entries, err := w.find(ctx)
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
		if _, err := w.engine.Prune(ctx, keepRuns); err != nil && ctx.Err() == nil {
			w.log.LogAttrs(ctx, slog.LevelWarn, "old runs were not forgotten", slog.Any("error", err))
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
