package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// Check reads a whole journal and reports what it found: every stretch that is
// no record, holes and disorder in each writer's numbers, seals and their
// chain, permission bits, missing and stray files. It changes nothing, and may
// run beside writers; it keeps the keeper from sealing meanwhile where it can.
// An error says that the journal could not be checked at all.
func Check(dir string) (Report, error) { return Inspect(dir, nil) }

// Inspect is [Check] which also calls each for every record, the repeated ones
// included, from several goroutines at once. The payload is valid during the call.
func Inspect(dir string, each func(Record)) (Report, error) {
	if _, err := os.Stat(filepath.Join(dir, lockFile)); err == nil {
		// Without the lock (of a stopped keeper, on a read-only disk) a segment
		// that is just being sealed may look worse than it is, for the moment.
		if release, err := lockSoon(dir, unix.LOCK_SH); err == nil {
			defer release()
		}
	}
	return inspect(dir, each)
}

// inspect checks a journal without taking the lock.
func inspect(dir string, each func(Record)) (Report, error) {
	r := Report{Counts: map[Kind]int{}, unread: map[uint64]bool{}}
	found, err := segments(dir)
	if err != nil {
		return r, err
	}
	if r.Header, err = ReadHeader(dir); errors.Is(err, ErrNewer) {
		return r, err
	} else if err != nil && (len(found) > 0 || !errors.Is(err, fs.ErrNotExist)) {
		r.add(Finding{Kind: BadHeader, Note: err.Error()})
	}
	if err := r.lookAround(dir, found); err != nil {
		return r, err
	}
	s := seals{dir: dir, found: found}
	r.add(s.check()...)
	m := newMerger(&r, found)
	for scanned := range scanAll(dir, found, each) {
		result := <-scanned
		r.add(s.compare(&result)...)
		m.merge(&result)
	}
	r.Segments, r.Writers = len(found), len(m.last)
	return r, nil
}

// lookAround reports files that do not belong there, and interrupted work.
func (r *Report) lookAround(dir string, found []uint64) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("check journal: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		switch name {
		case HeaderFile, lockFile, SetAside, "keeper.lock", "covered.json", "repairs.jsonl": // the last three are the root package's
			continue
		case rewriteFile:
			r.add(Finding{Kind: Unfinished, Note: "a rewriting was interrupted"})
			continue
		}
		_, segment := numberOf(name, suffix)
		_, seal := numberOf(name, sealSuffix)
		if !segment && !seal {
			r.add(Finding{Kind: Stray, Note: name})
		}
	}
	for i := 1; i < len(found); i++ {
		if gap := found[i] - found[i-1] - 1; gap > 0 {
			r.add(Finding{Kind: Missing, Segment: found[i-1] + 1, Count: gap})
		}
	}
	return nil
}

// scanAll scans segments side by side. The results come in order.
func scanAll(dir string, found []uint64, each func(Record)) <-chan chan scan {
	workers := runtime.GOMAXPROCS(0)
	ahead := make(chan chan scan, workers) // bounds what is scanned and not yet merged
	go func() {
		defer close(ahead)
		for _, n := range found {
			one := make(chan scan, 1)
			ahead <- one
			go func() { one <- scanSegment(dir, n, each) }()
		}
	}()
	return ahead
}

// seals are the seals of a journal and what is wrong with them.
type seals struct {
	dir   string
	found []uint64 // segments
	first uint64   // segment of the last row that is not sealed yet
}

// check looks at the files that are there, and at the chain.
func (s *seals) check() []Finding {
	var bad []Finding
	sealed, err := numbered(s.dir, sealSuffix)
	if err != nil {
		return []Finding{{Kind: Unreadable, Note: err.Error()}}
	}
	sealed = slices.DeleteFunc(sealed, func(n uint64) bool { return empty(s.dir, n) })
	if len(sealed) > 0 {
		last := uint64(0)
		if len(s.found) > 0 {
			last = s.found[len(s.found)-1]
		}
		if top := sealed[len(sealed)-1]; top >= last { // a sealed segment always has a successor
			bad = append(bad, Finding{Kind: Missing, Segment: last + 1, Count: top - last + 1})
		}
	}
	if len(s.found) == 0 {
		return bad
	}
	newest := len(s.found) - 1
	open := newest // the segments from here on await their seals
	for open > 0 && !slices.Contains(sealed, s.found[open-1]) {
		open--
	}
	s.first = s.found[open]
	for _, n := range s.found[:open] {
		bad = append(bad, s.link(n)...)
	}
	for _, n := range s.found[open:newest] {
		bad = append(bad, Finding{Kind: Unfinished, Segment: n, Note: "it has no seal yet"})
	}
	if open == 0 && s.found[0] > 1 && !slices.Contains(sealed, s.found[0]-1) {
		bad = append(bad, Finding{Kind: Chain, Segment: s.found[0], Note: "the seal before it is gone"})
	}
	return bad
}

// link checks that a seal follows from the one before.
func (s *seals) link(n uint64) []Finding {
	seal, err := readSeal(s.dir, n)
	if err != nil && !errors.Is(err, errSeal) && !errors.Is(err, fs.ErrNotExist) {
		return []Finding{{Kind: Unreadable, Segment: n, Note: err.Error()}}
	}
	if err != nil {
		return []Finding{{Kind: BadSeal, Segment: n, Note: err.Error()}}
	}
	before, err := digest(sealPath(s.dir, n-1), growing)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if seal.Prev != "" {
			return []Finding{{Kind: Chain, Segment: n, Note: "the seal before it is gone"}}
		}
	case err != nil:
		return []Finding{{Kind: Unreadable, Segment: n - 1, Note: err.Error()}}
	case seal.Prev != before:
		return []Finding{{Kind: Chain, Segment: n, Note: "it was made after another seal"}}
	}
	return nil
}

// compare checks a scanned segment against its seal.
func (s *seals) compare(c *scan) []Finding {
	if c.err != nil {
		return []Finding{{Kind: Unreadable, Segment: c.n, Note: c.err.Error()}}
	}
	newest := c.n == s.found[len(s.found)-1]
	if newest && c.mode == sealedMode && c.sealErr != nil { // with a seal, check has said so
		return []Finding{{Kind: Missing, Segment: c.n + 1, Count: 1}}
	}
	if c.n >= s.first || c.sealErr != nil {
		return nil
	}
	var bad []Finding
	if c.mode != sealedMode {
		bad = append(bad, Finding{Kind: Mode, Segment: c.n, Note: fmt.Sprintf("its permission bits are %o", c.mode)})
	}
	switch {
	case c.size < c.seal.Size:
		bad = append(bad, Finding{Kind: BadSeal, Segment: c.n, Note: fmt.Sprintf("it has %d of %d bytes", c.size, c.seal.Size)})
	case c.sum != c.seal.SHA256:
		bad = append(bad, Finding{Kind: BadSeal, Segment: c.n, Note: "its bytes were changed after it was sealed"})
	}
	return bad
}
