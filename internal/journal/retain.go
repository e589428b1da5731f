package journal

import (
	"fmt"
	"os"
	"time"
)

// Retention says what a journal keeps; a zero field sets no limit.
type Retention struct {
	Age   time.Duration // a segment goes when its last write is longer ago
	Bytes int64         // the oldest segments go while all together hold more
}

// Retain removes whole sealed segments, oldest first, that r no longer keeps.
// The newest segment stays, and so does every one from number covered on: that
// is the segment of the position in the last written status file. The seal of
// the last one removed stays as the anchor of the chain. It returns how many
// were removed. [ErrMaintained] says that another process is at it.
func Retain(dir string, r Retention, covered uint64) (removed int, err error) {
	u, err := hold(dir)
	if err != nil {
		return 0, err
	}
	defer u.release()
	return u.retain(r, covered)
}

func (u *upkeep) retain(r Retention, covered uint64) (removed int, err error) {
	if err := u.finish(); err != nil {
		return 0, err
	}
	found, err := segments(u.dir)
	if err != nil || len(found) < 2 {
		return 0, err
	}
	infos := make([]os.FileInfo, len(found))
	var total int64
	for i, n := range found {
		if infos[i], err = os.Stat(segmentPath(u.dir, n)); err != nil {
			return 0, fmt.Errorf("retain journal: %w", err)
		}
		total += infos[i].Size()
	}
	for i, n := range found[:len(found)-1] {
		old := r.Age > 0 && time.Since(infos[i].ModTime()) > r.Age
		much := r.Bytes > 0 && total > r.Bytes
		if !old && !much || n >= covered || infos[i].Mode().Perm() != sealedMode || unsealed(u.dir, n) {
			break
		}
		if err := os.Remove(segmentPath(u.dir, n)); err != nil {
			return removed, fmt.Errorf("retain journal: %w", err)
		}
		removed++
		total -= infos[i].Size()
		if err := u.step("segment removed"); err != nil {
			return removed, err
		}
	}
	if removed == 0 {
		return 0, nil
	}
	return removed, u.removeSeals(found[removed] - 1)
}

// removeSeals removes the seals before the anchor.
func (u *upkeep) removeSeals(anchor uint64) error {
	seals, err := numbered(u.dir, sealSuffix)
	if err != nil {
		return err
	}
	for _, n := range seals {
		if n >= anchor {
			break
		}
		if err := os.Remove(sealPath(u.dir, n)); err != nil {
			return fmt.Errorf("retain journal: %w", err)
		}
		if err := u.step("seal removed"); err != nil {
			return err
		}
	}
	return syncFolder(u.dir)
}
