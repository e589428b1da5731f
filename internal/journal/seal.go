package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// SealOf is what stands in the file beside a sealed segment, NNNNNNNN.seal.
type SealOf struct {
	Segment uint64 `json:"segment"`
	Size    int64  `json:"size"`               // bytes that count, up to and with an LF; later ones were written again in the next segment
	SHA256  string `json:"sha256"`             // of those bytes
	Prev    string `json:"previous,omitempty"` // SHA-256 of the previous seal file; it shows accidents and quiet edits
	// Doubtful: the size was not found at once after the segment was marked.
	// Followers may have left the segment at a lower one.
	Doubtful bool `json:"doubtful,omitempty"`
}

var errSeal = errors.New("not a seal")

// parseSeal reads the seal of segment n.
func parseSeal(text []byte, n uint64) (SealOf, error) {
	var seal SealOf
	if err := json.Unmarshal(text, &seal); err != nil {
		return SealOf{}, fmt.Errorf("%w: %w", errSeal, err)
	}
	digest := func(s string) bool {
		b, err := hex.DecodeString(s)
		return err == nil && len(b) == sha256.Size
	}
	if seal.Segment != n || seal.Size < 0 || !digest(seal.SHA256) || seal.Prev != "" && !digest(seal.Prev) {
		return SealOf{}, errSeal
	}
	return seal, nil
}

func readSeal(dir string, n uint64) (SealOf, error) {
	const limit = 4 << 10
	text, err := readBounded(sealPath(dir, n), limit)
	if err != nil {
		return SealOf{}, err
	}
	return parseSeal(text, n)
}

// readBounded reads a file that must not be larger than limit.
func readBounded(path string, limit int64) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return text, err
}

// Seal closes the newest segment when it holds at least limit bytes, or when it
// is not empty and its first record is older than age (0: however old). It ends
// the sealing and rewriting that a killed process left half done. It reports
// whether a new segment was begun. [ErrMaintained] says that another process is at it.
func Seal(dir string, limit int64, age time.Duration) (bool, error) {
	u, err := hold(dir)
	if err != nil {
		return false, err
	}
	defer u.release()
	return u.seal(limit, age)
}

func (u *upkeep) seal(limit int64, age time.Duration) (bool, error) {
	if err := u.finish(); err != nil {
		return false, err
	}
	found, err := segments(u.dir)
	if err != nil || len(found) == 0 {
		return false, err
	}
	newest := found[len(found)-1]
	due, err := u.due(newest, limit, age)
	if err != nil || !due {
		return false, err
	}
	return true, u.sealNewest(newest)
}

// finish ends what a killed holder left half done.
func (u *upkeep) finish() error {
	if err := u.finishRewrite(); err != nil {
		return err
	}
	found, err := segments(u.dir)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return nil
	}
	older := found[:len(found)-1]
	first := len(older) // of the last ones without a seal: sealing goes in order
	for first > 0 && unsealed(u.dir, older[first-1]) {
		first--
	}
	for _, n := range older[first:] {
		if u.unread[n] {
			continue
		}
		if err := u.closeSegment(n); err != nil {
			return err
		}
	}
	return nil
}

// unsealed reports whether a segment has no seal, or one that a power cut left empty.
func unsealed(dir string, n uint64) bool {
	_, err := os.Stat(sealPath(dir, n))
	return errors.Is(err, fs.ErrNotExist) || empty(dir, n)
}

// empty reports whether the seal of a segment is a file without a byte.
func empty(dir string, n uint64) bool {
	info, err := os.Stat(sealPath(dir, n))
	return err == nil && info.Size() == 0
}

// due reports whether the newest segment is to be sealed.
func (u *upkeep) due(n uint64, limit int64, age time.Duration) (bool, error) {
	f, err := os.Open(segmentPath(u.dir, n))
	if err != nil {
		return false, fmt.Errorf("seal segment %d: %w", n, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("seal segment %d: %w", n, err)
	}
	if info.Size() == 0 {
		return false, nil
	}
	if info.Size() >= limit {
		return true, nil
	}
	return age > 0 && time.Since(firstWrite(f, info)) > age, nil
}

// firstWrite returns when a segment was first written to: the time that its
// first record carries, or when it carries none, that of the last write.
func firstWrite(f *os.File, info os.FileInfo) time.Time {
	var t text
	if _, err := t.fill(f, MaxRecord); err != nil {
		return info.ModTime()
	}
	for s, ok := t.next(false); ok; s, ok = t.next(false) {
		var stamped struct {
			Time time.Time `json:"time"`
		}
		if s.kind == wholeRecord && json.Unmarshal(s.rec.Payload, &stamped) == nil && !stamped.Time.IsZero() {
			return stamped.Time
		}
	}
	return info.ModTime()
}

// sealNewest closes the newest segment and begins another.
func (u *upkeep) sealNewest(n uint64) error {
	next, err := os.OpenFile(segmentPath(u.dir, n+1), os.O_CREATE|os.O_WRONLY|os.O_APPEND, openMode)
	if err != nil {
		return fmt.Errorf("begin segment %d: %w", n+1, err)
	}
	if err := next.Close(); err != nil {
		return fmt.Errorf("begin segment %d: %w", n+1, err)
	}
	if err := syncFolder(u.dir); err != nil {
		return fmt.Errorf("begin segment %d: %w", n+1, err)
	}
	if err := u.step("successor made"); err != nil {
		return err
	}
	return u.closeSegment(n)
}

// closeSegment marks segment n, which has a successor, as closed and writes its seal.
func (u *upkeep) closeSegment(n uint64) error {
	path := segmentPath(u.dir, n)
	// The bulk goes to the disk before the mark, so that followers need not wait for it.
	if err := syncFile(path); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	marked := time.Now()
	if err := os.Chmod(path, sealedMode); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	if err := u.step("marked"); err != nil {
		return err
	}
	size, err := wholeLines(path)
	if err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	doubtful := info.Mode().Perm() == sealedMode || time.Since(marked) > sealPatience/2
	if err := u.writeSeal(n, size, doubtful); err != nil {
		return err
	}
	// Without this a power cut can leave an empty seal or an older mark: both are made again.
	if err := errors.Join(syncFile(path), syncFile(sealPath(u.dir, n)), syncFolder(u.dir)); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	return nil
}

// writeSeal puts the seal of the first size bytes of segment n in place.
func (u *upkeep) writeSeal(n uint64, size int64, doubtful bool) error {
	sum, err := digest(segmentPath(u.dir, n), size)
	if err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	return u.chainSeal(SealOf{Segment: n, Size: size, SHA256: sum, Doubtful: doubtful})
}

// chainSeal puts a seal in place, after the one before it.
func (u *upkeep) chainSeal(seal SealOf) error {
	n := seal.Segment
	var err error
	if seal.Prev, err = digest(sealPath(u.dir, n-1), growing); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	text, err := json.Marshal(seal)
	if err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	tmp := sealPath(u.dir, n) + ".tmp"
	if err := os.WriteFile(tmp, append(text, '\n'), openMode); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	if err := u.step("seal written"); err != nil {
		return err
	}
	if err := os.Rename(tmp, sealPath(u.dir, n)); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	return u.step("seal in place")
}

// wholeLines returns the offset after the last LF of a file.
func wholeLines(path string) (size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	block := make([]byte, readBlock)
	for end := info.Size(); end > 0; {
		begin := max(end-readBlock, 0)
		n, err := f.ReadAt(block[:end-begin], begin)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}

// digest returns the SHA-256 of a file's first bytes, of all of them when there are fewer.
func digest(path string, size int64) (sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	_, err = io.CopyBuffer(h, io.LimitReader(f, size), make([]byte, readBlock))
	return hex.EncodeToString(h.Sum(nil)), err
}

// syncFile makes what a file holds survive a power cut.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = unix.Fsync(int(f.Fd()))
	for errors.Is(err, unix.EINTR) {
		err = unix.Fsync(int(f.Fd()))
	}
	return errors.Join(err, f.Close())
}
