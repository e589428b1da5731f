package journal

import (
	"bytes"
	"errors"
	"io"
)

// Kinds of stretches.
const (
	wholeRecord = iota
	filler      // blanks that a repair put there
	fragment    // begins as a record and has no end of its own: a write that was cut short
	damaged     // a line like a record whose check fails
	foreign     // bytes that no writer of a journal puts there
)

// stretch is a part of a segment: a record, or bytes that are none.
type stretch struct {
	kind    int
	at, end int64  // offsets
	raw     []byte // nil when it was too long to be held; valid until more is read
	rec     Record // of a whole record; its place is left open
}

func (s stretch) bad() bool { return s.kind >= fragment }

// text takes a segment apart as it is read, holding little more than [MaxRecord].
type text struct {
	at     int64  // offset of buf in the segment
	buf    []byte // read and not yet taken apart
	base   []byte // the array that buf lies in, kept to be reused
	long   bool   // a line without a record outgrew the limit; it began at longAt with the byte longAs
	longAt int64
	longAs byte
}

// readBlock is how much is read at once.
const readBlock = 128 << 10

// fill reads on, up to the offset limit. It returns how much came, 0 at the end.
func (t *text) fill(r io.ReaderAt, limit int64) (int, error) {
	want := int(min(readBlock, limit-t.at-int64(len(t.buf))))
	if want <= 0 {
		return 0, nil
	}
	if cap(t.base) < len(t.buf)+want {
		t.base = make([]byte, 2*(len(t.buf)+want))
	}
	held := copy(t.base[:cap(t.base)], t.buf)
	n, err := r.ReadAt(t.base[held:held+want], t.at+int64(held))
	t.buf = t.base[:held+n]
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// cutAt drops what was read from the offset end on.
func (t *text) cutAt(end int64) {
	if over := t.at + int64(len(t.buf)) - end; over > 0 {
		t.buf = t.buf[:max(int64(len(t.buf))-over, 0)]
	}
}

// rewind goes back to an offset; what was read from there on is read again.
func (t *text) rewind(at int64) { t.at, t.buf, t.long = at, t.buf[:0], false }

// next returns the next stretch. It reports false when more must be read first;
// with ended, when there is nothing left.
func (t *text) next(ended bool) (stretch, bool) {
	end := bytes.IndexByte(t.buf, '\n')
	if end < 0 {
		if !ended {
			t.shed()
			return stretch{}, false
		}
		if len(t.buf) == 0 && !t.long {
			return stretch{}, false
		}
		return t.take(len(t.buf), fragment), true
	}
	line := t.buf[:end]
	start := separator(line)
	switch {
	case start < 0 && !t.long && end < MaxRecord && blank(line):
		return t.take(end+1, filler), true
	case start < 0, end+1-start > MaxRecord:
		return t.take(end+1, damaged), true
	case start > 0 || t.long:
		return t.take(start, fragment), true
	}
	rec, err := parseFrame(line[1:])
	if err != nil {
		return t.take(end+1, damaged), true
	}
	s := t.take(end+1, wholeRecord)
	s.rec = rec
	return s, true
}

// take hands out the next n bytes as a stretch. One that is no record and does
// not begin as one is foreign.
func (t *text) take(n, kind int) stretch {
	s := stretch{kind: kind, at: t.at, end: t.at + int64(n), raw: t.buf[:n]}
	if t.long {
		s.at, s.raw = t.longAt, nil
	}
	if s.bad() && t.first() != recordSeparator {
		s.kind = foreign
	}
	t.at, t.buf, t.long = s.end, t.buf[n:], false
	return s
}

func (t *text) first() byte {
	if t.long {
		return t.longAs
	}
	return t.buf[0]
}

// shed drops what outgrew the limit and holds no record. A record that has only
// begun is kept.
func (t *text) shed() {
	if len(t.buf) <= MaxRecord {
		return
	}
	n := separator(t.buf)
	if n <= 0 || len(t.buf)-n > MaxRecord {
		n = len(t.buf)
	}
	if !t.long {
		t.long, t.longAt, t.longAs = true, t.at, t.buf[0]
	}
	t.at, t.buf = t.at+int64(n), t.buf[n:]
}

// separator returns where the last RS of b stands, -1 when there is none. It is
// nearly always the first byte, and looking forward is many times faster.
func separator(b []byte) int {
	if len(b) > 0 && b[0] == recordSeparator && bytes.IndexByte(b[1:], recordSeparator) < 0 {
		return 0
	}
	return bytes.LastIndexByte(b, recordSeparator)
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != ' ' {
			return false
		}
	}
	return true
}
