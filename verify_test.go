package stagewatch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// recorded makes a home with a few records and a status file.
func recorded(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	tr, err := Open(Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		tr.Start(1, "message "+fmt.Sprint(i), For("somebody"), On("twitter"))
	}
	k, err := NewKeeper(tr, KeeperConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Run(ctx); err != nil {
		t.Fatal(err)
	}
	tr.Close()
	return home
}

func verified(t *testing.T, home string) VerifyReport {
	t.Helper()
	r, err := Verify(home)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerifyTellsASoundHome(t *testing.T) {
	home := recorded(t)
	r := verified(t, home)
	if !r.Sound() || r.Journal.Records < 20 || r.Unreadable > 0 || r.Erased > 0 {
		t.Errorf("%+v", r)
	}
	if _, err := Verify(filepath.Join(home, "nowhere")); !errors.Is(err, ErrNoJournal) {
		t.Errorf("a home without a journal: %v", err)
	}
}

func TestVerifyCountsErasedRecords(t *testing.T) {
	home := recorded(t)
	tr, err := Open(Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if _, err := Erase(t.Context(), tr, "twitter/somebody"); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, home); r.Erased != 20 || !r.Sound() {
		t.Errorf("%d erased, %+v", r.Erased, r)
	}
}

func TestVerifyFindsRecordsThatCannotBeRead(t *testing.T) {
	home := recorded(t)
	w, err := journal.OpenWriter(journalDir(home), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Append([]byte(`{"v":2,"kind":"song"}`)); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, home); r.Unreadable != 1 || r.Newer != 1 || !r.Sound() {
		t.Errorf("a newer record: %+v", r)
	}
	if err := w.Append([]byte(`no JSON`)); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, home); r.Unreadable != 2 || len(r.UnreadableAt) != 2 || r.Sound() {
		t.Errorf("an unreadable record: %+v", r)
	}
}

func TestVerifyFindsDamagedStatusAndRepairSetsItAside(t *testing.T) {
	tests := map[string]struct {
		damage func(text []byte) []byte
		fault  string
	}{
		"cut":             {func(b []byte) []byte { return b[:len(b)/2] }, "damaged"},
		"empty":           {func([]byte) []byte { return nil }, "damaged"},
		"other version":   {func(b []byte) []byte { return bytes.Replace(b, []byte(`"version":1`), []byte(`"version":7`), 1) }, "version"},
		"another journal": {func([]byte) []byte { return []byte(`{"version":1,"journal":"x"}`) }, "another journal"},
	}
	sample := recorded(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(sample, StatusFile)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			whole = bytes.Replace(whole, []byte(`"version": 1`), []byte(`"version":1`), 1)
			damaged := test.damage(bytes.Clone(whole))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if r := verified(t, sample); r.Sound() || !strings.Contains(r.Status, test.fault) {
				t.Errorf("status %q, want one that says %q", r.Status, test.fault)
			}
			r, err := Repair(sample)
			if err != nil || !r.Sound() || len(r.Done) != 1 {
				t.Fatalf("%+v, %v", r, err)
			}
			aside, err := filepath.Glob(path + ".damaged-*")
			if err != nil || len(aside) != 1 {
				t.Fatal(aside, err)
			}
			if kept, err := os.ReadFile(aside[0]); !bytes.Equal(kept, damaged) {
				t.Errorf("set aside was %q, %v", kept, err)
			}
			if err := errors.Join(os.Remove(aside[0]), os.WriteFile(path, whole, 0o600)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestVerifyFindsAStatusAheadOfItsJournal(t *testing.T) {
	home := recorded(t)
	segment := filepath.Join(journalDir(home), "00000001.seg")
	if err := os.Truncate(segment, 0); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, home); r.Sound() || !strings.Contains(r.Status, "ahead") {
		t.Errorf("status %q", r.Status)
	}
}

func TestRepairMakesADamagedHomeSound(t *testing.T) {
	home := recorded(t)
	segment := filepath.Join(journalDir(home), "00000001.seg")
	text, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(segment, text, 0o600); err != nil {
		t.Fatal(err)
	}
	before := verified(t, home)
	if before.Sound() {
		t.Errorf("a flipped bit was not found: %+v", before)
	}
	r, err := Repair(home)
	if err != nil || !r.Sound() || len(r.Done) == 0 || r.Journal.Records != before.Journal.Records {
		t.Errorf("%+v, %v", r, err)
	}
}

// What a repair found lost is told by every later check, though what is left is sound.
func TestWhatARepairFoundLostStaysTold(t *testing.T) {
	tests := map[string]struct {
		harm func(segment string) error
		want func(n RepairNote) bool
	}{
		"the end cut off": {
			func(segment string) error {
				info, err := os.Stat(segment)
				return errors.Join(err, os.Truncate(segment, info.Size()-30))
			},
			func(n RepairNote) bool { return strings.Contains(n.Status, "ahead of the journal") },
		},
		"a flipped bit": {
			func(segment string) error {
				text, err := os.ReadFile(segment)
				text[len(text)/2] ^= 1
				return errors.Join(err, os.WriteFile(segment, text, 0o600))
			},
			func(n RepairNote) bool {
				return slices.ContainsFunc(n.Found, func(f journal.Finding) bool { return f.Kind == journal.Lost && f.Count == 1 })
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			home := recorded(t)
			if err := test.harm(filepath.Join(journalDir(home), "00000001.seg")); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second one finds nothing and adds nothing
				r, err := Repair(home)
				if err != nil || !r.Sound() || len(r.Repairs) != 1 || !test.want(r.Repairs[0]) {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			if r := verified(t, home); !r.Sound() || len(r.Repairs) != 1 {
				t.Errorf("%+v", r)
			}
		})
	}
	if r := verified(t, recorded(t)); r.Repairs != nil {
		t.Errorf("a home that was never repaired: %+v", r.Repairs)
	}
}

// BenchmarkVerify is [Verify] of a million usual records of eight writers, beside
// the least that a check can do: the same bytes read by as many goroutines, for
// CRC-32C and SHA-256.
func BenchmarkVerify(b *testing.B) {
	const records, segmentSize = 1_000_000, 4 << 20
	if testing.Short() {
		b.Skip("writes 400 MB")
	}
	home := b.TempDir()
	var w [8]*journal.Writer
	for i := range w {
		var err error
		if w[i], err = journal.OpenWriter(journalDir(home), journal.Options{}); err != nil {
			b.Fatal(err)
		}
		defer w[i].Close()
	}
	var text []byte
	for i := range records {
		e := turn(i, 10_000)
		var err error
		if text, err = appendEvent(text[:0], &e); err != nil {
			b.Fatal(err)
		}
		if err := w[i/3%len(w)].Append(text); err != nil {
			b.Fatal(err)
		}
		if i%2048 == 0 {
			if _, err := journal.Seal(journalDir(home), segmentSize, 0); err != nil {
				b.Fatal(err)
			}
		}
	}
	segments, err := filepath.Glob(filepath.Join(journalDir(home), "*.seg"))
	if err != nil {
		b.Fatal(err)
	}
	var took, busy, floor time.Duration
	var size int64
	for b.Loop() {
		var before, after unix.Rusage
		began, _ := time.Now(), unix.Getrusage(unix.RUSAGE_SELF, &before)
		r, err := Verify(home)
		_ = unix.Getrusage(unix.RUSAGE_SELF, &after)
		took, busy = took+time.Since(began), busy+used(after)-used(before)
		if err != nil || !r.Sound() || r.Journal.Records != records {
			b.Fatalf("%+v, %v", r, err)
		}
		size = r.Journal.Bytes
		began = time.Now()
		if err := sums(segments); err != nil {
			b.Fatal(err)
		}
		floor += time.Since(began)
	}
	b.SetBytes(size)
	mega := float64(size) * float64(b.N) / 1e6
	b.ReportMetric(mega/took.Seconds(), "verify-MB/s")
	b.ReportMetric(mega/busy.Seconds(), "verify-MB/cpu-s") // which others on the machine hardly change
	b.ReportMetric(mega/floor.Seconds(), "floor-MB/s")
	b.ReportMetric(float64(took)/float64(floor), "times-floor")
}

// sums reads files side by side, each once through CRC-32C and SHA-256.
func sums(paths []string) error {
	next := make(chan string, len(paths))
	for _, path := range paths {
		next <- path
	}
	close(next)
	failed := make([]error, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for i := range failed {
		workers.Go(func() {
			for path := range next {
				failed[i] = errors.Join(failed[i], sum(path))
			}
		})
	}
	workers.Wait()
	return errors.Join(failed...)
}

func sum(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	table, crc, h := crc32.MakeTable(crc32.Castagnoli), uint32(0), sha256.New()
	for block := make([]byte, 128<<10); ; {
		n, err := f.Read(block)
		h.Write(block[:n])
		crc = crc32.Update(crc, table, block[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
