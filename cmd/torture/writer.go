package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/stagewatch/stagewatch"
)

// mark is in the details of every record that a writer of ours makes.
type mark struct {
	Writer int   `json:"w"`
	Lane   int   `json:"lane"`
	Seq    int64 `json:"seq"` // from 1 within the lane, without holes
}

const patience = 50 * time.Millisecond // what a call may wait for a disk

// writer takes made-up accounts through their stages, from as many goroutines
// as it is told: its arguments are its number and that of its lanes, a
// name for its accounts, and the longest pause between calls in milliseconds. After what is acknowledged it prints lane and
// sequence number.
//
// A record is acknowledged once Flush has returned after it. With one lane it
// also is when its call took less than the patience and so did each one since
// the last Flush: such a call did not give up waiting.
func writer(ctx context.Context, p part) error {
	const names = 2
	if len(p.args) <= names+1 {
		return fmt.Errorf("want number, lanes, name, pause")
	}
	t, err := stagewatch.Open(stagewatch.Config{Home: p.home})
	if err != nil {
		return err
	}
	defer t.Close()
	lanes := int(p.number(1))
	var out sync.Mutex
	var all sync.WaitGroup
	for n := range lanes {
		l := lane{
			t: t, alone: lanes == 1, prompt: true, rng: rand.New(rand.NewPCG(p.seed, uint64(n)+1)),
			calm: time.Duration(p.number(names+1)) * time.Millisecond,
			mark: mark{Writer: int(p.number(0)), Lane: n}, name: fmt.Sprintf("%s-%d", p.args[names], n),
		}
		l.acknowledged = func(seq int64) error {
			out.Lock()
			defer out.Unlock()
			_, err := fmt.Fprintf(p.out, "%d %d\n", l.mark.Lane, seq)
			return err
		}
		all.Go(func() { l.run(ctx) })
	}
	all.Wait()
	return nil
}

// lane is one goroutine of a writer.
type lane struct {
	t            *stagewatch.Tracker
	alone        bool // it is the only one of its process
	prompt       bool // every call since the last Flush took less than the patience
	rng          *rand.Rand
	calm         time.Duration // the longest pause between calls
	mark         mark
	name         string
	accounts     [4]work
	acknowledged func(seq int64) error
}

// work is where an account of a lane is.
type work struct {
	stage   int
	running bool
}

func (l *lane) run(ctx context.Context) {
	const burst = 100
	for fast := 0; ctx.Err() == nil; fast-- {
		took := l.call()
		l.prompt = l.prompt && took < patience
		if l.acknowledge(ctx) != nil {
			return
		}
		if fast > 0 {
			continue
		}
		if l.rng.IntN(burst) == 0 {
			fast = l.rng.IntN(burst)
		}
		if !pause(ctx, time.Duration(l.rng.Int64N(int64(l.calm)))) {
			return
		}
	}
}

// acknowledge tells, mostly, what is safe by now.
func (l *lane) acknowledge(ctx context.Context) error {
	if l.alone && l.prompt && l.rng.IntN(4) > 0 {
		return l.acknowledged(l.mark.Seq)
	}
	if l.prompt && l.rng.IntN(8) > 0 {
		return nil
	}
	if err := l.t.Flush(ctx); err != nil {
		return err
	}
	l.prompt = true
	return l.acknowledged(l.mark.Seq)
}

// call makes the next call for one of the accounts, and says how long it took.
func (l *lane) call() time.Duration {
	l.mark.Seq++
	n := l.rng.IntN(len(l.accounts))
	a := &l.accounts[n]
	opts := []stagewatch.Option{
		stagewatch.For(fmt.Sprintf("%s-%d", l.name, n)),
		stagewatch.Details{"w": l.mark.Writer, "lane": l.mark.Lane, "seq": l.mark.Seq},
	}
	text := l.text()
	const last = 7
	began := time.Now()
	switch dice := l.rng.IntN(10); {
	case !a.running && a.stage >= last-1:
		l.t.Complete(last, text, opts...)
		a.stage = 0
	case !a.running:
		a.stage, a.running = a.stage+1, true
		l.t.Start(a.stage, text, opts...)
	case dice < 5:
		l.t.Progress(a.stage, int64(dice), 10, opts...)
	case dice < 9:
		a.running = false
		l.t.Complete(a.stage, text, opts...)
	default:
		stage := a.stage
		a.stage, a.running = 0, false
		l.t.Failed(stage, text, opts...)
	}
	return time.Since(began)
}

// text is a message: mostly a line, sometimes long, sometimes hostile.
func (l *lane) text() string {
	switch l.rng.IntN(50) {
	case 0:
		return strings.Repeat("long ", l.rng.IntN(1200))
	case 1:
		return "a\nb\r\x1e\x1b[31m\x00\xff\xfe"
	}
	return "one line of text, as most are: " + strings.Repeat("x", l.rng.IntN(80))
}
