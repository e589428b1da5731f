package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What follows reads segments as the package comment says, in the plainest way,
// and shares nothing with the code under test.

type plainRecord struct {
	Writer, N, Again uint64
	Payload          string
	End              int
}

type plainSegment struct {
	Records []plainRecord
	Bad     map[Kind]int
	Tail    int // bytes after the last LF
}

func plainCRC(b []byte) uint32 { // CRC-32C, bit by bit
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c)
		for range 8 {
			crc = crc>>1 ^ 0x82F63B78&-(crc&1)
		}
	}
	return ^crc
}

// plainForm is the form of a record's line, and the lines that were held to it:
// most come again and again.
type plainForm struct {
	line  *regexp.Regexp
	known map[string]plainLine
}

type plainLine struct {
	record plainRecord
	ok     bool
}

func newPlainForm() plainForm {
	return plainForm{
		line:  regexp.MustCompile(`(?s)^\x1e([0-9a-f]{8}) (([0-9a-f]{16}) ([1-9][0-9]*)(?:@([1-9][0-9]*))? ([^\x00-\x1f]*))\n$`),
		known: map[string]plainLine{},
	}
}

func plainParse(form plainForm, b []byte) plainSegment {
	s := plainSegment{Bad: map[Kind]int{}}
	at := 0
	for _, line := range bytes.SplitAfter(b, []byte("\n")) {
		at += len(line)
		if !bytes.HasSuffix(line, []byte("\n")) {
			s.Tail = len(line)
			break
		}
		start := bytes.LastIndex(line, []byte("\x1e"))
		if start < 0 {
			if len(line) > 128*1024 || len(bytes.Trim(line[:len(line)-1], " ")) > 0 {
				s.Bad[Foreign]++
			}
			continue
		}
		if len(line)-start > 128*1024 {
			if line[0] == 0x1e {
				s.Bad[Damaged]++
			} else {
				s.Bad[Foreign]++
			}
			continue
		}
		if start > 0 && line[0] == 0x1e {
			s.Bad[Fragment]++
		} else if start > 0 {
			s.Bad[Foreign]++
		}
		found, known := form.known[string(line[start:])]
		if !known {
			found.record, found.ok = plainFrame(form.line, line[start:])
			form.known[string(line[start:])] = found
		}
		if !found.ok {
			s.Bad[Damaged]++
			continue
		}
		found.record.End = at
		s.Records = append(s.Records, found.record)
	}
	return s
}

func plainFrame(line *regexp.Regexp, b []byte) (plainRecord, bool) {
	m := line.FindSubmatch(b)
	if m == nil {
		return plainRecord{}, false
	}
	crc, err1 := strconv.ParseUint(string(m[1]), 16, 64)
	writer, err2 := strconv.ParseUint(string(m[3]), 16, 64)
	n, err3 := strconv.ParseUint(string(m[4]), 10, 64)
	again, err4 := uint64(0), error(nil)
	if len(m[5]) > 0 {
		again, err4 = strconv.ParseUint(string(m[5]), 10, 64)
	}
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || uint64(plainCRC(m[2])) != crc {
		return plainRecord{}, false
	}
	return plainRecord{Writer: writer, N: n, Again: again, Payload: string(m[6])}, true
}

// outcome is what a reader and a check say of a journal.
type outcome struct {
	Records                   []string
	Skipped                   int
	Bad                       map[Kind]int
	Distinct, Repeats, Lost   uint64
	Disorder                  int
	SealsBroken, TailFragment bool
}

// plainOutcome reads two segments: the first sealed at size, the second open.
func plainOutcome(form plainForm, first, second []byte, sealed []byte) outcome {
	o := outcome{Bad: map[Kind]int{}}
	o.SealsBroken = !bytes.HasPrefix(first, sealed)
	if len(first) > len(sealed) {
		first = first[:len(sealed)]
	}
	last := map[uint64]plainRecord{}
	handed := map[uint64]uint64{}
	for i, text := range [][]byte{first, second} {
		s := plainParse(form, text)
		for kind, count := range s.Bad {
			o.Bad[kind] += count
			o.Skipped += count
		}
		if s.Tail > 0 { // a check takes both segments as ended, a live reader waits for the second to go on
			kind := Fragment
			if text[len(text)-s.Tail] != 0x1e {
				kind = Foreign
			}
			o.Bad[kind]++
			if i == 0 {
				o.Skipped++
			}
		}
		for _, r := range s.Records {
			if r.N > handed[r.Writer] {
				o.Records = append(o.Records, fmt.Sprintf("%d/%d %s", i+1, r.End, r.Payload))
				handed[r.Writer] = r.N
			}
			before := last[r.Writer]
			switch {
			case r.N == before.N && r.Again > 0 && r.Payload == before.Payload:
				o.Repeats++
				continue
			case r.N <= before.N:
				o.Disorder++
			default:
				o.Lost += r.N - before.N - 1
				last[r.Writer] = r
			}
			o.Distinct++
		}
	}
	return o
}

func realOutcome(t *testing.T, dir string) outcome {
	t.Helper()
	o := outcome{Bad: map[Kind]int{}}
	f := Follow(dir, Position{})
	defer f.Close()
	for {
		rec, ok, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		o.Records = append(o.Records, fmt.Sprintf("%d/%d %s", rec.End.Segment, rec.End.Offset, rec.Payload))
	}
	o.Skipped = f.Skipped().Damaged
	r, err := Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []Kind{Fragment, Damaged, Foreign} {
		if r.Counts[kind] > 0 {
			o.Bad[kind] = r.Counts[kind]
		}
	}
	o.Distinct, o.Repeats, o.Lost, o.Disorder = r.Records, r.Repeats, r.Lost, r.Counts[Disorder]
	o.SealsBroken = r.Counts[BadSeal] > 0
	return o
}

// Every byte of a journal's end is cut and flipped in turn, in a sealed segment
// and in the newest one.
func TestReaderAndCheckAgreeWithTheFormat(t *testing.T) {
	for name, n := range map[string]int{"sealed": 1, "newest": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			harmEveryByte(t, n)
		})
	}
}

// reach is how much of a segment's end is harmed.
const reach = 4096

func harmEveryByte(t *testing.T, n int) {
	dir, texts := twoSegments(t, n)
	path, text := segmentPath(dir, uint64(n)), texts[n]
	if err := os.Chmod(path, openMode); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if n == 1 {
		if err := os.Chmod(path, sealedMode); err != nil {
			t.Fatal(err)
		}
	}
	form, sealed := newPlainForm(), texts[1]
	begin := len(text) - reach
	try := func(harmed []byte, what string, at int) {
		t.Helper()
		_, err := file.WriteAt(harmed[begin:], int64(begin)) // many times faster than a new file
		if err := errors.Join(err, file.Truncate(int64(len(harmed)))); err != nil {
			t.Fatal(err)
		}
		texts[n] = harmed
		want, got := plainOutcome(form, texts[1], texts[2], sealed), realOutcome(t, dir)
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%s at %d (-format +code):\n%s", what, at, cmp.Diff(want, got))
		}
	}
	step := 1
	if testing.Short() {
		step = 17
	}
	for at := begin; at < len(text); at += step {
		try(text[:at], "cut", at)
		harmed := bytes.Clone(text)
		harmed[at] ^= 1 << (at % 8)
		try(harmed, "flipped", at)
		if c := text[at]; c == '\n' || c == recordSeparator {
			harmed[at] = c ^ '\n' ^ recordSeparator
			try(harmed, "exchanged", at)
		}
	}
	try(text, "whole", 0)
}

// twoSegments makes a journal of three writers, one of which found the first
// segment sealed between its write and its look. Segment n holds somewhat more
// than is to be harmed. It returns what counts of each segment.
func twoSegments(t *testing.T, n int) (dir string, texts [3][]byte) {
	t.Helper()
	const few, many = 6, 40
	counts := [3]int{0, few, few}
	counts[n] = many
	dir = t.TempDir()
	writers := []*Writer{open(t, dir), open(t, dir), open(t, dir)}
	var w *Writer
	seal := func(fd int, b []byte) (int, error) {
		w.write = writeThrough
		n, err := writeThrough(fd, b)
		if _, sealErr := Seal(dir, 1, 0); sealErr != nil {
			t.Error(sealErr)
		}
		return n, err
	}
	for i := range counts[1] + counts[2] {
		if w = writers[i%3]; i == counts[1] {
			w.write = seal
		}
		appendAll(t, w, fmt.Sprintf(`{"record":%d,"ü":"%[1]d %60[1]d"}`, i))
	}
	for n := 1; n <= 2; n++ {
		text, err := os.ReadFile(segmentPath(dir, uint64(n)))
		if err != nil {
			t.Fatal(err)
		}
		texts[n] = text
	}
	s, err := readSeal(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	texts[1] = texts[1][:s.Size] // without what the other writers wrote after the seal
	if len(texts[n]) < reach {
		t.Fatalf("segment %d has %d bytes", n, len(texts[n]))
	}
	return dir, texts
}

func FuzzSegment(f *testing.F) {
	f.Add([]byte("\x1e00000000 0000000000000001 1 {}\n"), uint32(1), true)
	f.Add([]byte("\x1e\x1e\n\n   \n \x1e"), uint32(1), false)
	f.Add(appendFrame(appendFrame(nil, 7, 1, 0, []byte("{}")), 7, 1, 1, []byte("{}")), uint32(1), true)
	f.Add([]byte("x"), uint32(MaxRecord+readBlock), true)
	f.Add([]byte{recordSeparator}, uint32(300<<10), true)
	f.Fuzz(func(t *testing.T, b []byte, times uint32, framed bool) {
		const most = 400 << 10
		if times%64 == 0 && len(b) > 0 { // seldom, as long inputs take long
			b = bytes.Repeat(b, min(int(times), most/len(b)+1))
		}
		if framed { // most random bytes have no right check
			b = append(bytes.Clone(b), appendFrame(nil, 9, 1, 0, bytes.Trim(bytes.ToValidUTF8(b, nil), "\n\x1e"))...)
		}
		want := plainParse(newPlainForm(), b)
		got := plainSegment{Bad: map[Kind]int{}}
		var parts text
		r := bytes.NewReader(b)
		for {
			for s, ok := parts.next(false); ok; s, ok = parts.next(false) {
				if s.kind == wholeRecord {
					got.Records = append(got.Records, plainRecord{s.rec.Writer, s.rec.N, s.rec.again, string(s.rec.Payload), int(s.end)})
				} else if s.bad() {
					got.Bad[badKind(s.kind)]++
				}
			}
			n, err := parts.fill(r, growing)
			if err != nil {
				t.Fatal(err)
			}
			if cap(parts.base) > 4*(MaxRecord+readBlock) {
				t.Fatalf("%d bytes are held", cap(parts.base))
			}
			if n == 0 {
				break
			}
		}
		if tail, ok := parts.next(true); ok {
			got.Tail = int(tail.end - tail.at)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-format +code):\n%s", b, diff)
		}
	})
}

// FuzzFrame: a line is a record exactly when it has the form and its check is right,
// and what is written is what is read.
func FuzzFrame(f *testing.F) {
	f.Add([]byte(" 1 {}"), uint64(7), uint64(1), uint64(0), []byte("{}"))
	f.Add([]byte("0000000000000007 1@2 {}"), uint64(1), uint64(1<<63), uint64(3), []byte(""))
	f.Add([]byte("0000000000000007 18446744073709551616 {}"), uint64(0), uint64(0), uint64(0), []byte("  "))
	form := newPlainForm().line
	f.Fuzz(func(t *testing.T, body []byte, writer, n, again uint64, payload []byte) {
		for _, text := range [][]byte{body, fmt.Appendf(nil, "%08x %s", plainCRC(body), body)} {
			if bytes.ContainsAny(text, "\n\x1e") {
				continue // it is no single line
			}
			want, ok := plainFrame(form, fmt.Appendf(nil, "\x1e%s\n", text))
			got, err := parseFrame(text)
			if ok != (err == nil) || got.Writer != want.Writer || got.N != want.N || got.again != want.Again || string(got.Payload) != want.Payload {
				t.Errorf("%q reads as %+v, %v, want %+v", text, got, err, want)
			}
		}
		if n == 0 || bytes.ContainsFunc(payload, func(c rune) bool { return c < ' ' }) {
			return // no payload of a writer has control characters
		}
		frame := appendFrame(nil, writer, n, again, payload)
		want, ok := plainFrame(form, frame)
		if !ok || want.Writer != writer || want.N != n || want.Again != again || want.Payload != string(payload) {
			t.Errorf("%q reads as %+v", frame, want)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte(`{"v":1,"id":"abcdefghijklmnopqrstuvwxyz","durability":"power","more":[1]}`))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, h, err := parseHeader(b)
		if err == nil && (h.Version != 1 || len(h.ID) != 26 || h.Durability != Process && h.Durability != Power) {
			t.Errorf("%q gives %+v", b, h)
		}
	})
}

func FuzzSeal(f *testing.F) {
	f.Add([]byte(`{"segment":1,"size":5,"sha256":"` + fmt.Sprintf("%064x", 1) + `"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseSeal(b, 1); err == nil && (s.Segment != 1 || s.Size < 0 || len(s.SHA256) != 64) {
			t.Errorf("%q gives %+v", b, s)
		}
	})
}
