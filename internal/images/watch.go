package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watch signs on wake when something changes below the inbox of a bucket that
// lies in a folder. It only shortens the wait: what it misses the poll finds, so
// being unable to watch is a warning and no error.
func (m *Module) watch(ctx context.Context, wake chan<- struct{}) error {
	folder, ok := m.bucket.(placed)
	if !ok {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := m.watchFolder(ctx, folder, wake); err != nil {
		m.log.LogAttrs(ctx, slog.LevelWarn, "changes are found by looking every now and then only", slog.Duration("every", m.poll), slog.Any("error", err))
		<-ctx.Done()
	}
	return ctx.Err()
}

// placed is a bucket whose objects are files.
type placed interface {
	Path(key string) (string, error)
}

func (m *Module) watchFolder(ctx context.Context, folder placed, wake chan<- struct{}) (err error) {
	dir, err := folder.Path(strings.TrimSuffix(inbox, "/"))
	if err != nil {
		return fmt.Errorf("watch next posts: %w", err)
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch next posts: %w", err)
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := w.Add(filepath.Dir(dir)); err != nil { // The inbox itself may come later.
		return fmt.Errorf("watch next posts: %w", err)
	}
	if err := addFolders(w, dir); err != nil {
		return err
	}
	return m.follow(ctx, w, dir, wake)
}

// follow signs for every event below dir until ctx ends.
func (m *Module) follow(ctx context.Context, w *fsnotify.Watcher, dir string, wake chan<- struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.Errors: // Events were lost, perhaps: look.
			m.log.LogAttrs(ctx, slog.LevelWarn, "watch next posts", slog.Any("error", err))
			sign(wake)
		case e := <-w.Events:
			if e.Name != dir && !strings.HasPrefix(e.Name, dir+string(filepath.Separator)) {
				continue
			}
			if e.Has(fsnotify.Create) {
				if err := addFolders(w, e.Name); err != nil {
					return err
				}
			}
			sign(wake)
		}
	}
}

// addFolders watches dir and every folder below it, if dir is one.
func addFolders(w *fsnotify.Watcher, dir string) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !e.IsDir() {
			return nil
		}
		if err := w.Add(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("watch next posts: %w", err)
	}
	return nil
}

// sign wakes without waiting: one sign that was not yet taken is enough.
func sign(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
