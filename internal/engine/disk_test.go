package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of 4 MB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("a small tmpfs cannot be mounted here, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves so many bytes on the disk of dir until the returned file is removed.
func fill(dir string, left int64) (string, error) {
	path := filepath.Join(dir, "ballast")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	for _, size := range []int{64 << 10, 1 << 10, 1} {
		for err == nil || errors.Is(err, syscall.ENOSPC) {
			if _, err = file.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
	if errors.Is(err, syscall.ENOSPC) {
		var info os.FileInfo
		if info, err = file.Stat(); err == nil {
			err = file.Truncate(info.Size() - left)
		}
	}
	return path, errors.Join(err, file.Close())
}

// fullInSecond has three steps. The first time that the second is done, it leaves
// so many bytes on the disk and returns a result of 1 MB.
func fullInSecond(disk string, d *diary, left int64) (cfg Config, empty func() error) {
	cfg = testConfig(disk, "content", d)
	cfg.Steps = cfg.Steps[:3]
	do, ballast := cfg.Steps[1].Do, ""
	cfg.Steps[1].Do = func(ctx context.Context, run *Run) (any, error) {
		result, err := do(ctx, run)
		if ballast != "" || err != nil {
			return result, err
		}
		ballast, err = fill(disk, left)
		return strings.Repeat("x", 1<<20), err
	}
	return cfg, func() error { return os.Remove(ballast) }
}

func TestFullDiskLeavesTheRunResumable(t *testing.T) {
	for name, test := range map[string]struct {
		left   int64
		resume func(*testing.T, *Engine, Config) *Engine
	}{
		"retry": {0, func(t *testing.T, e *Engine, _ Config) *Engine {
			t.Helper()
			retry(t, e)
			return e
		}},
		// There is space for DBOS to store that the run has failed.
		"next start": {256 << 10, func(t *testing.T, e *Engine, cfg Config) *Engine {
			t.Helper()
			shut(t, e)
			return open(t, cfg)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t)
			d := &diary{path: filepath.Join(t.TempDir(), "diary")} // on another disk
			cfg, empty := fullInSecond(disk, d, test.left)
			e := open(t, cfg)
			begin(t, e, "r", 1)
			status, err := e.Wait(t.Context(), "r")
			if !errors.Is(err, ErrDiskFull) || status.State != Pending || !strings.Contains(err.Error(), "step clean") {
				t.Errorf("Wait() = %+v, %v, want it pending and ErrDiskFull in step clean", status, err)
			}
			if test.left == 0 { // otherwise it would be taken up and halt again
				if err := e.Retry(t.Context(), "r"); !errors.Is(err, ErrDiskFull) {
					t.Errorf("Retry() on a full disk = %v, want ErrDiskFull", err)
				}
			}
			if err := e.Start(t.Context(), "other", strings.Repeat("x", 1<<20)); !errors.Is(err, ErrDiskFull) {
				t.Errorf("Start() on a full disk = %v, want ErrDiskFull", err)
			}
			if err := empty(); err != nil {
				t.Fatal(err)
			}
			e = test.resume(t, e, cfg)
			if status := wait(t, e, "r"); status.State != Succeeded {
				t.Errorf("run ended as %+v: %v", status, status.Failure)
			}
			if got := strings.Join(d.read(t), " "); got != "scrape clean clean index" {
				t.Errorf("steps begun: %s, want only clean repeated", got)
			}
			shut(t, e) // before the disk is unmounted
		})
	}
}

func TestFullDiskAtTheFirstStart(t *testing.T) {
	disk := smallDisk(t)
	cfg := testConfig(disk, "content", nil)
	cfg.LockDir = t.TempDir()
	if _, err := fill(disk, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), cfg); !errors.Is(err, ErrDiskFull) {
		t.Errorf("Open() = %v, want ErrDiskFull", err)
	}
}
