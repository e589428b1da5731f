package stagewatch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mounted mounts a file system for a test; only root can.
func mounted(t *testing.T, source, fstype, options string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root: full, read-only and frozen disks were not tried")
	}
	dir := t.TempDir()
	if err := unix.Mount(source, dir, fstype, 0, options); err != nil {
		t.Skipf("mount %s: %v: this disk fault was not tried", fstype, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// calls makes n calls and returns the longest.
func calls(tr *Tracker, n int) (longest time.Duration) {
	for i := range n {
		began := time.Now()
		tr.Start(1, "m "+strconv.Itoa(i), For("u"))
		longest = max(longest, time.Since(began))
	}
	return longest
}

func TestFullDiskBuffersAndCatchesUp(t *testing.T) {
	home := mounted(t, "none", "tmpfs", "size=256k")
	tr := open(t, home)
	if err := os.WriteFile(filepath.Join(home, "ballast"), make([]byte, 200<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if longest := calls(tr, 600); longest > 2*time.Second { // 50 ms is the promise; a busy test machine gets some air
		t.Errorf("a call took %v on a full disk", longest)
	}
	if err := os.Remove(filepath.Join(home, "ballast")); err != nil {
		t.Fatal(err)
	}
	within(t, soon, "all records written", func() bool { return len(events(t, home)) == 600 })
	for i, e := range events(t, home) {
		if e.Message != "m "+strconv.Itoa(i) {
			t.Fatalf("record %d is %q", i, e.Message)
		}
	}
}

func TestReadOnlyDiskIsSilent(t *testing.T) {
	home := mounted(t, "none", "tmpfs", "size=1m")
	tr := open(t, home)
	calls(tr, 1)
	if err := unix.Mount("none", home, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, "size=1m"); err != nil {
		// The tracker's own descriptor keeps it writable: give that up first, as a disk error does.
		tr.Close()
		if err := unix.Mount("none", home, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, "size=1m"); err != nil {
			t.Fatal(err)
		}
	}
	late, err := Open(Config{Home: home})
	if err == nil {
		t.Error("a read-only home opened without a word")
	}
	calls(late, 3)
	late.Close()
	if n := len(events(t, home)); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

// frozen returns a home on a file system of its own and what freezes and thaws it.
func frozen(t *testing.T) (home string, freeze, thaw func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root: a frozen disk was not tried")
	}
	image := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 16<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", image).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4: %v %s: a frozen disk was not tried", err, out)
	}
	loop, err := exec.Command("losetup", "--find", "--show", image).Output()
	if err != nil {
		t.Skipf("losetup: %v: a frozen disk was not tried", err)
	}
	device := strings.TrimSpace(string(loop))
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", device).Run() })
	home = mounted(t, device, "ext4", "")
	thaw = func() { _ = exec.Command("fsfreeze", "--unfreeze", home).Run() }
	freeze = func() {
		t.Helper()
		if out, err := exec.Command("fsfreeze", "--freeze", home).CombinedOutput(); err != nil {
			t.Skipf("fsfreeze: %v %s: a frozen disk was not tried", err, out)
		}
		t.Cleanup(thaw)
	}
	return home, freeze, thaw
}

// A disk that hangs in write(2), as a frozen file system does, costs a call 50 ms once and then nothing.
func TestFrozenDiskHoldsNobodyUp(t *testing.T) {
	home, freeze, thaw := frozen(t)
	tr := open(t, home)
	calls(tr, 10)
	freeze()
	began := time.Now()
	longest := calls(tr, 1000)
	if total := time.Since(began); longest > 2*time.Second || total > 10*time.Second {
		t.Errorf("1000 calls on a frozen disk took %v, the longest %v", total, longest)
	}
	t.Logf("the longest call took %v", longest)
	thaw()
	within(t, soon, "all records written", func() bool { return len(events(t, home)) == 1010 })
}

// Opening where nothing can be made at the moment goes on by itself; the
// definition is written first all the same.
func TestOpenWaitsForNoDisk(t *testing.T) {
	for name, fault := range map[string]func(t *testing.T) (home string, mend func()){
		"frozen": func(t *testing.T) (string, func()) {
			home, freeze, thaw := frozen(t)
			freeze()
			return home, thaw
		},
		"full": func(t *testing.T) (string, func()) {
			home := mounted(t, "none", "tmpfs", "size=64k")
			ballast := filepath.Join(home, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 64<<10), 0o600); err != nil {
				t.Fatal(err)
			}
			return home, func() {
				if err := os.Remove(ballast); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			home, mend := fault(t)
			began := time.Now()
			tr, err := Open(Config{Home: home, Definition: Definition{Name: "Render", Stages: []Stage{{Number: 1, Name: "Draw"}}}})
			if took := time.Since(began); err != nil || took > 2*time.Second { // 50 ms is the promise
				t.Fatalf("Open took %v: %v", took, err)
			}
			t.Cleanup(tr.Close)
			if longest := calls(tr, 100); longest > 2*time.Second {
				t.Errorf("a call took %v", longest)
			}
			if n := len(events(t, home)); n != 0 {
				t.Errorf("%d records before the disk was mended", n)
			}
			mend()
			within(t, soon, "all records written", func() bool { return len(events(t, home)) == 101 })
			for i, e := range events(t, home) {
				if (e.Kind == KindDefinition) != (i == 0) || i > 0 && !e.Late {
					t.Fatalf("record %d is %+v", i, e)
				}
			}
		})
	}
}

// As another user, who may not enter the home.
func TestForbiddenHomeIsSilent(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming nobody needs root: a forbidden home was not tried")
	}
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "STAGEWATCH_TEST=forbidden", "MINER_HOME="+home)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "permission denied") {
		t.Errorf("a forbidden home: %q, %v", out, err)
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) != 0 {
		t.Errorf("the forbidden home holds %v, %v", entries, err)
	}
}
