package stagewatch

import "sync"

// Default returns the process's tracker in [Home], opened at the first call.
// It is what the package-level calls use.
func Default() *Tracker { return defaultTracker() }

//nolint:gochecknoglobals // the one global of this module: existing pipelines call functions, not values
var defaultTracker = sync.OnceValue(func() *Tracker {
	t, _ := Open(Config{}) // unusable: a tracker whose calls do nothing
	return t
})

// Start records on [Default] that stage n begins.
func Start(n int, message string, opts ...Option) { Default().Start(n, message, opts...) }

// Progress records on [Default] how far stage n is.
func Progress(n int, done, total int64, opts ...Option) { Default().Progress(n, done, total, opts...) }

// Complete records on [Default] that stage n ended well.
func Complete(n int, message string, opts ...Option) { Default().Complete(n, message, opts...) }

// Failed records on [Default] that stage n failed.
func Failed(n int, message string, opts ...Option) { Default().Failed(n, message, opts...) }

// ResetStages ends this process's open runs and clears ended ones from view.
func ResetStages() { Default().Reset() }

// CurrentStage returns the newest running stage in the home, else the newest ended one.
func CurrentStage() (StageState, bool) { return Default().Current() }
