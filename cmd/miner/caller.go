package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
)

// subject is what the stages of one run are about.
type subject struct{ definition, platform, account string }

// name returns a file name that tells nothing of the account.
func (s subject) name() string {
	const letters = 32
	sum := sha256.Sum256([]byte(s.definition + "\x00" + s.platform + "\x00" + s.account))
	return hex.EncodeToString(sum[:])[:letters]
}

// openRun is what is kept of a script's run between two calls of miner stage.
// It is a file below runs/ in the home, in a folder named after the script's
// process: a command that lives for one call remembers nothing.
type openRun struct {
	ID    string `json:"run"`
	Stage int    `json:"stage"` // of the last call
	Ended bool   `json:"ended"`
}

func runsDir(home string) string { return filepath.Join(home, "runs") }

func (s subject) file(home string, owner stagewatch.Owner) string {
	return filepath.Join(runsDir(home), owner.String(), s.name())
}

// callerOf returns the process that the call speaks for: $MINER_OWNER while it
// lives, else the nearest of this process, its parent and the parents further
// up in its process group that has a run of the subject open, else the parent.
//
// The parent is not enough: a script reports from subshells too (each part of a
// pipeline is one), and a shell may become its own last command.
func callerOf(home string, s subject) (stagewatch.Owner, error) {
	if owner, err := stagewatch.ParseOwner(os.Getenv("MINER_OWNER")); err == nil && !owner.Gone() {
		return owner, nil
	}
	self, group := os.Getpid(), unix.Getpgrp()
	for pid := self; pid > 0; {
		up, in, err := above(pid)
		if err != nil || pid != self && pid != os.Getppid() && in != group {
			break
		}
		owner, err := stagewatch.ProcessOwner(pid)
		if err != nil {
			break
		}
		if _, err := os.Lstat(s.file(home, owner)); err == nil {
			return owner, nil
		}
		pid = up
	}
	return parent()
}

// parent returns our parent; one that lies outside of our pid namespace is
// stood for by the first process in it.
func parent() (stagewatch.Owner, error) { return stagewatch.ProcessOwner(max(os.Getppid(), 1)) }

// above returns the parent and the process group of a process.
func above(pid int) (parent, group int, err error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, err
	}
	// The second field is the command in parentheses and may hold anything, so begin after it.
	var state string
	if _, err := fmt.Fscan(bytes.NewReader(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &parent, &group); err != nil {
		return 0, 0, fmt.Errorf("process %d: read stat: %w", pid, err)
	}
	return parent, group, nil
}

// runOf returns the run that a call belongs to and keeps it for the next call.
// The rules are the tracker's: a run is opened by the first call, and anew by a
// start after its end or of an earlier stage. A key that the definition does not
// have stands for no place in it. The definition is recorded when a run opens.
func runOf(home string, owner stagewatch.Owner, s subject, e stagewatch.Event, d stagewatch.Definition) (string, error) {
	path := s.file(home, owner)
	was, err := readOpenRun(path)
	now := was
	if e.Key != "" {
		e.Stage = was.Stage
	}
	starts := e.What == stagewatch.EventStarted
	back := s.account != "" && e.Stage < was.Stage
	fresh := err != nil || starts && (was.Ended || back)
	if fresh {
		now = openRun{ID: newRunID()}
	}
	now.Stage = e.Stage
	last := len(d.Stages) > 0 && e.Key == "" && e.Stage == d.Stages[len(d.Stages)-1].Number
	now.Ended = s.account != "" && (e.What == stagewatch.EventFailed || e.What == stagewatch.EventCompleted && last)
	if now == was || fresh && e.What == stagewatch.EventProgressed { // progress opens nothing
		return now.ID, nil
	}
	if fresh && len(d.Stages) > 0 && d.Name != stagewatch.DefaultDefinition().Name {
		t, _ := stagewatch.Open(stagewatch.Config{Home: home, Definition: d}) // for readers that no miner told of it
		t.Close()
	}
	return now.ID, now.keep(path)
}

func readOpenRun(path string) (openRun, error) {
	var r openRun
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err == nil && r.ID == "" {
		err = fmt.Errorf("%s: no run", path)
	}
	return r, err
}

// keep writes the file. A script's first one is the occasion to remove those of
// scripts that are gone.
func (r openRun) keep(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); err != nil {
		sweep(filepath.Dir(dir))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("keep the open run: %w", err)
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep the open run: %w", err)
	}
	fresh := path + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(fresh, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep the open run: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("keep the open run: %w", err)
	}
	return nil
}

// sweep removes the open runs of processes that are gone.
func sweep(runs string) {
	entries, err := os.ReadDir(runs)
	if err != nil {
		return // none yet
	}
	for _, e := range entries {
		if owner, err := stagewatch.ParseOwner(e.Name()); err == nil && owner.Gone() {
			_ = os.RemoveAll(filepath.Join(runs, e.Name())) // the next script tries again
		}
	}
}
