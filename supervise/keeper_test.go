package supervise

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// fate is what a fake process does in one life.
type fate struct {
	noStart  bool
	lives    time.Duration
	code     int
	onTerm   time.Duration // how long it takes to end after SIGTERM; negative: never
	immortal bool          // not even SIGKILL
}

// fake is a child without a process.
type fake struct {
	fate
	once sync.Once
	gone chan struct{}
	end  int
	busy *bool // a life that is not finished
}

func (f *fake) pid() int               { return 42 }
func (f *fake) startTime() uint64      { return 1 }
func (f *fake) ended() <-chan struct{} { return f.gone }
func (f *fake) finish() Exit           { *f.busy = false; return Exit{Code: f.end} }
func (f *fake) exit(code int)          { f.once.Do(func() { f.end = code; close(f.gone) }) }

func (f *fake) signal(s syscall.Signal) {
	switch {
	case s == syscall.SIGTERM && f.onTerm >= 0 && !f.immortal:
		time.AfterFunc(f.onTerm, func() { f.exit(-15) })
	case s == syscall.SIGKILL && !f.immortal:
		f.exit(-9)
	}
}

// play runs a keeper through the fates in virtual time; the last one repeats.
func play(t *testing.T, p Policy, stopAt time.Duration, fates []fate) (events []Event, err error) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), stopAt)
		defer cancel()
		busy := false
		k := keeper{
			process:  Process{Name: "p", Policy: p, StopGrace: 5 * time.Second},
			restarts: restarts{policy: p, random: func() float64 { return 0.5 }},
			onEvent:  func(e Event) { events = append(events, e) },
			launch: func(Process) (child, error) {
				if busy {
					t.Error("two lives at once")
				}
				next := fates[0]
				if len(fates) > 1 {
					fates = fates[1:]
				}
				if next.noStart {
					return nil, errors.New("no such file")
				}
				f := &fake{fate: next, gone: make(chan struct{}), busy: &busy}
				busy = true
				if !next.immortal {
					time.AfterFunc(next.lives, func() { f.exit(next.code) })
				}
				return f, nil
			},
		}
		err = k.run(ctx)
	})
	return events, err
}

func kinds(events []Event) (list []Kind) {
	for _, e := range events {
		list = append(list, e.Kind)
	}
	return list
}

func TestHealthyProcessIsRestartedAtOnce(t *testing.T) {
	p := Policy{}.withDefaults()
	events, err := play(t, p, 25*time.Second, []fate{{lives: 12 * time.Second}})
	want := []Kind{Starting, Started, Exited, Starting, Started, Exited, Starting, Started, Stopping, Exited, Stopped}
	if got := kinds(events); err != nil || !slices.Equal(got, want) {
		t.Fatalf("events %v, %v; want %v", got, err, want)
	}
	if gap := events[3].Time.Sub(events[2].Time); gap != 0 {
		t.Errorf("restarted after %v, want at once", gap)
	}
	if e := events[2].Exit; e.Wall != 12*time.Second || e.Asked {
		t.Errorf("first exit %+v, want 12 s and not asked", e)
	}
	if !events[9].Exit.Asked || events[10].Forced {
		t.Errorf("last events %+v, want an exit that was asked for and not forced", events[9:])
	}
}

func TestMissingCommandIsRetriedByPolicy(t *testing.T) {
	events, err := play(t, Policy{}.withDefaults(), 2*time.Second, []fate{{noStart: true}, {lives: time.Hour}})
	want := []Kind{Starting, CouldNotStart, Backoff, Starting, Started, Stopping, Exited, Stopped}
	if got := kinds(events); err != nil || !slices.Equal(got, want) {
		t.Fatalf("events %v, %v; want %v", got, err, want)
	}
	if events[1].Err == nil {
		t.Error("the event does not say why")
	}
}

func TestAlreadyRunningElsewhereWaitsAMinute(t *testing.T) {
	events, _ := play(t, Policy{}.withDefaults(), 100*time.Second, []fate{{code: 75}})
	want := []Kind{Starting, Started, Exited, Backoff, Starting, Started, Exited, Backoff, Stopped}
	if got := kinds(events); !slices.Equal(got, want) {
		t.Fatalf("events %v, want %v", got, want)
	}
	if !events[2].Exit.AlreadyRunning || events[3].Wait != time.Minute {
		t.Errorf("%+v, want already running and a minute's wait", events[2:4])
	}
}

func TestStubbornProcessIsKilledAfterItsGrace(t *testing.T) {
	events, err := play(t, Policy{}.withDefaults(), time.Second, []fate{{lives: time.Hour, onTerm: -1}})
	n := len(events)
	if err != nil || n < 3 || !events[n-1].Forced || events[n-2].Exit.Code != -9 {
		t.Fatalf("events %+v, %v; want a forced end", events, err)
	}
	if took := events[n-1].Time.Sub(events[n-3].Time); took != 5*time.Second {
		t.Errorf("stopping took %v, want 5s", took)
	}
}

func TestUnkillableProcessDoesNotHoldUpTheStop(t *testing.T) {
	events, err := play(t, Policy{}.withDefaults(), time.Second, []fate{{immortal: true}})
	last := events[len(events)-1]
	if err == nil || last.Kind != Stopped || last.Err == nil || !last.Forced {
		t.Fatalf("run = %v with last event %+v, want both to say that it did not end", err, last)
	}
	if took := last.Time.Sub(events[len(events)-2].Time); took != 5*time.Second+unkillable {
		t.Errorf("gave up after %v", took)
	}
}

func TestStopBeforeTheStartStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var got []Kind
	k := keeper{
		onEvent: func(e Event) { got = append(got, e.Kind); cancel() },
		launch:  func(Process) (child, error) { t.Error("started"); return nil, errors.New("started") },
	}
	if err := k.run(ctx); err != nil || !slices.Equal(got, []Kind{Starting, Stopped}) {
		t.Errorf("run = %v with events %v", err, got)
	}
}

// A record of a death that is written in OnEvent stands before the next start.
func TestNextStepWaitsForTheCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Hour)
		defer cancel()
		inside, lives := false, 0
		k := keeper{
			process:  Process{Policy: Policy{}.withDefaults()},
			restarts: restarts{policy: Policy{}.withDefaults()},
			onEvent: func(Event) {
				inside = true
				<-time.After(time.Hour)
				inside = false
			},
			launch: func(Process) (child, error) {
				lives++
				if inside {
					t.Error("started during a callback")
				}
				f := &fake{gone: make(chan struct{}), busy: new(bool)}
				time.AfterFunc(time.Minute, func() { f.exit(1) })
				return f, nil
			},
		}
		if err := k.run(ctx); err != nil || lives < 3 {
			t.Errorf("run = %v after %d lives", err, lives)
		}
	})
}

// Whatever the processes do, the events follow the graph of the package comment
// and each wait is kept to the nanosecond.
func TestEventsFollowTheGraph(t *testing.T) {
	follows := map[Kind][]Kind{
		"":            {Starting, Stopped},
		Starting:      {Started, CouldNotStart, Stopped},
		Started:       {Exited, Stopping},
		CouldNotStart: {Backoff, Failed, Starting, Stopped},
		Exited:        {Backoff, Failed, Starting, Stopped},
		Backoff:       {Starting, Stopped},
		Failed:        {Starting, Stopped},
		Stopping:      {Exited},
	}
	rapid.Check(t, func(rt *rapid.T) {
		fates := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fate {
			return fate{
				noStart: rapid.Bool().Draw(t, "noStart"),
				lives:   time.Duration(rapid.IntRange(0, 20).Draw(t, "lives")) * time.Second,
				code:    rapid.SampledFrom([]int{0, 1, 75, -9}).Draw(t, "code"),
				onTerm:  time.Duration(rapid.IntRange(-1, 7).Draw(t, "onTerm")) * time.Second,
			}
		}), 1, 30).Draw(rt, "fates")
		stopAt := time.Duration(rapid.IntRange(0, 2000).Draw(rt, "stopAt")) * time.Second
		events, err := play(t, Policy{Deaths: 5}.withDefaults(), stopAt, fates)
		if err != nil {
			rt.Fatal(err)
		}
		if err := followsGraph(events, follows); err != nil {
			rt.Fatalf("%v in %v", err, kinds(events))
		}
		last := events[len(events)-1]
		if last.Kind != Stopped || last.Time.Sub(events[0].Time) > stopAt+5*time.Second {
			rt.Fatalf("last event %+v, want Stopped at most 5 s after %v", last, stopAt)
		}
	})
}

func followsGraph(events []Event, follows map[Kind][]Kind) error {
	var before Event
	for _, e := range events {
		if !slices.Contains(follows[before.Kind], e.Kind) {
			return fmt.Errorf("%q after %q", e.Kind, before.Kind)
		}
		passed := e.Time.Sub(before.Time)
		if waited := before.Kind == Backoff || before.Kind == Failed; waited && e.Kind == Starting && passed != before.Wait {
			return fmt.Errorf("%v after a wait of %v", passed, before.Wait)
		}
		if healthy := before.Exit.Wall >= 10*time.Second; before.Kind == Exited && healthy && e.Kind == Backoff && !before.Exit.AlreadyRunning {
			return errors.New("backoff after a healthy time")
		}
		before = e
	}
	return nil
}
