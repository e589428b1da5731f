package stagewatch

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	sink       *sink

	mu     sync.Mutex // guards what follows, and the order of records
	runs   map[string]*openRun
	closed bool
}

// Config says where and what a tracker records.
type Config struct {
	// Home is the miner's home; "" is [Home].
	Home string
	// Definition lists the stages; the zero value is [DefaultDefinition].
	Definition Definition
}

// Home returns the miner's home: $MINER_HOME, else .miner in the user's home
// folder, else "".
func Home() string {
	if home := os.Getenv("MINER_HOME"); home != "" {
		return home
	}
	if user, err := os.UserHomeDir(); err == nil {
		return filepath.Join(user, ".miner")
	}
	return ""
}

func journalDir(home string) string { return filepath.Join(home, "journal") }

// Open returns a tracker for a home. The tracker is never nil: when the home
// cannot be used the error says why, and every call on the tracker is a silent
// no-op. Close it when the process goes on without it.
func Open(c Config) (*Tracker, error) {
	if c.Home == "" {
		c.Home = Home()
	}
	custom := c.Definition.Name != ""
	if !custom {
		c.Definition = DefaultDefinition()
	}
	t := &Tracker{home: c.Home, definition: c.Definition, runs: map[string]*openRun{}}
	if c.Home == "" {
		return t, fmt.Errorf("open tracker: no home: set MINER_HOME")
	}
	if err := c.Definition.check(); err != nil {
		return t, fmt.Errorf("open tracker: %w", err)
	}
	owner, err := self()
	if err != nil {
		return t, fmt.Errorf("open tracker: %w", err)
	}
	t.owner = owner
	w, err := journal.OpenWriter(journalDir(c.Home), journal.Options{})
	if err != nil {
		return t, fmt.Errorf("open tracker: %w", err)
	}
	t.sink = newSink(w, func(count uint64) []byte {
		return t.encode(Event{Kind: KindDropped, Dropped: count})
	})
	if custom {
		t.emit(Event{Kind: KindDefinition, Defined: &c.Definition})
	}
	return t, nil
}

// Start records that stage n begins.
func (t *Tracker) Start(n int, message string, opts ...Option) {
	t.stage(EventStarted, n, message, opts)
}

// Complete records that stage n ended well.
func (t *Tracker) Complete(n int, message string, opts ...Option) {
	t.stage(EventCompleted, n, message, opts)
}

// Failed records that stage n failed, and with it the run.
func (t *Tracker) Failed(n int, message string, opts ...Option) {
	t.stage(EventFailed, n, message, opts)
}

// Progress records how far stage n is: done of total, total 0 when unknown.
func (t *Tracker) Progress(n int, done, total int64, opts ...Option) {
	t.stage(EventProgressed, n, "", append(opts, progress{done, total}))
}

// Reset ends the open runs of this process and clears ended ones from view.
func (t *Tracker) Reset() {
	if t == nil || t.sink == nil {
		return
	}
	t.mu.Lock()
	clear(t.runs)
	t.mu.Unlock()
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
	fact.Last = cut(fact.Last, maxDetails)
	fact.Reason = cut(fact.Reason, maxMessage)
	t.emit(Event{Kind: KindModule, What: what, Module: &fact})
}

// Miner records a fact about the miner itself: [EventStarted] with its mode, [EventStopping], [EventStopped].
func (t *Tracker) Miner(what, mode string) {
	t.emit(Event{Kind: KindMiner, What: what, Mode: mode})
}

// Flush waits until every record handed over so far is in the journal.
func (t *Tracker) Flush(ctx context.Context) error {
	if t == nil || t.sink == nil {
		return nil
	}
	return t.sink.flush(ctx)
}

// Close writes what is buffered and releases the journal. It waits for a
// hanging disk no longer than a second. Later calls do nothing.
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

func (t *Tracker) stage(what string, n int, message string, opts []Option) {
	if t == nil || t.sink == nil {
		return
	}
	e := Event{Kind: KindStage, What: what, Stage: n, Message: message, Definition: t.definition.Name}
	for _, o := range opts {
		if o != nil {
			o.apply(&e)
		}
	}
	t.emit(e)
}

// emit fills in what every record carries and hands it to the sink.
func (t *Tracker) emit(e Event) {
	if t == nil || t.sink == nil {
		return
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	if e.Kind == KindStage && e.Run == "" {
		e.Run = t.runOf(e)
	}
	w := t.sink.put(t.encode(e))
	t.mu.Unlock()
	t.sink.await(w)
}

// encode stamps and bounds a record.
func (t *Tracker) encode(e Event) []byte {
	e.Version = recordVersion
	e.Time = time.Now().UTC()
	e.Clock = sinceBoot()
	if e.Owner.PID == 0 {
		e.Owner = t.owner
	}
	e.Message = cut(e.Message, maxMessage)
	e.Account = cut(e.Account, maxName)
	e.Run = cut(e.Run, maxName)
	e.Platform = cut(e.Platform, maxName)
	payload, err := json.Marshal(e)
	if err != nil { // only details can be refused, and those were marshalled before
		e.Details = nil
		payload, _ = json.Marshal(e)
	}
	return payload
}

// sinceBoot returns nanoseconds since the machine started, suspended time
// included; no step of the wall clock moves it.
func sinceBoot() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return ts.Nano()
}
