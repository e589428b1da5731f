package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// copied copies a journal's folder, permission bits and times included.
func copied(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, e.Name())
		if err := os.WriteFile(path, text, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// built makes a journal of three sealed segments and a newest one: two writers, 40 records.
func built(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	for i := range 40 {
		appendAll(t, []*Writer{a, b}[i%2], fmt.Sprintf(`{"record":%d}`, i))
		if i%10 == 9 && i < 39 {
			if sealed, err := Seal(dir, 1, 0); !sealed || err != nil {
				t.Fatal(sealed, err)
			}
		}
	}
	return dir
}

func check(t testing.TB, dir string) Report {
	t.Helper()
	r, err := Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func kinds(r Report) (found []Kind) {
	for k := range r.Counts {
		found = append(found, k)
	}
	slices.Sort(found)
	return found
}

func change(t testing.TB, path string, edit func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, edit(text), info.Mode().Perm()); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWholeJournalIsSound(t *testing.T) {
	r := check(t, built(t))
	if !r.Sound() || len(r.Findings) > 0 || r.Records != 40 || r.Writers != 2 || r.Segments != 4 || r.Repeats != 0 || r.Late == 0 {
		t.Errorf("%+v", r)
	}
}

// Each harm is found for what it is, and repaired as far as that can be: the
// rest of the records stays, at the places where they were.
func TestHarmIsFoundAndRepaired(t *testing.T) {
	tests := map[string]struct {
		harm     func(t *testing.T, dir string)
		found    []Kind
		repaired []Kind // what a check still finds afterwards
		records  int
		moved    bool // records that stand elsewhere than before, or are others
	}{
		"flipped byte in a sealed segment": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 2), func(b []byte) []byte { b[60] ^= 1; return b })
		}, []Kind{Damaged, Lost, BadSeal}, []Kind{Mended}, 39, false},
		"flipped byte in the newest segment": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 4), func(b []byte) []byte { b[140] ^= 1; return b })
		}, []Kind{Damaged, Lost}, []Kind{Mended}, 39, false},
		"flipped line end": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 4), func(b []byte) []byte { b[slices.Index(b, '\n')] ^= 1; return b })
		}, []Kind{Fragment, Lost}, []Kind{Mended}, 39, false},
		"half a record at the end": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 4), func(b []byte) []byte { return b[:len(b)-5] })
		}, []Kind{Fragment}, nil, 39, false},
		"zeros where a write was": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 4), func(b []byte) []byte { return append(b, make([]byte, 5000)...) })
		}, []Kind{Foreign}, nil, 40, false},
		"sealed segment cut short": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 3), func(b []byte) []byte { return b[:len(b)-100] })
		}, []Kind{Fragment, Lost, BadSeal}, []Kind{Mended}, 39, false},
		"quiet edit": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 1), func(b []byte) []byte {
				rec, err := parseFrame(b[1:slices.Index(b, '\n')])
				if err != nil {
					t.Fatal(err)
				}
				rec.Payload[3] ^= 1
				return append(appendFrame(nil, rec.Writer, rec.N, 0, rec.Payload), b[slices.Index(b, '\n')+1:]...)
			})
		}, []Kind{BadSeal}, nil, 40, true},
		"seal lost": {func(t *testing.T, dir string) { remove(t, sealPath(dir, 2)) }, []Kind{Chain, BadSeal}, nil, 40, true},
		"seal damaged": {func(t *testing.T, dir string) {
			change(t, sealPath(dir, 2), func([]byte) []byte { return []byte("{}\n") })
		}, []Kind{Chain, BadSeal}, nil, 40, true},
		"wrong permission bits": {func(t *testing.T, dir string) {
			if err := os.Chmod(segmentPath(dir, 2), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []Kind{Mode}, nil, 40, false},
		"segment lost": {func(t *testing.T, dir string) {
			remove(t, segmentPath(dir, 2))
		}, []Kind{Lost, Missing}, []Kind{Mended}, 30, false},
		"segment and seal lost": {func(t *testing.T, dir string) {
			remove(t, segmentPath(dir, 2), sealPath(dir, 2))
		}, []Kind{Chain, Lost, Missing}, []Kind{Mended}, 30, false},
		"beginning lost": {func(t *testing.T, dir string) {
			remove(t, segmentPath(dir, 1), sealPath(dir, 1))
		}, []Kind{Chain}, nil, 30, false},
		"newest segment lost": {func(t *testing.T, dir string) {
			remove(t, segmentPath(dir, 4))
		}, []Kind{Missing}, nil, 30, false},
		"header damaged": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, HeaderFile), func([]byte) []byte { return []byte(`{"v":1}`) })
		}, []Kind{BadHeader}, nil, 40, false},
		"header lost": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, HeaderFile))
		}, []Kind{BadHeader}, nil, 40, false},
		"a line removed": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 4), func(b []byte) []byte {
				third := 0
				for range 2 {
					third += slices.Index(b[third:], '\n') + 1
				}
				return slices.Delete(b, third, third+slices.Index(b[third:], '\n')+1)
			})
		}, []Kind{Lost}, []Kind{Lost}, 39, true},
		"a line copied": {func(t *testing.T, dir string) {
			change(t, segmentPath(dir, 4), func(b []byte) []byte { return append(b, b[bytes.LastIndexByte(b[:len(b)-1], '\n')+1:]...) })
		}, []Kind{Disorder}, []Kind{Disorder}, 40, false},
		"somebody's file": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []Kind{Stray}, []Kind{Stray}, 40, false},
	}
	sample := built(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, sample)
			before, _ := places(t, dir)
			test.harm(t, dir)
			r := check(t, dir)
			if got := kinds(r); !slices.Equal(got, sorted(test.found)) {
				t.Errorf("found %v, want %v: %v", got, sorted(test.found), r.Findings)
			}
			if _, err := Repair(dir); err != nil {
				t.Fatal(err)
			}
			r = check(t, dir)
			if got := kinds(r); !slices.Equal(got, sorted(test.repaired)) {
				t.Errorf("after the repair found %v, want %v: %v", got, sorted(test.repaired), r.Findings)
			}
			after, f := places(t, dir)
			if len(after) != test.records {
				t.Errorf("%d records are left, want %d", len(after), test.records)
			}
			for record, at := range after {
				if !test.moved && before[record] != at {
					t.Errorf("%s stands at %v, before at %v", record, at, before[record])
				}
			}
			if f.Skipped().Damaged > 0 {
				t.Errorf("a reader skips %+v", f.Skipped())
			}
			again, err := Repair(dir)
			if err != nil || len(again.Done) > 0 {
				t.Errorf("a second repair did %v, %v", again.Done, err)
			}
			appendAll(t, open(t, dir), "goes on")
			if got, _ := places(t, dir); len(got) != test.records+1 {
				t.Errorf("after the repair nothing can be written")
			}
		})
	}
}

func sorted(k []Kind) []Kind { k = slices.Clone(k); slices.Sort(k); return k }

// places returns where each record ends.
func places(t testing.TB, dir string) (map[string]Position, *Follower) {
	t.Helper()
	f := Follow(dir, Position{})
	t.Cleanup(f.Close)
	at := map[string]Position{}
	for {
		rec, ok, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return at, f
		}
		if rec.Missing == 0 {
			at[string(rec.Payload)] = rec.End
		}
	}
}

// errKilled is the end of a process, as far as the journal can tell.
var errKilled = fmt.Errorf("killed")

// interrupt runs work again and again on fresh journals, ended after each of its
// steps in turn, and hands each to then. It returns how many steps there are.
func interrupt(t *testing.T, fresh func() string, work func(u *upkeep) error, then func(dir string)) int {
	t.Helper()
	for last := 1; ; last++ {
		dir := fresh()
		u, err := hold(dir)
		if err != nil {
			t.Fatal(err)
		}
		step := 0
		u.reached = func(string) error {
			if step++; step == last {
				return errKilled
			}
			return nil
		}
		err = work(u)
		u.release()
		if err != nil && step < last {
			t.Fatal(err)
		}
		then(dir)
		if step < last {
			return step
		}
	}
}

func TestSealingEndsAfterAKillAtAnyStep(t *testing.T) {
	sample := built(t)
	steps := interrupt(t, func() string { return copied(t, sample) },
		func(u *upkeep) error { _, err := u.seal(1, 0); return err },
		func(dir string) {
			if r := check(t, dir); !r.Sound() {
				t.Errorf("half sealed: %v", r.Findings)
			}
			if got, _ := places(t, dir); len(got) != 40 {
				t.Errorf("half sealed: %d records", len(got))
			}
			appendAll(t, open(t, dir), "more")
			if _, err := Seal(dir, 1<<20, 0); err != nil {
				t.Fatal(err)
			}
			if r := check(t, dir); len(r.Findings) > 0 {
				t.Errorf("after the next sealing: %v", r.Findings)
			}
			if got, _ := places(t, dir); len(got) != 41 {
				t.Errorf("%d records, want 41", len(got))
			}
		})
	if steps < 4 {
		t.Errorf("only %d steps", steps)
	}
}

func TestRepairEndsAfterAKillAtAnyStep(t *testing.T) {
	sample := built(t)
	harmed := func() string {
		dir := copied(t, sample)
		change(t, segmentPath(dir, 1), func(b []byte) []byte { b[60] ^= 1; return b })
		change(t, segmentPath(dir, 4), func(b []byte) []byte { b[140] ^= 1; return b[:len(b)-5] })
		change(t, filepath.Join(dir, HeaderFile), func([]byte) []byte { return nil })
		remove(t, segmentPath(dir, 2))
		return dir
	}
	steps := interrupt(t, harmed,
		func(u *upkeep) error { _, err := u.repair(); return err },
		func(dir string) {
			if got, _ := places(t, dir); len(got) != 27 {
				t.Errorf("half repaired: %d records, want 27", len(got))
			}
			if _, err := Repair(dir); err != nil {
				t.Fatal(err)
			}
			if r := check(t, dir); !r.Sound() || r.Counts[Unfinished] > 0 {
				t.Errorf("after the next repair: %v", r.Findings)
			}
			if got, _ := places(t, dir); len(got) != 27 {
				t.Errorf("%d records, want 27", len(got))
			}
		})
	if steps < 12 {
		t.Errorf("only %d steps", steps)
	}
}

func TestRewritingEndsAfterAKillAtAnyStep(t *testing.T) {
	sample := built(t)
	blank := func(p []byte) ([]byte, bool) {
		var i int
		if n, _ := fmt.Sscanf(string(p), `{"record":%d}`, &i); n == 1 && i%3 == 0 {
			return []byte(`{"record":0}`), true
		}
		return nil, false
	}
	interrupt(t, func() string { return copied(t, sample) },
		func(u *upkeep) error { _, err := u.rewrite(blank); return err },
		func(dir string) {
			if _, err := Rewrite(dir, blank); err != nil {
				t.Fatal(err)
			}
			if r := check(t, dir); len(r.Findings) > 0 || r.Records != 40 {
				t.Errorf("after the next rewriting: %d records, %v", r.Records, r.Findings)
			}
			again, err := Rewrite(dir, blank)
			if again != 0 || err != nil {
				t.Errorf("a third rewriting changed %d, %v", again, err)
			}
			got, _ := all(t, dir, Position{})
			count := 0
			for _, p := range got {
				if i := slices.Index([]byte(p), '}'); p[:i+1] == `{"record":0}` {
					count++
				}
			}
			if count != 14 {
				t.Errorf("%d records are blanked, want 14", count)
			}
		})
}

func TestRewritingKeepsEveryPlace(t *testing.T) {
	dir := built(t)
	end, err := End(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := Follow(dir, Position{})
	defer f.Close()
	var before []Position
	for range 40 {
		rec, ok, err := f.Next()
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		before = append(before, rec.End)
	}
	changed, err := Rewrite(dir, func([]byte) ([]byte, bool) { return []byte("{}"), true })
	if err != nil || changed < 40 {
		t.Fatal(changed, err)
	}
	g := Follow(dir, Position{})
	defer g.Close()
	var after []Position
	for range 40 {
		rec, ok, err := g.Next()
		if !ok || err != nil || len(rec.Payload) < 12 {
			t.Fatal(ok, err, string(rec.Payload))
		}
		after = append(after, rec.End)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if g.Position() != end && !end.Before(g.Position()) {
		t.Error(g.Position(), end)
	}
	if _, err := Rewrite(dir, func(p []byte) ([]byte, bool) { return append(p, 'x'), true }); err == nil {
		t.Error("a record became longer")
	}
}

func TestRetentionKeepsTheChain(t *testing.T) {
	sample := built(t)
	steps := interrupt(t, func() string { return copied(t, sample) },
		func(u *upkeep) error { _, err := u.retain(Retention{Bytes: 1}, 3); return err },
		func(dir string) {
			if r := check(t, dir); !r.Sound() {
				t.Errorf("half retained: %v", r.Findings)
			}
			if _, err := Retain(dir, Retention{Bytes: 1}, 3); err != nil {
				t.Fatal(err)
			}
			if r := check(t, dir); len(r.Findings) > 0 || r.Segments != 2 || r.Records != 20 {
				t.Errorf("%+v", r)
			}
		})
	if steps != 3 { // two segments, one seal: the second stays as the anchor
		t.Errorf("%d steps", steps)
	}
	dir := built(t)
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(segmentPath(dir, 1), old, old); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		keep    Retention
		covered uint64
		removed int
	}{{Retention{}, 9, 0}, {Retention{Age: time.Hour}, 1, 0}, {Retention{Age: time.Hour}, 9, 1}, {Retention{Bytes: 1}, 9, 2}, {Retention{Bytes: 1}, 9, 0}} {
		if n, err := Retain(dir, test.keep, test.covered); n != test.removed || err != nil {
			t.Errorf("Retain(%+v, %d) = %d, %v, want %d", test.keep, test.covered, n, err, test.removed)
		}
	}
}
