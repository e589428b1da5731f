package account

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stagewatch/stagewatch/internal/content"
)

// ErrClaimed says that somebody else is working on the account.
var ErrClaimed = errors.New("somebody else is working on it")

// Claim takes the account for this caller alone until release is called or the
// process ends, however it ends: the lock is the kernel's, on a file in lockDir,
// which is created (0700) when it is not there. An account claimed already, in this
// process or another, gives ErrClaimed. Letter case does not tell accounts apart.
//
// The lock file stays behind, until [Forget].
func Claim(lockDir string, a content.Account) (release func(), err error) {
	path, err := lockPath(lockDir, a)
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	if err := os.MkdirAll(lockDir, 0o700); err != nil {
		return nil, fmt.Errorf("claim %s: %w", a.Key(), err)
	}
	for {
		file, err := lock(path)
		if err != nil {
			return nil, fmt.Errorf("claim %s: %w", a.Key(), err)
		}
		// Whoever forgot the account meanwhile removed the file that this lock is on.
		if same, err := stillThere(file, path); err != nil || !same {
			if err := errors.Join(err, file.Close()); err != nil {
				return nil, fmt.Errorf("claim %s: %w", a.Key(), err)
			}
			continue
		}
		return func() { _ = file.Close() }, nil // Closing lets go of the lock; the file holds nothing that could be lost.
	}
}

// Forget removes the lock file of an account, whose name it bears. Only who has
// claimed the account may call it, before letting go.
func Forget(lockDir string, a content.Account) error {
	path, err := lockPath(lockDir, a)
	if err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget %s: %w", a.Key(), err)
	}
	return nil
}

func lockPath(lockDir string, a content.Account) (string, error) {
	username, err := CheckUsername(a.Platform, a.Username)
	if err != nil {
		return "", err
	}
	return filepath.Join(lockDir, strings.ToLower(string(a.Platform)+"-"+username+".lock")), nil
}

func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return file, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrClaimed
	}
	return nil, errors.Join(err, file.Close())
}

func stillThere(file *os.File, path string) (bool, error) {
	have, err := file.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(have, named), err
}
