package stagewatch

import (
	"os"
	"path/filepath"
)

// What a process finds in its environment, and hands on to children that are to
// speak for the same run.
const (
	envHome  = "MINER_HOME"
	envRun   = "MINER_RUN"
	envOwner = "MINER_OWNER"
)

// Home returns the miner's home: $MINER_HOME, else .miner in the user's home
// folder, else "".
func Home() string {
	if home := os.Getenv(envHome); home != "" {
		return home
	}
	if user, err := os.UserHomeDir(); err == nil {
		return filepath.Join(user, ".miner")
	}
	return ""
}

// givenRun returns the run that this process was told to record for, "" without one.
func givenRun() string { return os.Getenv(envRun) }

// inherited returns the process in whose name this one was told to record, if
// it was told and that process certainly lives.
func inherited() (Owner, bool) {
	o, err := ParseOwner(os.Getenv(envOwner))
	if err != nil {
		return Owner{}, false
	}
	watch, err := newWatchman()
	return o, err == nil && o.Space == watch.space && !watch.gone(o)
}

// Env returns what a child process needs in its environment to record for the
// same run, in the name of the same process: a stage that the child began is
// lost when that process dies, not when the child does. Append it to
// [os.Environ]. A run without a usable home gives nothing.
func (r *Run) Env() []string {
	t := r.on()
	if t == nil || t.sink == nil {
		return nil
	}
	home, err := filepath.Abs(t.home)
	if err != nil { // there is no current folder any more
		home = t.home
	}
	return []string{envHome + "=" + home, envRun + "=" + r.id, envOwner + "=" + t.owner.String()}
}
