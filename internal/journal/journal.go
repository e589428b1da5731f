// Package journal moves records, as bytes, from many writing processes to many
// followers, through a folder of append-only files.
//
// A record is one line, written by one write(2) on an O_APPEND descriptor:
//
//	RS crc SP writer SP n SP payload LF
//
// RS is the byte 0x1E, crc the CRC-32C of everything between the first SP and
// LF in eight hexadecimal digits, writer the writer's 64-bit id in sixteen, n
// the writer's own sequence number from 1 in decimal. A payload is text
// without control characters (JSON with its escapes), so neither RS nor LF can
// occur in it: a torn record ends at the next RS and never takes a neighbour
// with it.
//
// The files are segments, 00000001.seg and up; a record's place is (segment,
// offset), and that is the order of the journal. A full segment is sealed by
// [Seal]: the next one is made, then the old one's permission bits become
// 0400, then its digest is written beside it. A writer looks at the bits after
// each write; a writer that finds its segment sealed cannot know whether its
// record came before the seal and writes it again in the next segment. A
// follower drops what it has seen: n never goes back within a writer, however
// many segments lie between the two. No lock
// is taken on the way of a record, so no process can hold up another.
package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	recordSeparator = 0x1E
	sealedMode      = 0o400
	openMode        = 0o600
	suffix          = ".seg"
	// MaxRecord is the largest record in bytes, frame included. Readers hold no more than this.
	MaxRecord = 128 << 10
)

// ErrNetwork says that the folder lies on a network file system, where an
// append is not atomic and a lock may outlive its holder.
var ErrNetwork = errors.New("network file systems cannot hold a journal: choose a folder on a local disk")

// ErrTooLarge says that a record exceeds [MaxRecord] and can never be written.
var ErrTooLarge = errors.New("record is too large")

// Position is a place in a journal: before the first byte of a record, or at the end.
type Position struct {
	Segment uint64 `json:"segment"`
	Offset  int64  `json:"offset"`
}

// Before reports whether p comes before q.
func (p Position) Before(q Position) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}

// Record is one record with its place.
type Record struct {
	Writer  uint64
	N       uint64
	Payload []byte   // valid until the next call to Next
	End     Position // the place after it
}

func segmentName(n uint64) string { return fmt.Sprintf("%08d%s", n, suffix) }

// segments returns the numbers of the segments in dir, lowest first.
func segments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	var found []uint64
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(digits, 10, 64); err == nil && segmentName(n) == e.Name() {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return found, nil
}

// End returns the place after everything written so far.
func End(dir string) (Position, error) {
	found, err := segments(dir)
	if err != nil || len(found) == 0 {
		return Position{Segment: 1}, err
	}
	last := found[len(found)-1]
	info, err := os.Stat(dir + "/" + segmentName(last))
	if err != nil {
		return Position{}, fmt.Errorf("find the journal's end: %w", err)
	}
	return Position{Segment: last, Offset: info.Size()}, nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendFrame appends the framed record to buf.
func appendFrame(buf []byte, writer, n uint64, payload []byte) []byte {
	const crcDigits = 8
	buf = append(buf, recordSeparator)
	crcAt := len(buf)
	buf = append(buf, "00000000 "...)
	bodyAt := len(buf)
	buf = appendHex(buf, writer, 16)
	buf = append(buf, ' ')
	buf = strconv.AppendUint(buf, n, 10)
	buf = append(buf, ' ')
	buf = append(buf, payload...)
	crc := crc32.Checksum(buf[bodyAt:], castagnoli())
	appendHex(buf[:crcAt], uint64(crc), crcDigits)
	return append(buf, '\n')
}

func appendHex(buf []byte, v uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		buf = append(buf, hex[v>>shift&0xf])
	}
	return buf
}

// parseFrame reads what stands between RS and LF. The record's place is left open.
func parseFrame(b []byte) (Record, error) {
	const head = 8 + 1 + 16 + 1 // crc, writer and the blanks after them
	if len(b) < head+2 || b[8] != ' ' || b[25] != ' ' {
		return Record{}, errFrame
	}
	crc, err := parseHex(b[:8])
	if err != nil || crc != uint64(crc32.Checksum(b[9:], castagnoli())) {
		return Record{}, errFrame
	}
	writer, err := parseHex(b[9:25])
	if err != nil {
		return Record{}, errFrame
	}
	number, payload, found := bytes.Cut(b[head:], []byte{' '})
	n, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil || !found {
		return Record{}, errFrame
	}
	return Record{Writer: writer, N: n, Payload: payload}, nil
}

var errFrame = errors.New("not a whole record")

func parseHex(b []byte) (uint64, error) {
	var v uint64
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			v = v<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, errFrame
		}
	}
	return v, nil
}

// refuseNetwork returns [ErrNetwork] when dir lies on a file system known to be a network's.
func refuseNetwork(dir string) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	const lustre, ceph, gpfs = 0x0BD00BD0, 0x00C36400, 0x47504653
	switch uint32(stat.Type) { //nolint:gosec // file system magics are 32-bit numbers
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC,
		unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC, unix.CODA_SUPER_MAGIC, lustre, ceph, gpfs:
		return fmt.Errorf("%s: %w", dir, ErrNetwork)
	}
	return nil
}
