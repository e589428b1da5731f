package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Follower reads a journal from a place on, each record once.
type Follower struct {
	dir     string
	from    Position
	segment uint64
	text    text
	file    *os.File
	end     int64 // how far the current segment counts; [growing] until it is seen sealed
	looked  int64 // up to here in the segment every stretch that is no record was read twice
	skipped Skipped
	seen    writers

	patience time.Duration // [sealPatience]; tests wait less
}

const (
	growing = math.MaxInt64
	// sealPatience is how long a follower waits for the seal of a segment that
	// is marked as sealed; only a keeper that was killed in between keeps it that long.
	sealPatience = 200 * time.Millisecond
)

// Skipped counts what a follower passed over.
type Skipped struct {
	Damaged int    `json:"damaged"` // stretches that are no record: fragments, failed checks, foreign bytes
	Gaps    uint64 `json:"gaps"`    // segments that were gone when the follower came to them
}

// Follow returns a follower that begins at from, a place that an earlier
// follower had, or zero for the journal's beginning.
func Follow(dir string, from Position) *Follower {
	if from.Segment == 0 {
		from.Segment = 1
	}
	return &Follower{
		dir: dir, from: from, segment: from.Segment, text: text{at: from.Offset},
		end: growing, seen: newWriters(), patience: sealPatience,
	}
}

// Position returns the place up to which everything was handed out or skipped.
func (f *Follower) Position() Position { return Position{Segment: f.segment, Offset: f.text.at} }

// Skipped returns what has been passed over so far.
func (f *Follower) Skipped() Skipped { return f.skipped }

// Next returns the next record, or false when there is none yet. Where segments
// are gone it returns a gap first; see [Record]. The record's payload is valid
// until the next call. It waits for nothing, but for a moment where a segment
// is just being sealed. After an error the next call tries again at the same place.
func (f *Follower) Next() (Record, bool, error) {
	for {
		if f.file == nil {
			gap, opened, err := f.open()
			if err != nil || !opened {
				return Record{}, false, err
			}
			if gap > 0 {
				f.skipped.Gaps += gap
				return Record{Missing: gap, End: f.Position()}, true, nil
			}
		}
		if rec, ok, err := f.take(); ok || err != nil {
			return rec, ok, err
		}
		more, err := f.fill()
		if err != nil || !more {
			return Record{}, false, err
		}
	}
}

// take hands out the next record of what was read that was not seen yet.
func (f *Follower) take() (Record, bool, error) {
	for {
		s, ok := f.text.next(false)
		if !ok {
			return Record{}, false, nil
		}
		if s.kind == wholeRecord {
			if !f.fresh(s) {
				continue
			}
			s.rec.End = Position{Segment: f.segment, Offset: s.end}
			return s.rec, true, nil
		}
		if !s.bad() {
			continue
		}
		changed, err := f.lookAgain(s)
		if changed || err != nil {
			f.text.rewind(s.at)
			return Record{}, false, err
		}
		f.skipped.Damaged++
	}
}

// lookAgain reads a stretch that is no record once more, and reports whether it
// reads otherwise now: not every file system shows a write to readers as one.
func (f *Follower) lookAgain(s stretch) (bool, error) {
	if s.at < f.looked || s.raw == nil {
		return false, nil
	}
	now := make([]byte, len(s.raw))
	if _, err := f.file.ReadAt(now, s.at); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("follow segment %d: %w", f.segment, err)
	}
	f.looked = s.end
	return !bytes.Equal(now, s.raw), nil
}

// fill reads on. It reports whether anything was gained: bytes, or a new segment.
func (f *Follower) fill() (bool, error) {
	n, err := f.text.fill(f.file, f.end)
	if err != nil {
		return false, fmt.Errorf("follow segment %d: %w", f.segment, err)
	}
	if f.end != growing {
		if n == 0 {
			return true, f.advance()
		}
		return true, nil
	}
	// What was read before the mark is seen was written before the seal, and counts.
	// Times are not asked for; see [Writer.left].
	var stat unix.Statx_t
	if err := unix.Statx(int(f.file.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MODE, &stat); err != nil {
		return false, fmt.Errorf("follow segment %d: %w", f.segment, err)
	}
	if stat.Mode&0o777 != sealedMode {
		return n > 0, nil
	}
	end, err := f.sealedEnd()
	if err != nil {
		return false, fmt.Errorf("follow segment %d: %w", f.segment, err)
	}
	f.end = end
	f.text.cutAt(f.end)
	return true, nil
}

// sealedEnd returns how much of the current segment counts: what its seal says;
// else, when its keeper was killed before it wrote one, all there is. The seal
// that it gets later is doubtful then.
func (f *Follower) sealedEnd() (int64, error) {
	const again = 2 * time.Millisecond
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	for {
		if seal, err := readSeal(f.dir, f.segment); err == nil {
			return seal.Size, nil
		}
		named, err := os.Stat(segmentPath(f.dir, f.segment))
		if err != nil || !os.SameFile(named, info) || time.Since(began) > f.patience {
			break // removed or replaced: it had its seal, and no late record will come
		}
		<-time.After(again)
	}
	if info, err = f.file.Stat(); err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// open opens the segment that is next. It returns how many are gone before it.
func (f *Follower) open() (gap uint64, opened bool, err error) {
	file, err := os.Open(segmentPath(f.dir, f.segment))
	if err == nil {
		f.file, f.end = file, growing
		return 0, true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, false, fmt.Errorf("follow journal: %w", err)
	}
	found, err := segments(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	for _, n := range found {
		if n <= f.segment {
			continue
		}
		file, err := os.Open(segmentPath(f.dir, n))
		if errors.Is(err, fs.ErrNotExist) {
			continue // retention was faster again
		}
		if err != nil {
			return 0, false, fmt.Errorf("follow journal: %w", err)
		}
		gap = n - f.segment
		f.begin(n)
		f.file = file
		return gap, true, nil
	}
	return 0, false, nil
}

// advance leaves a sealed segment that was read to its end.
func (f *Follower) advance() error {
	for s, ok := f.text.next(true); ok; s, ok = f.text.next(true) {
		if s.bad() {
			f.skipped.Damaged++
		}
	}
	err := f.file.Close()
	f.file = nil
	f.begin(f.segment + 1)
	if err != nil {
		return fmt.Errorf("leave a sealed segment: %w", err)
	}
	return nil
}

func (f *Follower) begin(segment uint64) {
	f.segment, f.end, f.looked = segment, growing, 0
	f.text.rewind(0)
}

// Close releases the descriptor.
func (f *Follower) Close() {
	if f.file != nil {
		_ = f.file.Close() // it was only read
		f.file = nil
	}
}

// fresh reports whether a record was not handed out before, by this follower or
// by the one whose place it began at, and remembers it.
func (f *Follower) fresh(s stretch) bool {
	last, known := f.seen.last(s.rec.Writer)
	if known && s.rec.N <= last {
		return false
	}
	before := f.from
	if f.seen.forgetful {
		before = Position{Segment: f.segment, Offset: s.at}
	}
	f.seen.note(s.rec.Writer, s.rec.N)
	// A follower that began within a row of records that were written again knows
	// the writer, and not yet the rest of the row.
	known = known && (s.rec.again > f.from.Segment || f.from == Position{Segment: s.rec.again})
	return known || s.rec.again == 0 || !stands(f.dir, s.rec, before)
}

// stands reports whether a record that is marked as written again is known to
// stand before a place. It looks into the segments from the one that the mark
// names on. Where nothing can be known the answer is no: a record that is handed
// out twice does less harm than one that is never.
func stands(dir string, rec Record, before Position) bool {
	const most = 64 // segments; a record is hardly ever written again far from where it was first
	for n, looked := rec.again, 0; n <= before.Segment && looked < most; n, looked = n+1, looked+1 {
		limit := before.Offset
		if n < before.Segment {
			seal, err := readSeal(dir, n)
			if err != nil || seal.Doubtful {
				continue // a follower may have left it before all that stands there was there
			}
			limit = seal.Size
		}
		if holds(segmentPath(dir, n), limit, rec) {
			return true
		}
	}
	return false
}

// holds reports whether a record of the same writer and number stands in the
// first limit bytes of a segment. One that is gone or cannot be read holds nothing.
func holds(path string, limit int64, rec Record) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	var t text
	for {
		for s, ok := t.next(false); ok; s, ok = t.next(false) {
			if s.kind == wholeRecord && s.rec.Writer == rec.Writer && s.rec.N == rec.N {
				return true
			}
		}
		if n, err := t.fill(file, limit); n == 0 || err != nil {
			return false
		}
	}
}

// writers remembers the last record of each writer. A writer is forgotten once
// tens of thousands of others have written since.
type writers struct {
	young, old map[uint64]uint64
	newest     uint64 // the writer of the last record, as most come in rows
	newestN    uint64
	forgetful  bool // some were forgotten
}

func newWriters() writers {
	return writers{young: map[uint64]uint64{}, old: map[uint64]uint64{}}
}

func (w *writers) last(writer uint64) (n uint64, known bool) {
	if writer == w.newest && w.newestN > 0 {
		return w.newestN, true
	}
	if n, known = w.young[writer]; !known {
		n, known = w.old[writer]
	}
	return n, known
}

func (w *writers) note(writer, n uint64) {
	const generation = 16 << 10
	if writer != w.newest && w.newestN > 0 {
		if _, known := w.young[w.newest]; !known && len(w.young) >= generation {
			w.forgetful = w.forgetful || len(w.old) > 0
			w.old, w.young = w.young, map[uint64]uint64{}
		}
		w.young[w.newest] = w.newestN
	}
	w.newest, w.newestN = writer, n
}
