// Package pipeline takes accounts through stages 1 to 7: it joins the stages'
// packages, the engine that keeps a run going over a kill, and the tracker that
// tells of it. [Pipeline.Watch] works through AccountInfo files as they come,
// [Pipeline.Process] through one account that was named.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/clean"
	"github.com/stagewatch/stagewatch/internal/engine"
	"github.com/stagewatch/stagewatch/internal/index"
	"github.com/stagewatch/stagewatch/internal/scrape"
)

// version names the shape of the stages' results as the engine keeps them.
const version = "pipeline-v1"

// keepRuns is how long the engine keeps ended runs, with the posts in their results.
const keepRuns = 7 * 24 * time.Hour

// claimEvery is the time between two looks at an account that somebody else works on.
const claimEvery = time.Second

// stopGrace is how long a stage may take to notice that it is to stop. The
// supervisor's own patience is 5 s.
const stopGrace = 3 * time.Second

// Config is what a pipeline is made of. All but Log is required.
type Config struct {
	Results   *bucket.Folder
	Raw       *bucket.Folder
	Connector scrape.Connector
	Index     *index.Store
	Tracker   *stagewatch.Tracker
	Engine    string // path of the engine's database
	Locks     string // folder of the locks on accounts and executors
	Executor  string // the engine's executor id: "content", or "direct/<platform>/<username>"
	Log       *slog.Logger
}

// Pipeline works on accounts, one at a time.
type Pipeline struct {
	results   *bucket.Folder
	raw       *bucket.Folder
	connector scrape.Connector
	index     *index.Store
	tracker   *stagewatch.Tracker
	locks     string
	log       *slog.Logger
	engine    *engine.Engine
	turn      chan struct{} // holds a token while a run may begin; the first comes after stage 0

	mu sync.Mutex
	at map[string]place // by run
}

// place is where a run is, for an end that no stage could tell of.
type place struct {
	stage int
	job   Job
}

// Open opens the engine. Runs of this executor that a kill or a stop left
// unfinished go on in the stage they were in, once Watch or Process is called.
func Open(ctx context.Context, c Config) (*Pipeline, error) {
	p := &Pipeline{
		results: c.Results, raw: c.Raw, connector: c.Connector, index: c.Index, tracker: c.Tracker,
		locks: c.Locks, log: c.Log, turn: make(chan struct{}, 1), at: map[string]place{},
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	var steps []engine.Step
	for _, s := range stages() {
		steps = append(steps, engine.Step{Name: s.step, Do: p.tracked(s)})
	}
	e, err := engine.Open(ctx, engine.Config{
		Path: c.Engine, LockDir: c.Locks, ExecutorID: c.Executor, Workflow: "content",
		Version: version, Steps: steps, Gate: p.gate, Logger: p.log,
	})
	if err != nil {
		return nil, fmt.Errorf("open pipeline: %w", err)
	}
	p.engine = e
	return p, nil
}

// Close stops what is in flight, to go on in the same stage at the next Open.
func (p *Pipeline) Close() error {
	if err := p.engine.Close(stopGrace); err != nil {
		return fmt.Errorf("close pipeline: %w", err)
	}
	return nil
}

// gate lets one run at a time be worked on, and none whose account somebody
// else works on; others may go on while that one waits.
func (p *Pipeline) gate(ctx context.Context, run *engine.Run) (func(), error) {
	var job Job
	if err := run.Input(&job); err != nil {
		return nil, err
	}
	p.enter(run.ID, place{0, job})
	for {
		select {
		case <-p.turn:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		release, err := account.Claim(p.locks, job.Account)
		if err == nil {
			return func() { release(); p.turn <- struct{}{} }, nil
		}
		p.turn <- struct{}{}
		if !errors.Is(err, account.ErrClaimed) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(claimEvery):
		}
	}
}

// tracked returns a stage as a step of the engine that tells the tracker of its
// start and end.
func (p *Pipeline) tracked(s stage) func(context.Context, *engine.Run) (any, error) {
	return func(ctx context.Context, run *engine.Run) (_ any, err error) {
		var job Job
		if err := run.Input(&job); err != nil {
			return nil, err
		}
		told := p.told(run.ID, job)
		p.enter(run.ID, place{s.number, job})
		defer func() {
			if cause := recover(); cause != nil {
				p.log.LogAttrs(ctx, slog.LevelError, "stage panicked", slog.String("run", run.ID), slog.String("step", s.step), slog.String("stack", string(debug.Stack())))
				err = p.failed(ctx, told, s, fmt.Errorf("%w: %v", errPanic, cause))
			}
		}()
		if s.start != nil {
			message, err := s.start(ctx, p, run, job)
			if err != nil {
				return nil, p.failed(ctx, told, s, err)
			}
			told.Start(s.number, message)
		}
		result, message, err := s.work(ctx, p, run, job)
		if err == nil {
			err = ctx.Err() // a result that comes after the word to stop is not kept
		}
		if err != nil {
			return nil, p.failed(ctx, told, s, err)
		}
		told.Complete(s.number, message)
		return result, nil
	}
}

func (p *Pipeline) told(run string, job Job) *stagewatch.Run {
	return p.tracker.Run(stagewatch.InRun(run), stagewatch.For(job.Account.Username), stagewatch.On(string(job.Account.Platform)))
}

// failed tells of a stage that did not end well and classifies the reason.
func (p *Pipeline) failed(ctx context.Context, told *stagewatch.Run, s stage, err error) error {
	if ctx.Err() != nil { // told to stop: the run goes on here at the next start
		told.Stopped(s.number)
		return err
	}
	code := classify(err)
	told.Failed(s.number, s.fault+": "+reason(err))
	return &engine.Failure{Code: string(code), Permanent: code == causeData, Err: fmt.Errorf("%s: %w", s.fault, plain{err})}
}

// cause is why a run failed, as far as it matters for trying again.
type cause string

const (
	causeDisk    cause = "disk_full"
	causeData    cause = "data"
	causeMachine cause = "machine"
	causePanic   cause = engine.CodePanic
)

var errPanic = errors.New("panic")

func classify(err error) cause {
	switch {
	case diskFull(err):
		return causeDisk
	case scrape.AboutData(err), errors.Is(err, clean.ErrNoPosts), errors.Is(err, clean.ErrBroken):
		return causeData
	case errors.Is(err, errPanic):
		return causePanic
	}
	return causeMachine
}

func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, engine.ErrDiskFull)
}

// reason is an error in the operator's words.
func reason(err error) string {
	if diskFull(err) {
		return "disk full: " + err.Error() + ": it is tried again when there is space"
	}
	return err.Error()
}

// plain is an error whose text is the operator's reason.
type plain struct{ err error }

func (e plain) Error() string { return reason(e.err) }
func (e plain) Unwrap() error { return e.err }

func (p *Pipeline) enter(run string, at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[run] = at
}

func (p *Pipeline) leave(run string) place {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at[run]
	delete(p.at, run)
	return at
}

// wait waits until a run has ended and returns how. It begins a run that the
// engine does not know, and anew one that another version began. The job is that
// of a run whose own cannot be read because it ended before it came here.
func (p *Pipeline) wait(ctx context.Context, run string, job Job) (Outcome, error) {
	status, err := p.engine.Wait(ctx, run)
	switch {
	case errors.Is(err, engine.ErrUnknownRun):
		err = p.engine.Start(ctx, run, job)
		if err == nil {
			status, err = p.engine.Wait(ctx, run)
		}
	case errors.Is(err, engine.ErrStranded):
		err = p.engine.Retry(ctx, run)
		if err == nil {
			status, err = p.engine.Wait(ctx, run)
		}
	}
	if ctx.Err() != nil {
		return Outcome{}, context.Cause(ctx)
	}
	at := p.leave(run)
	if at.job.Account.Username == "" {
		at.job = job
	}
	o := Outcome{Run: run, Job: at.job}
	switch {
	case diskFull(err): // the engine could not keep a result: no stage saw it
		o.Stage, o.Reason, o.Cause = max(at.stage, 1), reason(err), account.Transient
		p.told(run, at.job).Failed(o.Stage, "Failed to keep the stage's result: "+o.Reason)
	case err != nil:
		return Outcome{}, fmt.Errorf("run %s: %w", run, err)
	case status.State == engine.Succeeded:
		o.Done = true
	default:
		o.Stage, o.Reason = stageOf(status.Failure.Step), status.Failure.Error()
		if status.Failure.Code == string(causeData) {
			o.Cause = account.Data
		}
		if o.Stage == 0 { // it failed outside its stages: none of them told of it
			o.Stage = max(at.stage, 1)
			p.told(run, at.job).Failed(o.Stage, "Failed to run the pipeline: "+o.Reason)
		}
	}
	return o, nil
}

func stageOf(step string) int {
	for _, s := range stages() {
		if s.step == step {
			return s.number
		}
	}
	return 0
}

// Outcome is how a run ended.
type Outcome struct {
	Run    string
	Job    Job
	Done   bool
	Stage  int           // where it failed
	Reason string        // why, in the operator's words
	Cause  account.Cause // what kind of reason
}
