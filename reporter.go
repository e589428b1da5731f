package stagewatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// Reporter writes one line to a logger for each transition of a home's stages
// and modules: in the journal's order, none lost, none twice. It begins with
// what happens after it was made.
type Reporter struct {
	home        string
	log         *slog.Logger
	statusEvery time.Duration
	direct      *Owner

	begin Position

	mu    sync.Mutex // guards what follows
	stop  context.CancelFunc
	ended chan struct{}
	state *State
	shown Position // up to where lines were written
}

// ReporterOption changes what a reporter writes.
type ReporterOption func(*Reporter)

// StatusEvery makes the reporter write the status line at that interval.
func StatusEvery(interval time.Duration) ReporterOption {
	return func(r *Reporter) { r.statusEvery = interval }
}

// Direct makes the reporter write only what one process records, as a direct run does.
func Direct(o Owner) ReporterOption {
	return func(r *Reporter) { r.direct = &o }
}

// NewReporter returns a reporter of the tracker's home. The tracker's home
// must be usable, or the reporter has nothing to say. The logger's handler
// decides the form; [NewHandler] gives the default one.
func NewReporter(t *Tracker, log *slog.Logger, opts ...ReporterOption) *Reporter {
	r := &Reporter{log: log}
	for _, o := range opts {
		o(r)
	}
	if t != nil && t.sink != nil {
		r.home = t.home
		r.begin, _ = journal.End(journalDir(t.home)) // an unreadable folder shows itself when it is followed
	}
	return r
}

// Begin returns the place in the journal after which it writes lines.
func (r *Reporter) Begin() Position { return r.begin }

// StartMonitoring begins to write lines: at once when the journal grows, and
// after each interval in case no word of that comes. A second call does nothing.
func (r *Reporter) StartMonitoring(interval time.Duration) {
	r.mu.Lock()
	if r.ended != nil || r.home == "" {
		r.mu.Unlock()
		return
	}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // StopMonitoring is its end; the interface is the original's
	r.stop, r.ended = cancel, make(chan struct{})
	r.mu.Unlock()
	go r.run(ctx, interval, r.resume(ctx))
}

// StopMonitoring writes the lines of everything recorded so far and ends. It
// may be called without or after an earlier stop.
func (r *Reporter) StopMonitoring() {
	r.mu.Lock()
	stop, ended := r.stop, r.ended
	r.mu.Unlock()
	if ended == nil {
		return
	}
	stop()
	<-ended
}

// CatchUp waits until the lines of everything recorded so far are written, or ctx ends.
func (r *Reporter) CatchUp(ctx context.Context) {
	const look = 2 * time.Millisecond
	end, err := journal.End(journalDir(r.home))
	if err != nil {
		return
	}
	for {
		r.mu.Lock()
		there := r.ended == nil || !r.shown.Before(end)
		r.mu.Unlock()
		if there {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(look):
		}
	}
}

func (r *Reporter) run(ctx context.Context, interval time.Duration, f *follower) {
	defer close(r.ended)
	defer f.close()
	if r.statusEvery > 0 {
		done := make(chan struct{})
		defer func() { <-done }()
		go func() {
			defer close(done)
			r.status(ctx)
		}()
	}
	faulty := false
	bell(ctx, f.dir, max(interval, 10*time.Millisecond), 0, func() time.Duration {
		err := r.write(ctx, f)
		if err != nil && !faulty {
			r.log.LogAttrs(ctx, slog.LevelError, "❌ Stage monitoring cannot read the journal", slog.Any("error", err))
		}
		faulty = err != nil
		return 0
	})
	_ = r.write(context.WithoutCancel(ctx), f) // what came between the last ring and the stop
}

// resume takes up the fold where a snapshot left it that holds nothing which is
// still to be shown: when the keeper was faster, the status file does.
func (r *Reporter) resume(ctx context.Context) *follower {
	state, f, err := resumeUpTo(r.home, r.begin)
	if err != nil {
		r.log.LogAttrs(ctx, slog.LevelError, "❌ Stage monitoring cannot read the journal", slog.Any("error", err))
		state, f = &State{Home: r.home}, follow(r.home, Position{})
	}
	r.mu.Lock()
	r.state = state
	r.mu.Unlock()
	return f
}

// write shows everything that is in the journal and was not shown.
func (r *Reporter) write(ctx context.Context, f *follower) error {
	for {
		e, ok, err := f.next()
		if err != nil || !ok {
			r.mu.Lock()
			r.shown = f.journal.Position()
			r.mu.Unlock()
			return err
		}
		r.mu.Lock()
		c := r.state.Apply(e)
		level, text, shown := c.Line()
		r.mu.Unlock()
		fresh := r.begin.Before(e.pos)
		if shown && fresh && (r.direct == nil || e.Owner == *r.direct) {
			r.line(ctx, level, text, attrs(c)...)
		}
	}
}

// line writes one line; its text is the message, for people and for grep.
func (r *Reporter) line(ctx context.Context, level slog.Level, text string, about ...slog.Attr) {
	r.log.LogAttrs(ctx, level, text, about...) //nolint:sloglint // lines are this package's product, not log messages
}

func (r *Reporter) status(ctx context.Context) {
	ticker := time.NewTicker(r.statusEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.line(ctx, slog.LevelInfo, r.StatusLine())
		}
	}
}

// StatusLine returns the text of the status line as of now.
func (r *Reporter) StatusLine() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == nil {
		r.state = &State{Home: r.home}
		if state, f, err := resume(r.home); err == nil {
			f.close()
			r.state = state
		}
	}
	if r.direct == nil {
		return r.state.StatusLine()
	}
	return r.state.directLine(*r.direct)
}

// directLine is the status line of a direct run, which is its own Module 1.
func (s *State) directLine(o Owner) string {
	view := State{Mode: "direct", Modules: []ModuleState{
		{Number: 1, State: ModuleRunning}, {Number: 2, State: ModuleStopped},
	}, Definitions: s.Definitions}
	if watch, err := newWatchman(); err == nil {
		now := *s
		now.mourn(watch)
		s = &now
	}
	for _, m := range s.Modules {
		if m.Number == 2 {
			view.Modules[1].State = m.State
		}
	}
	for _, run := range s.Runs {
		if run.Owner == o {
			view.Runs = append(view.Runs, run)
		}
	}
	return view.StatusLine()
}

// attrs are what a structured handler adds to a line.
func attrs(c Change) []slog.Attr {
	e := c.Event
	list := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("what", e.What), slog.Time("at", e.Time)}
	switch {
	case c.Stage != nil:
		list = append(list, slog.String("definition", c.Run.Definition), slog.String("run", c.Run.ID),
			slog.Int("stage", c.Stage.Number), slog.String("name", c.Stage.Name), slog.String("state", string(c.Stage.State)),
			slog.Int("attempt", c.Stage.Attempt))
		if c.Run.Account != "" {
			list = append(list, slog.String("platform", c.Run.Platform), slog.String("account", c.Run.Account))
		}
		if c.Stage.Duration > 0 {
			list = append(list, slog.Duration("duration_ns", c.Stage.Duration))
		}
	case c.Module != nil:
		list = append(list, slog.String("module", c.Module.Name), slog.Int("number", c.Module.Number), slog.String("state", c.Module.State))
	}
	return list
}
