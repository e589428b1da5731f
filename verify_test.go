package stagewatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// recorded makes a home with a few records and a status file.
func recorded(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	tr, err := Open(Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		tr.Start(1, "message "+fmt.Sprint(i), For("somebody"), On("twitter"))
	}
	k, err := NewKeeper(tr, KeeperConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Run(ctx); err != nil {
		t.Fatal(err)
	}
	tr.Close()
	return home
}

func verified(t *testing.T, home string) VerifyReport {
	t.Helper()
	r, err := Verify(home)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerifyTellsASoundHome(t *testing.T) {
	home := recorded(t)
	r := verified(t, home)
	if !r.Sound() || r.Journal.Records < 20 || r.Unreadable > 0 || r.Erased > 0 {
		t.Errorf("%+v", r)
	}
	if _, err := Verify(filepath.Join(home, "nowhere")); !errors.Is(err, ErrNoJournal) {
		t.Errorf("a home without a journal: %v", err)
	}
}

func TestVerifyCountsErasedRecords(t *testing.T) {
	home := recorded(t)
	tr, err := Open(Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if _, err := Erase(t.Context(), tr, "twitter", "somebody"); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, home); r.Erased != 20 || !r.Sound() {
		t.Errorf("%d erased, %+v", r.Erased, r)
	}
}

func TestVerifyFindsRecordsThatCannotBeRead(t *testing.T) {
	home := recorded(t)
	w, err := journal.OpenWriter(journalDir(home), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Append([]byte(`{"v":2,"kind":"song"}`)); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, home); r.Unreadable != 1 || r.Newer != 1 || !r.Sound() {
		t.Errorf("a newer record: %+v", r)
	}
	if err := w.Append([]byte(`no JSON`)); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, home); r.Unreadable != 2 || len(r.UnreadableAt) != 2 || r.Sound() {
		t.Errorf("an unreadable record: %+v", r)
	}
}

func TestVerifyFindsDamagedStatusAndRepairSetsItAside(t *testing.T) {
	tests := map[string]struct {
		damage func(text []byte) []byte
		fault  string
	}{
		"cut":             {func(b []byte) []byte { return b[:len(b)/2] }, "damaged"},
		"empty":           {func([]byte) []byte { return nil }, "damaged"},
		"other version":   {func(b []byte) []byte { return bytes.Replace(b, []byte(`"version":1`), []byte(`"version":7`), 1) }, "version"},
		"another journal": {func([]byte) []byte { return []byte(`{"version":1,"journal":"x"}`) }, "another journal"},
	}
	sample := recorded(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(sample, StatusFile)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			whole = bytes.Replace(whole, []byte(`"version": 1`), []byte(`"version":1`), 1)
			damaged := test.damage(bytes.Clone(whole))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if r := verified(t, sample); r.Sound() || !strings.Contains(r.Status, test.fault) {
				t.Errorf("status %q, want one that says %q", r.Status, test.fault)
			}
			r, err := Repair(sample)
			if err != nil || !r.Sound() || len(r.Done) != 1 {
				t.Fatalf("%+v, %v", r, err)
			}
			aside, err := filepath.Glob(path + ".damaged-*")
			if err != nil || len(aside) != 1 {
				t.Fatal(aside, err)
			}
			if kept, err := os.ReadFile(aside[0]); !bytes.Equal(kept, damaged) {
				t.Errorf("set aside was %q, %v", kept, err)
			}
			if err := errors.Join(os.Remove(aside[0]), os.WriteFile(path, whole, 0o600)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestVerifyFindsAStatusAheadOfItsJournal(t *testing.T) {
	home := recorded(t)
	segment := filepath.Join(journalDir(home), "00000001.seg")
	if err := os.Truncate(segment, 0); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, home); r.Sound() || !strings.Contains(r.Status, "ahead") {
		t.Errorf("status %q", r.Status)
	}
}

func TestRepairMakesADamagedHomeSound(t *testing.T) {
	home := recorded(t)
	segment := filepath.Join(journalDir(home), "00000001.seg")
	text, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(segment, text, 0o600); err != nil {
		t.Fatal(err)
	}
	before := verified(t, home)
	if before.Sound() {
		t.Errorf("a flipped bit was not found: %+v", before)
	}
	r, err := Repair(home)
	if err != nil || !r.Sound() || len(r.Done) == 0 || r.Journal.Records != before.Journal.Records {
		t.Errorf("%+v, %v", r, err)
	}
}
