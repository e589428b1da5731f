package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stagewatch/stagewatch/internal/account"
)

// Process takes one account through the stages now. Runs of the account that this
// executor left unfinished are finished first; when one of them did what job
// asks for, its outcome is returned and nothing more is done.
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
	var done *Outcome
	for _, open := range p.engine.Interrupted() {
		o, err := p.wait(ctx, open.ID, job)
		if err != nil {
			return Outcome{}, err
		}
		if o.Job.asks(job) {
			done = &o
		}
	}
	if done != nil {
		return *done, nil
	}
	job.Started = time.Now().UTC()
	return p.wait(ctx, newRunID(a), job)
}

// asks reports whether two jobs ask for the same work on the same account.
func (j Job) asks(other Job) bool {
	a, b := j.Account, other.Account
	return j.Fresh == other.Fresh && a.Platform == b.Platform && a.Type == b.Type && a.Style == b.Style &&
		a.Timezone == b.Timezone && slices.Equal(a.Competitors, b.Competitors)
}
