package stagewatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// Tracker records what happens to stages. Its calls never fail, panic, print
// or wait longer than 50 ms for a disk; with no usable home they do nothing.
// A nil *Tracker is such a one. It is safe for concurrent use.
type Tracker struct {
	home       string
	definition Definition
	owner      Owner
	inRun      string // $MINER_RUN
	clock      clock
	sink       *sink
	events     sync.Pool // of *Event

	mu     sync.Mutex // guards what follows, and the order of records
	runs   openRuns
	closed bool
}

// Config says where and what a tracker records.
type Config struct {
	// Home is the miner's home; "" is [Home].
	Home string
	// Definition lists the stages; the zero value is [DefaultDefinition].
	Definition Definition
	// Durability is what a home that has no journal yet gets: a journal keeps
	// what it was begun with. The zero value is [SurvivesKill].
	Durability Durability
}

// Durability says what a record survives once its call has returned in time.
type Durability = journal.Durability

// SurvivesKill is the death of the process, kill -9 included. SurvivesPower is
// a power cut or a crash of the kernel too: a call waits for the disk's own
// word, which takes milliseconds, but never longer than 50 ms.
const (
	SurvivesKill  = journal.Process
	SurvivesPower = journal.Power
)

func journalDir(home string) string { return filepath.Join(home, "journal") }

// Open returns a tracker for a home. The tracker is never nil: when the home
// cannot be used the error says why, and every call on the tracker is a silent
// no-op. On a disk that hangs or is full Open returns without error after
// 50 ms: the opening goes on by itself, and records wait for it in memory.
// Close it when the process goes on without it.
func Open(c Config) (*Tracker, error) {
	if c.Home == "" {
		c.Home = Home()
	}
	custom := c.Definition.Name != ""
	if !custom {
		c.Definition = DefaultDefinition()
	}
	t := &Tracker{home: c.Home, definition: c.Definition, runs: openRuns{}}
	if err := t.open(c, custom); err != nil {
		return t, fmt.Errorf("open tracker: %w", err)
	}
	return t, nil
}

func (t *Tracker) open(c Config, custom bool) error {
	if c.Home == "" {
		return fmt.Errorf("no home: set MINER_HOME")
	}
	if custom {
		if err := c.Definition.check(); err != nil {
			return err
		}
		const frame = 1 << 10 // and more than the fields beside the definition
		if text, err := json.Marshal(c.Definition); err != nil || len(text) > journal.MaxRecord-frame {
			return fmt.Errorf("definition %q: it is %d bytes of JSON, too large for a record: %w", c.Definition.Name, len(text), errors.Join(err, journal.ErrTooLarge))
		}
		t.definition.Stages = slices.Clone(c.Definition.Stages)
	}
	owner, err := self()
	if err != nil {
		return err
	}
	if other, told := inherited(); told {
		owner = other
	}
	t.owner = owner
	t.inRun = cut(givenRun(), maxName)
	return t.begin(func() (appender, error) {
		return journal.OpenWriter(journalDir(c.Home), journal.Options{Durability: c.Durability})
	}, custom)
}

// begin starts the sink on the journal that open opens. A definition of its own
// is the first record, however long the opening takes.
func (t *Tracker) begin(open func() (appender, error), custom bool) (err error) {
	if t.clock, err = newClock(); err != nil {
		return err
	}
	t.events.New = func() any { return new(Event) }
	t.sink = newSink(open, t.lossNote)
	if custom {
		t.hand(&Event{Kind: KindDefinition, Defined: &t.definition}, false)
	}
	if err := t.sink.ready(); err != nil {
		t.sink.close()
		t.sink = nil
		return err
	}
	return nil
}

// Start records that stage n begins.
func (t *Tracker) Start(n int, message string, opts ...Option) {
	t.stage(call{what: EventStarted, number: n, message: message}, opts)
}

// Complete records that stage n ended well.
func (t *Tracker) Complete(n int, message string, opts ...Option) {
	t.stage(call{what: EventCompleted, number: n, message: message}, opts)
}

// Failed records that stage n failed, and with it the run.
func (t *Tracker) Failed(n int, message string, opts ...Option) {
	t.stage(call{what: EventFailed, number: n, message: message}, opts)
}

// Progress records how far stage n is: done of total, total 0 when unknown.
func (t *Tracker) Progress(n int, done, total int64, opts ...Option) {
	t.stage(call{what: EventProgressed, number: n, done: done, total: total}, opts)
}

// Reset ends the open runs of this process and clears ended ones from view.
func (t *Tracker) Reset() {
	t.emit(Event{Kind: KindReset})
}

// Current returns the newest running stage of the tracker's definition in the
// home, else the newest ended one, and whether there is any. It reads the
// journal: any process's stages count.
func (t *Tracker) Current() (StageState, bool) {
	if t == nil || t.sink == nil {
		return StageState{}, false
	}
	state, err := ReadState(t.home)
	if err != nil {
		return StageState{}, false
	}
	return state.Current(t.definition.Name)
}

// Module records a fact about a module: [EventStarted], [EventExited] and so on.
func (t *Tracker) Module(what string, fact ModuleFact) {
	t.emit(Event{Kind: KindModule, What: what, Module: &fact})
}

// Miner records a fact about the miner itself: [EventStarted] with its mode, [EventStopping], [EventStopped].
func (t *Tracker) Miner(what, mode string) {
	t.emit(Event{Kind: KindMiner, What: what, Mode: mode})
}

// Flush waits until every record handed over so far is in the journal. After
// Close its error says that some could not be written.
func (t *Tracker) Flush(ctx context.Context) error {
	if t == nil || t.sink == nil {
		return nil
	}
	return t.sink.flush(ctx)
}

// Close writes what is buffered and releases the journal. For a disk that hangs
// or fails it waits little more than a second, for one that is slow little more
// than ten. What is not written then is told, as a count, in a last record if
// the disk takes that; a disk that hangs takes nothing, and then the records are
// gone with the process, but written if the disk comes back before. Either way
// [Tracker.Flush] returns an error afterwards. Later calls do nothing.
func (t *Tracker) Close() {
	if t == nil || t.sink == nil {
		return
	}
	t.mu.Lock()
	was := t.closed
	t.closed = true
	t.mu.Unlock()
	if !was {
		t.sink.close()
	}
}

// Home returns the home in which the tracker records, "" without one.
func (t *Tracker) Home() string {
	if t == nil {
		return ""
	}
	return t.home
}

// Owner returns the process in whose name the tracker records.
func (t *Tracker) Owner() Owner {
	if t == nil {
		return Owner{}
	}
	return t.owner
}

// call is one call about a stage, as it was made.
type call struct {
	what        string
	number      int
	message     string
	done, total int64
	run         *Run
}

func (t *Tracker) stage(c call, opts []Option) {
	if t == nil || t.sink == nil {
		return
	}
	e := t.events.Get().(*Event) //nolint:errcheck,forcetypeassert // nothing else is put there
	*e = Event{
		Kind: KindStage, What: c.what, Stage: c.number, Message: c.message,
		Done: c.done, Total: c.total, Definition: t.definition.Name,
	}
	if c.run != nil {
		apply(e, c.run.opts)
	}
	apply(e, opts)
	if n, known := t.definition.Number(e.Key); known && e.Key != "" && e.Definition == t.definition.Name {
		e.Stage = n
	}
	t.hand(e, true)
	*e = Event{} // what it held is not kept alive
	t.events.Put(e)
}

func apply(e *Event, opts []Option) {
	for _, o := range opts {
		if o != nil {
			o.apply(e)
		}
	}
}

// emit records an event.
func (t *Tracker) emit(e Event) {
	if t == nil || t.sink == nil {
		return
	}
	t.hand(&e, true)
}

// hand fills in what every record carries, hands it to the sink and, if it is
// patient, waits for it to be written.
func (t *Tracker) hand(e *Event, patient bool) {
	bound(e)
	h := t.sink.take()
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	switch {
	case e.Kind == KindReset:
		clear(t.runs)
	case e.Kind == KindStage && e.Run == "":
		e.Run = t.runOf(e)
	}
	now := t.stamp(e)
	var err error
	if h.payload, err = appendEvent(h.payload, e); err != nil {
		t.mu.Unlock() // nothing of ours cannot be encoded
		return
	}
	how := t.sink.put(h, now, patient)
	t.mu.Unlock()
	if how == tooMany {
		how = t.squeeze(h, now, patient)
	}
	if how == expected {
		t.sink.await(h)
	}
}

// squeeze hands over a record for which there was no room, if there is some in time.
func (t *Tracker) squeeze(h *handover, now time.Time, patient bool) answer {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for t.sink.vacancy(deadline) {
		if how := t.sink.put(h, now, patient); how != tooMany {
			return how
		}
	}
	return taken // and dropped
}

// stamp says when and in whose name a record is made, and returns the time.
func (t *Tracker) stamp(e *Event) time.Time {
	now := time.Now()
	e.Version = recordVersion
	e.Time = now.UTC()
	e.Clock = t.clock.at(now)
	if e.Owner.PID == 0 {
		e.Owner = t.owner
	}
	return now
}

// lossNote is the record that tells of records that could not be kept.
func (t *Tracker) lossNote(count uint64) []byte {
	e := Event{Kind: KindDropped, Dropped: count}
	t.stamp(&e)
	text, _ := appendEvent(nil, &e) // numbers and names of our own
	return text
}

// bound cuts what a record says to what a record holds.
func bound(e *Event) {
	e.Message = cut(e.Message, maxMessage)
	for _, name := range [...]*string{&e.Account, &e.Platform, &e.Run, &e.Key, &e.Definition, &e.Mode} {
		*name = cut(*name, maxName)
	}
	e.Stage = int(bounded(int64(e.Stage)))
	e.Done, e.Total = bounded(e.Done), bounded(e.Total)
	if e.Module != nil {
		fact := *e.Module
		fact.Last = cut(fact.Last, maxDetails)
		fact.Reason = cut(fact.Reason, maxMessage)
		fact.Title = cut(fact.Title, maxMessage)
		fact.Name = cut(fact.Name, maxName)
		fact.Address = cut(fact.Address, maxName)
		e.Module = &fact
	}
}

// bounded returns n, or the nearest number that every reader of JSON keeps exactly.
func bounded(n int64) int64 { return min(max(n, -maxNumber), maxNumber) }

// clock tells CLOCK_MONOTONIC without asking the kernel each time.
type clock struct {
	began time.Time
	base  int64 // nanoseconds, at began
}

func newClock() (clock, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return clock{}, fmt.Errorf("read the monotonic clock: %w", err)
	}
	return clock{began: time.Now(), base: ts.Nano()}, nil
}

// at returns the clock in nanoseconds at a time that [time.Now] gave.
func (c clock) at(now time.Time) int64 { return c.base + int64(now.Sub(c.began)) }
