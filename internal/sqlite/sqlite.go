// Package sqlite opens SQLite files, all in the same way, so that several
// processes may use one from its first moment on.
package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

const (
	// patience is how long Open tries again, and how long each statement waits
	// for another's lock before it fails as busy.
	patience = 10 * time.Second
	// pause is the longest wait between two tries.
	pause = 20 * time.Millisecond
)

// Error is what SQLite itself says; others may have wrapped it.
type Error = sqlite.Error

// Open opens the file at path, and makes it with mode 0600 if it is absent; SQLite
// gives its -wal and -shm files the same mode. Its folder must exist. The caller
// closes the database.
//
// The file is in WAL mode: one process writes while others read. A transaction
// begins with the write lock, so that two writers wait for each other, up to 10 s,
// instead of failing half-way. The pragmas, such as "synchronous(FULL)", are set
// on every connection beside that.
//
// SQLite does not wait for anybody in the switch to WAL, which the first connection
// to a new file makes: of two processes that make the same file at the same
// moment one is told at once that it is busy. Open then tries again, up to 10 s.
func Open(path string, pragmas ...string) (*sql.DB, error) {
	if err := create(path); err != nil {
		return nil, err
	}
	source, err := source(path, pragmas)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	if err := retry(db.Ping); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// create makes an empty file if there is none. With O_EXCL, so that a descriptor of
// a file which this process has open already is never closed: that would drop its
// POSIX locks.
func create(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	// SQLite would only say that it is unable to open it.
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	}
	return nil
}

// source names the file for the driver.
func source(path string, pragmas []string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	wait := fmt.Sprintf("busy_timeout(%d)", patience.Milliseconds())
	options := url.Values{
		"_pragma": append([]string{wait, "journal_mode(WAL)"}, pragmas...),
		"_txlock": {"immediate"},
	}
	return (&url.URL{Scheme: "file", Path: absolute, RawQuery: options.Encode()}).String(), nil
}

// retry tries to make the first connection, which switches a new file to WAL, for
// as long as the file is busy. The connections after it find it switched.
func retry(connect func() error) error {
	for began := time.Now(); ; {
		err := connect()
		if !busy(err) || time.Since(began) >= patience {
			return err
		}
		// Not all after the same wait, or they would meet again.
		<-time.After(rand.N(pause))
	}
}

func busy(err error) bool {
	cause := (*Error)(nil)
	return errors.As(err, &cause) && cause.Code()&0xff == lib.SQLITE_BUSY
}

// Full says whether err comes from a full disk, in SQLite's words or the kernel's.
func Full(err error) bool {
	cause := (*Error)(nil)
	return errors.Is(err, syscall.ENOSPC) || errors.As(err, &cause) &&
		(cause.Code() == lib.SQLITE_FULL || cause.Code() == lib.SQLITE_IOERR_SHMSIZE)
}

// MarkFull returns err, and makes errors.Is(err, [syscall.ENOSPC]) true if it comes
// from a full disk.
func MarkFull(err error) error {
	if Full(err) && !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	return err
}
