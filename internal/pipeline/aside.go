package pipeline

import (
	"context"
	"time"

	"github.com/stagewatch/stagewatch/internal/account"
)

// lastStage is where a run ends.
const lastStage = 7

// find returns the accounts, each with its outcome, also where that could not
// be recorded.
func (w *watchdog) find(ctx context.Context) ([]account.Entry, error) {
	entries, err := account.Find(ctx, w.results)
	for i := range entries {
		e := &entries[i]
		o, found := w.aside[e.Key]
		if found && o.Input == e.Input && (e.Outcome == nil || !e.Outcome.At.After(o.At)) {
			e.Outcome = &o
		}
	}
	return entries, err
}

// keep records what became of an account and reports whether it could. An outcome
// that cannot be recorded is that account's matter alone: it is told once, and
// the account is set aside as one that failed. Only a full disk, which is
// everybody's, and a stop are errors.
func (w *watchdog) keep(ctx context.Context, e account.Entry, o account.Outcome) (bool, error) {
	err := account.Record(ctx, w.results, e, o)
	if err == nil {
		delete(w.aside, e.Key)
		return true, nil
	}
	if diskFull(err) || ctx.Err() != nil {
		return false, err
	}
	switch {
	case o.State == account.Processed:
		o.Stage = lastStage
	case o.Stage == 0:
		o.Stage = 1
	}
	if before, known := w.aside[e.Key]; !known || before.Input != o.Input {
		w.told(o.Run, Job{Account: e.Account}).Failed(o.Stage, "Failed to keep the outcome: "+err.Error())
	}
	w.setAside(e, o, err)
	return false, nil
}

// setAside lets an account rest whose outcome o could not be recorded, longer
// each time. It lasts as long as this process: the next one tries at once.
func (w *watchdog) setAside(e account.Entry, o account.Outcome, err error) {
	w.aside[e.Key] = o.Fail(o.Stage, err.Error(), account.Transient, time.Now())
}
