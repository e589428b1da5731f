package journal

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
	n       uint64 // records written
	safe    uint64 // n at the last Sync that went well
	doubt   uint64 // records up to this one may stand in segment since, or a later one, already
	since   uint64
	fd      int
	segment uint64
	first   uint64 // where the oldest record that is not safe was written first
	dirty   bool   // something in the segment is not synced; of use for [Power] only
	unnamed bool   // the folder was not synced since the segment was opened
	failed  bool   // a segment that was left could not be synced
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
	if header.Durability == Power {
		if err := syncFolder(filepath.Dir(dir)); err != nil { // which names the journal itself
			return nil, err
		}
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

// openNewest goes over to the newest segment. What was written before is synced
// first; if that fails, the next [Writer.Sync] says so.
func (w *Writer) openNewest() error {
	if err := w.settle(); err != nil {
		w.failed = true
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

// Append writes records, all with one write. When it returns nil they are in the
// kernel's hands: they survive the death of this process, though a power cut
// only after [Writer.Sync]. After an error each of them may or may not be there:
// call Append again with the same payloads first, which keep their numbers, so
// that readers see them once. Only [ErrTooLarge] is for ever, and then nothing
// was written. Payloads must not contain control characters.
func (w *Writer) Append(payloads ...[]byte) error {
	for _, p := range payloads {
		if size := len(p) + frameExtra; size > MaxRecord {
			return fmt.Errorf("append to journal: %d of %d bytes: %w", size, MaxRecord, ErrTooLarge)
		}
	}
	for {
		if w.fd < 0 {
			if err := w.openNewest(); err != nil {
				return err
			}
		}
		w.frame(payloads)
		if err := w.writeWhole(); err != nil {
			w.suspect(len(payloads))
			return fmt.Errorf("append to journal: %w", err)
		}
		left, err := w.left()
		if err != nil {
			w.suspect(len(payloads))
			return fmt.Errorf("append to journal: %w", err)
		}
		if !left {
			w.wrote(len(payloads))
			return nil
		}
		w.suspect(len(payloads))
		before := w.segment
		if err := w.openNewest(); err != nil {
			return err
		}
		if w.segment == before { // its successor was removed: a sealed segment takes nothing more
			return fmt.Errorf("append to journal: segment %d is sealed and has no successor", before)
		}
	}
}

// frame puts the records that come next into the buffer.
func (w *Writer) frame(payloads [][]byte) {
	w.buf = w.buf[:0]
	for i, p := range payloads {
		n, again := w.n+1+uint64(i), uint64(0)
		if n <= w.doubt {
			again = w.since
		}
		w.buf = appendFrame(w.buf, w.id, n, again, p)
	}
}

// suspect notes that the next records, so many, may stand in the segment.
func (w *Writer) suspect(count int) {
	if w.doubt <= w.n {
		w.since = w.segment
	}
	w.doubt = max(w.doubt, w.n+uint64(count))
}

// wrote notes that the next records, so many, stand in the segment.
func (w *Writer) wrote(count int) {
	if w.n == w.safe {
		w.first = w.segment
		if w.doubt > w.n {
			w.first = w.since
		}
	}
	w.n += uint64(count)
	w.dirty = true
}

// writeWhole writes what is in the buffer. A write that was cut short left a
// fragment, which readers skip: from the record on that was cut all is written again.
func (w *Writer) writeWhole() error {
	const tries = 3
	rest := w.buf
	for range tries {
		n, err := w.write(w.fd, rest)
		for errors.Is(err, unix.EINTR) {
			n, err = w.write(w.fd, rest)
		}
		if err != nil {
			return err
		}
		if n == len(rest) {
			return nil
		}
		rest = rest[bytes.LastIndexByte(rest[:n], '\n')+1:]
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
// promises that ([Power]); otherwise it does nothing. After an error everything
// since the last Sync that went well counts as not appended: the kernel may have
// dropped what it could not write, and say the next time that all is well. Call
// Append again with the same payloads in the same order. They keep their
// numbers, and readers see them once.
func (w *Writer) Sync() error {
	err := w.settle()
	if err == nil && !w.failed {
		w.safe = w.n
		return nil
	}
	w.doubt, w.since, w.n = max(w.doubt, w.n), w.first, w.safe
	w.dirty, w.failed = false, false
	if err == nil {
		err = errors.New("a segment that was left could not be synced")
	}
	return fmt.Errorf("sync journal: %w", err)
}

// settle brings what was written to the disk.
func (w *Writer) settle() error {
	if w.header.Durability != Power || !w.dirty {
		return nil
	}
	err := w.sync(w.fd)
	for errors.Is(err, unix.EINTR) {
		err = w.sync(w.fd)
	}
	if err != nil {
		return err
	}
	if w.unnamed {
		if err := syncFolder(w.dir); err != nil {
			return err
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
