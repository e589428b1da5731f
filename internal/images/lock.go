package images

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// takeLock takes the kernel's lock on the file at path, which holds for as long
// as the returned file is open and the process lives. ErrRunning names the holder.
func takeLock(path string) (_ *os.File, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("images: open lock: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("images: lock %s: %w", path, err)
		}
		holder, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %s is locked", ErrRunning, path)
		}
		return nil, fmt.Errorf("%w: %s is locked by process %s", ErrRunning, path, strings.TrimSpace(string(holder)))
	}
	if err := file.Truncate(0); err != nil {
		return nil, fmt.Errorf("images: write lock: %w", err)
	}
	if _, err := fmt.Fprintln(file, os.Getpid()); err != nil {
		return nil, fmt.Errorf("images: write lock: %w", err)
	}
	return file, nil
}

// taken reports whether an error of listening means that the port is in use.
func taken(err error) bool { return errors.Is(err, unix.EADDRINUSE) }
