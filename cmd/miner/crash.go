package main

import (
	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
)

// crash kills Module 1 while it is in stage 4, as nobody else can: from outside,
// at the word of the journal. The stage takes a few milliseconds only and may be
// over before that word comes; then the next account's run is tried.
type crash struct {
	tried string // the run in which Module 1 was killed last
	shown bool   // it died in stage 4
}

// see takes in one event of the default definition.
func (c *crash) see(e stagewatch.Event) {
	// Last in line, and stage 3, which needs half a second of the processor, would not
	// come to its end on a busy machine.
	const behind = 8
	pid := e.Owner.PID
	switch {
	case c.shown || e.Run == "":
	case e.Stage == 3 && e.What == stagewatch.EventStarted:
		// On a busy machine this process may have to wait for longer than stage 4 takes;
		// so Module 1, which leads a group of its own, is the one that waits. Its next
		// life has its place back. Where this is refused it only gets less sure.
		_ = unix.Setpriority(unix.PRIO_PGRP, pid, behind)
	case e.Stage == 4 && e.What == stagewatch.EventStarted && e.Run != c.tried:
		c.tried = e.Run
		_ = unix.Kill(pid, unix.SIGKILL) // its journal tells what came of it
	case e.Stage == 4 && e.What == stagewatch.EventLost:
		c.shown = true
	}
}
