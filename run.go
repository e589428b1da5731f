package stagewatch

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
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

// Option says more about a stage: [For], [On], [InRun], [Details].
type Option interface{ apply(e *Event) }

type option func(e *Event)

func (o option) apply(e *Event) { o(e) }

// For names the account that the stage works on.
func For(username string) Option { return option(func(e *Event) { e.Account = username }) }

// On names the account's platform.
func On(platform string) Option { return option(func(e *Event) { e.Platform = platform }) }

// InRun names the run that the stage belongs to. Without it the run is $MINER_RUN, else
// the process's open run for the account, which is opened by its first start
// and anew after an end or when a stage number goes back.
func InRun(id string) Option { return option(func(e *Event) { e.Run = id }) }

// Details are recorded with a stage, up to 8 KiB as JSON.
type Details map[string]any

func (d Details) apply(e *Event) {
	text, err := d.encode()
	switch {
	case err != nil:
		text, _ = json.Marshal(map[string]string{"not_recorded": err.Error()})
	case len(text) > maxDetails:
		text = fmt.Appendf(nil, `{"not_recorded":"%d bytes of details exceed %d"}`, len(text), maxDetails)
	}
	e.Details = text
}

// encode returns the details as JSON. A value whose own encoding panics is an
// error like one that cannot be encoded: no host is hurt by what it tells us.
func (d Details) encode() (text []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("encode details: %v", cause)
		}
	}()
	return json.Marshal(map[string]any(d))
}

type progress struct{ done, total int64 }

func (p progress) apply(e *Event) { e.Done, e.Total = p.done, p.total }

// Run is one pass of the tracker's definition over one account.
type Run struct {
	tracker *Tracker
	opts    []Option
}

// Run returns a handle that gives opts to every call. With [InRun] it goes on
// with that run, otherwise it is a new one.
func (t *Tracker) Run(opts ...Option) *Run {
	var e Event
	opts = slices.DeleteFunc(slices.Clone(opts), func(o Option) bool { return o == nil })
	for _, o := range opts {
		o.apply(&e)
	}
	if e.Run == "" {
		opts = append(opts, InRun(newRunID()))
	}
	return &Run{tracker: t, opts: opts}
}

// Start records that stage n begins.
func (r *Run) Start(n int, message string, opts ...Option) {
	r.on().Start(n, message, r.with(opts)...)
}

// Progress records how far stage n is.
func (r *Run) Progress(n int, done, total int64, opts ...Option) {
	r.on().Progress(n, done, total, r.with(opts)...)
}

// Complete records that stage n ended well.
func (r *Run) Complete(n int, message string, opts ...Option) {
	r.on().Complete(n, message, r.with(opts)...)
}

// Failed records that stage n failed, and with it the run.
func (r *Run) Failed(n int, message string, opts ...Option) {
	r.on().Failed(n, message, r.with(opts)...)
}

// Stopped records that stage n was broken off on purpose and goes on at the next start.
func (r *Run) Stopped(n int, opts ...Option) {
	r.on().stage(EventStopped, n, "", r.with(opts))
}

// on returns the run's tracker; a nil run has none, and its calls do nothing.
func (r *Run) on() *Tracker {
	if r == nil {
		return nil
	}
	return r.tracker
}

func (r *Run) with(opts []Option) []Option {
	if r == nil {
		return opts
	}
	return append(append([]Option(nil), r.opts...), opts...)
}

// openRun is what a process remembers of a run that it opened without being given an id.
type openRun struct {
	id    string
	stage int
	ended bool
}

// runOf returns the run that a call without one belongs to. The caller holds t.mu.
func (t *Tracker) runOf(e Event) string {
	if given := os.Getenv("MINER_RUN"); given != "" && e.Account != "" {
		return given
	}
	key := e.Platform + "/" + e.Account
	open := t.runs[key]
	again := open != nil && e.What == EventStarted && e.Account != "" && e.Stage < open.stage
	if open == nil || open.ended && e.What == EventStarted || again {
		open = &openRun{id: newRunID()}
		t.runs[key] = open
	}
	open.stage = e.Stage
	open.ended = e.Account != "" && (e.What == EventFailed || e.What == EventCompleted && e.Stage == t.definition.last())
	return open.id
}

func newRunID() string { return strings.ToLower(rand.Text()) }

// cut shortens text to at most limit bytes, on a rune's edge, saying how much
// there was. Invalid UTF-8 becomes U+FFFD.
func cut(text string, limit int) string {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	if len(text) <= limit {
		return text
	}
	note := fmt.Sprintf("… (cut, %d bytes)", len(text))
	end := limit - len(note)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + note
}
