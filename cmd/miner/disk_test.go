package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A disk that fills up in the middle of a run fails the stage as "disk full";
// when there is space again the run goes on and ends whole.
func TestFullDiskFailsAndResumes(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root: a full disk under the whole miner was not tried")
	}
	home := t.TempDir()
	if err := unix.Mount("none", home, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("mount tmpfs: %v: a full disk under the whole miner was not tried", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(home, unix.MNT_DETACH) })
	writeHome(t, home, "instagram/"+good)
	lengthenStage4(t, home)
	p := start(t, home)
	pid := reachStage4(t, home)
	kill(t, pid, syscall.SIGSTOP) // until the disk is full
	ballast := filepath.Join(home, "ballast")
	fill(t, ballast)
	kill(t, pid, syscall.SIGCONT)
	p.wait("Failed - ", 1)
	if !strings.Contains(p.out.String(), "disk full") {
		t.Errorf("the failure does not say disk full")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	p.wait("✅ Stage 7 Complete - Complete for "+good, 1)
	p.end(os.Interrupt)
	if strings.Contains(p.out.String(), "terminated") {
		t.Error("the full disk ended the module")
	}
	got := strings.Join(history(t, home), " ")
	if strings.Count(got, "1 started") != 1 || strings.Count(got, "3 completed") != 1 || !strings.Contains(got, "failed") {
		t.Errorf("stages = %s: what was done was done again", got)
	}
}

// fill writes until the disk takes no more.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
		if errors.Is(err, unix.ENOSPC) && len(block) > 1 {
			block, err = block[:len(block)/2], nil
		}
	}
	if err := f.Close(); err != nil && !errors.Is(err, unix.ENOSPC) && !errors.Is(err, fs.ErrClosed) {
		t.Fatal(err)
	}
}
