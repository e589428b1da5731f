package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Options say how a journal is opened for writing.
type Options struct {
	// Durability is what a new journal gets; one that exists keeps its own. "" is [Process].
	Durability Durability
}

// Writer appends records to a journal. It is not safe for concurrent use: one
// goroutine owns it.
type Writer struct {
	dir     string
	id      uint64
	header  Header
	n       uint64
	doubt   uint64 // the next record may stand in this segment or a later one already; 0: it was never written
	fd      int
	segment uint64
	dirty   bool // something was written that is not synced; kept for [Power] only
	unnamed bool // the folder was not synced since the segment was opened
	buf     []byte

	// The system calls under the writer; tests put faults in their place.
	write func(fd int, b []byte) (int, error)
	statx func(fd int, path string, flags, mask int, stat *unix.Statx_t) error
	sync  func(fd int) error
}

// OpenWriter opens the journal in dir for appending, making folder, header and
// first segment as needed. The writer gets a random id of its own. A journal of
// a newer version is refused with [ErrNewer], one on a network file system with [ErrNetwork].
func OpenWriter(dir string, o Options) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make journal: %w", err)
	}
	if err := refuseNetwork(dir); err != nil {
		return nil, err
	}
	header, err := ensureHeader(dir, o.Durability)
	if err != nil {
		return nil, err
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("choose a writer id: %w", err)
	}
	w := &Writer{
		dir: dir, id: binary.LittleEndian.Uint64(id[:]), header: header, fd: -1,
		write: unix.Write, statx: unix.Statx, sync: unix.Fdatasync,
	}
	if err := w.openNewest(); err != nil {
		return nil, err
	}
	return w, nil
}

// ID returns the writer's id.
func (w *Writer) ID() uint64 { return w.id }

// Header returns the journal's header as it was when the writer was opened.
func (w *Writer) Header() Header { return w.header }

// openNewest goes over to the newest segment. What was written before is synced first.
func (w *Writer) openNewest() error {
	if err := w.Sync(); err != nil {
		return err
	}
	found, err := segments(w.dir)
	if err != nil {
		return err
	}
	newest := uint64(1)
	if len(found) > 0 {
		newest = found[len(found)-1]
	}
	fd, err := openSegment(w.dir, newest)
	if err != nil {
		return err
	}
	w.closeSegment()
	w.fd, w.segment, w.unnamed = fd, newest, true
	return nil
}

func openSegment(dir string, n uint64) (int, error) {
	path := segmentPath(dir, n)
	for {
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, openMode)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, fmt.Errorf("open journal segment: %w", &os.PathError{Op: "open", Path: path, Err: err})
		}
		return fd, nil
	}
}

// Append writes one record. When it returns nil the record is in the kernel's
// hands: it survives the death of this process, though a power cut only after
// [Writer.Sync]. After an error it may or may not be there: call Append again
// with the same payload, which keeps its number, so that readers see it once.
// Only [ErrTooLarge] is for ever. The payload must not contain control characters.
func (w *Writer) Append(payload []byte) error {
	if size := len(payload) + frameExtra; size > MaxRecord {
		return fmt.Errorf("append to journal: %d of %d bytes: %w", size, MaxRecord, ErrTooLarge)
	}
	for {
		w.buf = appendFrame(w.buf[:0], w.id, w.n+1, w.doubt, payload)
		if w.fd < 0 {
			if err := w.openNewest(); err != nil {
				return err
			}
		}
		if err := w.writeWhole(); err != nil {
			return fmt.Errorf("append to journal: %w", err)
		}
		left, err := w.left()
		if err != nil {
			w.suspect()
			return fmt.Errorf("append to journal: %w", err)
		}
		if !left {
			w.n++
			w.doubt, w.dirty = 0, true
			return nil
		}
		w.suspect()
		before := w.segment
		if err := w.openNewest(); err != nil {
			return err
		}
		if w.segment == before { // its successor was removed: a sealed segment takes nothing more
			return fmt.Errorf("append to journal: segment %d is sealed and has no successor", before)
		}
	}
}

// suspect notes that the record in hand may stand in the segment.
func (w *Writer) suspect() {
	if w.doubt == 0 {
		w.doubt = w.segment
	}
}

// writeWhole writes the frame with one write. A write that was cut short left a
// fragment, which readers skip: the whole record is written again.
func (w *Writer) writeWhole() error {
	const tries = 3
	for range tries {
		n, err := w.write(w.fd, w.buf)
		for errors.Is(err, unix.EINTR) {
			n, err = w.write(w.fd, w.buf)
		}
		if err != nil {
			w.suspect()
			return err
		}
		if n == len(w.buf) {
			return nil
		}
	}
	return io.ErrShortWrite
}

// left reports whether the segment takes nothing more: it was sealed, or removed.
// It does not ask for times: after that question the kernel makes the next write
// note its exact time in the inode, which costs as much as the write itself.
func (w *Writer) left() (bool, error) {
	var stat unix.Statx_t
	if err := w.statx(w.fd, "", unix.AT_EMPTY_PATH, unix.STATX_MODE|unix.STATX_NLINK, &stat); err != nil {
		return false, err
	}
	return stat.Mode&0o777 == sealedMode || stat.Nlink == 0, nil
}

// Sync makes everything appended so far survive a power cut, when the journal
// promises that ([Power]); otherwise it does nothing. After an error nothing is
// known of the records since the last Sync that went well: readers see them,
// and a power cut may take them.
func (w *Writer) Sync() error {
	if w.header.Durability != Power || !w.dirty {
		return nil
	}
	err := w.sync(w.fd)
	for errors.Is(err, unix.EINTR) {
		err = w.sync(w.fd)
	}
	if err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	if w.unnamed {
		if err := syncFolder(w.dir); err != nil {
			return fmt.Errorf("sync journal: %w", err)
		}
		w.unnamed = false
	}
	w.dirty = false
	return nil
}

func (w *Writer) closeSegment() {
	if w.fd >= 0 {
		_ = unix.Close(w.fd) // nothing is buffered that a failing close could lose
		w.fd = -1
	}
}

// Close releases the descriptor. It does not sync.
func (w *Writer) Close() { w.closeSegment() }
