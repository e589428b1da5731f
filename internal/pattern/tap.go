package pattern

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxWaiting is how much output may wait to be looked at, in bytes. When a
	// program prints faster than that, what waits is missed and counted: its
	// newest words are worth more.
	maxWaiting = 4 << 20
	// lastWords is how long Close goes on looking at what waits.
	lastWords = time.Second
	// progressEvery is how often progress of one stage is handed over at most.
	progressEvery = 100 * time.Millisecond
	// troubleEvery is how often trouble is told at most.
	troubleEvery = time.Minute
)

// Output is what a [Tap] needs.
type Output struct {
	// Patterns are looked for. Required.
	Patterns *Set
	// Mask hides secrets before anything is looked at.
	Mask *Mask
	// Record takes what was found, in the order in which it was printed, from
	// one goroutine. Required.
	Record func(Event)
	// Trouble is told what could not be taken, from the same goroutine, at most
	// once a minute and at the end. Required.
	Trouble func(Trouble)
}

// Trouble is what could not be taken since the last time.
type Trouble struct {
	// Missed is how many lines came too fast to be looked at.
	Missed uint64
	// Wrong is how many lines bore the mark of StageMarks and were none, Err why
	// the last of them was not.
	Wrong uint64
	Err   error
}

// Tap looks for patterns in the output of one process. Write never waits for
// what is done with the output.
type Tap struct {
	output Output
	lines  lines
	ready  chan struct{} // something waits, or the end has come
	done   chan struct{}

	mu      sync.Mutex // guards what follows; held only to copy
	waiting []byte
	missed  uint64 // lines before what waits
	missing bool   // output is missing before what waits
	closed  bool

	abandoned atomic.Bool
	recording chan struct{} // full while Record runs; none runs after Close

	// The rest is the goroutine's own.
	trouble Trouble
	told    time.Time
	last    Event // the progress that was handed over last, and when
	lastAt  time.Time
	held    *Event // later progress of the same stage that waits for its turn
}

// NewTap returns a tap, which must be closed.
func NewTap(o Output) *Tap {
	t := &Tap{output: o, ready: make(chan struct{}, 1), done: make(chan struct{}), recording: make(chan struct{}, 1)}
	t.lines.take = t.look
	go t.run()
	return t
}

// Write takes output. It keeps nothing of p, waits for nobody and never fails:
// when there is no room, what waits makes some, and is counted.
func (t *Tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	if len(t.waiting)+len(p) > maxWaiting {
		t.missing = true
		t.missed += uint64(bytes.Count(t.waiting, []byte("\n")))
		t.waiting = t.waiting[:0]
	}
	t.waiting = append(t.waiting, p...)
	t.mu.Unlock()
	t.ring()
	return len(p), nil
}

// Close returns when everything written was looked at, which it waits for no
// longer than a second. After it nothing is recorded; what was not looked at is
// missed, which may still be told.
func (t *Tap) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.ring()
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-t.done:
	case <-timer.C:
		t.abandoned.Store(true)
		t.recording <- struct{}{} // once what is being recorded is
		<-t.recording
	}
	return nil
}

func (t *Tap) ring() {
	select {
	case t.ready <- struct{}{}:
	default:
	}
}

// run ends after Close: with the last line, or at the next one once it is abandoned.
func (t *Tap) run() {
	defer close(t.done)
	var spare []byte
	for {
		t.await()
		t.mu.Lock()
		output, missed, missing, closed := t.waiting, t.missed, t.missing, t.closed
		t.waiting, t.missed, t.missing = spare[:0], 0, false
		t.mu.Unlock()
		spare = output

		if missing {
			t.lines.gap()
			t.trouble.Missed += missed + 1 // and the line that it tore
		}
		t.feed(output)
		if closed {
			t.lines.end()
			t.release()
		}
		t.tell(closed)
		if closed {
			return
		}
	}
}

// feed takes output piece by piece. Nearly all output says nothing of stages:
// that is found out for many lines at once, which costs a fraction of cutting
// them apart. Terminal escapes can stand within what is looked for.
func (t *Tap) feed(output []byte) {
	const piece = 32 << 10
	for len(output) > 0 {
		p := output[:min(piece, len(output))]
		output = output[len(p):]
		first, last := bytes.IndexByte(p, '\n')+1, bytes.LastIndexByte(p, '\n')+1
		whole := p[first:last]
		if t.output.Patterns.mayMatch(whole) || bytes.IndexByte(whole, escape) >= 0 || t.abandoned.Load() {
			t.lines.feed(p)
			continue
		}
		t.lines.feed(p[:first])
		t.lines.feed(p[last:])
	}
}

// await waits for output, and hands over held progress whose time has come.
func (t *Tap) await() {
	if t.held == nil {
		<-t.ready
		return
	}
	timer := time.NewTimer(time.Until(t.lastAt.Add(progressEvery)))
	defer timer.Stop()
	select {
	case <-t.ready:
	case <-timer.C:
		t.release()
		t.ring() // there may be nothing: the next round finds out
	}
}

// look takes one line, or as much of it as is looked at.
func (t *Tap) look(line []byte, cut bool) {
	if t.abandoned.Load() {
		t.trouble.Missed++
		return
	}
	set, mask := t.output.Patterns, t.output.Mask
	switch {
	case !set.mayMatch(line):
		return
	case mask != nil && cut:
		line = []byte(mask.HideCut(string(line)))
	case mask != nil:
		line = []byte(mask.Hide(string(line)))
	}
	e, ok, err := set.Match(line)
	switch {
	case err != nil:
		t.trouble.Wrong++
		t.trouble.Err = err
	case ok:
		t.found(e)
	}
}

// found hands e over. Of progress that comes faster than it can be of use only
// the newest is kept, until its time or the stage's next word.
func (t *Tap) found(e Event) {
	if e.What != Progressed || !sameStage(e, t.last) {
		t.release()
	} else if time.Since(t.lastAt) < progressEvery {
		t.held = &e
		return
	}
	t.record(e)
}

// release hands over progress that is held.
func (t *Tap) release() {
	if t.held != nil {
		t.record(*t.held)
	}
}

func (t *Tap) record(e Event) {
	t.recording <- struct{}{}
	defer func() { <-t.recording }()
	if t.abandoned.Load() {
		return
	}
	t.output.Record(e)
	t.held = nil
	if e.What == Progressed {
		t.last, t.lastAt = e, time.Now()
	} else {
		t.last = Event{}
	}
}

// tell tells of trouble, if there is any and it is time.
func (t *Tap) tell(end bool) {
	if t.trouble.Missed == 0 && t.trouble.Wrong == 0 || !end && time.Since(t.told) < troubleEvery {
		return
	}
	t.output.Trouble(t.trouble)
	t.trouble, t.told = Trouble{}, time.Now()
}

// sameStage reports whether two events are of one stage of one run.
func sameStage(a, b Event) bool {
	a.Message, a.Done, a.Total = b.Message, b.Done, b.Total
	return a == b
}
