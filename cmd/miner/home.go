package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/config"
)

// options are the flags that every command takes.
type options struct {
	home string
}

// path returns the absolute path of the home, which need not exist.
func (o options) path() (string, error) {
	home := o.home
	if home == "" {
		home = stagewatch.Home()
	}
	if home == "" {
		return "", errors.New("no home: use --home DIR or set MINER_HOME")
	}
	home, err := filepath.Abs(home)
	if err != nil {
		return "", fmt.Errorf("home: %w", err)
	}
	return home, nil
}

// existing returns the configuration of a home that is there already: commands
// that only read never make one.
func (o options) existing() (config.Config, error) {
	home, err := o.path()
	if err != nil {
		return config.Config{}, err
	}
	if _, err := os.Stat(home); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return config.Config{}, fmt.Errorf("home %s is not there yet: miner, miner account add or miner process make it", home)
		}
		return config.Config{}, fmt.Errorf("home: %w", err)
	}
	return config.Load(home)
}

// made returns the configuration of the home, making the folder as needed.
func (o options) made() (config.Config, error) {
	home, err := o.path()
	if err != nil {
		return config.Config{}, err
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return config.Config{}, fmt.Errorf("make home: %w", err)
	}
	readme := filepath.Join(home, "README.txt")
	if _, err := os.Stat(readme); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(readme, []byte(homeReadme), 0o600); err != nil {
			return config.Config{}, fmt.Errorf("make home: %w", err)
		}
	}
	return config.Load(home)
}

const homeReadme = `This is the home of a Stagewatch miner.

miner.yaml          your settings (optional; every setting has a default)
miner_status.json   what every module and account is doing now
journal/            what happened, one checked record a line
tasks/              AccountInfo/<platform>/<username>/info.json: the accounts to work on
                    (yours: only "miner account add" makes one, nothing deletes it);
                    everything beside it: results
structuredb/        raw posts, as they were scraped
logs/               what the modules print
runs/               which run a shell script's next "miner stage" belongs to
engine.db index.db  unfinished runs; posts with their vectors
locks/ miner.lock   held while an account is worked on; while a miner runs
`

// lockHome makes this process the only miner of a home for as long as it
// lives. The text of the error names the one that is there.
func lockHome(home string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(home, "miner.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock home: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := make([]byte, 32)
		n, _ := lock.ReadAt(holder, 0) // unreadable: the pid is left out
		_ = lock.Close()               // it was not locked
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &codedError{exitRunning, fmt.Errorf("a miner already runs in %s (pid %s): stop it first, or use another --home", home, strings.TrimSpace(string(holder[:n])))}
		}
		return nil, fmt.Errorf("lock home: %w", err)
	}
	err = lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		_ = lock.Close() // releases the lock
		return nil, fmt.Errorf("lock home: %w", err)
	}
	return lock, nil
}

// version returns what the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
