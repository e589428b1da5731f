package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// SetAside is the folder that holds what repairs took out.
const SetAside = "set-aside"

// Repair makes a journal sound again as far as that is possible, and reports
// what it found before and what it did ([Report].Done). Nothing is deleted:
// damaged bytes, seals and headers go into the folder set-aside first. Bytes
// that are no record become filler, a missing segment becomes a filler, permission
// bits are set right, and seals are made anew from the first change on. What is
// lost stays lost: records missing without a trace of damage, and disorder, are
// found again by the next check, and so is a segment that cannot be read, which
// stays as it is. Killed at any moment, or ended by an error such as
// a full disk, it can be called again: what it had done by then is right.
// It waits some seconds for another maintainer, then gives [ErrMaintained].
func Repair(dir string) (Report, error) {
	u, err := holdSoon(dir)
	if err != nil {
		return Report{}, err
	}
	defer u.release()
	return u.repair()
}

func (u *upkeep) repair() (Report, error) {
	r, err := inspect(u.dir, nil)
	if err != nil {
		return r, err
	}
	u.unread = r.unread
	if r.Counts[BadHeader] > 0 {
		if err := u.remakeHeader(&r); err != nil {
			return r, err
		}
	}
	if err := u.finish(); err != nil {
		return r, err
	}
	if err := u.fillGaps(&r); err != nil {
		return r, err
	}
	found, err := segments(u.dir)
	if err != nil {
		return r, err
	}
	for i, n := range found {
		if u.unread[n] {
			continue
		}
		if err := u.mend(&r, n, i == len(found)-1); err != nil {
			return r, err
		}
	}
	return r, u.finishRewrite()
}

func (r *Report) did(format string, a ...any) { r.Done = append(r.Done, fmt.Sprintf(format, a...)) }

// remakeHeader puts a new header in the place of one that is missing or damaged.
func (u *upkeep) remakeHeader(r *Report) error {
	if _, err := os.Lstat(filepath.Join(u.dir, HeaderFile)); err == nil {
		if err := u.moveAside(HeaderFile); err != nil {
			return err
		}
		r.did("%s set aside", HeaderFile)
	}
	if _, err := ensureHeader(u.dir, Process); err != nil {
		return fmt.Errorf("repair journal: %w", err)
	}
	r.did("a new %s made", HeaderFile)
	return u.step("header made")
}

// fillGaps puts filler in the place of missing segments, and makes the
// successor that a sealed newest segment lacks.
func (u *upkeep) fillGaps(r *Report) error {
	found, err := segments(u.dir)
	if err != nil || len(found) == 0 {
		return err
	}
	last, err := u.ensureSuccessor(found[len(found)-1])
	if err != nil {
		return err
	}
	for n := found[0]; n <= last; n++ {
		if slices.Contains(found, n) {
			continue
		}
		if err := u.beginRewrite(n); err != nil {
			return err
		}
		if err := u.standIn(n); err != nil {
			return fmt.Errorf("repair journal: %w", err)
		}
		r.did("segment %d is missing: a filler stands in its place", n)
	}
	return nil
}

// ensureSuccessor makes a new newest segment when the one that is there was
// sealed. It returns the number of the last segment that must have been there.
func (u *upkeep) ensureSuccessor(top uint64) (last uint64, err error) {
	info, err := os.Stat(segmentPath(u.dir, top))
	if err != nil && !u.unread[top] {
		return 0, fmt.Errorf("repair journal: %w", err)
	}
	closed := err == nil && info.Mode().Perm() == sealedMode
	sealed, err := numbered(u.dir, sealSuffix)
	if err != nil {
		return 0, err
	}
	last = top
	if len(sealed) > 0 {
		last = max(last, sealed[len(sealed)-1])
	}
	if last == top && !closed {
		return last, nil
	}
	// The successor held records that are gone; followers may stand in it. A new one comes after it.
	last = max(last, top+1)
	if err := os.WriteFile(segmentPath(u.dir, last+1), nil, openMode); err != nil {
		return 0, fmt.Errorf("repair journal: %w", err)
	}
	return last, u.step("newest made")
}

// standIn makes a sealed segment of one line of filler.
func (u *upkeep) standIn(n uint64) error {
	path := segmentPath(u.dir, n)
	_ = os.Remove(path + ".tmp") // of a killed holder
	if err := os.WriteFile(path+".tmp", []byte(" \n"), sealedMode); err != nil {
		return err
	}
	if err := os.Chmod(path+".tmp", sealedMode); err != nil { // whatever the umask
		return err
	}
	if err := u.sealAside(n); err != nil {
		return err
	}
	if err := errors.Join(syncFile(path+".tmp"), os.Rename(path+".tmp", path), syncFolder(u.dir)); err != nil {
		return err
	}
	return u.step("gap filled")
}

// mend repairs one segment. Its seal and those after it are left to finishRewrite.
func (u *upkeep) mend(r *Report, n uint64, newest bool) error {
	bad, size, err := u.badParts(n)
	if err != nil {
		return err
	}
	if newest {
		if len(bad) == 0 {
			return nil
		}
		if err := u.sealNewest(n); err != nil {
			return err
		}
		r.did("segment %d closed, and the next one begun", n)
		if bad, size, err = u.badParts(n); err != nil {
			return err
		}
	}
	sealed, err := u.mendSeal(r, n)
	if err != nil {
		return fmt.Errorf("repair segment %d: %w", n, err)
	}
	info, err := os.Stat(segmentPath(u.dir, n))
	if err != nil {
		return fmt.Errorf("repair segment %d: %w", n, err)
	}
	whole := len(bad) == 0 && size <= info.Size()
	if sealed && whole {
		return nil
	}
	if err := u.beginRewrite(n); err != nil || whole {
		return err
	}
	aside := bad
	if info.Size() > size { // what stands after the end is left out of the new file
		aside = append(slices.Clone(bad), patch{at: size, size: info.Size() - size})
	}
	for _, p := range aside {
		if err := u.copyAside(fmt.Sprintf("%08d.%d", n, p.at), segmentPath(u.dir, n), p.at, p.size); err != nil {
			return fmt.Errorf("repair segment %d: %w", n, err)
		}
		r.did("segment %d: %d bytes at %d set aside", n, p.size, p.at)
	}
	if size > info.Size() {
		r.did("segment %d: %d missing bytes at %d filled up", n, size-info.Size(), info.Size())
	}
	return u.replace(n, bad)
}

// mendSeal sets a sealed segment's permission bits right, and a seal aside that
// is not right. It reports whether the seal is.
func (u *upkeep) mendSeal(r *Report, n uint64) (bool, error) {
	path := segmentPath(u.dir, n)
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if info.Mode().Perm() != sealedMode {
		if err := os.Chmod(path, sealedMode); err != nil {
			return false, err
		}
		r.did("segment %d: its permission bits set right", n)
		if err := u.step("permission bits set"); err != nil {
			return false, err
		}
	}
	if u.sealHolds(n) {
		return true, nil
	}
	if err := u.sealAside(n); err != nil {
		return false, err
	}
	r.did("segment %d: its seal set aside and made anew", n)
	return false, nil
}

// badParts returns the stretches of a segment that are no record, neighbours
// joined, and how many bytes the segment is to have.
func (u *upkeep) badParts(n uint64) (bad []patch, size int64, err error) {
	size, err = u.walk(n, func(s stretch) error {
		if last := len(bad) - 1; s.bad() && last >= 0 && bad[last].at+bad[last].size == s.at {
			bad[last].size += s.end - s.at
		} else if s.bad() {
			bad = append(bad, patch{at: s.at, size: s.end - s.at})
		}
		return nil
	})
	return bad, size, err
}

// sealHolds reports whether a segment has a seal that is right.
func (u *upkeep) sealHolds(n uint64) bool {
	seal, err := readSeal(u.dir, n)
	if err != nil || len((&seals{dir: u.dir}).link(n)) > 0 {
		return false
	}
	sum, err := digest(segmentPath(u.dir, n), seal.Size)
	return err == nil && sum == seal.SHA256
}

// sealAside copies the seal of a segment, if there is one, into set-aside.
func (u *upkeep) sealAside(n uint64) error {
	path := sealPath(u.dir, n)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return u.copyAside(filepath.Base(path), path, 0, info.Size())
}

// copyAside copies a part of a file into set-aside, safe from a power cut.
func (u *upkeep) copyAside(name, path string, at, size int64) (err error) {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	target, err := u.asideName(name)
	if err != nil {
		return err
	}
	to, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, openMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.NewSectionReader(from, at, size))
	if err = errors.Join(err, to.Sync(), to.Close(), syncFolder(filepath.Dir(target))); err != nil {
		_ = os.Remove(target) // half a copy helps nobody, and the disk may be full
		return err
	}
	return u.step("set aside")
}
