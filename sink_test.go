package stagewatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// disk is a journal whose every step a test decides.
type disk struct {
	gate  chan struct{} // what a write waits for, nil: nothing
	takes time.Duration // a write
	power bool
	fail  error // of writes
	fails int   // syncs that fail, and take what is not synced with them

	mu      sync.Mutex
	tries   []string
	written []Event
	synced  int // of written
	syncs   int
	closed  bool
}

func (d *disk) Append(payloads ...[]byte) error {
	if d.gate != nil {
		<-d.gate
	}
	time.Sleep(d.takes)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries = append(d.tries, string(bytes.Join(payloads, nil)))
	if d.fail != nil {
		return d.fail
	}
	var row []Event
	for _, payload := range payloads {
		if len(payload) > journal.MaxRecord {
			return journal.ErrTooLarge
		}
		var e Event
		if err := json.Unmarshal(payload, &e); err != nil {
			return err
		}
		row = append(row, e)
	}
	d.written = append(d.written, row...)
	return nil
}

func (d *disk) Sync() error {
	if d.power {
		time.Sleep(time.Millisecond)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.fails > 0 {
		d.fails--
		d.written = d.written[:d.synced]
		return unix.EIO
	}
	d.synced = len(d.written)
	return nil
}

func (d *disk) Header() journal.Header {
	if d.power {
		return journal.Header{Durability: journal.Power}
	}
	return journal.Header{Durability: journal.Process}
}

func (d *disk) Close() { d.closed = true }

func (d *disk) refuse(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// on returns a tracker on a disk of the test.
func on(t *testing.T, d *disk) *Tracker {
	t.Helper()
	tr := &Tracker{definition: DefaultDefinition(), runs: openRuns{}}
	if err := tr.begin(func() (appender, error) { return d, nil }, false); err != nil {
		t.Fatal(err)
	}
	return tr
}

func timed(what func()) time.Duration {
	began := time.Now()
	what()
	return time.Since(began)
}

func TestHangingDiskHoldsOneCallFor50ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		tr := on(t, d)
		if took := timed(func() { tr.Start(1, "0", For("u")) }); took != patience {
			t.Errorf("the first call took %v, want %v", took, patience)
		}
		for i := range 99 {
			if took := timed(func() { tr.Start(1, strconv.Itoa(i+1), For("u")) }); took != 0 {
				t.Fatalf("call %d took %v while the disk hung", i+1, took)
			}
		}
		before := time.Now()
		time.Sleep(time.Minute)
		close(d.gate)
		synctest.Wait()
		if took := timed(func() { tr.Start(1, "100", For("u")) }); took != 0 {
			t.Errorf("a call on a healthy disk took %v", took)
		}
		if len(d.written) != 101 {
			t.Fatalf("%d records, want 101", len(d.written))
		}
		for i, e := range d.written {
			late := i > 0 && i < 100 // the first one was in the kernel's hands already
			if e.Message != strconv.Itoa(i) || e.Late != late || i < 100 && e.Time.After(before) {
				t.Errorf("record %d = %q at %v, late %v; want late %v", i, e.Message, e.Time, e.Late, late)
			}
		}
		tr.Close()
	})
}

// Calls that wait together are let go together, each after its own 50 ms.
func TestEachCallHasItsOwnPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		tr := on(t, d)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				if took := timed(func() { tr.Start(1, "m", For("u")) }); took != patience {
					t.Errorf("call %d took %v, want %v", i, took, patience)
				}
			})
		}
		wg.Wait()
		close(d.gate)
		tr.Close()
	})
}

// However much is told while a disk hangs, memory is bounded, and what was not kept is counted.
func TestWhatIsDroppedIsTold(t *testing.T) {
	for name, message := range map[string]string{"many": "m", "large": strings.Repeat("x", maxMessage)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const told = 3 * maxHeld
				d := &disk{gate: make(chan struct{})}
				tr := on(t, d)
				waited := time.Duration(0)
				for range told {
					waited += timed(func() { tr.Start(1, message, For("u")) })
				}
				if waited > 2*patience { // one for the write, one for room
					t.Errorf("%d calls on a hanging disk waited %v", told, waited)
				}
				if s := tr.sink; s.held > maxHeld || s.heldBytes > maxHeldBytes {
					t.Errorf("%d records of %d bytes are held", s.held, s.heldBytes)
				}
				close(d.gate)
				if err := tr.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				kept, dropped := 0, uint64(0)
				for _, e := range d.written {
					dropped += e.Dropped
					if e.Kind == KindStage {
						kept++
					}
				}
				if kept < 1000 || dropped == 0 || kept+int(dropped) != told {
					t.Errorf("%d records kept and %d dropped of %d", kept, dropped, told)
				}
				tr.Close()
				if s := tr.sink; s.held != 0 || s.heldBytes != 0 {
					t.Errorf("in the end %d records of %d bytes are held", s.held, s.heldBytes)
				}
			})
		})
	}
}

// A disk that hangs for a moment costs no record, however fast a host tells.
func TestShortHangDropsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const told = 3 * maxHeld
		d := &disk{gate: make(chan struct{})}
		tr := on(t, d)
		go func() {
			time.Sleep(patience + patience/2)
			close(d.gate)
		}()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range told / 4 {
					if took := timed(func() { tr.Start(1, "m", For("u")) }); took > patience {
						t.Errorf("a call took %v", took)
					}
				}
			})
		}
		wg.Wait()
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if len(d.written) != told {
			t.Errorf("%d records of %d", len(d.written), told)
		}
		tr.Close()
	})
}

func TestRecordThatIsTooLargeStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		tr := on(t, d)
		tr.emit(Event{Kind: KindErased, Runs: []string{strings.Repeat("x", journal.MaxRecord)}})
		tr.Start(1, "m", For("u"))
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(d.written) != 2 || d.written[0].Dropped+d.written[1].Dropped != 1 {
			t.Errorf("records = %+v, want a start and word of one dropped", d.written)
		}
		tr.Close()
	})
}

func TestFailingWriteIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{fail: unix.ENOSPC}
		tr := on(t, d)
		for i := range 5 {
			if took := timed(func() { tr.Start(1, strconv.Itoa(i), For("u")) }); took > patience {
				t.Errorf("call %d took %v", i, took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := tr.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush on a full disk = %v", err)
		}
		cancel()
		d.refuse(nil)
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		for i, e := range d.written {
			// What a record says is decided before its first try, which may have gone well.
			if e.Message != strconv.Itoa(i) || e.Late != (i > 0) {
				t.Errorf("record %d = %q, late %v", i, e.Message, e.Late)
			}
		}
		if len(d.written) != 5 {
			t.Errorf("%d records, want 5", len(d.written))
		}
		tr.Close()
	})
}

// What waits together is synced together, and nothing is acknowledged before.
func TestPowerSyncsOnceForAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{power: true}
		tr := on(t, d)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				tr.Start(1, strconv.Itoa(i), For("u"))
				d.mu.Lock()
				defer d.mu.Unlock()
				for _, e := range d.written[:d.synced] {
					if e.Message == strconv.Itoa(i) {
						return
					}
				}
				t.Errorf("call %d returned before its record was synced", i)
			})
		}
		wg.Wait()
		if len(d.written) != 100 || d.syncs > 3 {
			t.Errorf("%d records with %d syncs, want 100 with 3 at most", len(d.written), d.syncs)
		}
		tr.Close()
	})
}

// A write that fails may have gone well all the same. If the record said
// something else the next time, under the same number, a reader would find disorder.
func TestEveryTrySaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{fail: unix.EIO}
		tr := on(t, d)
		tr.Start(1, "m", For("u"))
		time.Sleep(time.Second)
		d.refuse(nil)
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if len(d.tries) < 3 {
			t.Errorf("%d tries", len(d.tries))
		}
		for _, try := range d.tries {
			if try != d.tries[0] {
				t.Errorf("a try says %s, the first one %s", try, d.tries[0])
			}
		}
		tr.Close()
	})
}

// After a sync that failed nothing is taken for written: neither acknowledged,
// nor left out of the next try.
func TestFailedSyncWritesAllAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{power: true}
		tr := on(t, d)
		tr.Start(1, "0", For("u"))
		d.fails = 2
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { tr.Start(1, "m", For("u")) })
		}
		wg.Wait()
		if tr.sink.written() != 1 {
			t.Errorf("%d records are done with before the disk has them", tr.sink.written())
		}
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if len(d.written) != 21 || d.synced != 21 {
			t.Errorf("%d records, %d of them synced, want 21", len(d.written), d.synced)
		}
		tr.Close()
	})
}

func TestOpeningGoesOnBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, gate := &disk{}, make(chan struct{})
		tr := &Tracker{
			definition: Definition{Name: "Render", Stages: []Stage{{Number: 1, Name: "Draw"}}},
			runs:       openRuns{},
		}
		took := timed(func() {
			if err := tr.begin(func() (appender, error) { <-gate; return d, nil }, true); err != nil {
				t.Error(err)
			}
		})
		if took != patience {
			t.Errorf("opening took %v, want %v", took, patience)
		}
		if took := timed(func() { tr.Start(1, "m", For("u")) }); took != 0 {
			t.Errorf("a call took %v while the journal was opened", took)
		}
		close(gate)
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		tr.Start(1, "on time", For("u"))
		var told strings.Builder
		fmt.Fprint(&told, len(d.written))
		for _, e := range d.written {
			fmt.Fprint(&told, " ", e.Kind, " ", e.Late)
		}
		if got, want := told.String(), "3 definition false stage true stage false"; got != want {
			t.Errorf("records = %s, want %s", got, want)
		}
		tr.Close()
		if !d.closed {
			t.Error("the journal was left open")
		}
	})
}

func TestOpeningIsTriedAgainWhereThatHelps(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		forGood bool
	}{
		"full disk":       {unix.ENOSPC, false},
		"disk error":      {unix.EIO, false},
		"descriptors":     {unix.EMFILE, false},
		"no permission":   {unix.EACCES, true},
		"not a folder":    {unix.ENOTDIR, true},
		"read-only":       {unix.EROFS, true},
		"network":         {journal.ErrNetwork, true},
		"newer version":   {journal.ErrNewer, true},
		"something other": {errors.New("other"), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, tries := &disk{}, 0
				tr := &Tracker{definition: DefaultDefinition(), runs: openRuns{}}
				err := tr.begin(func() (appender, error) {
					if tries++; tries < 4 {
						return nil, fmt.Errorf("open: %w", test.err)
					}
					return d, nil
				}, false)
				if test.forGood != (err != nil) || err != nil && !errors.Is(err, test.err) {
					t.Fatalf("begin = %v", err)
				}
				tr.Start(1, "m", For("u"))
				if err := tr.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				if test.forGood != (len(d.written) == 0) {
					t.Errorf("%d records after %d tries", len(d.written), tries)
				}
				tr.Close()
			})
		})
	}
}

// An opening that fails for good after Open has returned leaves a silent tracker.
func TestOpeningThatFailsBehindIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &Tracker{definition: DefaultDefinition(), runs: openRuns{}}
		err := tr.begin(func() (appender, error) { time.Sleep(time.Second); return nil, unix.EACCES }, false)
		if err != nil {
			t.Error(err)
		}
		tr.Start(1, "m", For("u"))
		time.Sleep(time.Minute)
		if took := timed(func() { tr.Start(1, "m", For("u")) }); took != 0 {
			t.Errorf("a call took %v", took)
		}
		if err := tr.Flush(t.Context()); !errors.Is(err, unix.EACCES) {
			t.Errorf("Flush = %v", err)
		}
		tr.Close()
	})
}
