package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/config"
	"github.com/stagewatch/stagewatch/internal/pattern"
	"github.com/stagewatch/stagewatch/supervise"
)

func (o *options) runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run", GroupID: "work", Args: cobra.NoArgs,
		Short: "Run both modules until told to stop (what miner does without a command)",
		RunE:  failing(func(cmd *cobra.Command, _ []string) error { return o.run(cmd) }),
	}
}

// run is the miner: everything else hangs on the journal that it keeps.
func (o *options) run(cmd *cobra.Command) error {
	c, err := o.made()
	if err != nil {
		return err
	}
	out := newScreen(cmd.OutOrStdout(), c.Report.Format)
	defer out.close()
	return runMiner(cmd.Context(), c, out)
}

// runMiner supervises the modules of a home until ctx ends.
func runMiner(ctx context.Context, c config.Config, screen *screen) (err error) {
	out := screen.Logger
	lock, err := lockHome(c.Home)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	after := context.WithoutCancel(ctx) // what is said and kept while stopping
	m, err := newMiner(after, c, out)
	if err != nil {
		return err
	}
	tracker := m.tracker
	defer tracker.Close()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(c.Restart.StopGrace+screenPatience, screen.abandon) })()
	say(after, out, "🚀 Content Recommendation Miner started successfully")
	say(after, out, "🎯 Stage tracking system initialized")
	lacks(after, out)

	kept, stopKeeping := context.WithCancel(after)
	var keeping sync.WaitGroup
	reporter := stagewatch.NewReporter(tracker, out, stagewatch.StatusEvery(c.Report.StatusEvery))
	begin := reporter.Begin()
	tracker.Miner(stagewatch.EventStarted, "watchdog")
	reporter.StartMonitoring(c.Report.CheckInterval) //nolint:contextcheck // it ends by StopMonitoring, as the original's did
	say(after, out, "📊 Stage monitoring activated")
	m.keep(kept, &keeping)
	m.settle(after)
	keeping.Go(func() { m.greet(kept, begin) })

	err = m.supervisor.Run(m.farewell(ctx, reporter))
	flush(after, tracker)
	reporter.StopMonitoring()
	say(after, out, "📊 Stage monitoring stopped")
	tracker.Miner(stagewatch.EventStopped, "watchdog")
	stopKeeping()
	keeping.Wait()
	say(after, out, "🏁 Miner cleanup completed")
	return err
}

// miner is what the supervisor's events are turned into records with.
type miner struct {
	config      config.Config
	definitions map[string]stagewatch.Definition // those of miner.yaml
	mask        *pattern.Mask                    // of secrets in the modules' output
	tracker     *stagewatch.Tracker
	supervisor  *supervise.Supervisor
	out         *slog.Logger

	mu        sync.Mutex
	keeper    *stagewatch.Keeper   // nil while a direct run keeps the home
	begun     map[string]bool      // modules that were started before
	listeners map[string]*listener // to the newest life of each module

	first     chan struct{} // closed when Module 1 was started, before Module 2 is
	firstOnce sync.Once
}

// newMiner prepares everything and starts nothing.
func newMiner(ctx context.Context, c config.Config, out *slog.Logger) (*miner, error) {
	m := &miner{config: c, out: out, begun: map[string]bool{}, listeners: map[string]*listener{}, first: make(chan struct{})}
	var err error
	if m.definitions, err = definitions(c); err != nil {
		return nil, err
	}
	if m.mask, err = masks(ctx, c, out); err != nil {
		return nil, err
	}
	modules, err := m.modules(ctx)
	if err != nil {
		return nil, err
	}
	if m.supervisor, err = supervise.New(modules); err != nil {
		return nil, err
	}
	setDurability(ctx, c, out)
	if m.tracker, err = stagewatch.Open(stagewatch.Config{Home: c.Home}); err != nil {
		return nil, err
	}
	if err := m.define(); err != nil {
		m.tracker.Close()
		return nil, err
	}
	return m, nil
}

// keep keeps the home: from now on if nobody else does, else as soon as the
// direct run that keeps it has ended.
func (m *miner) keep(ctx context.Context, wg *sync.WaitGroup) {
	const again = time.Second
	keeper, err := m.takeOver()
	wg.Go(func() {
		for ctx.Err() == nil {
			if err == nil {
				err = keeper.Run(ctx)
			} else if !errors.Is(err, stagewatch.ErrKept) {
				m.out.LogAttrs(ctx, slog.LevelError, "❌ Status is not kept", slog.Any("error", err))
			}
			select {
			case <-ctx.Done():
			case <-time.After(again):
				keeper, err = m.takeOver()
			}
		}
	})
}

// takeOver makes this process the home's keeper.
func (m *miner) takeOver() (*stagewatch.Keeper, error) {
	keeper, err := stagewatch.NewKeeper(m.tracker, keeperConfig(m.config))
	if err == nil {
		m.mu.Lock()
		m.keeper = keeper
		m.mu.Unlock()
	}
	return keeper, err
}

// flush waits up to a second until what was recorded stands in the journal.
func flush(ctx context.Context, t *stagewatch.Tracker) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = t.Flush(ctx) // a disk that takes longer keeps its lines to itself
}

// settle declares what is lost before anything else happens.
func (m *miner) settle(ctx context.Context) {
	m.mu.Lock()
	keeper := m.keeper
	m.mu.Unlock()
	if keeper == nil {
		return
	}
	if err := keeper.Settle(ctx); err != nil {
		m.out.LogAttrs(ctx, slog.LevelError, "❌ Status is not kept", slog.Any("error", err))
	}
}

// linesPatience bounds how long the end waits for the lines of what came before.
const linesPatience = 300 * time.Millisecond

// farewell returns a context that ends with ctx, after saying so behind the
// lines of what was recorded before.
func (m *miner) farewell(ctx context.Context, reporter *stagewatch.Reporter) context.Context {
	after := context.WithoutCancel(ctx)
	stopping, stop := context.WithCancel(after)
	context.AfterFunc(ctx, func() {
		defer time.AfterFunc(screenPatience, stop).Stop() // also when nobody reads the line
		recorded, enough := context.WithTimeout(after, linesPatience)
		reporter.CatchUp(recorded)
		enough()
		say(after, m.out, "🛑 Stopping miner and cleaning up resources...")
		m.tracker.Miner(stagewatch.EventStopping, "watchdog")
		stop()
	})
	return stopping
}

// greet says once how to add an account, when Module 1 waits and none is there.
// It returns when that was said, or ctx has ended.
func (m *miner) greet(ctx context.Context, from stagewatch.Position) {
	said := errors.New("said")
	_ = stagewatch.Follow(ctx, m.config.Home, from, func(e stagewatch.Event) error { // without it nothing is said
		if e.Kind != stagewatch.KindStage || e.Stage != 0 || e.Account != "" || !strings.HasPrefix(e.Message, "No accounts found") {
			return nil
		}
		results, err := bucket.Open(m.config.Results())
		if err != nil {
			return err
		}
		entries, err := account.Find(ctx, results)
		if err == nil && len(entries) == 0 {
			say(ctx, m.out, "⏳ No accounts yet: add one with: miner account add twitter/elonmusk")
		}
		return errors.Join(said, err)
	})
}

// modules returns what is to be kept alive.
func (m *miner) modules(ctx context.Context) (supervise.Config, error) {
	c := m.config
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	process := func(name string, mod config.Module) (supervise.Process, error) {
		command := mod.Command
		if len(command) == 0 {
			command = []string{self, "module", name}
		}
		env := append(os.Environ(), "MINER_HOME="+c.Home)
		for key, value := range mod.Env {
			env = append(env, key+"="+value)
		}
		listen, err := m.listen(ctx, name, mod.Patterns)
		return supervise.Process{
			Name: name, Command: command, Dir: mod.Dir, Env: env,
			Log: supervise.Log{Dir: c.Logs()}, Output: listen,
			Policy: supervise.Policy{
				Healthy: c.Restart.HealthyAfter, Backoff: c.Restart.Backoff, BackoffMax: c.Restart.BackoffMax,
				Deaths: c.Restart.Deaths, Window: c.Restart.Window, FailedEvery: c.Restart.RetryFailed,
				AlreadyRunning: exitRunning,
			},
			StopGrace: c.Restart.StopGrace,
		}, err
	}
	content, err := process(moduleContent, c.Modules.Content)
	if err != nil {
		return supervise.Config{}, err
	}
	images, err := process(moduleImages, c.Modules.Images.Module)
	if err != nil {
		return supervise.Config{}, err
	}
	return supervise.Config{
		Processes: []supervise.Process{content, images},
		Guard:     []string{self, "guard"},
		OnEvent:   m.event,
	}, nil
}

// event turns what the supervisor says into records. A module's next step is
// taken only after it returns: loss is told before the restart.
func (m *miner) event(e supervise.Event) {
	if e.Process == "" {
		return
	}
	fact := moduleFact(e.Process)
	fact.PID, fact.Start, fact.Wait = e.PID, e.StartTime, e.Wait
	if e.Err != nil {
		fact.Reason = e.Err.Error()
	}
	switch e.Kind {
	case supervise.Starting:
		if e.Process != moduleContent {
			<-m.first
		}
		m.mu.Lock()
		again := m.begun[e.Process]
		m.begun[e.Process] = true
		m.mu.Unlock()
		if again {
			m.tracker.Module(stagewatch.EventRestarting, fact)
		} else {
			m.tracker.Module(stagewatch.EventStarting, fact)
		}
		if e.Process == moduleContent {
			m.firstOnce.Do(func() { close(m.first) })
		}
	case supervise.Started:
		m.tracker.Module(stagewatch.EventStarted, fact)
		m.heard(e.Process)
	case supervise.CouldNotStart:
		m.tracker.Module(stagewatch.EventNotStarted, fact)
	case supervise.Exited:
		fact.Code, fact.Reason, fact.Asked = e.Exit.Code, e.Exit.String(), e.Exit.Asked
		fact.Last = m.mask.HideCut(e.Exit.Output)
		m.tracker.Module(stagewatch.EventExited, fact)
		m.settle(context.Background())
	case supervise.Backoff:
		m.tracker.Module(stagewatch.EventWaiting, fact)
	case supervise.Failed:
		fact.Reason = fmt.Sprintf("%d deaths in %v", m.config.Restart.Deaths, m.config.Restart.Window)
		m.tracker.Module(stagewatch.EventFailed, fact)
	case supervise.Stopping:
		m.tracker.Module(stagewatch.EventStopping, fact)
	case supervise.GuardStarted, supervise.GuardEnded: // the supervisor's own matter
	case supervise.Stopped:
		m.firstOnce.Do(func() { close(m.first) }) // it may be stopped before it was started
		m.tracker.Module(stagewatch.EventStopped, fact)
	}
}
