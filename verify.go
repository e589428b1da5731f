package stagewatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// JournalReport is what [Verify] found in a journal; see [VerifyReport].
type JournalReport = journal.Report

// VerifyReport is what [Verify] found in a home.
type VerifyReport struct {
	Home    string        `json:"home"`
	Journal JournalReport `json:"journal"`
	// Unreadable counts whole records that this program cannot read, the newer
	// ones among them included; UnreadableAt says where the first of them end.
	Unreadable   uint64     `json:"unreadable"`
	Newer        uint64     `json:"newer"` // records of a newer version
	UnreadableAt []Position `json:"unreadable_at,omitempty"`
	// Erased counts records in which an account was blanked.
	Erased uint64 `json:"erased"`
	// Status says why the status file cannot be believed, "" when it can, or when there is none.
	Status string `json:"status,omitempty"`
	// Done lists what [Repair] changed.
	Done []string `json:"done,omitempty"`
	// Repairs lists the repairs that found something lost. It stays lost, and told.
	Repairs []RepairNote `json:"repairs,omitempty"`
}

// RepairNote is what a repair found before it set damage aside.
type RepairNote struct {
	Time   time.Time         `json:"time"`
	Found  []journal.Finding `json:"found"`            // what was damaged, lost or out of order
	Status string            `json:"status,omitempty"` // why the status file could not be believed
}

// Sound reports whether the home is as it should be. Fragments of writes that
// were cut short, erased records and records of a newer version are no harm.
func (r *VerifyReport) Sound() bool {
	return r.Journal.Sound() && r.Status == "" && r.Unreadable == r.Newer
}

// unreadableListed is how many places of unreadable records a report lists.
const unreadableListed = 100

// Verify checks a home: every byte of its journal, the seals and each writer's
// numbering, whether every record can be read, and the status file. It changes
// nothing and may run while the home is used. A home without a journal gives
// [ErrNoJournal]; any other error says that the check could not be made.
func Verify(home string) (VerifyReport, error) {
	r := VerifyReport{Home: home}
	if _, err := os.Stat(journalDir(home)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return r, fmt.Errorf("verify %s: %w", home, ErrNoJournal)
		}
		return r, fmt.Errorf("verify: %w", err)
	}
	r.Status = statusFault(home)
	var mu sync.Mutex // guards UnreadableAt
	var unreadable, newer, erased atomic.Uint64
	var err error
	r.Journal, err = journal.Inspect(journalDir(home), func(rec journal.Record) {
		version, blanked, err := skimEvent(rec.Payload)
		if err == nil && version <= recordVersion {
			if blanked {
				erased.Add(1)
			}
			return
		}
		if err == nil {
			newer.Add(1)
		}
		if unreadable.Add(1) <= unreadableListed {
			mu.Lock()
			r.UnreadableAt = append(r.UnreadableAt, rec.End)
			mu.Unlock()
		}
	})
	if err != nil {
		return r, fmt.Errorf("verify: %w", err)
	}
	r.Unreadable, r.Newer, r.Erased = unreadable.Load(), newer.Load(), erased.Load()
	r.Repairs, err = repairNotes(home)
	return r, err
}

// Repair makes a home sound as far as that is possible, and returns what
// [Verify] finds afterwards, with what was done. Nothing is deleted: what is
// damaged goes into journal/set-aside, a damaged status file gets another name
// beside the old one and the next keeper writes a new one. Repair may be killed
// at any moment and called again, and may run beside a keeper.
func Repair(home string) (VerifyReport, error) {
	before, err := Verify(home)
	if err != nil {
		return VerifyReport{Home: home}, err
	}
	if err := note(home, &before); err != nil { // first, so that no evidence goes untold
		return before, fmt.Errorf("repair %s: %w", home, err)
	}
	found, err := journal.Repair(journalDir(home))
	if err != nil {
		return VerifyReport{Home: home}, fmt.Errorf("repair %s: %w", home, err)
	}
	done := found.Done
	if before.Status != "" {
		path := filepath.Join(home, StatusFile)
		aside := path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000000000Z")
		if err := os.Rename(path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return VerifyReport{Home: home}, fmt.Errorf("repair %s: %w", home, err)
		}
		done = append(done, fmt.Sprintf("%s set aside as %s: %s", StatusFile, filepath.Base(aside), before.Status))
	}
	r, err := Verify(home)
	r.Done = done
	return r, err
}

// repairsFile holds a line for each repair that found something lost.
const repairsFile = "repairs.jsonl"

// note adds what a check found lost or damaged to the notes of repairs.
func note(home string, r *VerifyReport) error {
	told := RepairNote{Time: time.Now().UTC(), Status: r.Status, Found: r.Journal.Losses()}
	if told.Status == "" && len(told.Found) == 0 {
		return nil
	}
	line, err := json.Marshal(told)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(journalDir(home), repairsFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// repairNotes reads the notes of repairs. A line that cannot be read is left out.
func repairNotes(home string) ([]RepairNote, error) {
	text, err := os.ReadFile(filepath.Join(journalDir(home), repairsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("verify: %w", err)
	}
	var all []RepairNote
	for line := range bytes.Lines(text) {
		var n RepairNote
		if json.Unmarshal(line, &n) == nil {
			all = append(all, n)
		}
	}
	return all, nil
}

// statusFault returns why a home's status file cannot be believed, "" when it can or is not there.
func statusFault(home string) string {
	text, err := os.ReadFile(filepath.Join(home, StatusFile))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	s := parseSnapshot(text)
	if s == nil {
		return fmt.Sprintf("it is damaged, or not of version %d", StateVersion)
	}
	header, err := journal.ReadHeader(journalDir(home))
	if err == nil && s.Journal != header.ID {
		return "it is of another journal"
	}
	end, err := journal.End(journalDir(home))
	if err == nil && end.Before(s.Position) {
		return fmt.Sprintf("it is ahead of the journal: at %d/%d, which ends at %d/%d",
			s.Position.Segment, s.Position.Offset, end.Segment, end.Offset)
	}
	return ""
}
