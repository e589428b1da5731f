package journal

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func writeThrough(fd int, b []byte) (int, error) { return unix.Write(fd, b) }

// A fault below the writer costs no record and repeats none.
func TestFaultsBelowTheWriter(t *testing.T) {
	half := func(fd int, b []byte) (int, error) { return unix.Write(fd, b[:len(b)/2]) }
	refuse := func(err error) func(int, []byte) (int, error) {
		return func(int, []byte) (int, error) { return -1, err }
	}
	tests := map[string]struct {
		write   func(fd int, b []byte) (int, error) // for the second record, again and again
		times   int                                 // so often, then all is well
		stat    error
		failed  bool // Append must say so
		damaged int
		repeats uint64
	}{
		"short once":           {write: half, times: 1, damaged: 1},
		"short for long":       {write: half, times: 3, failed: true, damaged: 1}, // fragments in a row are one stretch,
		"one byte":             {write: func(fd int, b []byte) (int, error) { return unix.Write(fd, b[:1]) }, times: 1, damaged: 1},
		"all but the line end": {write: func(fd int, b []byte) (int, error) { return unix.Write(fd, b[:len(b)-1]) }, times: 1, damaged: 1},
		"no space":             {write: refuse(unix.ENOSPC), times: 1, failed: true},
		"quota":                {write: refuse(unix.EDQUOT), times: 1, failed: true},
		"i/o error":            {write: refuse(unix.EIO), times: 1, failed: true},
		"read-only":            {write: refuse(unix.EROFS), times: 1, failed: true},
		"interrupted":          {write: refuse(unix.EINTR), times: 5},
		"i/o error after all": {write: func(fd int, b []byte) (int, error) {
			if _, err := unix.Write(fd, b); err != nil {
				return -1, err
			}
			return -1, unix.EIO
		}, times: 1, failed: true, repeats: 1},
		"i/o error after half": {write: func(fd int, b []byte) (int, error) {
			if _, err := unix.Write(fd, b[:len(b)/2]); err != nil {
				return -1, err
			}
			return -1, unix.EIO
		}, times: 1, failed: true, damaged: 1},
		"mode cannot be read": {stat: unix.EIO, times: 1, failed: true, repeats: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := open(t, dir)
			appendAll(t, w, "one")
			left := test.times
			if test.write != nil {
				w.write = func(fd int, b []byte) (int, error) {
					if left--; left >= 0 {
						return test.write(fd, b)
					}
					return unix.Write(fd, b)
				}
			}
			if test.stat != nil {
				w.statx = func(fd int, path string, flags, mask int, stat *unix.Statx_t) error {
					if left--; left >= 0 {
						return test.stat
					}
					return unix.Statx(fd, path, flags, mask, stat)
				}
			}
			err := w.Append([]byte("two"))
			if (err != nil) != test.failed {
				t.Fatalf("Append gave %v", err)
			}
			if err != nil {
				appendAll(t, w, "two")
			}
			appendAll(t, w, "three")
			got, f := all(t, dir, Position{})
			if fmt.Sprint(got) != "[one two three]" || f.Skipped().Damaged != test.damaged {
				t.Errorf("got %v, skipped %+v", got, f.Skipped())
			}
			r := check(t, dir)
			if !r.Sound() || r.Records != 3 || r.Repeats != test.repeats || r.Counts[Fragment] != test.damaged {
				t.Errorf("check says %+v", r)
			}
		})
	}
}

func TestOnlyPowerSyncs(t *testing.T) {
	for _, d := range []Durability{Process, Power} {
		dir := t.TempDir()
		w, err := OpenWriter(dir, Options{Durability: d})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		synced, fail := 0, error(unix.EIO)
		w.sync = func(fd int) error {
			synced++
			defer func() { fail = nil }()
			return errors.Join(fail, unix.Fdatasync(fd))
		}
		appendAll(t, w, "one", "two")
		err = w.Sync()
		if d == Process && (err != nil || synced > 0) || d == Power && (!errors.Is(err, unix.EIO) || synced != 1) {
			t.Errorf("%s: Sync = %v after %d syncs", d, err, synced)
		}
		if d == Power {
			appendAll(t, w, "one", "two") // which count as not appended
		}
		for range 2 { // the second has nothing to do
			if err := w.Sync(); err != nil {
				t.Errorf("%s: %v", d, err)
			}
		}
		if d == Power && synced != 2 {
			t.Errorf("%d syncs, want 2", synced)
		}
		appendAll(t, w, "three")
		if _, err := Seal(dir, 1, 0); err != nil {
			t.Fatal(err)
		}
		appendAll(t, w, "four") // goes over to the next segment: what is in this one is synced first
		if d == Power && synced != 3 {
			t.Errorf("%d syncs after the segment was left, want 3", synced)
		}
	}
}

func TestHeaderIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	ids := make(chan string, 16)
	for range cap(ids) {
		go func() {
			w, err := OpenWriter(dir, Options{})
			if err != nil {
				t.Error(err)
				ids <- ""
				return
			}
			defer w.Close()
			ids <- w.Header().ID
		}()
	}
	h, seen := Header{}, map[string]bool{}
	for range cap(ids) {
		seen[<-ids] = true
	}
	h, err := ReadHeader(dir)
	if err != nil || len(seen) != 1 || !seen[h.ID] {
		t.Fatalf("ids %v, header %+v, %v", seen, h, err)
	}
	change(t, dir+"/"+HeaderFile, func([]byte) []byte {
		return []byte(`{"v":1,"later":{"a":[1]},"id":"` + h.ID + `","durability":"process"}`)
	})
	if err := SetDurability(dir, Power); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dir + "/" + HeaderFile)
	if want := `{"durability":"power","id":"` + h.ID + `","later":{"a":[1]},"v":1}` + "\n"; string(text) != want || err != nil {
		t.Errorf("header %s, want %s, %v", text, want, err)
	}
	if w, err := OpenWriter(dir, Options{Durability: Process}); err != nil || w.Header().Durability != Power {
		t.Errorf("%+v, %v", w, err)
	}
	change(t, dir+"/"+HeaderFile, func([]byte) []byte { return []byte("gone") })
	if w, err := OpenWriter(dir, Options{}); err != nil || w.Header().ID != "" || w.Header().Durability != Process {
		t.Errorf("a damaged header: %+v, %v", w, err)
	}
	change(t, dir+"/"+HeaderFile, func([]byte) []byte { return []byte(`{"v":2}`) })
	if _, err := OpenWriter(dir, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer journal: %v", err)
	}
}

// from returns what a follower sees that begins where another one was.
func from(t *testing.T, dir string, p Position) []string {
	t.Helper()
	got, f := all(t, dir, p)
	f.Close()
	return got
}

// A writer that is stopped in the instant between its write and its look, while
// the segment is sealed: whether the record came before the seal or after it,
// every follower sees it once, wherever it begins.
func TestWriterStoppedBetweenWriteAndLook(t *testing.T) {
	for name, before := range map[string]bool{"before the seal": true, "after the seal": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := open(t, dir)
			appendAll(t, w, "one")
			seal := func() {
				if ok, err := Seal(dir, 1, 0); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			live := Follow(dir, Position{})
			defer live.Close()
			seen := more(t, live)
			var left Position // of a follower that went on to the next segment meanwhile
			w.write = func(fd int, b []byte) (int, error) {
				w.write = writeThrough
				if before {
					defer seal()
				} else {
					seal()
					seen = append(seen, more(t, live)...)
					left = live.Position()
				}
				return writeThrough(fd, b)
			}
			appendAll(t, w, "two", "three")
			seen = append(seen, more(t, live)...)
			if fmt.Sprint(seen) != "[one two three]" {
				t.Errorf("a live follower saw %v", seen)
			}
			if got := from(t, dir, Position{}); fmt.Sprint(got) != "[one two three]" {
				t.Errorf("a new follower sees %v", got)
			}
			want := "[two three]"
			if before {
				want = "[three]"
			}
			for _, p := range []Position{{Segment: 2}, left} {
				if p.Segment != 2 {
					continue
				}
				if got := from(t, dir, p); fmt.Sprint(got) != want {
					t.Errorf("a follower that goes on at %v sees %v, want %v", p, got, want)
				}
			}
			if r := check(t, dir); len(r.Findings) > 0 || r.Records != 3 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A keeper that was killed between the mark and the seal holds up nobody for long.
func TestFollowerGoesOnWithoutASeal(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	appendAll(t, w, "one")
	u, err := hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	u.reached = func(step string) error {
		if step == "marked" {
			return errKilled
		}
		return nil
	}
	if _, err := u.seal(1, 0); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	u.release()
	appendAll(t, w, "two")
	if got := from(t, dir, Position{}); fmt.Sprint(got) != "[one two]" {
		t.Errorf("got %v", got)
	}
}

// A keeper that was killed between the mark and the seal, a follower that went
// on without the seal, and a record that came late: however the segment gets its
// seal, a follower that goes on there is handed the record.
func TestLateRecordInASegmentWithoutASeal(t *testing.T) {
	for name, keep := range map[string]func(dir string) error{
		"without a keeper": func(string) error { return nil },
		"another keeper":   func(dir string) error { _, err := Seal(dir, 1<<20, 0); return err },
		"repair":           func(dir string) error { _, err := Repair(dir); return err },
		"seal lost and repaired": func(dir string) error {
			_, err := Seal(dir, 1<<20, 0)
			err = errors.Join(err, os.Remove(sealPath(dir, 1)))
			_, repaired := Repair(dir)
			return errors.Join(err, repaired)
		},
		"rewriting": func(dir string) error {
			_, err := Rewrite(dir, func(p []byte) ([]byte, bool) { return []byte("1"), string(p) == "one" })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := open(t, dir)
			appendAll(t, w, "one")
			early := Follow(dir, Position{})
			defer early.Close()
			early.patience = 0
			w.write = func(fd int, b []byte) (int, error) {
				w.write = writeThrough
				u, err := hold(dir)
				if err != nil {
					t.Fatal(err)
				}
				u.reached = func(step string) error {
					if step == "marked" {
						return errKilled
					}
					return nil
				}
				if _, err := u.seal(1, 0); !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
				u.release()
				if got := more(t, early); fmt.Sprint(got) != "[one]" || early.Position() != (Position{Segment: 2}) {
					t.Fatal(got, early.Position())
				}
				return writeThrough(fd, b)
			}
			place := Position{Segment: 2}
			appendAll(t, w, "two", "three")
			if err := keep(dir); err != nil {
				t.Fatal(err)
			}
			if got := from(t, dir, place); fmt.Sprint(got) != "[two three]" {
				t.Errorf("a follower that goes on sees %v", got)
			}
			if got := more(t, early); fmt.Sprint(got) != "[two three]" {
				t.Errorf("the one that went on without the seal sees %v", got)
			}
			if r := check(t, dir); !r.Sound() || r.Records != 3 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestRetentionOvertakesAFollower(t *testing.T) {
	dir := built(t)
	slow, absent := Follow(dir, Position{}), Follow(dir, Position{})
	defer slow.Close()
	defer absent.Close()
	if rec, ok, err := slow.Next(); !ok || err != nil || rec.Missing > 0 {
		t.Fatal(rec, ok, err)
	}
	if n, err := Retain(dir, Retention{Bytes: 1}, 9); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	for name, test := range map[string]struct {
		f       *Follower
		before  int
		missing uint64
	}{"in a removed segment": {slow, 9, 2}, "before them": {absent, 0, 3}} {
		for range test.before { // what it has open it reads to the end
			if rec, ok, err := test.f.Next(); !ok || err != nil || rec.Missing > 0 {
				t.Fatal(name, rec, ok, err)
			}
		}
		rec, ok, err := test.f.Next()
		if !ok || err != nil || rec.Missing != test.missing || rec.End != (Position{Segment: 4}) || test.f.Skipped().Gaps != test.missing {
			t.Errorf("%s: %+v %v %v, skipped %+v", name, rec, ok, err, test.f.Skipped())
		}
		if rest := more(t, test.f); len(rest) != 10 {
			t.Errorf("%s: %d records after the gap", name, len(rest))
		}
	}
}

func TestSegmentIsSealedByAge(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	if ok, err := Seal(dir, 1<<20, time.Hour); ok || err != nil {
		t.Error("an empty segment was sealed", err)
	}
	appendAll(t, w, `{"time":"`+time.Now().Add(-50*time.Minute).UTC().Format(time.RFC3339)+`"}`)
	if ok, err := Seal(dir, 1<<20, time.Hour); ok || err != nil {
		t.Error("a young segment was sealed", err)
	}
	if ok, err := Seal(dir, 1<<20, 40*time.Minute); !ok || err != nil {
		t.Error("an old segment was not sealed", err)
	}
}

func TestMaintainersKeepEachOtherOut(t *testing.T) {
	dir := built(t)
	release, err := Maintain(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(dir, 1, 0); !errors.Is(err, ErrMaintained) {
		t.Errorf("Seal: %v", err)
	}
	if _, err := Retain(dir, Retention{Bytes: 1}, 9); !errors.Is(err, ErrMaintained) {
		t.Errorf("Retain: %v", err)
	}
	release()
	if ok, err := Seal(dir, 1, 0); !ok || err != nil {
		t.Errorf("Seal after the release: %v %v", ok, err)
	}
}

// A stretch that reads as damage and is whole at the second look is no damage.
func TestDamageIsLookedAtTwice(t *testing.T) {
	dir := t.TempDir()
	appendAll(t, open(t, dir), "one", "two")
	whole, err := os.ReadFile(segmentPath(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	for at := range len(whole) - 1 { // without its end a line is only waited for
		f := Follow(dir, Position{})
		defer f.Close()
		if _, _, err := f.open(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.text.fill(f.file, growing); err != nil {
			t.Fatal(err)
		}
		f.text.buf[at] = 0 // as a reader may see a page that is still being written
		got := more(t, f)
		if f.Skipped().Damaged > 0 || fmt.Sprint(got) != "[one two]" {
			t.Fatalf("byte %d: got %v, skipped %+v", at, got, f.Skipped())
		}
	}
}
