package stagewatch

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// What a record holds at most, in bytes. Longer text is cut and says so.
const (
	maxMessage = 4 << 10
	maxName    = 512
	maxDetails = 8 << 10
)

// Option says more about a stage: [For], [On], [InRun], [Key], [By], [Of], [Details].
type Option interface{ apply(e *Event) }

type option func(e *Event)

func (o option) apply(e *Event) { o(e) }

type account string

func (a account) apply(e *Event) { e.Account = string(a) }

type platform string

func (p platform) apply(e *Event) { e.Platform = string(p) }

// For names the account that the stage works on.
func For(username string) Option { return account(username) }

// On names the account's platform.
func On(name string) Option { return platform(name) }

// InRun names the run that the stage belongs to. Without it the run is $MINER_RUN, else
// the process's open run for the account, which is opened by its first start
// and anew after an end or when a stage number goes back. A platform that only
// the run or only the call names is no difference.
func InRun(id string) Option { return option(func(e *Event) { e.Run = id }) }

// Key names the stage by its key in the definition. The number that the call
// was given counts only where the definition has no such key.
func Key(key string) Option { return option(func(e *Event) { e.Key = key }) }

// Run is one pass of the tracker's definition over one account.
type Run struct {
	tracker *Tracker
	id      string
	opts    []Option
}

// Run returns a handle that gives opts to every call. With [InRun] it goes on
// with that run, otherwise it is a new one.
func (t *Tracker) Run(opts ...Option) *Run {
	var e Event
	opts = slices.DeleteFunc(slices.Clone(opts), func(o Option) bool { return o == nil })
	apply(&e, opts)
	if e.Run == "" {
		e.Run = newRunID()
		opts = append(opts, InRun(e.Run))
	}
	return &Run{tracker: t, id: e.Run, opts: opts}
}

// ID returns the run's id.
func (r *Run) ID() string {
	if r == nil {
		return ""
	}
	return r.id
}

// Start records that stage n begins.
func (r *Run) Start(n int, message string, opts ...Option) {
	r.on().stage(call{what: EventStarted, number: n, message: message, run: r}, opts)
}

// Progress records how far stage n is.
func (r *Run) Progress(n int, done, total int64, opts ...Option) {
	r.on().stage(call{what: EventProgressed, number: n, done: done, total: total, run: r}, opts)
}

// Complete records that stage n ended well.
func (r *Run) Complete(n int, message string, opts ...Option) {
	r.on().stage(call{what: EventCompleted, number: n, message: message, run: r}, opts)
}

// Failed records that stage n failed, and with it the run.
func (r *Run) Failed(n int, message string, opts ...Option) {
	r.on().stage(call{what: EventFailed, number: n, message: message, run: r}, opts)
}

// Stopped records that stage n was broken off on purpose and goes on at the next start.
func (r *Run) Stopped(n int, opts ...Option) {
	r.on().stage(call{what: EventStopped, number: n, run: r}, opts)
}

// Stage runs do as stage n: it records the start, and at the end that the stage
// is complete, or why it failed: the error of do, its panic, which then goes on,
// or the end of ctx, when do returned because of it without an error. The
// returned error is that of do, or the cause of the end of ctx.
func (r *Run) Stage(ctx context.Context, n int, message string, do func(context.Context) error) (err error) {
	r.Start(n, message)
	returned := false
	defer func() {
		if returned {
			return
		}
		cause := recover()
		if cause == nil { // runtime.Goexit
			r.Failed(n, "its goroutine ended")
			return
		}
		r.Failed(n, "panic: "+say(cause))
		panic(cause) //nolint:forbidigo // it is the caller's, and only passed through here
	}()
	err = do(ctx)
	returned = true
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		r.Failed(n, say(err))
		return err
	}
	r.Complete(n, message)
	return nil
}

// on returns the run's tracker; a nil run has none, and its calls do nothing.
func (r *Run) on() *Tracker {
	if r == nil {
		return nil
	}
	return r.tracker
}

// openRun is what a process remembers of a run that it opened without being given an id.
type openRun struct {
	id       string
	platform string
	stage    int
	ended    bool
}

// openRuns are the runs that a process remembers, by subject, the oldest of one
// first. No two of a subject are on the same platform.
type openRuns map[subject][]*openRun

// subject is what a run is about, but for its platform.
type subject struct{ definition, account string }

// of returns the run that a call about a subject on a platform means, nil when
// there is none. A platform that only one of them names is no difference: then an
// open run goes before an ended one, one on the same platform before another, and
// a newer one before an older.
func (all openRuns) of(about subject, platform string) (best *openRun) {
	rank := 0
	for _, run := range slices.Backward(all[about]) {
		mine := 1
		switch {
		case run.platform == platform:
			mine++
		case about.account == "" || platform != "" && run.platform != "":
			continue
		}
		if !run.ended {
			mine += 2
		}
		if mine > rank {
			best, rank = run, mine
		}
	}
	return best
}

// keep remembers run as the newest one of a subject, in place of the one on its platform.
func (all openRuns) keep(about subject, run *openRun) {
	const platforms = 16 // of a subject
	others := slices.DeleteFunc(all[about], func(old *openRun) bool { return old == run || old.platform == run.platform })
	if len(others) == platforms {
		others = others[1:]
	}
	all[subject{strings.Clone(about.definition), strings.Clone(about.account)}] = append(others, run)
}

// runOf returns the run that a call without one belongs to. A call with an
// account but no platform gets that of its run. The caller holds t.mu.
func (t *Tracker) runOf(e *Event) string {
	if t.inRun != "" && e.Account != "" {
		return t.inRun
	}
	own, about := e.Definition == t.definition.Name, subject{e.Definition, e.Account}
	_, known := t.definition.Number(e.Key)
	loose := e.Key != "" && e.Stage == 0 && (!own || !known) // it has no place among the others
	run, starts := t.runs.of(about, e.Platform), e.What == EventStarted
	if run == nil || run.ended && starts {
		t.forget()
		run = &openRun{id: newRunID(), platform: strings.Clone(e.Platform), stage: -maxNumber}
		t.runs.keep(about, run)
	}
	if run.platform == "" && e.Platform != "" {
		run.platform = strings.Clone(e.Platform)
		t.runs.keep(about, run)
	}
	e.Platform = run.platform
	if starts && e.Account != "" && !loose && e.Stage < run.stage {
		run = &openRun{id: newRunID(), platform: run.platform}
		t.runs.keep(about, run)
	}
	if !loose {
		run.stage = e.Stage
	}
	last := own && !loose && e.Stage == t.definition.last()
	run.ended = e.Account != "" && (e.What == EventFailed || e.What == EventCompleted && last)
	return run.id
}

// forget keeps the memory of runs within bounds: subjects whose runs have ended
// go first. An open run that is forgotten begins anew at its next call. The
// caller holds t.mu.
func (t *Tracker) forget() {
	const known = 1 << 16
	if len(t.runs) < known {
		return
	}
	for about, runs := range t.runs {
		if !slices.ContainsFunc(runs, func(r *openRun) bool { return !r.ended }) {
			delete(t.runs, about)
		}
	}
	for about := range t.runs {
		if len(t.runs) <= known/2 {
			break
		}
		delete(t.runs, about)
	}
}

func newRunID() string { return strings.ToLower(rand.Text()) }

// cut shortens text to at most limit bytes, on a rune's edge, saying how much
// there was. Invalid UTF-8 becomes U+FFFD. Text of any length takes the same time.
func cut(text string, limit int) string {
	size := len(text)
	if size > limit {
		end := limit
		for end > limit-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	if size <= limit && len(text) <= limit {
		return text
	}
	note := fmt.Sprintf("… (cut, %d bytes)", size)
	end := min(limit-len(note), len(text))
	for end > 0 && end < len(text) && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + note
}
