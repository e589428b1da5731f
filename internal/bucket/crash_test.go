package bucket

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const crashSize = 1 << 18

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "put" {
		putForEver(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// putForEver replaces one object again and again until it is killed, and says so
// each time.
func putForEver(dir string) {
	f, err := Open(dir)
	for i := 0; err == nil; i++ {
		err = f.Put(context.Background(), "a/x", bytes.Repeat([]byte{byte('0' + i%10)}, crashSize))
		if err == nil {
			_, err = os.Stdout.WriteString("put\n")
		}
	}
	os.Exit(1)
}

func TestAnObjectSurvivesAKillWhole(t *testing.T) {
	dir := t.TempDir()
	for round := range 8 {
		child := exec.CommandContext(t.Context(), os.Args[0], "put", dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range round + 1 { // Another moment each time.
			if !lines.Scan() {
				t.Fatal("the child ended by itself")
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // It ends with the signal that we sent.
		f, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Get(t.Context(), "a/x")
		if err != nil || len(got) != crashSize || bytes.Count(got, got[:1]) != crashSize {
			t.Fatalf("after kill %d: %d bytes, %v", round, len(got), err)
		}
		if keys := list(t, f, ""); len(keys) != 1 {
			t.Fatalf("after kill %d: objects %q", round, keys)
		}
	}
}

func TestAFullDiskLeavesTheOldObject(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	put(t, f, "a/x", "old")
	big := []byte(strings.Repeat("x", 1<<19))
	for name, err := range map[string]error{
		"Put": f.Put(t.Context(), "a/x", big), "PutNew": f.PutNew(t.Context(), "a/y", big),
	} {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s on a full disk = %v, want ENOSPC", name, err)
		}
	}
	if got, err := f.Get(t.Context(), "a/x"); err != nil || string(got) != "old" {
		t.Errorf("the object became %q, %v", got, err)
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "a")); len(entries) != 1 {
		t.Errorf("%d files are left, want the object alone", len(entries))
	}
	put(t, f, "a/x", "new") // There is room again.
}
