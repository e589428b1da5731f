package stagewatch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// follower reads events, each once.
type follower struct {
	dir        string
	journal    *journal.Follower
	unreadable uint64  // records that could not be decoded
	told       Skipped // what [follower.count] has told
	writer, n  uint64  // of the last record that could
}

func follow(home string, from Position) *follower {
	return &follower{dir: journalDir(home), journal: journal.Follow(journalDir(home), from)}
}

// next returns the next event, or false when there is none yet. A record that
// cannot be decoded is counted and passed over.
func (f *follower) next() (Event, bool, error) {
	for {
		rec, ok, err := f.journal.Next()
		if err != nil || !ok {
			return Event{}, false, err
		}
		if rec.Missing > 0 {
			f.writer, f.n = 0, 0
			return Event{Kind: KindGap, Missing: rec.Missing, pos: rec.End}, true, nil
		}
		e, err := decode(rec)
		if err != nil {
			f.unreadable++
			continue
		}
		f.writer, f.n = rec.Writer, rec.N
		return e, true, nil
	}
}

// seek reads up to a place. It reports whether the record that ends there is
// the one that record names, as [follower.record] did.
func (f *follower) seek(to Position, record string) (bool, error) {
	for to.Offset > 0 {
		rec, ok, err := f.journal.Next()
		if err != nil || !ok || to.Before(rec.End) {
			return false, err
		}
		if rec.End == to {
			f.writer, f.n = rec.Writer, rec.N
			break
		}
	}
	f.told = f.passed() // by the one who wrote the snapshot
	return to.Offset == 0 || f.record() == record, nil
}

// record names the last record that was read.
func (f *follower) record() string {
	if f.n == 0 {
		return ""
	}
	return fmt.Sprintf("%016x %d", f.writer, f.n)
}

// fold applies to s everything that is there and tells each of it.
func (f *follower) fold(s *State, each func(Event)) error {
	defer func() { s.Record = f.record() }()
	for {
		e, ok, err := f.next()
		if err != nil || !ok {
			return err
		}
		s.Apply(e)
		f.count(s)
		if each != nil {
			each(e)
		}
	}
}

// count adds to s what was passed over since it was last told. A snapshot has
// what stands before its position: what comes after is counted by whoever goes on from there.
func (f *follower) count(s *State) {
	now := f.passed()
	s.Skipped.Damaged += now.Damaged - f.told.Damaged
	s.Skipped.Unreadable += now.Unreadable - f.told.Unreadable
	f.told = now
}

func (f *follower) passed() Skipped {
	return Skipped{Damaged: uint64(f.journal.Skipped().Damaged), Unreadable: f.unreadable} //nolint:gosec // a count that only grows
}

func (f *follower) close() { f.journal.Close() }

// bell rings when the journal may have grown: at file events, and after
// interval in case there are none to be had, or sooner when ring asks for it.
// It leaves at least rest between two rings, so that whoever is in no hurry is
// not woken by each record.
func bell(ctx context.Context, dir string, interval, rest time.Duration, ring func() (again time.Duration)) {
	const search = 20 * time.Millisecond // while there is no folder yet, or no word of changes to be had
	var events chan fsnotify.Event
	var faults chan error
	watch, err := fsnotify.NewWatcher()
	if err == nil {
		defer func() { _ = watch.Close() }() // nothing is lost with it
	}
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		if err == nil && events == nil && watch.Add(dir) == nil {
			events, faults = watch.Events, watch.Errors
		}
		next := interval
		if events == nil {
			next = min(next, search)
		}
		if again := ring(); again > 0 {
			next = min(next, again)
		}
		if rest > 0 {
			timer.Reset(min(rest, next))
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			next -= min(rest, next)
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-events:
			drain(events)
		case <-faults: //nolint:errcheck // an overflow: something happened
		case <-timer.C:
		}
	}
}

func drain(events chan fsnotify.Event) {
	for {
		select {
		case <-events:
		default:
			return
		}
	}
}

// Follow calls each for every event of a home's journal from a place on, in
// order and once, until ctx ends. Position 0 is the journal's beginning. What
// was removed before it could be read is told by an event of [KindGap].
func Follow(ctx context.Context, home string, from Position, each func(Event) error) error {
	f := follow(home, from)
	defer f.close()
	wanted := ctx
	ctx, cancel := context.WithCancel(wanted)
	defer cancel()
	var fault error
	bell(ctx, f.dir, time.Second, 0, func() time.Duration {
		for ctx.Err() == nil {
			e, ok, err := f.next()
			if err == nil && ok {
				err = each(e)
			}
			if err != nil {
				fault = err
				cancel()
			}
			if err != nil || !ok {
				break
			}
		}
		return 0
	})
	if wanted.Err() != nil && errors.Is(fault, wanted.Err()) {
		return nil // that is all it says
	}
	return fault
}

// ErrNoJournal says that nothing was ever recorded in a home.
var ErrNoJournal = errors.New("no miner has run there yet")

// ReadState returns what a home's journal says now. Stages whose process is
// gone are lost in it, and those that are silent for too long stalled, also when
// no keeper has said so yet. A home without a journal gives [ErrNoJournal].
func ReadState(home string) (*State, error) {
	if _, err := os.Stat(journalDir(home)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("home %s: %w: miner or miner process begins it", home, ErrNoJournal)
		}
		return nil, fmt.Errorf("read state: %w", err)
	}
	watch, err := newWatchman()
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	s, err := readState(home, watch)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	return s, nil
}

func readState(home string, watch mourner) (*State, error) {
	s, f, err := resume(home)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.fold(s, nil); err != nil {
		return nil, err
	}
	gone := s.count(watch)
	if err := f.fold(s, nil); err != nil { // what they said last
		return nil, err
	}
	f.count(s)
	s.settle(gone)
	s.Updated = time.Now().UTC()
	s.list()
	return s, nil
}
