// Package engine runs ordered lists of steps durably: a run that is killed goes
// on in the step it was in, and the steps before it are not repeated.
//
// It is a thin layer over DBOS Transact for Go on an embedded SQLite file. A run
// is one DBOS workflow and a step one DBOS step, whose result is kept as JSON
// when it ends. A step is therefore done at least once: the process can die
// between the end of a step and the moment its result is kept, so a step must
// bear repetition.
//
// Several processes may share one file. Each is an executor with an id of its
// own, held by a kernel lock for as long as the engine is open, and an executor
// takes up only its own runs: DBOS would hand a recovered run to whichever
// process looks first, so every executor is an application of its own to DBOS
// (see appName). A run whose executor never comes back is resumed by nobody.
//
// A run belongs to the version of the steps that it was begun with: their names,
// their order, and Config.Version. After a change of these, the unfinished runs
// of the old version are [Stranded]: they rest untouched until the old version
// comes back, [Engine.Retry] begins them anew, or [Engine.Prune] deletes them.
// What a step does may change without that.
package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // makes DBOS understand SQLite's errors
)

// maxTakeUps is how often a process may take up a run again after dying in it
// before the run counts as failed with [CodeGaveUp]. Clean stops count too.
const maxTakeUps = 10

// Config says what an [Engine] runs and where it keeps it. All fields but Gate
// and Logger are required.
type Config struct {
	// Path is the SQLite file. It is made, with mode 0600, in a folder that exists.
	Path string
	// LockDir is the folder of the lock files, one for all that share Path. It is
	// made if absent.
	LockDir string
	// ExecutorID names this process among those that share Path, and must be the
	// same after its restart: the runs that it left unfinished are found by it.
	ExecutorID string
	// Workflow names what is run. It is stored with each run.
	Workflow string
	// Version names the shape of the steps' results, such as "pipeline-v1".
	// Change it when a step's result can no longer be read by the steps after
	// it. The names and the order of the steps are part of the version anyway.
	Version string
	// Steps are done in this order. Their names are not empty and differ.
	Steps []Step
	// Gate, if not nil, is called each time this process takes up a run, before
	// its first step, and may block until the run may go on: DBOS starts all
	// recovered runs at once. Its release is called when the run leaves this
	// process, a moment before the run's end is stored. An error fails the run.
	Gate func(ctx context.Context, run *Run) (release func(), err error)
	// Logger receives DBOS's warnings and the stacks of panics. Nil means nowhere.
	Logger *slog.Logger
}

// Engine runs the steps of its [Config]. It is safe for concurrent use.
type Engine struct {
	cfg         Config
	version     string
	lock        *lockFile // kept here: a collected file would release the lock
	store       *store
	dbos        dbos.Context // the handle of DBOS, which is also a context
	log         *slog.Logger
	flights     flights
	patience    time.Duration // recordPatience, but in tests
	interrupted []Status

	starting sync.RWMutex // held for reading while a run is started
	closing  bool         // guarded by starting
}

// Open takes the executor's lock, opens and migrates the database, and takes up
// the runs that this executor left unfinished: they may be in their steps before
// Open returns.
//
// It waits up to 5 s for the lock, because a process that is leaving may still
// hold it, and then returns [ErrExecutorInUse]. Cancelling ctx ends the opening
// only; afterwards [Engine.Close] stops the engine. Steps see the values of ctx.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	lock, err := lockExecutor(ctx, cfg.LockDir, cfg.ExecutorID)
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, version: cfg.version(), lock: lock, log: cfg.Logger, patience: recordPatience}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(err, e.lock.release())
	}
	return e, nil
}

func (e *Engine) open(ctx context.Context) error {
	var err error
	if e.store, err = openStore(e.cfg.Path); err != nil {
		return err
	}
	if err = e.connect(ctx); err == nil {
		err = e.launch(ctx)
	}
	if err != nil {
		err = errors.Join(err, e.store.close())
	}
	return err
}

// connect migrates the database. Several processes may do so at once: DBOS looks
// again what is left to do in the write transaction of each migration.
//
// DBOS must not see ctx's cancellation, now or later: unlike its own Shutdown,
// that would mark the runs in flight as cancelled.
func (e *Engine) connect(ctx context.Context) error {
	root, err := dbos.NewContext(context.WithoutCancel(ctx), dbos.Config{
		AppName:                  e.cfg.appName(),
		SQLiteSystemDB:           e.store.db,
		ExecutorID:               e.cfg.ExecutorID,
		ApplicationVersion:       e.version,
		Serializer:               jsonText{},
		SchedulerPollingInterval: time.Hour, // there are no schedules
		Logger:                   slog.New(warnings{e.log.Handler()}),
	})
	if err != nil {
		return e.store.explain(ctx, fmt.Errorf("open %s: %w", e.cfg.Path, err))
	}
	e.dbos = root
	// DBOS lets the environment override what it was told.
	if got := dbos.GetExecutorID(root); got != e.cfg.ExecutorID {
		return fmt.Errorf("executor %s: %w: it says %q: unset DBOS__VMID", e.cfg.ExecutorID, ErrEnvironment, got)
	}
	if got := dbos.GetApplicationVersion(root); got != e.version {
		return fmt.Errorf("executor %s: %w: it says version %q: unset DBOS__APPVERSION", e.cfg.ExecutorID, ErrEnvironment, got)
	}
	return nil
}

func (e *Engine) launch(ctx context.Context) error {
	var err error
	if e.interrupted, err = e.pending(ctx); err != nil {
		return fmt.Errorf("list interrupted runs: %w", err)
	}
	dbos.RegisterWorkflow(e.dbos, e.workflow,
		dbos.WithWorkflowName(e.cfg.Workflow), dbos.WithMaxRecoveryAttempts(maxTakeUps))
	if err := dbos.Launch(e.dbos); err != nil {
		return e.store.explain(ctx, fmt.Errorf("launch executor %s: %w", e.cfg.ExecutorID, err))
	}
	return nil
}

// Close cancels the context of every step in flight, waits up to grace for the
// steps to return, and lets go of the database and the executor's lock. What was
// in flight stays pending and goes on, in the step it was in, at the next Open.
//
// When a step does not return in time, Close says so and keeps the lock, so that
// no other process repeats a step that is still being done; it may be called again.
func (e *Engine) Close(grace time.Duration) error {
	e.starting.Lock() // DBOS must not be given a run while it waits for those it has
	e.closing = true
	e.starting.Unlock()
	if err := dbos.Shutdown(e.dbos, grace); err != nil {
		return fmt.Errorf("close executor %s: %w", e.cfg.ExecutorID, err)
	}
	return errors.Join(e.store.close(), e.lock.release())
}

// closed says that Close has begun.
func (e *Engine) closed() bool { return e.dbos.Err() != nil }

func (c *Config) check() error {
	for _, field := range []struct{ name, value string }{
		{"Path", c.Path},
		{"LockDir", c.LockDir},
		{"ExecutorID", c.ExecutorID},
		{"Workflow", c.Workflow},
		{"Version", c.Version},
	} {
		if field.value == "" {
			return fmt.Errorf("engine: %s is required", field.name)
		}
	}
	if len(c.Steps) == 0 {
		return errors.New("engine: Steps is required")
	}
	seen := make(map[string]bool, len(c.Steps))
	for i, step := range c.Steps {
		if step.Name == "" || step.Do == nil || seen[step.Name] {
			return fmt.Errorf("engine: step %d (%q) needs a name of its own and a Do", i+1, step.Name)
		}
		seen[step.Name] = true
	}
	return nil
}

// version is what DBOS compares before it recovers a run. The names of the steps
// are in it because DBOS finds a step's result by its position; the executor is
// in it because DBOS wants it unique among the applications that share a file, by
// a digest because it may hold an account's name, and DBOS never deletes a version.
func (c *Config) version() string {
	names := make([]string, len(c.Steps))
	for i, step := range c.Steps {
		names[i] = step.Name
	}
	return fmt.Sprintf("%s+%s@%s", c.Version, digest(strings.Join(names, "\x00")), digest(c.ExecutorID))
}

// appName makes each executor an application of its own to DBOS. Recovered and
// retried runs pass through one queue that every process of an application polls,
// so executors of the same application would take each other's runs.
func (c *Config) appName() string { return "engine-" + digest(c.ExecutorID) }

func digest(s string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // a hash never returns an error
	return fmt.Sprintf("%016x", h.Sum64())
}
