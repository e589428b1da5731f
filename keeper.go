package stagewatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	statusEvery = 100 * time.Millisecond // the status file is at most this much behind, if it is small
	saveShare   = 33                     // one part in so many of the time goes into writing it
	watchEvery  = 500 * time.Millisecond // owners of open stages are looked at this often
	readRest    = 20 * time.Millisecond  // between two looks at the journal
	// absence is how long a keeper must have been away (stopped, or its machine
	// paused) to take silence meanwhile for its own.
	absence = 10 * time.Second
	// exitPatience bounds what the record of a module's exit is waited for.
	exitPatience = 3 * time.Second
	// repeatPatience is how long a record of the keeper may be under way.
	repeatPatience = 5 * time.Second
	// settlePatience bounds what a hanging disk costs whoever waits for Settle.
	settlePatience = time.Second
)

// ErrKept says that another process keeps the home.
var ErrKept = errors.New("another process keeps this home")

// KeeperConfig says how a home is kept. Its zero value is the default.
type KeeperConfig struct {
	// Direct says that the keeper is a direct run: while no miner runs the mode is "direct".
	Direct bool
	// SegmentBytes and SegmentAge are how large and how old the newest segment
	// may become before the next one is begun; 0 is 4 MiB and 24 h.
	SegmentBytes int64
	SegmentAge   time.Duration
	// RetainAge and RetainBytes are how old and, all together, how large sealed
	// segments may become before the oldest are removed; 0 keeps them for ever.
	RetainAge   time.Duration
	RetainBytes int64
}

// Keeper tends a home: it alone writes the status file, declares stages lost
// whose process is gone and stalled that are silent for too long, seals full
// segments of the journal and removes old ones.
type Keeper struct {
	home   string
	config KeeperConfig
	lock   *os.File
	sink   *Tracker
	watch  *vigil

	mu       sync.Mutex // guards what follows; held while the fold goes on
	follower *follower
	state    *State
	swept    int64 // clock of the last round
	woke     int64 // clock at which it went on after it had been away
	said     map[word]time.Time
	waiting  map[Owner]time.Time // processes whose module's exit is awaited, since when
	file     os.FileInfo         // the last status file
	written  uint64              // events in it
	miner    string              // and the miner's state in it
	unsaved  bool                // it changed without an event
	cost     time.Duration       // of writing it, on a processor
	kept     keptJournal
}

// word is something that the keeper says of a stage once.
type word struct {
	what  string
	run   *RunState
	stage stageID
	order uint64
}

// NewKeeper takes the keeper's lock of a home, [ErrKept] when it is held. The
// lock ends with the process. t writes what the keeper has to say; it stays the caller's.
func NewKeeper(t *Tracker, c KeeperConfig) (*Keeper, error) {
	if t == nil || t.sink == nil {
		return nil, fmt.Errorf("keep home: the tracker has no usable home")
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 4 << 20
	}
	if c.SegmentAge == 0 {
		c.SegmentAge = 24 * time.Hour
	}
	if err := os.MkdirAll(journalDir(t.home), 0o700); err != nil { // the tracker may still be about to
		return nil, fmt.Errorf("keep home: %w", err)
	}
	lock, err := os.OpenFile(lockPath(t.home), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep home: %w", err)
	}
	k, err := newKeeper(t, c, lock)
	if err != nil {
		_ = lock.Close() // releases the lock
		return nil, fmt.Errorf("keep %s: %w", t.home, err)
	}
	return k, nil
}

func newKeeper(t *Tracker, c KeeperConfig, lock *os.File) (*Keeper, error) {
	err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || err == nil && !sameFile(lock, lockPath(t.home)) {
		return nil, ErrKept // or it was replaced since it was opened
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	watch, err := newWatchman()
	if err != nil {
		return nil, err
	}
	state, follower, err := resume(t.home)
	if err != nil {
		return nil, err
	}
	sweepTemp(t.home, journalDir(t.home))
	return &Keeper{
		home: t.home, config: c, lock: lock, sink: t, watch: newVigil(watch), state: state, follower: follower,
		said: map[word]time.Time{}, waiting: map[Owner]time.Time{},
		kept: keptJournal{stale: true}, // the last keeper may have been killed before it saw to that
	}, nil
}

func lockPath(home string) string { return filepath.Join(journalDir(home), "keeper.lock") }

// Run keeps the home until ctx ends, writes the status a last time and releases
// the lock. When the lock's file was replaced, so that another process may hold
// the new one, it stops at once and returns [ErrKept].
func (k *Keeper) Run(ctx context.Context) error {
	defer k.release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var swept, saved time.Time
	every := func() time.Duration { return max(statusEvery, saveShare*k.cost) }
	bell(ctx, journalDir(k.home), watchEvery, readRest, func() time.Duration {
		now := time.Now()
		sweep, save := now.Sub(swept) >= watchEvery, now.Sub(saved) >= every()
		if sweep {
			swept = now
		}
		if err := k.step(sweep, save); errors.Is(err, ErrKept) {
			cancel(err)
		} // what could not be read is read at the next round
		if save {
			saved = time.Now()
			return 0
		}
		return every() - now.Sub(saved)
	})
	if cause := context.Cause(ctx); errors.Is(cause, ErrKept) {
		return cause
	}
	return k.step(false, true)
}

// release ends the keeping. A later Settle gives [ErrKept].
func (k *Keeper) release() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.watch.close()
	k.follower.close()
	_ = k.lock.Close() // releases the lock
}

// Settle reads the journal to its end and declares every stage lost whose
// process is gone. When it returns those records are written, unless the disk
// takes longer than a second for them.
func (k *Keeper) Settle(ctx context.Context) error {
	if err := k.step(true, false); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	if err := k.sink.Flush(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// step reads on, looks after owners if sweep, and saves the status if save.
// A status that cannot be written (a full disk) is tried again at the next step.
func (k *Keeper) step(sweep, save bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !sameFile(k.lock, lockPath(k.home)) {
		return fmt.Errorf("keep %s: its lock was replaced: %w", k.home, ErrKept)
	}
	if err := k.catchUp(); err != nil {
		return err
	}
	if sweep {
		left := k.sweep()
		if err := k.catchUp(); err != nil {
			return err
		}
		for r, order := range left {
			if r.Order == order { // its process said nothing before it went
				k.state.abandon(r, k.watch)
				k.unsaved = true
			}
		}
		k.tend()
	}
	if save {
		k.save()
	}
	return nil
}

// sweep declares what is lost and what is stalled. What it says is under way
// for a moment and is not said again meanwhile. It returns the runs that were
// left between two stages, with the number of the event that changed each last.
func (k *Keeper) sweep() (left map[*RunState]uint64) {
	now := monotonic()
	if k.swept != 0 && now-k.swept > int64(absence) {
		k.woke = now
	}
	k.swept = now
	for w, at := range k.said {
		if time.Since(at) > repeatPatience {
			delete(k.said, w)
		}
	}
	k.watch.round(k.state.indexed().holders)
	due := k.state.bereaved(k.watch)
	for _, e := range append(due, k.state.overdue(k.watch.boot, now, k.woke)...) {
		switch {
		case e.What == EventStalled && k.watch.gone(e.Owner): // the dead are lost, whatever they were before
		case e.What == EventStalled, !k.awaited(e.Owner):
			k.say(e)
		}
	}
	for _, r := range k.state.abandoned(k.watch) {
		if !k.awaited(r.Owner) {
			if left == nil {
				left = map[*RunState]uint64{}
			}
			left[r] = r.Order
		}
	}
	for o, since := range k.waiting {
		if time.Since(since) > 2*exitPatience {
			delete(k.waiting, o)
		}
	}
	return left
}

// say records what is due of a stage, unless that was just done.
func (k *Keeper) say(e Event) {
	r := k.state.indexed().find(e)
	if r == nil {
		return
	}
	id := k.state.indexed().definitions[r.Definition].resolve(e)
	stage := r.stage(id)
	if stage == nil {
		return
	}
	w := word{what: e.What, run: r, stage: id, order: stage.Order}
	if _, underWay := k.said[w]; underWay {
		return
	}
	k.said[w] = time.Now()
	k.sink.emit(e)
}

func (k *Keeper) catchUp() error {
	err := k.follower.fold(k.state, func(e Event) {
		switch {
		case e.Kind == KindStage && e.What == EventStarted:
			k.watch.meet(e.Owner)
		case e.Kind == KindErased:
			k.kept.stale = true
		}
	})
	if err != nil {
		return fmt.Errorf("keep %s: %w", k.home, err)
	}
	return nil
}

// awaited reports whether an owner belongs to a module whose exit the miner has
// not recorded yet. It will at once, and its record says how the module ended.
func (k *Keeper) awaited(o Owner) bool {
	if k.state.Miner.State == "stopped" || k.watch.gone(k.state.Miner.Owner) {
		return false
	}
	group := k.watch.group(o)
	for i := range k.state.Modules {
		m := &k.state.Modules[i]
		leader := Owner{PID: m.PID, Start: m.Start, Boot: k.watch.boot, Space: k.watch.space}
		// Of the module's own process the group need not have been seen: it may have
		// ended before the first record that the miner made of its output was read.
		if leader != o && (group == 0 || m.PID != group) || !k.watch.watchman.gone(leader) {
			continue
		}
		since, known := k.waiting[o]
		if !known {
			k.waiting[o] = time.Now()
		}
		return !known || time.Since(since) < exitPatience
	}
	return false
}

// save writes the status file when it would say something new, or when the one
// that is there is not the last one written.
func (k *Keeper) save() {
	view := k.view()
	path := filepath.Join(k.home, StatusFile)
	there, err := os.Stat(path)
	same := err == nil && k.file != nil && os.SameFile(there, k.file) && there.Size() == k.file.Size()
	if same && view.Events == k.written && view.Miner.State == k.miner && !k.unsaved {
		return
	}
	runtime.LockOSThread() // it is this thread's time that is measured: waiting for a disk costs nobody anything
	defer runtime.UnlockOSThread()
	began := threadTime()
	if replaceFile(path, false, view.encode) == nil {
		k.written, k.miner, k.unsaved = view.Events, view.Miner.State, false
		k.file, _ = os.Stat(path) // unknown: it is written again
	}
	k.cost = threadTime() - began
}

// threadTime returns for how long the calling thread has run.
func threadTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// view returns the state as the status file shows it.
func (k *Keeper) view() *State {
	view := *k.state
	view.mourn(k.watch)
	view.Updated = time.Now().UTC()
	if k.config.Direct && view.Miner.State != "running" && view.Miner.State != "stopping" {
		view.Mode = "direct"
	}
	return &view
}
