package stagewatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// StatusFile is the name of the status file in a home.
const StatusFile = "miner_status.json"

// follower reads events, each once, and sleeps while there are none.
type follower struct {
	dir     string
	journal *journal.Follower
	bad     int // records that could not be decoded
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
			return Event{Kind: KindGap, Missing: rec.Missing, pos: rec.End}, true, nil
		}
		e, err := decode(rec)
		if err != nil {
			f.bad++
			continue
		}
		return e, true, nil
	}
}

func (f *follower) close() { f.journal.Close() }

// bell rings when the journal may have grown: at file events, and after
// interval in case there are none to be had, or sooner when ring asks for it.
func bell(ctx context.Context, dir string, interval time.Duration, ring func() (again time.Duration)) {
	const search = 20 * time.Millisecond // for a folder that is still to be made
	var events chan fsnotify.Event
	var faults chan error
	watch, err := fsnotify.NewWatcher()
	if err == nil {
		defer func() { _ = watch.Close() }() // nothing is lost with it
	}
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		next := interval
		if err == nil && events == nil {
			if watch.Add(dir) == nil {
				events, faults = watch.Events, watch.Errors
			} else {
				next = min(next, search)
			}
		}
		if again := ring(); again > 0 {
			next = min(next, again)
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
// order and once, until ctx ends. Position 0 is the journal's beginning.
func Follow(ctx context.Context, home string, from Position, each func(Event) error) error {
	f := follow(home, from)
	defer f.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	bell(ctx, f.dir, time.Second, func() time.Duration {
		for ctx.Err() == nil {
			e, ok, err := f.next()
			if err == nil && ok {
				err = each(e)
			}
			if err != nil {
				cancel(err)
			}
			if err != nil || !ok {
				break
			}
		}
		return 0
	})
	return ownCause(ctx)
}

// ownCause returns why ctx ended, nil when its end was the caller's wish.
func ownCause(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		return nil
	}
	return cause
}

// snapshot reads a home's status file. A missing or damaged one gives an empty
// state: the journal holds everything.
func snapshot(home string) *State {
	s := &State{Home: home, Version: StateVersion}
	text, err := os.ReadFile(filepath.Join(home, StatusFile))
	if err != nil {
		return s
	}
	var read State
	if json.Unmarshal(text, &read) != nil || read.Version != StateVersion {
		return s
	}
	if end, err := journal.End(journalDir(home)); err != nil || end.Before(read.Position) {
		return s // of another journal, or one that lost its end in a power cut
	}
	read.Home = home
	return &read
}

// ErrNoJournal says that nothing was ever recorded in a home.
var ErrNoJournal = errors.New("no miner has run there yet")

// ReadState returns what a home's journal says now. Stages whose process is
// gone are lost in it, also when no keeper has said so yet. A home without a
// journal gives [ErrNoJournal].
func ReadState(home string) (*State, error) {
	if _, err := os.Stat(journalDir(home)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("home %s: %w: miner or miner process begins it", home, ErrNoJournal)
		}
		return nil, fmt.Errorf("read state: %w", err)
	}
	s := snapshot(home)
	f := follow(home, s.Position)
	defer f.close()
	for {
		e, ok, err := f.next()
		if err != nil {
			return nil, fmt.Errorf("read state: %w", err)
		}
		if !ok {
			break
		}
		s.Apply(e)
	}
	watch, err := newWatchman()
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	s.settle(watch)
	return s, nil
}

// settle works out, for a reader, what a keeper has not yet written down.
func (s *State) settle(watch watchman) {
	now := time.Now().UTC()
	for _, e := range s.bereaved(watch, nil) {
		e.Time = now
		s.Apply(e)
	}
	s.mourn(watch)
}

// mourn shows a miner that ended without a word, and its modules, as gone.
func (s *State) mourn(watch watchman) {
	if s.Miner.State == "" || s.Miner.State == "stopped" || !watch.gone(s.Miner.Owner) {
		return
	}
	s.Miner.State = "lost"
	s.Modules = slices.Clone(s.Modules)
	for i := range s.Modules {
		m := &s.Modules[i]
		m.State, m.PID, m.Address, m.NextTry = ModuleStopped, 0, "", time.Time{}
	}
}

// bereaved returns the records that are due for running stages whose owner is
// gone: lost, or stopped when the owner was told to end. told says so for
// owners that the modules' own exits do not tell of.
func (s *State) bereaved(watch watchman, told func(Owner) bool) []Event {
	gone := map[Owner]bool{}
	var due []Event
	for _, r := range s.Runs {
		for i := range r.Stages {
			stage := &r.Stages[i]
			if stage.State != StatusRunning {
				continue
			}
			if _, known := gone[stage.Owner]; !known {
				gone[stage.Owner] = watch.gone(stage.Owner)
			}
			if gone[stage.Owner] {
				due = append(due, s.obituary(r, stage, told))
			}
		}
	}
	return due
}

func (s *State) obituary(r *RunState, stage *StageState, told func(Owner) bool) Event {
	e := Event{
		Kind: KindStage, What: EventLost, Owner: stage.Owner, Definition: r.Definition, Run: r.ID,
		Platform: r.Platform, Account: r.Account, Stage: stage.Number, Message: "process ended",
	}
	for i := range s.Modules {
		exit := s.Modules[i].LastExit
		if exit == nil || exit.PID != stage.Owner.PID {
			continue
		}
		if exit.Asked {
			e.What, e.Message = EventStopped, ""
			return e
		}
		e.Message = "process ended (" + exit.Reason + ")"
	}
	if told != nil && told(stage.Owner) {
		e.What, e.Message = EventStopped, ""
	}
	return e
}
