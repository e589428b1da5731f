package stagewatch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Owner names a process beyond doubt: a pid is used again, these four together are not.
type Owner struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks from boot to its start
	Boot  string `json:"boot"`  // the kernel's id of this boot
	Space uint64 `json:"space"` // inode of its pid namespace
}

// self returns the calling process.
func self() (Owner, error) {
	boot, space, err := here()
	if err != nil {
		return Owner{}, err
	}
	pid := os.Getpid()
	start, _, err := processStart(pid)
	if err != nil {
		return Owner{}, err
	}
	return Owner{PID: pid, Start: start, Boot: boot, Space: space}, nil
}

// here returns the id of this boot and the calling process's pid namespace.
func here() (boot string, space uint64, err error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", 0, fmt.Errorf("read boot id: %w", err)
	}
	var stat unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &stat); err != nil {
		return "", 0, fmt.Errorf("read pid namespace: %w", err)
	}
	return strings.TrimSpace(string(id)), stat.Ino, nil
}

// processStart returns when a process started, in clock ticks since boot, and
// whether it has ended and only waits to be collected.
func processStart(pid int) (ticks uint64, ended bool, err error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false, err
	}
	// The second field is the command in parentheses and may hold anything, so count from its end.
	const state, threads, start = 0, 17, 19
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= start {
		return 0, false, fmt.Errorf("process %d: short stat", pid)
	}
	ticks, err = strconv.ParseUint(string(fields[start]), 10, 64)
	// A process whose first thread alone has ended reads as a zombie too, and lives on in the others.
	ended = bytes.ContainsAny(fields[state], "ZX") && (string(fields[threads]) == "0" || string(fields[threads]) == "1")
	return ticks, ended, err
}

// watchman tells whether owners live, as seen from one process.
type watchman struct {
	boot  string
	space uint64
}

func newWatchman() (watchman, error) {
	boot, space, err := here()
	return watchman{boot: boot, space: space}, err
}

// gone reports whether o is certainly no more. Of a process in a foreign pid
// namespace nothing can be said, unless the machine has booted since.
func (w watchman) gone(o Owner) bool {
	if o.PID == 0 {
		return false
	}
	if o.Boot != w.boot {
		return true
	}
	if o.Space != w.space {
		return false
	}
	start, ended, err := processStart(o.PID)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) { // the second: it ended as its file was read
		return true
	}
	return err == nil && (ended || start != o.Start && !otherTime(o.PID))
}

// otherTime reports whether a process lives in another time namespace, where
// the time of its start reads as another one than here.
func otherTime(pid int) bool {
	var own, its unix.Stat_t
	if unix.Stat("/proc/self/ns/time", &own) != nil { // a kernel without them
		return false
	}
	return unix.Stat("/proc/"+strconv.Itoa(pid)+"/ns/time", &its) == nil && its.Ino != own.Ino
}
