package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch"
)

// audit compares, when all is quiet, what each of the views says.
func (c *crew) audit(ctx context.Context) error {
	c.drain(c.lastly)
	c.lastly.Close()
	c.ledger.settle()
	c.count("fragments that readers skipped", c.lastly.Skipped().Damaged)
	c.count("segments", int(c.ledger.book.Position.Segment))
	report, err := stagewatch.Verify(c.home)
	if err != nil {
		return err
	}
	if !report.Sound() && !c.torn {
		c.broke("verify: %s", encode(report))
	}
	c.count("records written again at a seal", int(report.Journal.Repeats))
	if err := c.auditFollower(ctx); err != nil {
		return err
	}
	if c.keep > 0 {
		return nil // the beginning is gone
	}
	return c.auditFold(ctx)
}

// auditFollower lets the follower that was killed go to the end, and compares its book.
func (c *crew) auditFollower(ctx context.Context) error {
	want := c.ledger.book
	p, err := start(ctx, "follower", func(string) {}, c.as, c.self, "as-follower", c.home, "1",
		strconv.FormatUint(want.Position.Segment, 10), strconv.FormatInt(want.Position.Offset, 10))
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(endPatient):
		p.kill()
		c.broke("the follower did not come to the end %+v", want.Position)
	}
	text, err := os.ReadFile(c.home + "/follower.json")
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(string(text)); got != encode(want) {
		c.broke("the follower that was killed kept book %s, one that was not %s", got, encode(want))
	}
	return nil
}

// auditFold compares the fold that went through status files of many keepers
// with one from the beginning.
func (c *crew) auditFold(ctx context.Context) error {
	whole := stagewatch.State{Version: stagewatch.StateVersion}
	ctx, cancel := context.WithTimeout(ctx, endPatient)
	defer cancel()
	err := stagewatch.Follow(ctx, c.home, stagewatch.Position{}, func(e stagewatch.Event) error {
		whole.Apply(e)
		if e.Position() == c.ledger.book.Position {
			return errThere
		}
		return nil
	})
	if !errors.Is(err, errThere) {
		return fmt.Errorf("fold the whole journal: %w", err)
	}
	read, err := stagewatch.ReadState(c.home)
	if err != nil {
		return err
	}
	if why := differ(read.Runs, whole.Runs); why != "" {
		c.broke("status and journal tell different things: %s", why)
	}
	return nil
}

// differ says in what the runs of a status differ from those that were folded
// from the beginning, "" when in nothing. That a run was left between two stages
// by a dead process stands in no record: the status says lost then, and drops it
// for the next run of its account.
func differ(status, whole []*stagewatch.RunState) string {
	left := map[string]*stagewatch.RunState{}
	for _, r := range whole {
		left[r.ID] = r
	}
	stages := func(r *stagewatch.RunState) string { return strings.ReplaceAll(encode(r.Stages), "long ", "     ") } // see shush
	busy := func(r *stagewatch.RunState) bool {
		return slices.ContainsFunc(r.Stages, func(s stagewatch.StageState) bool { return s.State == stagewatch.StatusRunning })
	}
	for _, r := range status {
		want := left[r.ID]
		if want == nil {
			return "run " + r.ID + " is in the status only"
		}
		delete(left, r.ID)
		if stages(r) != stages(want) {
			return fmt.Sprintf("run %s: %s, want %s", r.ID, stages(r), stages(want))
		}
		abandoned := r.State == stagewatch.StatusLost && want.State == stagewatch.StatusRunning && !busy(want)
		if r.State != want.State && !abandoned {
			return fmt.Sprintf("run %s is %s, want %s", r.ID, r.State, want.State)
		}
	}
	for id, r := range left {
		if busy(r) || r.State != stagewatch.StatusRunning {
			return "run " + id + ", " + string(r.State) + ", is not in the status"
		}
	}
	return ""
}
