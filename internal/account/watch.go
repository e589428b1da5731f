package account

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long changes are collected before they are reported as one.
const quiet = 100 * time.Millisecond

// Watch reports changes of AccountInfo files in the results folder dir: one value
// for any number of changes, so that a reader that is busy misses nothing and is
// never waited for. What it reports may still be growing; Find waits for it.
//
// Changes are noticed at once by file events, and by a look at the whole tree every
// poll where there are none (network file systems, no watches left). Only
// info.json and what [Retry] asks for count: outcomes are not reported. The
// channel is closed when ctx has ended and all of it has stopped. Begin to watch
// before the first Find, and nothing falls between the two.
func Watch(ctx context.Context, dir string, poll time.Duration) (<-chan struct{}, error) {
	if poll <= 0 {
		return nil, errors.New("watch accounts: the time between two looks must be above zero")
	}
	root := filepath.Join(dir, Root)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("watch accounts: %w", err)
	}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		events = nil // The system has no more of them to give: looking is enough.
	}
	return start(ctx, root, events, poll), nil
}

func start(ctx context.Context, root string, events *fsnotify.Watcher, poll time.Duration) <-chan struct{} {
	w := &watch{root: root, events: events, changed: make(chan struct{}, 1)}
	w.seen = w.look()
	go w.run(ctx, poll)
	return w.changed
}

type watch struct {
	root    string
	events  *fsnotify.Watcher // nil when there are no events
	changed chan struct{}
	seen    map[string]mark
}

// mark tells two versions of a file apart without reading it.
type mark struct {
	size     int64
	modified time.Time
}

func (w *watch) run(ctx context.Context, poll time.Duration) {
	defer close(w.changed)
	var events <-chan fsnotify.Event
	var lost <-chan error
	if w.events != nil {
		defer w.events.Close() //nolint:errcheck // Nothing is written there.
		events, lost = w.events.Events, w.events.Errors
	}
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	var settled <-chan time.Time // Nil while there is nothing to report.
	soon := func() {
		if settled == nil {
			settled = time.After(quiet)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e, open := <-events:
			if !open {
				return
			}
			if w.concerns(e) {
				soon()
			}
		case _, open := <-lost: // Look instead.
			if !open {
				return
			}
			soon()
		case <-ticker.C:
			w.compare()
		case <-settled:
			settled = nil
			w.compare()
		}
	}
}

// concerns reports whether an event can mean a changed AccountInfo: one of an
// info.json, or of a folder that may hold some.
func (w *watch) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	if wakes(filepath.Base(e.Name)) {
		return true
	}
	about, err := os.Lstat(e.Name)
	return err == nil && about.IsDir()
}

// compare looks at the whole tree and reports when it is not what it was.
func (w *watch) compare() {
	now := w.look()
	before := w.seen
	w.seen = now
	for name, m := range now {
		if b, known := before[name]; !known || b.size != m.size || !b.modified.Equal(m.modified) {
			select {
			case w.changed <- struct{}{}:
			default: // One that is not taken yet stands for this change too.
			}
			return
		}
	}
}

// look returns every info.json of the tree and sees to it that each folder is
// watched. A folder is watched before it is read, so that what comes into it
// meanwhile makes an event. What cannot be watched or read is left to the next look.
func (w *watch) look() map[string]mark {
	found := map[string]mark{}
	_ = filepath.WalkDir(w.root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // One folder that cannot be read must not hide the others.
		case e.IsDir() && w.events != nil:
			_ = w.events.Add(name)
		case wakes(e.Name()):
			if about, err := e.Info(); err == nil {
				found[name] = mark{about.Size(), about.ModTime()}
			}
		}
		return nil
	})
	return found
}

// wakes reports whether a file of that name makes accounts due.
func wakes(name string) bool { return name == "info.json" || name == retryFile }
