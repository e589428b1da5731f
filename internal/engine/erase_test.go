package engine

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEraseLeavesNothingOfARun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := &diary{path: filepath.Join(dir, "diary")}
	cfg := testConfig(dir, "content", d)
	cfg.Steps = cfg.Steps[:1]
	const secret = "a-word-that-only-this-run-knows"
	do := cfg.Steps[0].Do
	cfg.Steps[0].Do = func(ctx context.Context, run *Run) (any, error) {
		_, err := do(ctx, run)
		return secret + "-in-the-result-of-" + run.ID, err
	}
	e := open(t, cfg)
	for _, id := range []string{"theirs-1", "theirs-2", "other-1"} {
		begin(t, e, id, secret+"-in-the-input-of-"+id)
		wait(t, e, id)
	}

	n, err := Erase(t.Context(), cfg.Path, cfg.LockDir, func(run, _ string) bool { return strings.HasPrefix(run, "theirs") })
	if err != nil || n != 2 {
		t.Fatalf("Erase = %d, %v", n, err)
	}
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(cfg.Path + end)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("of-theirs")) {
			t.Errorf("%s still holds an erased run", cfg.Path+end)
		}
		if end == "" && !bytes.Contains(text, []byte("of-other-1")) {
			t.Error("the other run is gone too")
		}
	}
	if _, err := e.own(t.Context(), "theirs-1"); err == nil {
		t.Error("an erased run still has a status")
	}
}

func TestEraseMakesNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "engine.db")
	if n, err := Erase(t.Context(), path, t.TempDir(), func(string, string) bool { return true }); n != 0 || err != nil {
		t.Errorf("Erase = %d, %v", n, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("Erase made the file")
	}
}
