package stagewatch

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// keepOnce keeps a home for a moment.
func keepOnce(t *testing.T, tr *Tracker, c KeeperConfig) {
	t.Helper()
	k, err := NewKeeper(tr, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := k.Run(ended); err != nil {
		t.Fatal(err)
	}
}

// What retention removed from the journal is still in the status file and in
// its copy: it must go from there, too.
func TestEraseReachesWhatOnlyTheStatusHolds(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	tr, err := Open(Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	tr.Start(1, "private text", For("victim"), On("twitter"))
	tr.Failed(1, "private reason", For("victim"), On("twitter"))
	tr.Start(1, "asks what victim does", For("other"))
	tr.Complete(1, "told victim", For("other"))
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	keepOnce(t, tr, KeeperConfig{})
	if _, err := journal.Seal(journalDir(home), 1, 0); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		tr.Start(1, fmt.Sprint("later ", n), For("third"))
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	keepOnce(t, tr, KeeperConfig{}) // the status file covers the sealed segment now
	keepOnce(t, tr, KeeperConfig{RetainBytes: 1})
	if _, err := os.Stat(filepath.Join(journalDir(home), "00000001.seg")); err == nil {
		t.Fatal("retention removed nothing")
	}
	paths := []string{filepath.Join(home, StatusFile), filepath.Join(journalDir(home), coveredFile)}
	for _, path := range paths {
		if text, err := os.ReadFile(path); err != nil || !bytes.Contains(text, []byte("private")) {
			t.Fatalf("%s holds nothing of the account: %v", path, err)
		}
	}

	planned, err := Erasure(home, "twitter/victim")
	if err != nil || planned.Runs != 2 || planned.Records != 0 {
		t.Errorf("Erasure = %+v, %v", planned, err)
	}
	if _, err := Erase(t.Context(), tr, "twitter/victim"); err != nil {
		t.Fatal(err)
	}
	keepOnce(t, tr, KeeperConfig{})
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"victim", "private"} {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s still holds %q: %s", path, word, text)
			}
		}
	}
	state, err := ReadState(home)
	if err != nil || len(state.Runs) != 1 || state.Runs[0].Account != "third" {
		t.Errorf("runs after Erase: %+v, %v", state.Runs, err)
	}
}
