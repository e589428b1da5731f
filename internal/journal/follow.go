package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Follower reads a journal from a place on, each record once.
type Follower struct {
	dir     string
	from    Position // records up to here are only looked at
	pos     Position // after the last record handed out or passed over
	file    *os.File
	sealed  bool // the current segment was seen sealed: it grows no more
	skipped Skipped
	buf     []byte // bytes read and not yet handed out; they begin at pos
	scratch []byte // the rest of a read, kept to be reused
	seen    writers
}

// Skipped counts what a follower passed over.
type Skipped struct {
	Damaged int    `json:"damaged"` // fragments and records whose check failed
	Gaps    uint64 `json:"gaps"`    // segments that were gone when the follower came to them
}

// Follow returns a follower that begins at from. What stands before it in the
// same segment and the one before is read too, unseen, so that a record which a
// writer wrote again after a seal is not handed out a second time.
func Follow(dir string, from Position) *Follower {
	if from.Segment == 0 {
		from.Segment = 1
	}
	begin := from.Segment
	if _, err := os.Stat(filepath.Join(dir, segmentName(begin-1))); begin > 1 && err == nil {
		begin--
	}
	return &Follower{dir: dir, from: from, pos: Position{Segment: begin}, seen: newWriters()}
}

// Position returns the place up to which everything was handed out or skipped.
func (f *Follower) Position() Position {
	if f.pos.Before(f.from) {
		return f.from
	}
	return f.pos
}

// Skipped returns what has been passed over so far.
func (f *Follower) Skipped() Skipped { return f.skipped }

// Next returns the next record, or false when there is none yet. The record's
// payload is valid until the next call.
func (f *Follower) Next() (Record, bool, error) {
	for {
		if rec, ok := f.take(); ok {
			if f.from.Before(rec.End) {
				return rec, true, nil
			}
			continue
		}
		more, err := f.fill()
		if err != nil || !more {
			return Record{}, false, err
		}
	}
}

// take hands out the next whole record of the buffer that was not seen yet.
func (f *Follower) take() (Record, bool) {
	for {
		end := bytes.IndexByte(f.buf, '\n')
		if end < 0 {
			return Record{}, false
		}
		line := f.buf[:end]
		f.buf = f.buf[end+1:]
		f.pos.Offset += int64(end) + 1
		start := bytes.LastIndexByte(line, recordSeparator)
		if start != 0 { // something stands before the record: a fragment, or no record at all
			f.countDamage()
		}
		if start < 0 {
			continue
		}
		rec, err := parseFrame(line[start+1:])
		if err != nil {
			f.countDamage()
			continue
		}
		if !f.seen.fresh(rec.Writer, rec.N) {
			continue
		}
		rec.End = f.pos
		return rec, true
	}
}

func (f *Follower) countDamage() {
	if f.from.Before(f.pos) {
		f.skipped.Damaged++
	}
}

// fill reads on. It reports whether anything was gained: bytes, or a new segment.
func (f *Follower) fill() (bool, error) {
	if f.file == nil {
		if opened, err := f.open(); err != nil || !opened {
			return false, err
		}
	}
	n, err := f.read()
	if err != nil || n > 0 {
		return n > 0, err
	}
	if !f.sealed {
		info, err := f.file.Stat()
		if err != nil {
			return false, fmt.Errorf("follow segment %d: %w", f.pos.Segment, err)
		}
		// What was written before the seal is read once more after it was seen.
		f.sealed = info.Mode().Perm() == sealedMode
		return f.sealed, nil
	}
	return true, f.advance()
}

func (f *Follower) open() (bool, error) {
	file, err := os.Open(filepath.Join(f.dir, segmentName(f.pos.Segment)))
	if err == nil {
		f.file, f.sealed = file, false
		return true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("follow journal: %w", err)
	}
	found, err := segments(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, n := range found {
		if n > f.pos.Segment { // retention was faster
			f.skipped.Gaps += n - f.pos.Segment
			f.pos = Position{Segment: n}
			return true, nil
		}
	}
	return false, nil
}

// read takes in more of the segment. A line that outgrows [MaxRecord] is damage
// and is dropped as it comes.
func (f *Follower) read() (int, error) {
	const block = 64 << 10
	if len(f.buf) > MaxRecord {
		f.pos.Offset += int64(len(f.buf))
		f.buf = f.buf[:0]
		f.countDamage()
	}
	if cap(f.scratch) < len(f.buf)+block {
		f.scratch = make([]byte, 0, 2*(len(f.buf)+block))
	}
	held := copy(f.scratch[:len(f.buf)], f.buf)
	n, err := f.file.ReadAt(f.scratch[held:held+block], f.pos.Offset+int64(held))
	f.buf = f.scratch[:held+n]
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("follow segment %d: %w", f.pos.Segment, err)
	}
	return n, nil
}

// advance leaves a sealed segment that was read to its end.
func (f *Follower) advance() error {
	if len(f.buf) > 0 {
		f.countDamage()
	}
	f.buf = f.buf[:0]
	f.pos = Position{Segment: f.pos.Segment + 1}
	err := f.file.Close()
	f.file = nil
	if err != nil {
		return fmt.Errorf("leave a sealed segment: %w", err)
	}
	return nil
}

// Close releases the descriptor.
func (f *Follower) Close() {
	if f.file != nil {
		_ = f.file.Close() // it was only read
		f.file = nil
	}
}

// writers remembers the last record of each writer, so that one which was
// written twice is told. A
// writer is forgotten once tens of thousands of others have written since.
type writers struct {
	young, old map[uint64]uint64
}

func newWriters() writers {
	return writers{young: map[uint64]uint64{}, old: map[uint64]uint64{}}
}

// fresh reports whether record n of a writer is a new one, and remembers it.
func (w *writers) fresh(writer, n uint64) bool {
	const generation = 16 << 10
	if n <= w.young[writer] || n <= w.old[writer] {
		return false
	}
	if _, known := w.young[writer]; !known && len(w.young) >= generation {
		w.old, w.young = w.young, map[uint64]uint64{}
	}
	w.young[writer] = n
	return true
}
