package stagewatch

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestCloseWaitsASecondForAHangingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		tr := on(t, d)
		tr.Start(1, "m", For("u"))
		tr.Start(1, "m", For("u"))
		if took := timed(tr.Close); took != closePatient+closeLast {
			t.Errorf("Close took %v, want %v", took, closePatient+closeLast)
		}
		if took := timed(func() { tr.Start(1, "m", For("u")) }); took != 0 {
			t.Errorf("a call after Close took %v", took)
		}
		close(d.gate)
		synctest.Wait() // its goroutine ends, or this test never does
		if !d.closed || len(d.written) != 2 {
			t.Errorf("closed %v with %d records, want 2", d.closed, len(d.written))
		}
	})
}

// A disk that is slow is not one that hangs: what it was told is written, and
// what it cannot take in ten seconds is counted.
func TestCloseWaitsForASlowDisk(t *testing.T) {
	const told = 2900
	for name, test := range map[string]struct {
		takes       time.Duration // a write of some 60 records
		least, most int
	}{
		"slow":     {100 * time.Millisecond, told, told},
		"too slow": {900 * time.Millisecond, 300, 700},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{takes: test.takes}
				tr := on(t, d)
				for range told {
					tr.Start(1, strings.Repeat("x", maxMessage), For("u"))
				}
				took := timed(tr.Close)
				kept, dropped := tally(d)
				if took > closeLimit+closeLast || kept < test.least || kept > test.most || kept+dropped != told {
					t.Errorf("Close took %v, %d records kept, %d told as dropped", took, kept, dropped)
				}
				if err := tr.Flush(t.Context()); (err != nil) != (kept < told) {
					t.Errorf("Flush after Close = %v with %d of %d records kept", err, kept, told)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if later, _ := tally(d); later != kept || !d.closed {
					t.Errorf("%d records in the end, %d before; closed %v", later, kept, d.closed)
				}
			})
		})
	}
}

// tally returns how many stage records a disk holds and of how many it was told that they were dropped.
func tally(d *disk) (kept, dropped int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.written {
		if e.Kind == KindStage {
			kept++
		}
		dropped += int(e.Dropped)
	}
	return kept, dropped
}

func TestCloseOnAFailingDisk(t *testing.T) {
	for name, test := range map[string]struct {
		well          time.Duration // when the disk is well again, after Close was called; 0: never
		kept, dropped int
		lost          bool // Flush says so
	}{
		"soon again":         {well: 600 * time.Millisecond, kept: 5},
		"for the last words": {well: 980 * time.Millisecond, kept: 1, dropped: 4, lost: true},
		"never":              {lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{fail: unix.ENOSPC}
				tr := on(t, d)
				for i := range 5 {
					tr.Start(1, strconv.Itoa(i), For("u"))
				}
				time.Sleep(100 * time.Millisecond) // tries come each 250 ms, the last but one 900 ms after Close
				if test.well > 0 {
					time.AfterFunc(test.well, func() { d.refuse(nil) })
				}
				if took := timed(tr.Close); took > closePatient+closeLast {
					t.Errorf("Close took %v", took)
				}
				if kept, dropped := tally(d); kept != test.kept || dropped != test.dropped {
					t.Errorf("%d records kept, %d told as dropped, want %d and %d", kept, dropped, test.kept, test.dropped)
				}
				if err := tr.Flush(t.Context()); (err != nil) != test.lost {
					t.Errorf("Flush = %v", err)
				}
			})
		})
	}
}

// Calls, Flush and Close from everywhere at once: none hangs, and what was acknowledged before is written.
func TestCloseMayComeAtAnyMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{power: true}
		tr := on(t, d)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for range 10 {
					if took := timed(func() { tr.Start(i, "m", For("u")) }); took > patience {
						t.Errorf("a call took %v", took)
					}
				}
				if i%5 == 0 {
					tr.Close()
				}
				if err := tr.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}
