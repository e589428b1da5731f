package stagewatch

import (
	"encoding/json"
	"time"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// Kind says what a record is about.
type Kind string

// The kinds of records.
const (
	KindStage      Kind = "stage"
	KindModule     Kind = "module"
	KindMiner      Kind = "miner"
	KindDefinition Kind = "definition"
	KindReset      Kind = "reset"
	KindDropped    Kind = "dropped"
	KindErased     Kind = "erased" // what is known of some runs was blanked
	KindGap        Kind = "gap"    // never written: a follower came too late for some segments
)

// What happened to a stage, a module or the miner.
const (
	EventStarted    = "started"     // stage, module (its process runs), miner
	EventProgressed = "progressed"  // stage
	EventCompleted  = "completed"   // stage
	EventFailed     = "failed"      // stage; module: the crash-loop limit was reached
	EventLost       = "lost"        // stage: its process is gone
	EventStopped    = "stopped"     // stage: its process was stopped on purpose; module; miner
	EventStalled    = "stalled"     // stage: silent for longer than usual
	EventStarting   = "starting"    // module: about to be started for the first time
	EventRestarting = "restarting"  // module: about to be started again
	EventNotStarted = "not started" // module: its command could not be started
	EventExited     = "exited"      // module: its process ended
	EventWaiting    = "waiting"     // module: the next try is put off
	EventReady      = "ready"       // module: it says where it can be reached
	EventStopping   = "stopping"    // module, miner
)

// Position is a place in a journal.
type Position = journal.Position

// Event is one record of the journal: a fact about a stage, a module or the
// miner. Fields that do not belong to its kind are zero.
type Event struct {
	Version int       `json:"v"`
	Kind    Kind      `json:"kind"`
	What    string    `json:"what,omitempty"`
	Time    time.Time `json:"time"`  // wall clock, UTC: for showing
	Clock   int64     `json:"clock"` // CLOCK_MONOTONIC in nanoseconds: for durations within one boot, suspended time left out
	Owner   Owner     `json:"owner"`

	// Stages.
	Definition string          `json:"definition,omitempty"`
	Run        string          `json:"run,omitempty"`
	Platform   string          `json:"platform,omitempty"`
	Account    string          `json:"account,omitempty"` // the username; "" for stage 0
	Stage      int             `json:"stage,omitempty"`
	Key        string          `json:"key,omitempty"`  // names the stage in place of its number
	Late       bool            `json:"late,omitempty"` // written after its call had given up waiting
	Message    string          `json:"message,omitempty"`
	Details    json.RawMessage `json:"details,omitempty"`
	Done       int64           `json:"done,omitempty"`
	Total      int64           `json:"total,omitempty"`

	// Modules and the miner. A lost stage carries what is known of its module's end.
	Module  *ModuleFact `json:"module,omitempty"`
	Mode    string      `json:"mode,omitempty"`
	Defined *Definition `json:"defined,omitempty"`
	Dropped uint64      `json:"dropped,omitempty"` // records that this writer could not keep
	Runs    []string    `json:"runs,omitempty"`    // that were erased: the first 16 bytes of the SHA-256 of each id, in hex
	Missing uint64      `json:"-"`                 // segments that a gap stands for

	pos Position // after the record
}

// Position returns the place after the record.
func (e Event) Position() Position { return e.pos }

// ModuleFact is what a module record says of the module.
type ModuleFact struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
	Title  string `json:"title,omitempty"`
	PID    int    `json:"pid,omitempty"`
	Start  uint64 `json:"start,omitempty"` // as in [Owner]
	// Code is the exit code, or minus the number of the signal that ended it.
	Code   int           `json:"code,omitempty"`
	Reason string        `json:"reason,omitempty"` // "exit code 1", "signal: killed", why it could not start
	Asked  bool          `json:"asked,omitempty"`  // it was told to end
	Wait   time.Duration `json:"wait,omitempty"`   // until the next try, nanoseconds
	Last   string        `json:"last,omitempty"`   // its last output
	// Address is where it answers, for example 127.0.0.1:8090.
	Address string `json:"address,omitempty"`
}

const recordVersion = 1
