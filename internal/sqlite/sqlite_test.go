package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch/internal/sqlite/atonce"
)

func TestMain(m *testing.M) {
	if root, child := os.LookupEnv(atonce.Env); child {
		os.Exit(atonce.Child(root, openAndWrite))
	}
	goleak.VerifyTestMain(m)
}

// openAndWrite is what the child processes do.
func openAndWrite(folder string) error {
	db, err := Open(filepath.Join(folder, "0.db"))
	if err != nil {
		return err
	}
	_, err = db.Exec("CREATE TABLE IF NOT EXISTS t (pid); INSERT INTO t VALUES (?)", os.Getpid())
	return errors.Join(err, db.Close())
}

func opened(t *testing.T, path string, pragmas ...string) *sql.DB {
	t.Helper()
	db, err := Open(path, pragmas...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestManyProcessesMayOpenANewFileAtOnce(t *testing.T) {
	for _, processes := range []int{2, 4} {
		for _, folder := range atonce.Run(t, processes, 50) {
			var rows int
			db := opened(t, filepath.Join(folder, "0.db"))
			if err := db.QueryRow("SELECT count(*) FROM t").Scan(&rows); err != nil || rows != processes {
				t.Errorf("%s has rows of %d processes, %v, want %d", folder, rows, err, processes)
			}
		}
	}
}

// TestSecondOpenKeepsTheLocksOfTheFirst: a process that closes a descriptor of its
// own on a file that SQLite has open loses SQLite's locks on it.
func TestSecondOpenKeepsTheLocksOfTheFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.db")
	if _, err := opened(t, path).Exec("CREATE TABLE t (x)"); err != nil { // now it is locked
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	opened(t, path)
	// Could another write where SQLite's readers hold their lock?
	// (https://www.sqlite.org/src/file/src/os_unix.c, SHARED_FIRST)
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: 1<<30 + 2, Len: 510}
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		t.Fatal(err)
	}
	if lock.Type != unix.F_RDLCK {
		t.Errorf("the file is locked as %d after it was opened again, want %d", lock.Type, unix.F_RDLCK)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

func TestFileIsOpenedTheOneWay(t *testing.T) {
	folder := t.TempDir()
	db := opened(t, filepath.Join(folder, "a b?c=#%41 é.db"), "secure_delete(ON)", "synchronous(FULL)")
	if _, err := db.Exec("CREATE TABLE t (x)"); err != nil {
		t.Fatal(err)
	}
	var conns []*sql.Conn // of two at once, one is not the first
	for range 2 {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "busy_timeout": "10000", "secure_delete": "1", "synchronous": "2",
		} {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s = %q, %v, want %q", pragma, got, err, want)
			}
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name())
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v, want 0600", file.Name(), info.Mode(), err)
		}
	}
	if want := []string{"a b?c=#%41 é.db", "a b?c=#%41 é.db-shm", "a b?c=#%41 é.db-wal"}; !slices.Equal(names, want) {
		t.Errorf("files are %q, want %q", names, want)
	}
	for _, conn := range conns {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTransactionBeginsWithTheWriteLock(t *testing.T) {
	if err := busyError(t); !busy(err) {
		t.Errorf("a second transaction: %v, want it busy", err)
	}
}

func TestWhatCannotBeOpenedSaysWhy(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("a text ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		text:                                  "not a database",
		filepath.Join(folder, "none", "0.db"): "no such file",
		folder:                                "is a directory",
	} {
		if db, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%s) = %v, %v, want %q", path, db, err, want)
		}
	}
}

// busyError is what SQLite says to a second transaction that does not wait.
func busyError(t *testing.T) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "0.db")
	first, err := opened(t, path).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Rollback()
	db := opened(t, path)
	db.SetMaxOpenConns(1) // the one that does not wait
	if _, err := db.Exec("PRAGMA busy_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	second, err := db.Begin()
	if err == nil {
		err = errors.Join(errors.New("both have begun"), second.Rollback())
	}
	return err
}

func TestOpenWaitsForWhoIsBusyButNotForEver(t *testing.T) {
	locked := fmt.Errorf("wrapped: %w", busyError(t))
	for name, test := range map[string]struct {
		errs  []error // the last one again and again
		want  error
		least time.Duration
	}{
		"free":            {[]error{nil}, nil, 0},
		"busy twice":      {[]error{locked, locked, nil}, nil, 1},
		"busy then other": {[]error{locked, fs.ErrInvalid}, fs.ErrInvalid, 1},
		"other":           {[]error{fs.ErrInvalid, nil}, fs.ErrInvalid, 0},
		"busy for ever":   {[]error{locked}, locked, patience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, tries := time.Now(), 0
				err := retry(func() error {
					tries++
					return test.errs[min(tries, len(test.errs))-1]
				})
				took := time.Since(began)
				if !errors.Is(err, test.want) || took < test.least || took > patience+pause || test.least == 0 && tries > 1 {
					t.Errorf("retry() = %v after %v and %d tries, want %v after %v", err, took, tries, test.want, test.least)
				}
			})
		})
	}
}

func TestFullDiskIsTold(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "0.db"), "max_page_count(2)")
	_, lite := db.Exec("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000))")
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"SQLite's":   {fmt.Errorf("wrapped: %w", lite), true},
		"kernel's":   {&fs.PathError{Err: syscall.ENOSPC}, true},
		"busy":       {busyError(t), false},
		"none":       {nil, false},
		"other":      {fs.ErrInvalid, false},
		"other text": {errors.New("database or disk is full"), false},
	} {
		marked := MarkFull(test.err)
		if Full(test.err) != test.want || errors.Is(marked, syscall.ENOSPC) != test.want || !errors.Is(marked, test.err) {
			t.Errorf("%s: Full(%v) = %v, MarkFull() = %v, want full %v", name, test.err, Full(test.err), marked, test.want)
		}
	}
}
