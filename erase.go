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

// Erased says what [Erase] did.
type Erased struct {
	Records  int `json:"records"`   // of the journal that were blanked
	SetAside int `json:"set_aside"` // places masked in what repairs of the journal set aside
}

// Erase blanks an account in the journal of the tracker's home: its name, run ids,
// messages and details in its own records, and its name wherever the text of
// another one holds it. What is left says that some account went through its
// stages, and when; the seals are made anew, so that [Verify] stays green. Erase
// may be called again, also after it was killed, and works beside a keeper, which
// then forgets the account's runs, and others whose texts name it. It blanks the
// journal only, not what lies beside it.
func Erase(ctx context.Context, t *Tracker, platform, account string) (Erased, error) {
	if t == nil || t.sink == nil {
		return Erased{}, fmt.Errorf("erase %s/%s: the tracker has no usable home", platform, account)
	}
	name := erase.Account{Platform: platform, Username: account}
	if _, err := journal.Repair(journalDir(t.home)); err != nil { // only whole records can be blanked
		return Erased{}, fmt.Errorf("erase %s/%s: %w", platform, account, err)
	}
	records := erase.NewRecords(name)
	// Told first, so that the runs are forgotten also when this is killed half-way.
	if err := each(t.home, records.Edit); err != nil {
		return Erased{}, fmt.Errorf("erase %s/%s: %w", platform, account, err)
	}
	told := records.Runs()
	t.tellErased(told)
	changed, err := journal.Rewrite(journalDir(t.home), records.Edit)
	done := Erased{Records: changed}
	if err == nil {
		done.SetAside, err = name.Folder(filepath.Join(journalDir(t.home), journal.SetAside))
	}
	if err != nil {
		return done, fmt.Errorf("erase %s/%s: %w", platform, account, err)
	}
	t.tellErased(slices.DeleteFunc(records.Runs(), func(run string) bool { return slices.Contains(told, run) }))
	ctx, cancel := context.WithTimeout(ctx, erasePatience)
	defer cancel()
	if err := t.Flush(ctx); err != nil {
		return done, fmt.Errorf("erase %s/%s: tell that it was done: %w", platform, account, err)
	}
	return done, nil
}

func (t *Tracker) tellErased(runs []string) {
	const most = 1000 // that a record has room for
	for part := range slices.Chunk(runs, most) {
		t.emit(Event{Kind: KindErased, Runs: part})
	}
}

// each shows every record of a home's journal to look, which changes none.
func each(home string, look func(payload []byte) ([]byte, bool)) error {
	f := journal.Follow(journalDir(home), Position{})
	defer f.Close()
	for {
		record, ok, err := f.Next()
		if err != nil || !ok {
			return err
		}
		look(record.Payload)
	}
}
