package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrMaintained says that another process is sealing, retaining, repairing or
// rewriting the journal.
var ErrMaintained = errors.New("another process maintains this journal")

const lockFile = "maintenance.lock"

// Maintain takes the journal's maintenance lock, [ErrMaintained] when it is
// held. [Seal], [Retain], [Repair] and [Rewrite] take it themselves: who holds
// it keeps them away. The lock ends with release, or with the process.
func Maintain(dir string) (release func(), err error) {
	return lock(dir, unix.LOCK_EX)
}

func lock(dir string, how int) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, openMode)
	if err != nil {
		return nil, fmt.Errorf("maintain journal: %w", err)
	}
	err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	for errors.Is(err, unix.EINTR) {
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	}
	if err == nil {
		return func() { _ = f.Close() }, nil // which releases the lock
	}
	_ = f.Close() // it was not locked
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("maintain journal: %w", ErrMaintained)
	}
	return nil, fmt.Errorf("maintain journal: lock: %w", err)
}

// lockSoon is lock for those who can wait a while for the keeper.
func lockSoon(dir string, how int) (release func(), err error) {
	const again, patience = 10 * time.Millisecond, 10 * time.Second
	for began := time.Now(); ; <-time.After(again) {
		release, err = lock(dir, how)
		if !errors.Is(err, ErrMaintained) || time.Since(began) > patience {
			return release, err
		}
	}
}

// upkeep is the work of one holder of the maintenance lock.
type upkeep struct {
	dir     string
	release func()
	from    uint64                  // the seals from here on are to be made anew; 0: none
	unread  map[uint64]bool         // segments that cannot be read: a repair leaves them as they are
	reached func(step string) error // a test ends the work here, as a kill would
}

func hold(dir string) (*upkeep, error) {
	release, err := Maintain(dir)
	return &upkeep{dir: dir, release: release}, err
}

func holdSoon(dir string) (*upkeep, error) {
	release, err := lockSoon(dir, unix.LOCK_EX)
	return &upkeep{dir: dir, release: release}, err
}

// step is called between any two changes to the disk.
func (u *upkeep) step(done string) error {
	if u.reached == nil {
		return nil
	}
	return u.reached(done)
}
