package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
)

// scan is what one segment was found to hold.
type scan struct {
	n       uint64
	err     error
	mode    fs.FileMode
	size    int64 // of the file
	counted int64 // bytes of it that count
	seal    SealOf
	sealErr error  // why there is no seal
	sum     string // SHA-256 of what counts

	records, repeats uint64
	index            map[uint64]int // writer → spans
	spans            []span
	bad              []Finding    // the first of them
	more             map[Kind]int // how many others
	moreLost         uint64
	firstFill        int64 // offset of the first and the last filler, -1 without
	lastFill         int64
}

// span is what one writer has in one segment.
type span struct {
	writer      uint64
	first, last mark
	again       uint64 // the records from first up to this one are marked as written again
}

// mark is a record, as far as its numbering is concerned.
type mark struct {
	n     uint64
	at    Position
	sum   uint32 // of the payload
	again bool
}

func scanSegment(dir string, n uint64, each func(Record)) scan {
	s := scan{n: n, index: map[uint64]int{}, more: map[Kind]int{}, firstFill: -1, lastFill: -1}
	s.err = s.read(dir, each)
	return s
}

func (s *scan) read(dir string, each func(Record)) (err error) {
	f, err := os.Open(segmentPath(dir, s.n))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s.size, s.mode, s.counted = info.Size(), info.Mode().Perm(), info.Size()
	if s.seal, s.sealErr = readSeal(dir, s.n); s.sealErr == nil {
		s.counted = min(s.size, s.seal.Size)
	}
	h := sha256.New()
	var t text
	last := -1 // the span of the record before: most come in rows
	for ended := false; !ended; {
		n, err := t.fill(f, s.counted)
		if err != nil {
			return err
		}
		h.Write(t.buf[len(t.buf)-n:])
		ended = n == 0
		for p, ok := t.next(ended); ok; p, ok = t.next(ended) {
			switch {
			case p.kind == wholeRecord:
				p.rec.End = Position{Segment: s.n, Offset: p.end}
				last = s.note(last, p)
				if each != nil {
					each(p.rec)
				}
			case p.bad():
				s.add(Finding{Kind: badKind(p.kind), Segment: s.n, Offset: p.at, Length: p.end - p.at})
			case p.end-p.at > 1: // an empty line explains no loss: a flipped bit can make one
				s.lastFill = p.at
				if s.firstFill < 0 {
					s.firstFill = p.at
				}
			}
		}
	}
	s.sum = hex.EncodeToString(h.Sum(nil))
	return nil
}

func badKind(kind int) Kind {
	switch kind {
	case fragment:
		return Fragment
	case foreign:
		return Foreign
	default:
		return Damaged
	}
}

func (s *scan) add(f Finding) {
	if len(s.bad) < MaxFindings {
		s.bad = append(s.bad, f)
		return
	}
	s.more[f.Kind]++
	if f.Kind == Lost {
		s.moreLost += f.Count
	}
}

// note takes up a record. It returns which span the record went to.
func (s *scan) note(last int, p stretch) int {
	s.records++
	m := mark{
		n: p.rec.N, at: Position{Segment: s.n, Offset: p.at}, again: p.rec.again > 0,
		sum: crc32.Checksum(p.rec.Payload, castagnoli()),
	}
	if last < 0 || s.spans[last].writer != p.rec.Writer {
		at, known := s.index[p.rec.Writer]
		if !known {
			s.index[p.rec.Writer] = len(s.spans)
			s.spans = append(s.spans, span{writer: p.rec.Writer, first: m, last: m, again: m.n})
			return len(s.spans) - 1
		}
		last = at
	}
	sp := &s.spans[last]
	f, repeat := follows(sp.writer, sp.last, m)
	if repeat {
		s.repeats++
	}
	if f.Kind == Lost && s.lastFill > sp.last.at.Offset {
		f.Kind = Mended
	}
	if f.Kind != "" {
		s.add(f)
	}
	if m.n > sp.last.n {
		if m.again && sp.again == sp.last.n {
			sp.again = m.n
		}
		sp.last = m
	}
	return last
}

// follows checks that m may come after last in a writer's numbering. It returns
// what is wrong, if anything, and whether m is the same record again: a whole
// row of records may be written again.
func follows(writer uint64, last, m mark) (bad Finding, repeat bool) {
	if m.n == last.n+1 {
		return Finding{}, false
	}
	if m.again && (m.n < last.n || m.n == last.n && m.sum == last.sum) {
		return Finding{}, true
	}
	bad = Finding{Segment: m.at.Segment, Offset: m.at.Offset, Writer: fmt.Sprintf("%016x", writer)}
	if m.n <= last.n {
		bad.Kind, bad.N, bad.Count = Disorder, m.n, 1
		bad.Note = fmt.Sprintf("after record %d", last.n)
	} else {
		bad.Kind, bad.N, bad.Count = Lost, last.n+1, m.n-last.n-1
	}
	return bad, false
}

// merger puts the scans of segments together, in order.
type merger struct {
	report *Report
	whole  bool   // the journal is there from its first segment on
	unread uint64 // the last segment that could not be read: what seems lost may stand there
	last   map[uint64]mark
	fills  map[uint64][2]int64 // first and last filler of the segments that have any
}

func newMerger(r *Report, found []uint64) *merger {
	return &merger{
		report: r, whole: len(found) > 0 && found[0] == 1,
		last: map[uint64]mark{}, fills: map[uint64][2]int64{},
	}
}

func (m *merger) merge(s *scan) {
	if s.err != nil {
		m.report.unread[s.n] = true
		m.unread = s.n
		return
	}
	m.report.Records += s.records - s.repeats
	m.report.Repeats += s.repeats
	m.report.Bytes += s.counted
	m.report.Late += s.size - s.counted
	m.report.add(s.bad...)
	for kind, count := range s.more {
		m.report.Counts[kind] += count
	}
	m.report.Lost += s.moreLost
	if s.firstFill >= 0 {
		m.fills[s.n] = [2]int64{s.firstFill, s.lastFill}
	}
	for _, sp := range s.spans {
		before, known := m.last[sp.writer]
		m.last[sp.writer] = sp.last
		if !known && (!m.whole || m.unread > 0) {
			continue // what came before may have been removed
		}
		f, repeat := follows(sp.writer, before, sp.first)
		if repeat {
			again := min(sp.again, before.n) - sp.first.n + 1
			m.report.Records -= again
			m.report.Repeats += again
		}
		if f.Kind == Lost && before.at.Segment < m.unread {
			f.Kind = ""
		}
		if f.Kind == Lost && m.filled(before.at, sp.first.at) {
			f.Kind = Mended
		}
		if f.Kind != "" {
			m.report.add(f)
		}
		if sp.last.n < before.n {
			m.last[sp.writer] = before
		}
	}
}

// filled reports whether filler stands between two places in different segments.
func (m *merger) filled(from, to Position) bool {
	for n, at := range m.fills {
		first, last := Position{Segment: n, Offset: at[0]}, Position{Segment: n, Offset: at[1]}
		if from.Before(last) && first.Before(to) {
			return true
		}
	}
	return false
}
