// Package atonce lets a test have several processes do the same thing at the same
// moment, many times: what goes wrong once in a hundred times is then seen.
//
// The processes are the test binary itself, so its TestMain must look for Env
// before anything else, and end there:
//
//	if root, child := os.LookupEnv(atonce.Env); child {
//		os.Exit(atonce.Child(root, do))
//	}
package atonce

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Env is set in the environment of a child.
	Env = "STAGEWATCH_TEST_AT_ONCE"
	// patience is how long a child waits for the others in one round.
	patience = time.Minute
	width    = 4 // bytes of a counter
)

// Run has the processes do it in each of so many new folders, which it returns. A
// process that says anything fails the test.
func Run(t *testing.T, processes, rounds int) (folders []string) {
	t.Helper()
	root := t.TempDir()
	for round := range rounds {
		folders = append(folders, folder(root, round))
		if err := os.Mkdir(folders[round], 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(meetings(root), make([]byte, width*rounds), 0o600); err != nil {
		t.Fatal(err)
	}
	outputs := make([]output, processes)
	children := make([]*exec.Cmd, processes)
	for i := range children {
		children[i] = exec.CommandContext(t.Context(), os.Args[0], strconv.Itoa(processes))
		children[i].Env = append(os.Environ(), Env+"="+root)
		children[i].Stderr = &outputs[i]
		if err := children[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, child := range children {
		if err := child.Wait(); err != nil || len(outputs[i]) > 0 {
			t.Errorf("process %d of %d: %v\n%s", i+1, processes, err, outputs[i])
		}
	}
	return folders
}

type output []byte

func (o *output) Write(p []byte) (int, error) {
	*o = append(*o, p...)
	return len(p), nil
}

func folder(root string, round int) string { return filepath.Join(root, strconv.Itoa(round)) }
func meetings(root string) string          { return filepath.Join(root, "meetings") }

// Child does it in each folder of root, at the moment at which all processes are
// there, and returns the status to exit with.
func Child(root string, do func(folder string) error) (status int) {
	err := child(root, do)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func child(root string, do func(folder string) error) (err error) {
	processes, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	file, err := os.OpenFile(meetings(root), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	shared, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	for round := range len(shared) / width {
		if late := meet((*atomic.Int32)(unsafe.Pointer(&shared[width*round])), processes); late != nil {
			return errors.Join(err, late)
		}
		if failure := do(folder(root, round)); failure != nil {
			err = errors.Join(err, fmt.Errorf("round %d: %w", round, failure))
		}
	}
	return errors.Join(err, unix.Munmap(shared))
}

// meet waits until it was called by all. It does not sleep, because the processes
// would wake up one after the other.
func meet(there *atomic.Int32, all int) error {
	there.Add(1)
	for began := time.Now(); int(there.Load()) < all; runtime.Gosched() {
		if time.Since(began) > patience {
			return errors.New("not all came")
		}
	}
	return nil
}
