package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// rewriteFile names the first segment whose seal is to be made anew.
const rewriteFile = "rewrite.json"

type rewriting struct {
	Version int    `json:"v"`
	From    uint64 `json:"from"`
}

// Rewrite lets edit change records in place. edit gets the payload of each
// record, repeated ones included, and returns another one and true to change
// it; the new one must not be longer and is padded with blanks to the same
// length, so that every record keeps its place. The newest segment is sealed
// first when it holds anything to change. Interrupted, it can be called again.
// It waits some seconds for another maintainer, then gives [ErrMaintained].
// Bytes that are no record are not edited: repair the journal first.
func Rewrite(dir string, edit func(payload []byte) ([]byte, bool)) (changed int, err error) {
	u, err := holdSoon(dir)
	if err != nil {
		return 0, err
	}
	defer u.release()
	return u.rewrite(edit)
}

func (u *upkeep) rewrite(edit func(payload []byte) ([]byte, bool)) (changed int, err error) {
	if err := u.finish(); err != nil {
		return 0, err
	}
	found, err := segments(u.dir)
	if err != nil {
		return 0, err
	}
	for i, n := range found {
		patches, late, err := u.edits(n, edit)
		if err == nil && len(patches) > 0 && i == len(found)-1 {
			if err = u.sealNewest(n); err == nil {
				patches, late, err = u.edits(n, edit) // what was written meanwhile counts too
			}
		}
		if err != nil {
			return changed, err
		}
		if len(patches) == 0 && !late {
			continue
		}
		if err := u.beginRewrite(n); err != nil {
			return changed, err
		}
		if err := u.replace(n, patches); err != nil {
			return changed, err
		}
		changed += len(patches)
	}
	return changed, u.finishRewrite()
}

// patch is a stretch of a segment that is replaced.
type patch struct {
	at   int64
	text []byte // nil: filler
	size int64
}

// edits returns what edit changes in a segment, and whether it would change
// what stands after its end, which is left out when the segment is replaced.
func (u *upkeep) edits(n uint64, edit func([]byte) ([]byte, bool)) (patches []patch, late bool, err error) {
	size, err := u.walk(n, func(s stretch) error {
		payload, change := edited(s, edit)
		if !change {
			return nil
		}
		over := len(s.rec.Payload) - len(payload)
		if over < 0 {
			return fmt.Errorf("rewrite segment %d: the record at %d became longer by %d bytes", n, s.at, -over)
		}
		padded := append(bytes.Clone(payload), bytes.Repeat([]byte{' '}, over)...)
		text := appendFrame(nil, s.rec.Writer, s.rec.N, s.rec.again, padded)
		patches = append(patches, patch{at: s.at, text: text, size: int64(len(text))})
		return nil
	})
	if err == nil {
		err = u.walkPart(n, size, growing, func(s stretch) error {
			_, change := edited(s, edit)
			late = late || change
			return nil
		})
	}
	return patches, late, err
}

// edited returns what edit makes of a record, and whether that is a change.
func edited(s stretch, edit func([]byte) ([]byte, bool)) ([]byte, bool) {
	if s.kind != wholeRecord {
		return nil, false
	}
	payload, change := edit(s.rec.Payload)
	return payload, change && !bytes.Equal(payload, bytes.TrimRight(s.rec.Payload, " "))
}

// walk calls each for every stretch of a segment that counts. It returns how
// many bytes the segment is to have: more than it has when it was cut short.
func (u *upkeep) walk(n uint64, each func(stretch) error) (size int64, err error) {
	if seal, err := readSeal(u.dir, n); err == nil {
		size = seal.Size
	} else {
		info, err := os.Stat(segmentPath(u.dir, n))
		if err != nil {
			return 0, fmt.Errorf("read segment %d: %w", n, err)
		}
		size = info.Size()
	}
	return size, u.walkPart(n, 0, size, each)
}

// walkPart calls each for every stretch between two offsets.
func (u *upkeep) walkPart(n uint64, from, to int64, each func(stretch) error) (err error) {
	f, err := os.Open(segmentPath(u.dir, n))
	if err != nil {
		return fmt.Errorf("read segment %d: %w", n, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	t := text{at: from}
	for ended := false; !ended; {
		read, err := t.fill(f, to)
		if err != nil {
			return fmt.Errorf("read segment %d: %w", n, err)
		}
		ended = read == 0
		for s, ok := t.next(ended); ok; s, ok = t.next(ended) {
			if err := each(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginRewrite notes that the seals from a segment on will have to be made anew.
func (u *upkeep) beginRewrite(from uint64) error {
	if u.from > 0 && u.from <= from {
		return nil
	}
	text, err := json.Marshal(rewriting{Version: 1, From: from})
	if err != nil {
		return fmt.Errorf("begin rewriting: %w", err)
	}
	path := filepath.Join(u.dir, rewriteFile)
	err = os.WriteFile(path+".tmp", append(text, '\n'), openMode)
	if err == nil {
		err = errors.Join(syncFile(path+".tmp"), os.Rename(path+".tmp", path), syncFolder(u.dir))
	}
	if err != nil {
		return fmt.Errorf("begin rewriting: %w", err)
	}
	u.from = from
	return u.step("rewriting begun")
}

// replace puts a sealed segment in place anew, with patches. Bytes after those that count are left out.
func (u *upkeep) replace(n uint64, patches []patch) error {
	size, err := u.walk(n, func(stretch) error { return nil })
	if err == nil {
		err = u.copySegment(n, size, patches)
	}
	if err != nil {
		return fmt.Errorf("replace segment %d: %w", n, err)
	}
	if err := u.step("segment written"); err != nil {
		return err
	}
	path := segmentPath(u.dir, n)
	if err := errors.Join(os.Rename(path+".tmp", path), syncFolder(u.dir)); err != nil {
		return fmt.Errorf("replace segment %d: %w", n, err)
	}
	return u.step("segment replaced")
}

// copySegment writes size bytes of segment n, with patches, to its temporary
// file. After an error that is gone: the disk may be full.
func (u *upkeep) copySegment(n uint64, size int64, patches []patch) (err error) {
	path := segmentPath(u.dir, n)
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	_ = os.Remove(path + ".tmp") // of a killed holder; its permission bits would not let it be opened
	to, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, openMode)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, to.Close()); err != nil {
			_ = os.Remove(path + ".tmp")
		}
	}()
	if _, err := io.Copy(to, io.LimitReader(from, size)); err != nil {
		return err
	}
	for _, p := range patches {
		if err := p.write(to); err != nil {
			return err
		}
	}
	if over := size - info.Size(); over > 0 {
		if err := (patch{at: info.Size(), size: over}).write(to); err != nil {
			return err
		}
	}
	// Retention goes by the time of the last write.
	if err := os.Chtimes(path+".tmp", time.Time{}, info.ModTime()); err != nil {
		return err
	}
	return errors.Join(to.Chmod(sealedMode), to.Sync())
}

// write puts the patch in its place. Filler is lines of blanks.
func (p patch) write(to *os.File) error {
	if p.text != nil {
		_, err := to.WriteAt(p.text, p.at)
		return err
	}
	const width = 4096
	line := append(bytes.Repeat([]byte{' '}, width-1), '\n')
	for at, left := p.at, p.size; left > 0; {
		part := line[max(width-left, 0):]
		if _, err := to.WriteAt(part, at); err != nil {
			return err
		}
		at, left = at+int64(len(part)), left-int64(len(part))
	}
	return nil
}

// finishRewrite makes the seals anew that a rewriting left to be made.
func (u *upkeep) finishRewrite() error {
	const limit = 4 << 10
	path := filepath.Join(u.dir, rewriteFile)
	text, err := readBounded(path, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finish rewriting: %w", err)
	}
	var r rewriting
	if err := json.Unmarshal(text, &r); err != nil || r.Version != 1 {
		// It was written whole: somebody changed it. What it meant shows in the seals.
		return u.moveAside(rewriteFile)
	}
	found, err := segments(u.dir)
	if err != nil {
		return err
	}
	for _, n := range found[:max(len(found)-1, 0)] {
		if n < r.From {
			continue
		}
		if u.unread[n] {
			if err := u.chainUnread(n); err != nil {
				return err
			}
			continue
		}
		if info, err := os.Stat(segmentPath(u.dir, n)); err != nil || info.Mode().Perm() != sealedMode {
			break // its sealing was interrupted, and is ended next
		}
		if err := u.sealAgain(n); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Remove(path), syncFolder(u.dir)); err != nil {
		return fmt.Errorf("finish rewriting: %w", err)
	}
	u.from = 0
	return u.step("rewriting finished")
}

// sealAgain makes the seal of a replaced segment, or of one after it.
func (u *upkeep) sealAgain(n uint64) error {
	path := segmentPath(u.dir, n)
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("seal segment %d again: %w", n, err)
	}
	seal, err := readSeal(u.dir, n)
	size, doubtful := seal.Size, seal.Doubtful
	switch {
	case err != nil:
		doubtful = true
		if size, err = wholeLines(path); err != nil {
			return fmt.Errorf("seal segment %d again: %w", n, err)
		}
	case size > info.Size(): // it was cut short: a seal that said so no more would hide the loss
		if err := u.replace(n, nil); err != nil {
			return err
		}
	}
	if err := u.writeSeal(n, size, doubtful); err != nil {
		return err
	}
	if err := syncFile(sealPath(u.dir, n)); err != nil {
		return fmt.Errorf("seal segment %d again: %w", n, err)
	}
	return nil
}

// chainUnread lets the seal of a segment that cannot be read follow from the
// one before it. Without a seal it stays so.
func (u *upkeep) chainUnread(n uint64) error {
	seal, err := readSeal(u.dir, n)
	if err != nil {
		return nil //nolint:nilerr // the next check says so again
	}
	return u.chainSeal(seal)
}

// moveAside moves a file of the journal's folder into set-aside.
func (u *upkeep) moveAside(name string) error {
	to, err := u.asideName(name)
	if err == nil {
		err = os.Rename(filepath.Join(u.dir, name), to)
	}
	if err == nil {
		err = errors.Join(syncFolder(filepath.Dir(to)), syncFolder(u.dir))
	}
	if err != nil {
		return fmt.Errorf("set %s aside: %w", name, err)
	}
	return u.step("set aside")
}

// asideName returns a name in set-aside that is not taken, and makes the folder.
func (u *upkeep) asideName(name string) (string, error) {
	folder := filepath.Join(u.dir, SetAside)
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	path := filepath.Join(folder, name+"."+time.Now().UTC().Format("20060102T150405.000000000Z"))
	free := path
	for try := 2; fileExists(free); try++ {
		free = fmt.Sprintf("%s.%d", path, try)
	}
	return free, nil
}

func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
