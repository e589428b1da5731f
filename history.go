package stagewatch

import (
	"slices"
	"time"
)

const (
	keptDurations = 50 // of each stage
	enough        = 5  // durations from which on they say what is usual
	// shortestStall is the least silence that history or expectation call a stall.
	shortestStall = 30 * time.Second
	// patienceFactor is how many times longer than usual a stage may be silent.
	patienceFactor = 4
)

// StageTimes is how long a stage of a definition took lately, over all accounts.
type StageTimes struct {
	Definition string `json:"definition"`
	Stage      int    `json:"stage"`
	Key        string `json:"key,omitempty"` // of a stage that has no number
	// Taken are the durations of the newest completed attempts, oldest first.
	Taken []time.Duration `json:"taken_ns"`

	usual, most time.Duration // median and 95th percentile of Taken; 0: to be worked out
}

type timesKey struct {
	definition string
	stage      stageID
}

func (t *StageTimes) key() timesKey {
	return timesKey{t.Definition, stageID{number: t.Stage, key: t.Key}}
}

// learn remembers how long a completed attempt took.
func (s *State) learn(definition string, id stageID, took time.Duration) {
	x := s.indexed()
	t := x.times[timesKey{definition, id}]
	if t == nil {
		if len(s.Durations) >= maxStageHistory {
			delete(x.times, s.Durations[0].key())
			s.Durations = slices.Delete(s.Durations, 0, 1)
		}
		t = &StageTimes{Definition: definition, Stage: id.number, Key: id.key}
		s.Durations = append(s.Durations, t)
		x.times[t.key()] = t
	}
	if len(t.Taken) >= keptDurations {
		t.Taken = slices.Delete(t.Taken, 0, len(t.Taken)-keptDurations+1)
	}
	t.Taken = append(t.Taken, took)
	t.usual, t.most = 0, 0
}

// measure works out what is usual.
func (t *StageTimes) measure() {
	if t.most != 0 || len(t.Taken) == 0 {
		return
	}
	sorted := slices.Sorted(slices.Values(t.Taken))
	rank := (95*len(sorted) + 99) / 100                                         // nearest rank: the smallest that 95 % do not exceed
	t.usual, t.most = max(sorted[(len(sorted)-1)/2], 1), max(sorted[rank-1], 1) // 0 means unknown
}

// patience returns how long a stage may be silent, if it was silent for longer
// than that, else 0; and how long it usually takes, 0 when that is not known.
func (s *State) patience(r *RunState, stage *StageState, silent time.Duration) (limit, usual time.Duration) {
	if silent < time.Second { // most are: no limit is shorter than that
		return 0, 0
	}
	x := s.indexed()
	if def := x.definitions[r.Definition].stage(stage.id()); def != nil {
		usual, limit = def.Expected, def.StallAfter
	}
	most := usual
	if t := x.times[timesKey{r.Definition, stage.id()}]; t != nil && len(t.Taken) >= enough {
		t.measure()
		usual, most = t.usual, t.most
	}
	if limit == 0 && r.Account != "" && most > 0 {
		limit = max(shortestStall, patienceFactor*min(most, longest))
	}
	if silent < limit {
		return 0, usual
	}
	return max(limit, 0), usual
}
