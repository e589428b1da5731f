package journal

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// bytesOf returns the payloads of texts.
func bytesOf(texts ...string) [][]byte {
	var all [][]byte
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}

// fromEverywhere checks that a follower sees want, each once, from the beginning,
// and what is left of it from every place at which another one may have been.
func fromEverywhere(t *testing.T, dir string, want ...string) {
	t.Helper()
	f := Follow(dir, Position{})
	defer f.Close()
	for seen := 0; ; seen++ {
		if got := from(t, dir, f.Position()); fmt.Sprint(got) != fmt.Sprint(want[seen:]) {
			t.Errorf("from %v a follower sees %v, want %v", f.Position(), got, want[seen:])
		}
		r, ok, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return
		}
		if seen == len(want) || string(r.Payload) != want[seen] {
			t.Fatalf("record %d is %s, want %v", seen, r.Payload, want)
		}
	}
}

// What waits together is written with one write, which may go wrong anywhere.
func TestManyRecordsInOneWrite(t *testing.T) {
	whole := func(fd int, b []byte) (int, error) { return unix.Write(fd, b) }
	for name, test := range map[string]struct {
		fault   func(dir string) func(fd int, b []byte) (int, error) // the first write
		failed  bool
		writes  int
		damaged int
		repeats uint64
	}{
		"well": {fault: func(string) func(int, []byte) (int, error) { return whole }, writes: 1},
		"short": {
			// All of the first record and half of the second.
			fault: func(string) func(int, []byte) (int, error) {
				return func(fd int, b []byte) (int, error) { return unix.Write(fd, b[:len(b)/2]) }
			}, writes: 2, damaged: 1,
		},
		"short between two records": {
			fault: func(string) func(int, []byte) (int, error) {
				return func(fd int, b []byte) (int, error) { return unix.Write(fd, b[:len(b)/3]) }
			}, writes: 2,
		},
		"all there, and EIO": {
			fault: func(string) func(int, []byte) (int, error) {
				return func(fd int, b []byte) (int, error) {
					if _, err := unix.Write(fd, b); err != nil {
						return -1, err
					}
					return -1, unix.EIO
				}
			}, failed: true, writes: 2, repeats: 3,
		},
		"sealed after it": {
			fault: func(dir string) func(int, []byte) (int, error) {
				return func(fd int, b []byte) (int, error) {
					n, err := unix.Write(fd, b)
					if ok, err := Seal(dir, 1, 0); !ok || err != nil {
						return n, fmt.Errorf("seal: %v, %w", ok, err)
					}
					return n, err
				}
			}, writes: 2, repeats: 3,
		},
		"sealed before it": {
			fault: func(dir string) func(int, []byte) (int, error) {
				return func(fd int, b []byte) (int, error) {
					if ok, err := Seal(dir, 1, 0); !ok || err != nil {
						return -1, fmt.Errorf("seal: %v, %w", ok, err)
					}
					return unix.Write(fd, b)
				}
			}, writes: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := open(t, dir)
			appendAll(t, w, "one")
			writes := 0
			fault := test.fault(dir)
			w.write = func(fd int, b []byte) (int, error) {
				if writes++; writes == 1 {
					return fault(fd, b)
				}
				return unix.Write(fd, b)
			}
			row := bytesOf("two", "abc", "xyz")
			err := w.Append(row...)
			if (err != nil) != test.failed {
				t.Fatalf("Append = %v", err)
			}
			if err != nil { // with one more that came meanwhile
				row = append(row, []byte("new"))
			} else {
				appendAll(t, w, "new")
				writes--
			}
			if err != nil {
				if err := w.Append(row...); err != nil {
					t.Fatal(err)
				}
			}
			if writes != test.writes {
				t.Errorf("%d writes, want %d", writes, test.writes)
			}
			fromEverywhere(t, dir, "one", "two", "abc", "xyz", "new")
			r := check(t, dir)
			if !r.Sound() || r.Records != 5 || r.Repeats != test.repeats || r.Counts[Fragment] != test.damaged || r.Counts[Disorder]+r.Counts[Lost] > 0 {
				t.Errorf("check says %+v", r)
			}
		})
	}
}

// When a sync fails the kernel may have dropped what it could not write, and
// say the next time that all is well: everything since the last good one is
// written again, marked, also what stands in a segment that was left meanwhile.
func TestFailedSyncTakesEverythingBack(t *testing.T) {
	for name, test := range map[string]struct {
		leaves bool // the segment is sealed before the last record
		fails  []int
		tries  int
	}{
		"once":                {fails: []int{2}, tries: 2},
		"twice":               {fails: []int{2, 3}, tries: 3},
		"on leaving":          {leaves: true, fails: []int{2}, tries: 2},
		"after leaving":       {leaves: true, fails: []int{3}, tries: 2},
		"leaving, and again":  {leaves: true, fails: []int{2, 4}, tries: 3},
		"never":               {tries: 1},
		"never, with leaving": {leaves: true, tries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w, err := OpenWriter(dir, Options{Durability: Power})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			syncs := 0
			w.sync = func(int) error {
				syncs++
				if slices.Contains(test.fails, syncs) {
					return unix.EIO
				}
				return nil
			}
			appendAll(t, w, "one")
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
			tries := 0
			for done := false; !done; tries++ {
				appendAll(t, w, "two", "three")
				if test.leaves && tries == 0 {
					if ok, err := Seal(dir, 1, 0); !ok || err != nil {
						t.Fatal(ok, err)
					}
				}
				appendAll(t, w, "four")
				done = w.Sync() == nil
			}
			appendAll(t, w, "five")
			if tries != test.tries {
				t.Errorf("%d tries, want %d", tries, test.tries)
			}
			fromEverywhere(t, dir, "one", "two", "three", "four", "five")
			r := check(t, dir)
			if !r.Sound() || r.Records != 5 || len(r.Findings) > 0 || r.Repeats < uint64(3*(tries-1)) {
				t.Errorf("after %d tries check says %+v", tries, r)
			}
		})
	}
}
