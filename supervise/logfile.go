package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

// reopenAfter is how long nothing is tried after the log file could not be
// written.
const reopenAfter = time.Second

// logFile takes bytes as they come and never blocks on an error: what cannot be
// written is dropped and counted, and a line in the file says so once it can be
// written again. It has one writer at a time; dropped may be called by anybody.
type logFile struct {
	path string
	max  int64
	old  int

	file    *os.File // nil: to be opened, not before retry
	size    int64
	midLine bool // the file does not end in a newline
	retry   time.Time

	mu       sync.Mutex
	total    int64 // bytes dropped
	untold   int64 // those of them that the file does not speak of yet
	why      error // of the last drop
	dropping bool
}

func newLogFile(name string, l Log) *logFile {
	return &logFile{path: filepath.Join(l.Dir, name+".log"), max: l.MaxSize, old: l.Old}
}

// note adds a line of our own. If it cannot be written nothing is missing.
func (l *logFile) note(text string) {
	err := l.ready()
	if err == nil {
		if _, err = l.put(l.line(text)); err != nil {
			err = l.giveUp(err)
		}
	}
	if err != nil {
		l.drop(0, err)
	}
}

// line is a line of our own, on a line of its own.
func (l *logFile) line(text string) []byte {
	line := fmt.Sprintf("--- %s %s ---\n", time.Now().UTC().Format(time.RFC3339), text)
	if l.midLine {
		line = "\n" + line
	}
	return []byte(line)
}

func (l *logFile) write(p []byte) {
	if err := l.ready(); err != nil {
		l.drop(len(p), err)
		return
	}
	n, err := l.put(p)
	if err != nil {
		l.drop(len(p)-n, l.giveUp(err))
	}
}

// ready opens the file if need be, and tells there what was dropped.
func (l *logFile) ready() error {
	if l.file != nil {
		return nil
	}
	if time.Now().Before(l.retry) {
		_, why := l.dropped()
		return why
	}
	if err := l.open(); err != nil {
		return l.giveUp(err)
	}
	l.mu.Lock()
	untold, why := l.untold, l.why
	l.mu.Unlock()
	if untold > 0 {
		line := l.line(fmt.Sprintf("%d bytes of output are missing here: %v", untold, why))
		if _, err := l.put(line); err != nil {
			return l.giveUp(err)
		}
	}
	l.mu.Lock()
	l.untold, l.dropping = 0, false
	l.mu.Unlock()
	return nil
}

// open opens the file to append to it. Only a regular file will do: anything
// else could block.
func (l *logFile) open() error {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", l.path)
	}
	last := []byte{'\n'}
	if err == nil && info.Size() > 0 {
		_, err = f.ReadAt(last, info.Size()-1)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size, l.midLine = f, info.Size(), last[0] != '\n'
	return nil
}

// put writes p, rotating where a line ends.
func (l *logFile) put(p []byte) (written int, err error) {
	for written < len(p) {
		fit := l.fit(p[written:])
		if fit == 0 {
			if err := l.rotate(); err != nil {
				return written, err
			}
			continue
		}
		n, err := l.file.Write(p[written : written+fit])
		if n > 0 {
			written += n
			l.size += int64(n)
			l.midLine = p[written-1] != '\n'
		}
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// fit is how much of p goes into this file: all of it, or the lines that do, or
// of a line that is longer than a file as many characters as do.
func (l *logFile) fit(p []byte) int {
	room := max(0, l.max-l.size)
	if int64(len(p)) <= room {
		return len(p)
	}
	if end := bytes.LastIndexByte(p[:room], '\n') + 1; end > 0 || l.size > 0 {
		return end
	}
	for cut := int(room); cut > int(room)-utf8.UTFMax; cut-- {
		if utf8.RuneStart(p[cut]) {
			return cut
		}
	}
	return int(room)
}

// rotate makes path.1 of path, path.2 of path.1 and so on; the oldest goes.
func (l *logFile) rotate() error {
	err := l.close()
	for i := l.old; i > 0 && err == nil; i-- {
		from := l.path
		if i > 1 {
			from = fmt.Sprintf("%s.%d", l.path, i-1)
		}
		err = os.Rename(from, fmt.Sprintf("%s.%d", l.path, i))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	return l.open()
}

// giveUp closes the file for a while and returns err.
func (l *logFile) giveUp(err error) error {
	l.retry = time.Now().Add(reopenAfter)
	_ = l.close() // err says more than what closing has to add
	return err
}

func (l *logFile) close() error {
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return f.Close()
}

func (l *logFile) drop(n int, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total += int64(n)
	l.untold += int64(n)
	l.why, l.dropping = why, true
}

// dropped is the number of bytes dropped so far and, if the last write was
// dropped, why.
func (l *logFile) dropped() (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dropping {
		return l.total, nil
	}
	return l.total, l.why
}
