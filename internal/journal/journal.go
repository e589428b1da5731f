// Package journal moves records, as bytes, from many writing processes to many
// followers, through a folder of append-only files.
//
// # Records
//
// A record is one line, written by one write(2) on an O_APPEND descriptor:
//
//	RS crc SP writer SP number SP payload LF
//
// RS is the byte 0x1E, crc the CRC-32C (Castagnoli) of everything between the
// first SP and LF in eight hexadecimal digits, writer the writer's random
// 64-bit id in sixteen, both in small letters. number is the writer's own
// number of the record in decimal, from 1, without leading zeros, each one more
// than the one before. A payload is text without control characters (JSON with
// its escapes), so neither RS nor LF can occur in it. A whole line has at most
// [MaxRecord] bytes.
//
// A record that may already stand in the journal is written again as
// number@segment: it may stand in that segment or in any later one. A writer
// does so when it found its segment sealed, and when a write failed in a way
// that leaves open what reached the file.
//
// # What a reader makes of a segment
//
// A line is what stands up to and with the next LF. In each line the record
// begins at the last RS:
//
//   - what stands before that RS is a stretch that is no record: one that begins
//     with RS is a fragment (a write that was cut short), any other is foreign;
//   - the rest is a record when it has the form above and its check is right, else damaged;
//   - a line without RS that consists of blanks (0x20) only, or of nothing, is
//     filler that a repair put there. It means nothing and is not counted;
//   - any other line without RS is foreign; a line whose record would exceed
//     [MaxRecord] is damaged, or foreign when it does not begin with RS;
//   - what stands after the last LF is still being written, or a fragment when the segment has ended.
//
// Each such stretch is counted once, and costs no other record. A live reader
// reads it once more from the file before it counts.
//
// # Segments
//
// The files are segments, 00000001.seg and up; a record's place is (segment,
// offset), and that is the order of the journal. [Seal] closes a segment: the
// next one is made, then the old one's permission bits become 0400, then a seal
// is put beside it, 00000001.seal:
//
//	{"segment":1,"size":4194301,"sha256":"…","previous":"…"}
//
// size is how many of its bytes count, up to and with an LF; sha256 is of those
// bytes, previous of the seal file before, which makes the seals a chain. What
// stands after size is not part of the journal: its writers wrote it again. A
// seal that was not made at once, as a keeper was killed or the seal was lost,
// also says "doubtful":true.
//
// A writer looks at the permission bits after each write. When they are 0400 it
// cannot know whether its record came before the seal: it opens the newest
// segment and writes the record there once more, as number@segment. It also
// moves on when the segment's last name is gone.
//
// A reader looks at the bits after each read, before it believes what it read.
// When they are 0400 it reads as far as the seal says and goes on with the next
// segment; while the seal is not there yet it waits a little, and then takes
// the whole segment. When segments are gone it reports a gap and goes on with
// the first that there is.
//
// A reader drops a record whose number does not exceed the last that it knows
// of the writer. When it knows nothing of the writer and the record is marked
// number@segment, it looks for the same writer and number from that segment up
// to the place where it began; found there, the record is not new. It does not
// believe a segment without a seal or with a doubtful one, as it may have left
// that before the record came there, and finds nothing in one that retention has
// removed or that cannot be read: then the record is handed out. So none is ever
// lost to a follower that is begun anew, but in these rare cases one that its
// writer was in doubt about can come twice. Who keeps (writer, number) can tell.
//
// No lock is taken on the way of a record, so no process can hold up another.
//
// # Keeping
//
// Whoever seals, retains, repairs or rewrites holds the kernel lock (flock) of
// maintenance.lock. A sealed segment is only ever replaced whole, with every
// record at the offset where it was: [Repair] puts filler in the place of what
// is no record (and the bytes into set-aside/), [Rewrite] puts records of the
// same length. The seals from there on are made anew; until that is done
// rewrite.json names the first of them, and the next holder of the lock goes on
// with it. [Retain] removes the oldest segments; the seal of the last one removed
// stays, as the anchor of the chain.
//
// journal.json says of what kind the journal is; see [Header].
package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	sealedMode = 0o400
	openMode   = 0o600
	suffix     = ".seg"
	sealSuffix = ".seal"
	// MaxRecord is the largest record in bytes, frame included. Readers hold little more than this.
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

// Record is one record with its place, or a gap.
type Record struct {
	Writer  uint64
	N       uint64
	Payload []byte   // valid until the next call to Next
	End     Position // the place after it
	// Missing is 0 for a record. Otherwise this is a gap, without payload: so
	// many segments were gone when the follower came to them.
	Missing uint64

	again uint64 // it may stand in this segment or a later one already; 0: it is new
}

func segmentName(n uint64) string { return fmt.Sprintf("%08d%s", n, suffix) }

func segmentPath(dir string, n uint64) string { return filepath.Join(dir, segmentName(n)) }

func sealPath(dir string, n uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%08d%s", n, sealSuffix))
}

// segments returns the numbers of the segments in dir, lowest first.
func segments(dir string) ([]uint64, error) { return numbered(dir, suffix) }

// numbered returns the numbers that the files with one ending have, lowest first.
func numbered(dir, ending string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	var found []uint64
	for _, e := range entries {
		if n, ok := numberOf(e.Name(), ending); ok {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return found, nil
}

func numberOf(name, ending string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, ending)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0 && fmt.Sprintf("%08d", n) == digits
}

// End returns the place after every record written so far.
func End(dir string) (Position, error) {
	found, err := segments(dir)
	if err != nil || len(found) == 0 {
		return Position{Segment: 1}, err
	}
	last := found[len(found)-1]
	size, err := wholeLines(segmentPath(dir, last))
	if err != nil {
		return Position{}, fmt.Errorf("find the journal's end: %w", err)
	}
	return Position{Segment: last, Offset: size}, nil
}

// syncFolder makes the names in dir survive a power cut.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
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
