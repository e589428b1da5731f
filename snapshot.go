package stagewatch

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// StatusFile is the name of the status file in a home.
const StatusFile = "miner_status.json"

// coveredFile is a synced copy of the status file as it was when segments were
// last removed: with it, and the segments that are left, a power cut that takes
// the status file takes no knowledge.
const coveredFile = "covered.json"

// StatusFiles returns the paths of the files that hold a home's status: the
// status file, and the copy of it that retention goes by. Neither need be there.
func StatusFiles(home string) []string {
	return []string{filepath.Join(home, StatusFile), filepath.Join(journalDir(home), coveredFile)}
}

// resume returns the state from which the fold of a home's journal goes on, and
// a follower that stands there. A status file that is damaged, of another
// journal, or ahead of this one (which lost its end in a power cut, say) is not
// believed: then the fold begins with the journal, which holds everything that
// was not removed on purpose.
func resume(home string) (*State, *follower, error) {
	return resumeUpTo(home, Position{Segment: math.MaxUint64})
}

// resumeUpTo is resume from what was folded up to a place, and no further.
func resumeUpTo(home string, latest Position) (*State, *follower, error) {
	id := journalID(home)
	for _, path := range StatusFiles(home) {
		s := readSnapshot(path)
		if s == nil || id != "" && s.Journal != id || latest.Before(s.Position) {
			continue
		}
		if end, err := journal.End(journalDir(home)); err != nil || end.Before(s.Position) {
			continue
		}
		f := follow(home, Position{Segment: s.Position.Segment})
		found, err := f.seek(s.Position, s.Record)
		if err != nil {
			f.close()
			return nil, nil, err
		}
		if found {
			s.Home, s.Journal = home, id
			return s, f, nil
		}
		f.close()
	}
	return &State{Home: home, Version: StateVersion, Journal: id}, follow(home, Position{}), nil
}

// readSnapshot reads a status file, nil when there is none that can be used.
func readSnapshot(path string) *State {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return parseSnapshot(text)
}

// parseSnapshot returns the state that a status file holds, nil when it holds
// none. Whatever it holds, the fold can go on from it.
func parseSnapshot(text []byte) *State {
	var s State
	if json.Unmarshal(text, &s) != nil || s.Version != StateVersion {
		return nil
	}
	s.Durations = slices.DeleteFunc(s.Durations, func(t *StageTimes) bool { return t == nil })
	s.Runs = slices.DeleteFunc(s.Runs, func(r *RunState) bool { return r == nil })
	for _, r := range s.Runs {
		slices.SortStableFunc(r.Stages, func(a, b StageState) int { return a.compare(b.id()) })
		for i := range r.Stages {
			if t := &r.Stages[i]; t.Unknown {
				t.Number = 0
			}
		}
	}
	s.indexed()
	return &s
}
