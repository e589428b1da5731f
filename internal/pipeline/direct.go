package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/stagewatch/stagewatch/internal/account"
)

// Process takes one account through the stages now. A run of the account that
// this executor left unfinished is resumed instead.
func (p *Pipeline) Process(ctx context.Context, job Job) (Outcome, error) {
	a := job.Account
	p.tracker.Start(0, fmt.Sprintf("Direct processing mode for %s account: %s", a.Platform, a.Username))
	release, err := account.Claim(p.locks, a)
	if err != nil {
		err = fmt.Errorf("account %s: %w: wait until it is done, or see miner status", a.Key(), err)
		p.tracker.Failed(0, err.Error())
		return Outcome{}, err
	}
	p.tracker.Complete(0, "Direct processing mode initialized successfully")
	release() // the run claims it itself
	p.turn <- struct{}{}
	run := newRunID(a)
	job.Started = time.Now().UTC()
	if open := p.engine.Interrupted(); len(open) > 0 {
		run = open[0].ID
	} else if err := p.engine.Start(ctx, run, job); err != nil {
		return Outcome{}, fmt.Errorf("start run: %w", err)
	}
	return p.wait(ctx, run)
}
