package account

import (
	"errors"
	"fmt"
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
// The lock file stays behind: removing it would let two callers hold locks on two
// files of one name.
func Claim(lockDir string, a content.Account) (release func(), err error) {
	username, err := CheckUsername(a.Platform, a.Username)
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	if err := os.MkdirAll(lockDir, 0o700); err != nil {
		return nil, fmt.Errorf("claim %s: %w", a.Key(), err)
	}
	name := strings.ToLower(string(a.Platform) + "-" + username + ".lock")
	file, err := os.OpenFile(filepath.Join(lockDir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", a.Key(), err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return func() { _ = file.Close() }, nil // Closing lets go of the lock; the file holds nothing that could be lost.
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrClaimed
	}
	return nil, errors.Join(fmt.Errorf("claim %s: %w", a.Key(), err), file.Close())
}
