package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
)

// subject is what the stages of one run are about.
type subject struct{ definition, platform, account string }

// openRun is what is kept of a script's run between two calls of miner stage.
// It is a file below runs/ in the home, in a folder of the account in one of the
// script's process: a command that lives for one call remembers nothing.
type openRun struct {
	ID       string `json:"run"`
	Platform string `json:"platform,omitempty"`
	Opened   int64  `json:"opened"` // nanoseconds since 1970
	Stage    int    `json:"stage"`  // of the last call
	Ended    bool   `json:"ended"`
}

func runsDir(home string) string { return filepath.Join(home, "runs") }

// dir returns the folder of the runs of an account that a process has opened, of
// all platforms.
func (s subject) dir(home string, owner stagewatch.Owner) string {
	return filepath.Join(runsDir(home), owner.String(), digest(s.definition+"\x00"+s.account))
}

const digits = 32

// digest returns a file name that tells nothing of what it stands for.
func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])[:digits]
}

// open returns the run that a call about s means among those in dir, and its
// file. As the tracker has it, a platform that only one of them names is no
// difference: then an open run goes before an ended one, one on the same platform
// before another, and a newer one before an older.
func (s subject) open(dir string) (best openRun, path string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return openRun{}, "" // none yet
	}
	rank := 0
	for _, entry := range entries {
		run, err := readOpenRun(filepath.Join(dir, entry.Name()))
		if err != nil || len(entry.Name()) != digits { // or not whole yet
			continue
		}
		mine := 1
		switch {
		case run.Platform == s.platform:
			mine++
		case s.account == "" || s.platform != "" && run.Platform != "":
			continue
		}
		if !run.Ended {
			mine += 2
		}
		if mine > rank || mine == rank && run.Opened > best.Opened {
			best, path, rank = run, filepath.Join(dir, entry.Name()), mine
		}
	}
	return best, path
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
		if _, path := s.open(s.dir(home, owner)); path != "" {
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

// runOf returns the run that a call belongs to, and its platform, and keeps it
// for the next call. The rules are the tracker's: a run is opened by the first
// call, and anew by a start after its end or of an earlier stage. A key that the
// definition does not have stands for no place in it. The definition is recorded
// when a run opens.
func runOf(home string, owner stagewatch.Owner, s subject, e stagewatch.Event, d stagewatch.Definition) (id, platform string, err error) {
	dir := s.dir(home, owner)
	was, path := s.open(dir)
	now := was
	if e.Key != "" {
		e.Stage = was.Stage
	}
	starts := e.What == stagewatch.EventStarted
	fresh := path == "" || starts && was.Ended
	if fresh {
		now = newOpenRun(s.platform)
	} else if back := starts && s.account != "" && e.Stage < was.Stage; back {
		fresh, now = true, newOpenRun(cmp.Or(s.platform, was.Platform))
	}
	now.Platform = cmp.Or(now.Platform, s.platform)
	now.Stage = e.Stage
	last := len(d.Stages) > 0 && e.Key == "" && e.Stage == d.Stages[len(d.Stages)-1].Number
	now.Ended = s.account != "" && (e.What == stagewatch.EventFailed || e.What == stagewatch.EventCompleted && last)
	if now == was || fresh && e.What == stagewatch.EventProgressed { // progress opens nothing
		return now.ID, now.Platform, nil
	}
	if fresh && len(d.Stages) > 0 && d.Name != stagewatch.DefaultDefinition().Name {
		t, _ := stagewatch.Open(stagewatch.Config{Home: home, Definition: d}) // for readers that no miner told of it
		t.Close()
	}
	if here := filepath.Join(dir, digest(now.Platform)); path != here {
		if path != "" && was.Platform == "" && now.Platform != "" { // the run has got its platform
			defer func() { _ = os.Remove(path) }() // else it is there twice, the same
		}
		path = here
	}
	return now.ID, now.Platform, now.keep(path)
}

func newOpenRun(platform string) openRun {
	return openRun{ID: newRunID(), Platform: platform, Opened: time.Now().UnixNano()}
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
		sweep(filepath.Dir(filepath.Dir(dir)))
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
