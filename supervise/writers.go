package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// inode is the number of f's file, which for a pipe is the number of the pipe.
func inode(f *os.File) (uint64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("no inode")
	}
	return stat.Ino, nil
}

// killWriters kills every other process that holds the write end of one of the
// pipes, as far as our rights go, and says how many there were.
//
// Whoever holds one has inherited it from the process that it was made for, so
// it belongs to that, whatever group and session it has moved to.
func killWriters(pipes map[uint64]bool) (killed int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() || !writes(pid, pipes) {
			continue
		}
		if killHolding(pid, func() bool { return writes(pid, pipes) }) == nil {
			killed++
		}
	}
	return killed
}

// killHolding kills the process with the given number if it is still the right
// one once its number can no longer come to mean another.
func killHolding(pid int, right func() bool) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // a descriptor of a process has nothing to report
	if !right() {
		return syscall.ESRCH
	}
	return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
}

// writes says whether the process holds the write end of one of the pipes.
func writes(pid int, pipes map[uint64]bool) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false // gone, or not ours to look at: then not ours to kill either
	}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(dir, entry.Name()))
		if err != nil || !strings.HasPrefix(target, "pipe:[") {
			continue
		}
		number, err := strconv.ParseUint(strings.Trim(target, "pie:[]"), 10, 64)
		if err == nil && pipes[number] && writable(pid, entry.Name()) {
			return true
		}
	}
	return false
}

// writable tells the write end from the read end, which an operator may hold
// who looks at what a process prints.
func writable(pid int, fd string) bool {
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(info)) {
		if octal, found := strings.CutPrefix(line, "flags:"); found {
			flags, err := strconv.ParseUint(strings.TrimSpace(octal), 8, 64)
			return err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY
		}
	}
	return false
}
