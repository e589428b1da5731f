package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// all reads what is in a journal now.
func all(t testing.TB, dir string, from Position) (payloads []string, f *Follower) {
	t.Helper()
	f = Follow(dir, from)
	t.Cleanup(f.Close)
	return more(t, f), f
}

func more(t testing.TB, f *Follower) (payloads []string) {
	t.Helper()
	for {
		rec, ok, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return payloads
		}
		payloads = append(payloads, string(rec.Payload))
	}
}

func open(t testing.TB, dir string) *Writer {
	t.Helper()
	w, err := OpenWriter(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func appendAll(t testing.TB, w *Writer, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := w.Append([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecordsComeBackInOrder(t *testing.T) {
	dir := t.TempDir()
	appendAll(t, open(t, dir), `{"a":1}`, `{"b":"ü 🚀"}`)
	appendAll(t, open(t, dir), `{"c":3}`)
	got, f := all(t, dir, Position{})
	if fmt.Sprint(got) != `[{"a":1} {"b":"ü 🚀"} {"c":3}]` {
		t.Errorf("got %v", got)
	}
	end, err := End(dir)
	if err != nil || f.Position() != end {
		t.Errorf("position %v, end %v, %v", f.Position(), end, err)
	}
}

// A cut at any byte of the journal costs the record that was cut and no other.
func TestFragmentTakesNoNeighbour(t *testing.T) {
	whole := t.TempDir()
	appendAll(t, open(t, whole), "one", "two")
	text, err := os.ReadFile(filepath.Join(whole, segmentName(1)))
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(text, '\n') + 1
	for at := first + 1; at < len(text); at++ {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), text[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		appendAll(t, open(t, dir), "three")
		got, f := all(t, dir, Position{})
		if fmt.Sprint(got) != "[one three]" || f.Skipped().Damaged != 1 {
			t.Fatalf("cut at %d: got %v, skipped %+v", at, got, f.Skipped())
		}
	}
}

func TestFlippedByteCostsOneRecord(t *testing.T) {
	whole := t.TempDir()
	appendAll(t, open(t, whole), "one", "two", "three")
	text, err := os.ReadFile(filepath.Join(whole, segmentName(1)))
	if err != nil {
		t.Fatal(err)
	}
	for at := range text {
		for _, bit := range []byte{0x01, 0x80, 0x14} {
			broken := bytes.Clone(text)
			broken[at] ^= bit
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, segmentName(1)), broken, 0o600); err != nil {
				t.Fatal(err)
			}
			got, f := all(t, dir, Position{})
			// A flipped line end joins two records: the second is still whole behind its separator.
			if len(got) < 2 || f.Skipped().Damaged == 0 && len(got) != 2 {
				t.Fatalf("byte %d ^ %#x: got %v, skipped %+v", at, bit, got, f.Skipped())
			}
			for _, p := range got {
				if p != "one" && p != "two" && p != "three" {
					t.Fatalf("byte %d ^ %#x: invented %q", at, bit, p)
				}
			}
		}
	}
}

// Writers, sealing and a follower at once: every record arrives once, in each writer's order.
func TestSealingLosesAndRepeatsNothing(t *testing.T) {
	const writers, each = 8, 2000
	dir := t.TempDir()
	live := Follow(dir, Position{})
	defer live.Close()
	var wg sync.WaitGroup
	var seals atomic.Int64
	for i := range writers {
		w := open(t, dir)
		wg.Go(func() {
			for n := range each {
				if err := w.Append(fmt.Appendf(nil, "%d %d", i, n)); err != nil {
					t.Error(err)
					return
				}
				if i > 0 || n%100 > 0 { // one of them is the keeper
					continue
				}
				begun, err := Seal(dir, 1<<10, 0)
				if err != nil {
					t.Error(err)
				}
				if begun {
					seals.Add(1)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	next := make([]int, writers)
	total := 0
	check := func(payloads []string) {
		for _, p := range payloads {
			var i, n int
			if _, err := fmt.Sscanf(p, "%d %d", &i, &n); err != nil {
				t.Fatal(p, err)
			}
			if n != next[i] {
				t.Fatalf("writer %d: record %d came when %d was due", i, n, next[i])
			}
			next[i]++
			total++
		}
	}
	for running := true; running; {
		select {
		case <-finished:
			running = false
		default:
		}
		check(more(t, live))
	}
	check(more(t, live))
	if total != writers*each || seals.Load() < 10 {
		t.Fatalf("%d records over %d seals, want %d over at least 10", total, seals.Load(), writers*each)
	}
	if s := live.Skipped(); s != (Skipped{}) {
		t.Errorf("skipped %+v", s)
	}
	late, _ := all(t, dir, Position{})
	if len(late) != total {
		t.Errorf("a later reader sees %d records, want %d", len(late), total)
	}
}

// From any position that a follower had, another one goes on with the very next record.
func TestFollowerGoesOnWhereItWas(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	for i := range 200 {
		appendAll(t, w, fmt.Sprint(i))
		if _, err := Seal(dir, 2<<10, 0); err != nil {
			t.Fatal(err)
		}
	}
	f := Follow(dir, Position{})
	defer f.Close()
	for i := range 200 {
		if _, ok, err := f.Next(); !ok || err != nil {
			t.Fatal(i, ok, err)
		}
		rest, g := all(t, dir, f.Position())
		g.Close()
		if len(rest) != 199-i || len(rest) > 0 && rest[0] != fmt.Sprint(i+1) {
			t.Fatalf("after %d came %d records, first %v", i, len(rest), rest[:min(1, len(rest))])
		}
	}
}

func TestHalfDoneSealIsFinished(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	appendAll(t, w, "one")
	// As a kill between the mark and the seal file leaves it.
	if err := os.WriteFile(filepath.Join(dir, segmentName(2)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, segmentName(1)), sealedMode); err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, "two")
	if _, err := Seal(dir, 1<<20, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "00000001.seal")); err != nil {
		t.Error(err)
	}
	if got, _ := all(t, dir, Position{}); fmt.Sprint(got) != "[one two]" {
		t.Errorf("got %v", got)
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	if err := w.Append(make([]byte, MaxRecord)); err == nil {
		t.Error("a record beyond the limit was taken")
	}
	appendAll(t, w, "small")
	if got, _ := all(t, dir, Position{}); fmt.Sprint(got) != "[small]" {
		t.Errorf("got %v", got)
	}
}

func TestFrameHoldsAnyPayload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.StringMatching(`[^\x00-\x1f]{0,200}`).Draw(t, "payload")
		id, n := rapid.Uint64().Draw(t, "writer"), rapid.Uint64Min(1).Draw(t, "n")
		frame := appendFrame(nil, id, n, 0, []byte(payload))
		got, err := parseFrame(frame[1 : len(frame)-1])
		if err != nil || got.Writer != id || got.N != n || string(got.Payload) != payload {
			t.Fatalf("parse(%q) = %+v %v", frame, got, err)
		}
	})
}

// Whatever stands in a segment, reading ends, and records put in between are found.
func FuzzFollow(f *testing.F) {
	f.Add([]byte("\x1e00000000 0000000000000001 1 {}\n"), []byte("\x1e\x1e\n\n"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		dir := t.TempDir()
		frame := appendFrame(nil, 7, 1, 0, []byte("found"))
		text := append(append(bytes.Clone(before), frame...), after...)
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _ := all(t, dir, Position{})
		if slices.Contains(got, "found") {
			return
		}
		if !bytes.Contains(before, []byte("0000000000000007")) {
			t.Errorf("the whole record was not found; got %q", got)
		}
	})
}
