package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// A segment that cannot be read is told of, hides no other harm, and does not
// keep the others from being repaired. Readable again, it fits.
func TestRepairLeavesWhatCannotBeRead(t *testing.T) {
	sample := built(t)
	ways := map[string]func(path string) error{ // root may read whatever its permissions forbid
		"read fails": func(path string) error { return os.Mkdir(path, 0o700) },
		"open fails": func(path string) error { return os.Symlink(filepath.Base(path), path) },
	}
	for way, hide := range ways {
		for n := uint64(1); n <= 4; n++ {
			t.Run(fmt.Sprint(way, " ", n), func(t *testing.T) {
				dir := copied(t, sample)
				path, aside := segmentPath(dir, n), filepath.Join(t.TempDir(), "aside")
				if err := errors.Join(os.Rename(path, aside), hide(path)); err != nil {
					t.Fatal(err)
				}
				if r := check(t, dir); !slices.Equal(kinds(r), []Kind{Unreadable}) || r.Records != 30 || r.Sound() {
					t.Fatalf("%+v", r)
				}
				harmed := n%3 + 1
				change(t, segmentPath(dir, harmed), func(b []byte) []byte { b[60] ^= 1; return b })
				if r := check(t, dir); r.Counts[Damaged] != 1 {
					t.Fatalf("%+v", r)
				}
				if r, err := Repair(dir); err != nil || len(r.Done) == 0 {
					t.Fatal(r.Done, err)
				}
				r := check(t, dir)
				delete(r.Counts, Mended)
				if !slices.Equal(kinds(r), []Kind{Unreadable}) || r.Records != 29 {
					t.Fatalf("after the repair: %+v", r)
				}
				if err := errors.Join(os.Remove(path), os.Rename(aside, path)); err != nil {
					t.Fatal(err)
				}
				if r := check(t, dir); !r.Sound() || r.Records != 39 {
					t.Errorf("readable again: %+v", r)
				}
			})
		}
	}
}

// However little room is left, a repair that ends with a full disk says so, has
// lost nothing, and can be called again.
func TestRepairOnAFullDisk(t *testing.T) {
	const page = 4096
	sample := built(t)
	harm := func(dir string) {
		change(t, segmentPath(dir, 1), func(b []byte) []byte { b[60] ^= 1; return b })
		change(t, segmentPath(dir, 3), func(b []byte) []byte { return b[:len(b)-100] })
		change(t, segmentPath(dir, 4), func(b []byte) []byte { b[140] ^= 1; return b })
	}
	failed := 0
	for room := 0; ; room++ {
		disk := t.TempDir()
		if err := unix.Mount("none", disk, "tmpfs", 0, "size=256k"); err != nil {
			t.Skip("needs to mount: ", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(disk, 0) })
		dir := filepath.Join(disk, "journal")
		if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
			t.Fatal(err)
		}
		for n := uint64(1); n <= 3; n++ { // CopyFS lets the umask decide
			if err := os.Chmod(segmentPath(dir, n), sealedMode); err != nil {
				t.Fatal(err)
			}
		}
		harm(dir)
		before, _ := places(t, dir)
		var stat unix.Statfs_t
		if err := unix.Statfs(disk, &stat); err != nil {
			t.Fatal(err)
		}
		filler := filepath.Join(disk, "filler")
		if err := os.WriteFile(filler, make([]byte, page*max(int(stat.Bfree)-room, 0)), openMode); err != nil {
			t.Fatal(err)
		}
		_, err := Repair(dir)
		if err != nil && !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("with %d pages left: %v", room, err)
		}
		if after, _ := places(t, dir); len(after) != len(before) {
			t.Errorf("with %d pages left: %d records, before %d", room, len(after), len(before))
		}
		if err == nil {
			break
		}
		failed++
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if _, err := Repair(dir); err != nil {
			t.Fatalf("after room was made: %v", err)
		}
		if r := check(t, dir); !r.Sound() || len(r.Findings) != r.Counts[Mended] {
			t.Errorf("after room was made: %v", r.Findings)
		}
		if after, _ := places(t, dir); len(after) != len(before) {
			t.Errorf("after room was made: %d records, before %d", len(after), len(before))
		}
	}
	if failed < 4 {
		t.Errorf("the disk was full only %d times", failed)
	}
}
