package scrape

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Archive is the connector of a folder that holds raw scrapes as
// <platform>/<primary>/<username>.json. The letter case of folders and files does
// not count, as handles have none; an exact match wins. It only reads.
type Archive struct {
	dir string
}

// NewArchive returns the connector of dir, which need not be there yet.
func NewArchive(dir string) (*Archive, error) {
	if dir == "" {
		return nil, errors.New("open archive: no folder named")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	return &Archive{abs}, nil
}

func openArchive(address string) (Connector, error) { return NewArchive(address) }

// maxRaw bounds a raw file, in bytes. A scrape of a hundred posts has less than two
// million; more than this cannot be one, and would not fit into memory decoded.
const maxRaw = 256 << 20

// A file that changes while it is read is read again this often and for this long.
const (
	growing      = 3 * time.Second
	growingEvery = 200 * time.Millisecond
)

// errGrowing says that a file is being written at this moment.
var errGrowing = errors.New("still growing")

// Fetch reads the file of r.Username. A file that is being written is waited for
// about three seconds. The errors are ErrNoScrape, ErrBroken, or of the disk.
func (a *Archive) Fetch(ctx context.Context, r Request) (Raw, error) {
	name, err := a.find(r)
	if err != nil {
		return Raw{}, err
	}
	began := time.Now()
	for {
		raw, err := readWhole(name)
		if !errors.Is(err, errGrowing) {
			return raw, err
		}
		if time.Since(began) >= growing {
			return Raw{}, fail(ErrBroken, err, "raw file %s is still growing: wait until it is written whole", name)
		}
		timer := time.NewTimer(growingEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return Raw{}, ctx.Err()
		case <-timer.C:
		}
	}
}

// find returns the path of the file for r.
func (a *Archive) find(r Request) (string, error) {
	if _, err := os.Stat(a.dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", fail(ErrNoScrape, nil, "folder of raw files %s is not there: create it or use --from", a.dir)
		}
		return "", fmt.Errorf("look for raw file: %w", err)
	}
	at := a.dir
	for _, want := range []string{string(r.Platform), r.Primary, r.Username + ".json"} {
		name, err := match(at, want)
		if err != nil {
			return "", fmt.Errorf("look for raw file: %w", err)
		}
		if name == "" {
			return "", fail(ErrNoScrape, nil, "no raw file %s under %s: add it or use --from", Key(r.Platform, r.Primary, r.Username), a.dir)
		}
		at = filepath.Join(at, name)
	}
	return at, nil
}

// match returns the entry of dir that is named want but for letter case, the exact
// one if there is, and "" when there is none.
func match(dir, want string) (string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	found := ""
	for _, e := range entries {
		if e.Name() == want {
			return want, nil
		}
		if found == "" && strings.EqualFold(e.Name(), want) {
			found = e.Name()
		}
	}
	return found, nil
}

// readWhole reads a file that nobody is writing; errGrowing comes back when
// somebody seems to be.
func readWhole(name string) (raw Raw, err error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // A named pipe must not make us wait.
	if err != nil {
		return Raw{}, fmt.Errorf("read raw file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	before, err := file.Stat()
	if err != nil {
		return Raw{}, fmt.Errorf("read raw file: %w", err)
	}
	if !before.Mode().IsRegular() {
		return Raw{}, fail(ErrBroken, nil, "raw file %s is no file but %s", name, before.Mode().Type())
	}
	if before.Size() > maxRaw {
		return Raw{}, fail(ErrBroken, nil, "raw file %s has %d bytes: more than %d cannot be a scrape", name, before.Size(), maxRaw)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxRaw+1))
	if err != nil {
		return Raw{}, fmt.Errorf("read raw file: %w", err)
	}
	after, err := os.Stat(name)
	if err != nil {
		return Raw{}, fmt.Errorf("read raw file: %w", err)
	}
	if changed(before, after, len(data)) || time.Since(after.ModTime()) < growing && cutOff(data) {
		return Raw{}, errGrowing
	}
	return Raw{Data: data, Taken: before.ModTime()}, nil
}

// changed reports whether a file was written between two looks, with read bytes
// read in between.
func changed(before, after fs.FileInfo, read int) bool {
	return after.Size() != int64(read) || before.Size() != after.Size() || !after.ModTime().Equal(before.ModTime())
}

// cutOff reports whether data is the beginning of JSON, or nothing at all.
func cutOff(data []byte) bool {
	var all json.RawMessage
	err := json.NewDecoder(bytes.NewReader(data)).Decode(&all)
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}
