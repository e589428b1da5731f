package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Put stores data under key and replaces what was there. A reader, and a crash at
// any moment, finds the old object or the new one, whole. When Put returns nil the
// object is on the disk (fsync). A full disk can be told by
// errors.Is(err, syscall.ENOSPC) and leaves the old object in place.
func (f *Folder) Put(ctx context.Context, key string, data []byte) error {
	err := f.write(ctx, key, data, (*os.Root).Rename)
	if err != nil {
		return fmt.Errorf("put %q: %w", key, err)
	}
	return nil
}

// PutNew stores data under key unless an object is there already, which gives
// ErrExists. Of many callers at once exactly one wins, and its object is whole
// from the first moment it can be seen.
func (f *Folder) PutNew(ctx context.Context, key string, data []byte) error {
	err := f.write(ctx, key, data, linkNew)
	if errors.Is(err, fs.ErrExist) {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("put new %q: %w", key, err)
	}
	return nil
}

// linkNew gives the finished file its name. A hard link, unlike a rename, is
// refused when the name is taken.
func linkNew(root *os.Root, temp, key string) error {
	if err := root.Link(temp, key); err != nil {
		return err
	}
	return root.Remove(temp)
}

// Delete removes the object of key, and the folders that are empty without it.
// It is no error when there is none.
func (f *Folder) Delete(ctx context.Context, key string) error {
	if err := f.remove(ctx, key); err != nil {
		return fmt.Errorf("delete %q: %w", key, err)
	}
	return nil
}

func (f *Folder) remove(ctx context.Context, key string) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	root, err := f.enter(key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if about, err := root.Lstat(key); err == nil && about.IsDir() {
		return nil
	}
	if err := root.Remove(key); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	dir := parent(key)
	for dir != "." && root.Remove(dir) == nil { // It fails at the first folder that holds something.
		dir = parent(dir)
	}
	err = syncDir(root, dir)
	if errors.Is(err, fs.ErrNotExist) { // Somebody else took the folder away too.
		return nil
	}
	return err
}

// tries bounds how often a write begins anew because a Delete elsewhere removed
// the folder that it was about to write into.
const tries = 10

func (f *Folder) write(ctx context.Context, key string, data []byte, publish func(*os.Root, string, string) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	root, err := f.enter(key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for range tries {
		err = writeOnce(root, key, data, publish)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

func writeOnce(root *os.Root, key string, data []byte, publish func(*os.Root, string, string) error) error {
	dir := parent(key)
	if err := makeDirs(root, dir); err != nil {
		return err
	}
	temp := path.Join(dir, tempPrefix+rand.Text())
	err := writeFile(root, temp, data)
	if err == nil {
		err = publish(root, temp, key)
	}
	if err != nil {
		// The reason counts, not whether the remains could be cleared; List clears them later.
		_ = root.Remove(temp)
		return err
	}
	return syncDir(root, dir)
}

func writeFile(root *os.Root, name string, data []byte) (err error) {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(data); err != nil {
		return err
	}
	return file.Sync()
}

// makeDirs creates dir and what is missing above it, each entry on the disk
// before something is put into it.
func makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if about, err := root.Stat(dir); err == nil && about.IsDir() {
		return nil
	}
	at := ""
	for segment := range strings.SplitSeq(dir, "/") {
		above := path.Clean(at)
		at = path.Join(at, segment)
		err := root.Mkdir(at, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := syncDir(root, above); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes the names in dir outlast a power cut.
func syncDir(root *os.Root, dir string) (err error) {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}
