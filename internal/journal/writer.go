package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Writer appends records to a journal. It is not safe for concurrent use: one
// goroutine owns it.
type Writer struct {
	dir     string
	id      uint64
	n       uint64
	fd      int
	segment uint64
	buf     []byte
}

// OpenWriter opens the journal in dir for appending, making folder and first
// segment as needed. The writer gets a random id of its own.
func OpenWriter(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make journal: %w", err)
	}
	if err := refuseNetwork(dir); err != nil {
		return nil, err
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("choose a writer id: %w", err)
	}
	w := &Writer{dir: dir, id: binary.LittleEndian.Uint64(id[:]), fd: -1}
	if err := w.openNewest(); err != nil {
		return nil, err
	}
	return w, nil
}

// ID returns the writer's id.
func (w *Writer) ID() uint64 { return w.id }

func (w *Writer) openNewest() error {
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
	w.fd, w.segment = fd, newest
	return nil
}

func openSegment(dir string, n uint64) (int, error) {
	path := filepath.Join(dir, segmentName(n))
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
// hands: it survives the death of this process, though not a power cut. After
// an error it may or may not be there: call Append again with the same payload,
// which keeps its number, so that readers see it once. Only [ErrTooLarge] is for ever.
func (w *Writer) Append(payload []byte) error {
	w.buf = appendFrame(w.buf[:0], w.id, w.n+1, payload)
	if len(w.buf) > MaxRecord {
		return fmt.Errorf("append to journal: %d of %d bytes: %w", len(w.buf), MaxRecord, ErrTooLarge)
	}
	for {
		if w.fd < 0 {
			if err := w.openNewest(); err != nil {
				return err
			}
		}
		if err := writeWhole(w.fd, w.buf); err != nil {
			return fmt.Errorf("append to journal: %w", err)
		}
		sealed, err := isSealed(w.fd)
		if err != nil {
			return fmt.Errorf("append to journal: %w", err)
		}
		if !sealed {
			w.n++
			return nil
		}
		before := w.segment
		if err := w.openNewest(); err != nil {
			return err
		}
		if w.segment == before { // its successor was removed: a sealed segment takes nothing more
			return fmt.Errorf("append to journal: segment %d is sealed and has no successor", before)
		}
	}
}

// writeWhole writes buf with one write. A write that was cut short left a
// fragment, which readers skip: the whole record is written again.
func writeWhole(fd int, buf []byte) error {
	const tries = 3
	for range tries {
		n, err := unix.Write(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == len(buf):
			return nil
		}
	}
	return io.ErrShortWrite
}

func isSealed(fd int) (bool, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return false, err
	}
	return stat.Mode&0o777 == sealedMode, nil
}

func (w *Writer) closeSegment() {
	if w.fd >= 0 {
		_ = unix.Close(w.fd) // nothing is buffered that a failing close could lose
		w.fd = -1
	}
}

// Close releases the descriptor.
func (w *Writer) Close() { w.closeSegment() }
