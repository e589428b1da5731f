package main

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// ledger holds what writers say was acknowledged against what a follower reads.
type ledger struct {
	broke  func(format string, args ...any)
	sample func(what string, d time.Duration)
	count  func(what string, n int)

	mu      sync.Mutex
	writers map[int]*author
	owners  map[stagewatch.Owner]*author
	book    account // as a follower keeps it, of everything read
	kept    time.Time
	keeping bool
	keepers int // changes of keeper so far
}

// author is what is known of one writer process.
type author struct {
	number  int
	kind    string
	lanes   map[int]*lines
	open    map[place]bool // stages that run, by its own records
	owner   stagewatch.Owner
	killed  func() (time.Time, bool)
	keepers int // changes of keeper until its death was seen
	dead    bool
	adopted bool // the first that is read of it may have any number
	mourned bool // it was told lost while it lived
	late    bool // its stages were not told lost in time
}

// lines is one lane's sequence.
type lines struct{ acknowledged, read int64 }

type place struct {
	run   string
	stage int
}

func newLedger(r *result) *ledger {
	return &ledger{
		broke: r.broke, sample: r.sample, count: r.count,
		writers: map[int]*author{}, owners: map[stagewatch.Owner]*author{},
	}
}

// enter adds a writer before its process begins.
func (l *ledger) enter(number int, kind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writers[number] = &author{
		number: number, kind: kind, lanes: map[int]*lines{}, open: map[place]bool{},
		killed: func() (time.Time, bool) { return time.Time{}, false },
	}
}

// began tells how to ask whether a writer was killed.
func (l *ledger) began(number int, p *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writers[number].killed = p.killSent
}

// adopt expects records of a writer that began in another home.
func (l *ledger) adopt(number int, p *process) {
	l.enter(number, p.kind+" of another home")
	l.began(number, p)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writers[number].adopted = true
}

func (a *author) lane(n int) *lines {
	if a.lanes[n] == nil {
		a.lanes[n] = &lines{}
	}
	return a.lanes[n]
}

// acknowledge notes that a writer's lane was told that seq is safe.
func (l *ledger) acknowledge(number, lane int, seq int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writers[number].lane(lane).acknowledged = seq
}

// died notes that a writer is gone and that all it said was heard.
func (l *ledger) died(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.writers[number]
	a.dead, a.keepers = true, l.keepers
}

// keeperIs notes whether some process keeps the home now.
func (l *ledger) keeperIs(keeping bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keeping, l.kept = keeping, time.Now()
	l.keepers++
}

// read takes one record that a follower handed out.
func (l *ledger) read(rec journal.Record) {
	var e stagewatch.Event
	if err := json.Unmarshal(rec.Payload, &e); err != nil {
		l.broke("record at %v is no JSON: %v", rec.End, err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.book.add(&e, rec.End)
	l.count("records read", 1)
	if e.Late {
		l.count("records marked late", 1)
	}
	switch {
	case e.Kind == stagewatch.KindDropped:
		l.broke("a writer dropped %d records on a healthy disk", e.Dropped)
	case e.Kind == stagewatch.KindStage && e.What == stagewatch.EventLost:
		l.lost(&e)
	case e.Kind == stagewatch.KindStage && e.What == stagewatch.EventStalled:
		l.broke("a stage of a busy writer was told stalled: %s", e.Message)
	case e.Kind == stagewatch.KindStage && e.Details != nil:
		l.told(&e)
	}
}

// told checks a writer's own record: the next of its lane.
func (l *ledger) told(e *stagewatch.Event) {
	var m mark
	if err := json.Unmarshal(e.Details, &m); err != nil {
		l.broke("details %s: %v", e.Details, err)
		return
	}
	a := l.writers[m.Writer]
	if a == nil {
		l.broke("a record of writer %d, which there never was", m.Writer)
		return
	}
	if a.owner.PID == 0 {
		a.owner = e.Owner
		l.owners[e.Owner] = a
	}
	lane := a.lane(m.Lane)
	switch {
	case a.adopted && lane.read == 0:
	case m.Seq <= lane.read:
		l.broke("%s %d lane %d: record %d twice, or after %d", a.kind, a.number, m.Lane, m.Seq, lane.read)
	case m.Seq > lane.read+1:
		l.broke("%s %d lane %d: record %d follows %d", a.kind, a.number, m.Lane, m.Seq, lane.read)
	}
	lane.read = max(lane.read, m.Seq)
	at := place{e.Run, e.Stage}
	switch e.What {
	case stagewatch.EventStarted:
		a.open[at] = true
	case stagewatch.EventCompleted, stagewatch.EventFailed:
		delete(a.open, at)
	}
}

// lost checks a loss that a keeper told: of a stage that ran, of a dead owner, once.
func (l *ledger) lost(e *stagewatch.Event) {
	a := l.owners[e.Owner]
	if a == nil {
		l.broke("lost: owner %+v never wrote", e.Owner)
		return
	}
	at := place{e.Run, e.Stage}
	if !a.open[at] {
		l.broke("lost: %s %d: stage %d of run %s does not run, or was told twice", a.kind, a.number, e.Stage, e.Run)
		return
	}
	delete(a.open, at)
	killed, dead := a.killed()
	if !dead {
		if !a.mourned {
			l.broke("lost: %s %d lives, its stage %d of run %s was told lost", a.kind, a.number, e.Stage, e.Run)
		}
		a.mourned = true
		return
	}
	l.count("stages told lost", 1)
	if l.keeping && a.dead && a.keepers == l.keepers {
		l.sample("death -> lost, one keeper", time.Since(killed))
	} else {
		l.sample("death -> lost, keeper changed", time.Since(killed))
	}
}

// overdue breaks the promise of losses that were not told in time, and returns
// how many are still to come.
func (l *ledger) overdue(limit time.Duration) (due int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.writers {
		killed, dead := a.killed()
		if !dead || len(a.open) == 0 || a.late {
			continue
		}
		due += len(a.open)
		since := killed
		if l.kept.After(since) {
			since = l.kept
		}
		if late := time.Since(since); l.keeping && late > limit {
			l.broke("lost: %s %d is dead for %v and %d stages were not told lost", a.kind, a.number, late, len(a.open))
			a.late = true
		}
	}
	return due
}

// settle checks, when everything was read, that all that was acknowledged is there.
func (l *ledger) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(l.writers)) {
		a := l.writers[number]
		for n, lane := range a.lanes {
			l.count("records acknowledged", int(lane.acknowledged))
			if lane.read < lane.acknowledged {
				l.broke("%s %d lane %d: %d was acknowledged, the journal ends at %d", a.kind, a.number, n, lane.acknowledged, lane.read)
			}
		}
	}
}

// acknowledged returns how many records of a writer's first lane are safe.
func (l *ledger) acknowledged(number int) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writers[number].lane(0).acknowledged
}
