package engine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrExecutorInUse is returned by [Open] when another open engine has the same
// executor id. The text around it names that engine's process.
var ErrExecutorInUse = errors.New("executor id is in use")

const (
	lockPatience = 5 * time.Second
	lockInterval = 100 * time.Millisecond
)

// errHeld is what tryLock returns when somebody else has the lock.
var errHeld = errors.New("lock is held")

// lockFile is a file with an exclusive flock: the kernel releases it when the
// process dies. The descriptor is close-on-exec, as all that package os opens,
// or a surviving child would keep a dead process's lock. The file stays when the
// lock is released: removing it would let two processes lock two files of one name.
type lockFile struct{ *os.File }

// tryLock locks the file at path, made if absent, and writes this process's id
// into it, or returns errHeld at once.
func tryLock(path string) (*lockFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errHeld
		}
		return nil, errors.Join(err, file.Close())
	}
	// The id is for people: a full disk must not keep the lock from being taken.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	return &lockFile{file}, nil
}

// waitLock is tryLock, tried again until lockPatience has run out or ctx is done.
func waitLock(ctx context.Context, path string) (*lockFile, error) {
	tick := time.NewTicker(lockInterval)
	defer tick.Stop()
	for began := time.Now(); ; {
		lock, err := tryLock(path)
		if !errors.Is(err, errHeld) || time.Since(began) >= lockPatience {
			return lock, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *lockFile) release() error { return l.Close() }

// executorLock is the path of an executor's lock file.
func executorLock(dir, id string) string {
	return filepath.Join(dir, "exec-"+url.PathEscape(id)+".lock")
}

// lockExecutor takes the lock that says that the executor is alive.
func lockExecutor(ctx context.Context, dir, id string) (*lockFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock executor %s: %w", id, err)
	}
	path := executorLock(dir, id)
	lock, err := waitLock(ctx, path)
	if errors.Is(err, errHeld) {
		return nil, fmt.Errorf("executor %s: %w by process %s", id, ErrExecutorInUse, holder(path))
	}
	if err != nil {
		return nil, fmt.Errorf("lock executor %s: %w", id, err)
	}
	return lock, nil
}

// holder is the process id in a lock file, "?" if there is none.
func holder(path string) string {
	text, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return pid
	}
	return "?"
}
