// Package bucket gives named objects in a folder, with the guarantees that an
// object store gives: a reader sees a whole object or none, and put-if-absent
// lets one of many win.
//
// A key is a slash-separated path below the folder. Every key is checked before
// it touches the disk, and a symbolic link that leaves the folder is refused by
// the operating system's own path walk ([os.Root]).
package bucket

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrNotFound says that there is no object of that key.
	ErrNotFound = errors.New("no such object")
	// ErrExists says that PutNew met an object that was already there.
	ErrExists = errors.New("object exists already")
	// ErrKey says that a name cannot be a key, or that a file of the folder cannot be an object.
	ErrKey = errors.New("not usable as a key")
)

// Longest key and longest segment of a key, in bytes. The first is the limit of
// the S3 dialect, the second that of common file systems.
const (
	maxKey     = 1024
	maxSegment = 255
)

// tempPrefix begins the names of files that are still being written. They lie
// beside their object, because only within one file system is a rename atomic.
const tempPrefix = ".stagewatch-tmp-"

// Object describes one stored object.
type Object struct {
	Key      string
	Size     int64     // bytes
	Modified time.Time // UTC
}

// Folder is a bucket kept in one folder of the local file system. It holds no
// resource open between calls, and any number of goroutines and processes may use
// the same folder at once.
type Folder struct {
	dir string // absolute
}

// Open returns the bucket that lies in dir and creates the folder (0700) when it
// is not there.
func Open(dir string) (*Folder, error) {
	if dir == "" {
		return nil, errors.New("open bucket: no folder named")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	return &Folder{dir: abs}, nil
}

// Path returns where on the disk the object of key lies or would lie, for those
// who watch or show it. Write through Put only. ErrKey comes back for a key that
// is none, another error for one that leads out of the folder.
func (f *Folder) Path(key string) (string, error) {
	root, err := f.enter(key)
	if err != nil {
		return "", fmt.Errorf("path: %w", err)
	}
	defer root.Close() //nolint:errcheck // A folder opened to look has nothing to lose.
	if _, err := root.Stat(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("path: %w", err)
	}
	return filepath.Join(f.dir, filepath.FromSlash(key)), nil
}

// enter checks key and opens the folder; the caller closes what it gets.
func (f *Folder) enter(key string) (*os.Root, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	return os.OpenRoot(f.dir)
}

// CheckKey returns nil when key names an object: 1 to 1024 bytes of UTF-8 in
// slash-separated segments of at most 255 bytes, none of them empty, "." or "..",
// without control characters and not the name of a file still being written.
// Otherwise the error is ErrKey with the reason.
func CheckKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: it is empty", ErrKey)
	}
	if len(key) > maxKey {
		return fmt.Errorf("%w: %d bytes are more than %d", ErrKey, len(key), maxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if reason := segmentFault(segment); reason != "" {
			return fmt.Errorf("%w: %q: %s", ErrKey, key, reason)
		}
	}
	return nil
}

// segmentFault says why s cannot be one segment of a key, or "".
func segmentFault(s string) string {
	switch {
	case s == "":
		return "a segment is empty"
	case s == "." || s == "..":
		return "a segment is " + s
	case len(s) > maxSegment:
		return fmt.Sprintf("a segment of %d bytes is longer than %d", len(s), maxSegment)
	case strings.HasPrefix(s, tempPrefix):
		return "names that begin with " + tempPrefix + " are kept for files being written"
	case !utf8.ValidString(s):
		return "it is not UTF-8"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "it holds a control character"
	}
	return ""
}

// parent returns the key's folder, "." at the top.
func parent(key string) string { return path.Dir(key) }
