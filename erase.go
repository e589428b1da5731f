package stagewatch

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagewatch/stagewatch/internal/erase"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// erasePatience bounds how long [Erase] waits for a disk to take its last record.
const erasePatience = 10 * time.Second

// Erased says what [Erase] does or did.
type Erased struct {
	Records  int `json:"records"`   // of the journal that are blanked
	Runs     int `json:"runs"`      // in view that are forgotten
	SetAside int `json:"set_aside"` // places masked in what repairs of the journal set aside
}

// Erase blanks an account, "platform/username" or "username" where records name
// no platform, in the journal of the tracker's home: its name, run ids, messages
// and details in its own records, and its name wherever the text of another one
// holds it. What is left says that some account went through its stages, and
// when; the seals are made anew, so that [Verify] stays green. Erase may be
// called again, also after it was killed, and works beside a keeper, which then
// forgets the account's runs, and others whose texts name it. It blanks the
// journal only, not what lies beside it.
func Erase(ctx context.Context, t *Tracker, account string) (Erased, error) {
	if t == nil || t.sink == nil {
		return Erased{}, fmt.Errorf("erase %s: the tracker has no usable home", account)
	}
	done, err := t.erase(ctx, erase.Named(account))
	if err != nil {
		return done, fmt.Errorf("erase %s: %w", account, err)
	}
	return done, nil
}

func (t *Tracker) erase(ctx context.Context, name erase.Account) (Erased, error) {
	if _, err := Repair(t.home); err != nil { // only whole records can be blanked
		return Erased{}, err
	}
	// Told first, so that the runs are forgotten also when this is killed half-way.
	planned, told, err := erasure(t.home, name)
	if err != nil {
		return Erased{}, err
	}
	t.tellErased(told)
	done := Erased{Runs: planned.Runs}
	records := erase.NewRecords(name)
	if done.Records, err = journal.Rewrite(journalDir(t.home), records.Edit); err != nil {
		return done, err
	}
	if done.SetAside, err = name.Folder(filepath.Join(journalDir(t.home), journal.SetAside)); err != nil {
		return done, err
	}
	// What was recorded meanwhile; and if it is nothing, one more word, behind
	// which the texts that name no run are shown no more.
	t.tellErased(slices.DeleteFunc(records.Runs(), func(run string) bool { return slices.Contains(told, run) }))
	ctx, cancel := context.WithTimeout(ctx, erasePatience)
	defer cancel()
	return done, t.Flush(ctx)
}

// Erasure returns what [Erase] would do in a home, and does nothing.
func Erasure(home, account string) (Erased, error) {
	planned, _, err := erasure(home, erase.Named(account))
	if err != nil {
		return planned, fmt.Errorf("look for %s: %w", account, err)
	}
	return planned, nil
}

// erasure returns with it the digests of the runs that hold something of the
// account: those of the journal, and those in view whose records are gone.
func erasure(home string, name erase.Account) (Erased, []string, error) {
	var planned Erased
	records := erase.NewRecords(name)
	f := journal.Follow(journalDir(home), Position{})
	defer f.Close()
	for {
		record, ok, err := f.Next()
		if err != nil {
			return planned, nil, err
		}
		if !ok {
			break
		}
		if _, changed := records.Edit(record.Payload); changed {
			planned.Records++
		}
	}
	state, err := ReadState(home)
	if err != nil {
		return planned, nil, err
	}
	digests := records.Runs()
	for _, r := range state.Runs {
		digest := erase.Digest(r.ID)
		known := slices.Contains(digests, digest)
		if !known && !holds(r, name) {
			continue
		}
		planned.Runs++
		if !known {
			digests = append(digests, digest)
		}
	}
	if last := state.LastFailure; last != nil && (name.Is(last.Platform, last.Account) || name.Mask([]byte(last.Message)) > 0) {
		digests = append(digests, erase.Digest(last.Run))
	}
	return planned, digests, nil
}

// holds reports whether what is in view of a run tells of the account.
func holds(r *RunState, name erase.Account) bool {
	return name.Is(r.Platform, r.Account) || slices.ContainsFunc(r.Stages, func(s StageState) bool {
		return name.Mask([]byte(s.Message)) > 0 || name.Mask(slices.Clone(s.Details)) > 0
	})
}

// tellErased records that runs were erased, at least one record.
func (t *Tracker) tellErased(runs []string) {
	const most = 1000 // that a record has room for
	for len(runs) > most {
		t.emit(Event{Kind: KindErased, Runs: runs[:most]})
		runs = runs[most:]
	}
	t.emit(Event{Kind: KindErased, Runs: runs})
}
