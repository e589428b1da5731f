package stagewatch

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// retainEvery is the time between two looks at what may be removed.
const retainEvery = time.Minute

// keptJournal is what a keeper knows of the journal's upkeep.
type keptJournal struct {
	stale   bool      // the covered copy of the status file may hold what was erased since
	covered uint64    // the segment that the covered copy stands in
	looked  time.Time // when retention had its last turn
}

// journalID returns the id of a home's journal, "" when it has none that can be read.
func journalID(home string) string {
	header, _ := journal.ReadHeader(journalDir(home)) // without an id it is known by its records alone
	return header.ID
}

// tend closes the newest segment when it is full or old, and removes what
// retention no longer keeps. What it cannot do now, because another process
// maintains the journal or the disk is full, it tries again later.
func (k *Keeper) tend() {
	dir := journalDir(k.home)
	if k.state.Journal == "" { // it was still to be begun, by a tracker that waits for its disk
		k.state.Journal = journalID(k.home)
	}
	if k.kept.stale {
		_, err := os.Stat(filepath.Join(dir, coveredFile))
		if errors.Is(err, fs.ErrNotExist) || k.saveCovered() == nil {
			k.kept.stale = false
		}
	}
	_, _ = journal.Seal(dir, k.config.SegmentBytes, k.config.SegmentAge)
	keeps := journal.Retention{Age: k.config.RetainAge, Bytes: k.config.RetainBytes}
	if keeps == (journal.Retention{}) || time.Since(k.kept.looked) < retainEvery {
		return
	}
	k.kept.looked = time.Now()
	if k.kept.covered < k.state.Position.Segment && k.saveCovered() != nil {
		return
	}
	_, _ = journal.Retain(dir, keeps, k.kept.covered)
}

// saveCovered puts a copy of the status file on the disk that outlives a power
// cut: segments before its own may be removed.
func (k *Keeper) saveCovered() error {
	view := k.view()
	path := filepath.Join(journalDir(k.home), coveredFile)
	err := replaceFile(path, true, func(out io.Writer) error { return view.encode(out) })
	if err == nil {
		k.kept.covered = view.Position.Segment
	}
	return err
}
