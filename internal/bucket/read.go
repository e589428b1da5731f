package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// abandoned is the age from which an unfinished file cannot belong to a writer
// that still lives.
const abandoned = 24 * time.Hour

// Get returns the object of key, or ErrNotFound.
func (f *Folder) Get(ctx context.Context, key string) ([]byte, error) {
	data, err := f.read(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("get %q: %w", key, err)
	}
	return data, nil
}

func (f *Folder) read(ctx context.Context, key string) (data []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := f.enter(key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	// A named pipe must not make a reader wait for a writer.
	file, err := root.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, missing(err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	about, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkFile(about); err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}

// Stat describes the object of key, or gives ErrNotFound.
func (f *Folder) Stat(ctx context.Context, key string) (Object, error) {
	o, err := f.stat(ctx, key)
	if err != nil {
		return Object{}, fmt.Errorf("stat %q: %w", key, err)
	}
	return o, nil
}

func (f *Folder) stat(ctx context.Context, key string) (o Object, err error) {
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	root, err := f.enter(key)
	if err != nil {
		return Object{}, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return describe(root, key)
}

// List yields every object whose key begins with prefix, in key order (bytewise),
// without limit. Files that are still being written are never listed.
//
// A file that cannot be an object (its name cannot be a key, it is a pipe, a link
// to a folder or a link out of this one) and a folder that cannot be read are
// yielded with their key and an error, and the listing goes on for as long as the
// caller wants more. What appears or goes
// while the listing runs may or may not be in it.
func (f *Folder) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := f.list(ctx, prefix, yield); err != nil {
			yield(Object{}, fmt.Errorf("list %q: %w", prefix, err))
		}
	}
}

func (f *Folder) list(ctx context.Context, prefix string, yield func(Object, error) bool) error {
	dir := "."
	if at := strings.LastIndexByte(prefix, '/'); at >= 0 {
		dir = prefix[:at]
		if err := CheckKey(dir); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // A folder opened to look has nothing to lose.
	w := walk{root: root, prefix: prefix, yield: yield}
	if err := w.dir(ctx, dir); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// errEnough ends a walk whose caller wants no more.
var errEnough = errors.New("enough")

type walk struct {
	root   *os.Root
	prefix string
	yield  func(Object, error) bool
}

func (w walk) dir(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := fs.ReadDir(w.root.FS(), dir)
	if gone(err) {
		return nil
	}
	if err != nil {
		return w.give(Object{Key: dir}, fmt.Errorf("folder %q: %w", dir, err))
	}
	// In key order "a-b" stands before "a/b", so a folder is compared with its slash.
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(slashed(a), slashed(b)) })
	for _, e := range entries {
		key := path.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), tempPrefix) {
			w.clear(key, e)
			continue
		}
		if err := w.entry(ctx, key, e); err != nil {
			return err
		}
	}
	return nil
}

func (w walk) entry(ctx context.Context, key string, e fs.DirEntry) error {
	if e.IsDir() {
		if !strings.HasPrefix(key+"/", w.prefix) && !strings.HasPrefix(w.prefix, key+"/") {
			return nil
		}
		if err := CheckKey(key); err != nil {
			return w.give(Object{Key: key}, fmt.Errorf("folder %w", err))
		}
		return w.dir(ctx, key)
	}
	if !strings.HasPrefix(key, w.prefix) {
		return nil
	}
	err := CheckKey(key)
	o := Object{Key: key}
	if err == nil {
		o, err = describe(w.root, key)
	}
	if gone(err) {
		return nil // It went while we looked.
	}
	if err != nil {
		err = fmt.Errorf("object %q: %w", key, err)
	}
	return w.give(o, err)
}

func (w walk) give(o Object, err error) error {
	if !w.yield(o, err) {
		return errEnough
	}
	return nil
}

// clear removes what a killed writer left behind. The file was never an object,
// so nobody can miss it; when it cannot be removed nothing is lost but its space.
func (w walk) clear(key string, e fs.DirEntry) {
	about, err := e.Info()
	if err == nil && about.Mode().IsRegular() && time.Since(about.ModTime()) > abandoned {
		_ = w.root.Remove(key)
	}
}

func slashed(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// describe looks at one file through links, as a reader would.
func describe(root *os.Root, key string) (Object, error) {
	about, err := root.Stat(key)
	if err != nil {
		return Object{Key: key}, missing(err)
	}
	if about.IsDir() {
		if at, err := root.Lstat(key); err == nil && at.Mode()&fs.ModeSymlink != 0 {
			return Object{Key: key}, fmt.Errorf("%w: it is a link to a folder", ErrKey)
		}
	}
	if err := checkFile(about); err != nil {
		return Object{Key: key}, err
	}
	return Object{Key: key, Size: about.Size(), Modified: about.ModTime().UTC()}, nil
}

// checkFile refuses what is no regular file; a folder is no object at all.
func checkFile(about fs.FileInfo) error {
	switch {
	case about.IsDir():
		return ErrNotFound
	case !about.Mode().IsRegular():
		return fmt.Errorf("%w: it is no regular file but %s", ErrKey, about.Mode().Type())
	}
	return nil
}

// missing turns the errors of a path that leads nowhere into ErrNotFound. It is
// asked below an opened folder only: a folder that is gone itself is no empty one.
func missing(err error) error {
	if gone(err) {
		return ErrNotFound
	}
	return err
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, ErrNotFound)
}
