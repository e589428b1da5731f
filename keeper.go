package stagewatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch/internal/journal"
)

const (
	statusEvery = 100 * time.Millisecond // the status file is at most this much behind
	watchEvery  = 500 * time.Millisecond // owners of open stages are looked at this often
	segmentSize = 4 << 20
	segmentAge  = 24 * time.Hour
	// settlePatience bounds what a hanging disk costs whoever waits for Settle.
	settlePatience = time.Second
	knownOwners    = 4096 // remembered at most, beyond those with open runs
)

// ErrKept says that another process keeps the home.
var ErrKept = errors.New("another process keeps this home")

// Keeper tends a home: it alone writes the status file, declares stages lost
// whose process is gone, and rotates the journal.
type Keeper struct {
	home  string
	lock  *os.File
	sink  *Tracker
	watch watchman

	mu       sync.Mutex // guards what follows; held while the fold goes on
	follower *follower
	state    *State
	groups   map[Owner]int // process groups of owners, seen while they lived
	written  uint64        // events in the last status file
	miner    string        // the miner's state in it
	cost     time.Duration // of the last status file
}

// NewKeeper takes the keeper's lock of a home, [ErrKept] when it is held. The
// lock ends with the process. t writes what the keeper has to say; it stays the caller's.
func NewKeeper(t *Tracker) (*Keeper, error) {
	if t == nil || t.sink == nil {
		return nil, fmt.Errorf("keep home: the tracker has no usable home")
	}
	lock, err := os.OpenFile(filepath.Join(journalDir(t.home), "keeper.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep home: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close() // it was not locked
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("keep %s: %w", t.home, ErrKept)
		}
		return nil, fmt.Errorf("keep home: lock: %w", err)
	}
	watch, err := newWatchman()
	if err != nil {
		_ = lock.Close() // releases the lock
		return nil, fmt.Errorf("keep home: %w", err)
	}
	state := snapshot(t.home)
	return &Keeper{
		home: t.home, lock: lock, sink: t, watch: watch, state: state,
		follower: follow(t.home, state.Position), groups: map[Owner]int{},
	}, nil
}

// Run keeps the home until ctx ends, writes the status a last time and releases the lock.
func (k *Keeper) Run(ctx context.Context) error {
	defer func() { _ = k.lock.Close() }() // releases the lock
	defer k.follower.close()
	var swept, saved time.Time
	every := func() time.Duration { return max(statusEvery, 10*k.cost) } // a tenth of the time at most goes into it
	bell(ctx, journalDir(k.home), watchEvery, func() time.Duration {
		now := time.Now()
		sweep, save := now.Sub(swept) >= watchEvery, now.Sub(saved) >= every()
		if sweep {
			swept = now
		}
		if save {
			saved = now
		}
		_ = k.step(sweep, save) // what could not be read is read at the next round
		if save {
			return 0
		}
		return every() - now.Sub(saved)
	})
	return k.step(false, true)
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
	if err := k.catchUp(); err != nil {
		return err
	}
	if sweep {
		for _, e := range k.state.bereaved(k.watch, k.stopping) {
			if !k.awaited(e.Owner) {
				k.sink.emit(e)
			}
		}
		if err := k.catchUp(); err != nil {
			return err
		}
		k.forget()
		_, _ = journal.Seal(journalDir(k.home), segmentSize, segmentAge) // tried again at the next step
	}
	if save {
		k.save()
	}
	return nil
}

// forget drops what is known of owners that have no run any more.
func (k *Keeper) forget() {
	if len(k.groups) <= knownOwners {
		return
	}
	known := map[Owner]int{}
	for _, r := range k.state.Runs {
		if group, ok := k.groups[r.Owner]; ok {
			known[r.Owner] = group
		}
	}
	k.groups = known
}

func (k *Keeper) catchUp() error {
	for {
		e, ok, err := k.follower.next()
		if err != nil {
			return fmt.Errorf("keep %s: %w", k.home, err)
		}
		if !ok {
			return nil
		}
		k.state.Apply(e)
		if _, seen := k.groups[e.Owner]; !seen && e.Kind == KindStage && e.What == EventStarted {
			if group, err := unix.Getpgid(e.Owner.PID); err == nil {
				k.groups[e.Owner] = group
			}
		}
	}
}

// awaited reports whether an owner belongs to a module whose exit the miner has
// not recorded yet. It will at once, and its record says how the module ended.
func (k *Keeper) awaited(o Owner) bool {
	if k.state.Miner.State == "stopped" || k.watch.gone(k.state.Miner.Owner) {
		return false
	}
	group := k.groups[o]
	for i := range k.state.Modules {
		m := &k.state.Modules[i]
		leader := Owner{PID: m.PID, Start: m.Start, Boot: k.watch.boot, Space: k.watch.space}
		if group != 0 && m.PID == group && k.watch.gone(leader) {
			return true
		}
	}
	return false
}

// stopping reports whether an owner belonged to a module that was told to end.
func (k *Keeper) stopping(o Owner) bool {
	group := k.groups[o]
	for i := range k.state.Modules {
		if exit := k.state.Modules[i].LastExit; group != 0 && exit != nil && exit.Asked && exit.PID == group {
			return true
		}
	}
	return false
}

// save writes the status file when it would say something new.
func (k *Keeper) save() {
	view := *k.state
	view.mourn(k.watch)
	if view.Events == k.written && view.Miner.State == k.miner {
		return
	}
	began := time.Now()
	view.Updated = began.UTC()
	text, err := json.MarshalIndent(&view, "", " ")
	if err == nil && replaceFile(filepath.Join(k.home, StatusFile), append(text, '\n')) == nil {
		k.written, k.miner = view.Events, view.Miner.State
	}
	k.cost = time.Since(began)
}

// replaceFile puts a file in place whole: readers see the old one or the new one.
func replaceFile(path string, text []byte) (err error) {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return nil
}
