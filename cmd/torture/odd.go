package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// odd looks at what can befall a home besides kills, one after the other.
func odd(ctx context.Context, r *round) error {
	type examination struct {
		name string
		look func(ctx context.Context, c *crew) error
	}
	home := r.home
	for n, e := range []examination{
		{"writer stopped over rotation and retention", stoppedWriter},
		{"journal folder read-only for a while", readOnly},
		{"writer in another time namespace", otherClock},
		{"home deleted under its processes", deletedHome},
	} {
		r.home = filepath.Join(home, strconv.Itoa(n))
		if err := os.Mkdir(r.home, 0o700); err != nil {
			return err
		}
		r.progress("%s", e.name)
		c, err := newCrew(r)
		if err != nil {
			return err
		}
		if err := e.look(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return ctx.Err()
}

// crowd adds two Go writers, two keepers and a follower.
func (c *crew) crowd() {
	c.pair()
	c.tended()
}

// pair adds two Go writers.
func (c *crew) pair() {
	for n := range 2 {
		c.add("Go writer", 0, func(ctx context.Context, m *member) (*process, error) {
			return c.goWriter(ctx, m, "go"+strconv.Itoa(n))
		})
	}
}

// hear waits until a few hundred more of a writer's records are acknowledged.
func (c *crew) hear(ctx context.Context, m *member) error {
	const few = 200
	from := c.ledger.acknowledged(m.number)
	for began := time.Now(); c.ledger.acknowledged(m.number) < from+few; {
		if !pause(ctx, time.Millisecond) {
			return nil
		}
		if time.Since(began) > endPatient {
			c.broke("%s: nothing more was acknowledged for %v", m.kind, endPatient)
			return nil
		}
	}
	return nil
}

// readOnly takes the right to make files in the journal's folder away for a
// while. For root there is no such thing, so the crew is nobody then.
func readOnly(ctx context.Context, c *crew) error {
	if os.Getuid() == 0 {
		if err := c.becomeNobody(); err != nil {
			return err
		}
	}
	c.crowd()
	return c.work(ctx, func(ctx context.Context) error {
		for _, mode := range []os.FileMode{0o700, 0o500, 0o700} {
			if err := c.hear(ctx, c.members[0]); err != nil {
				return err
			}
			if err := os.Chmod(c.home+"/journal", mode); err != nil {
				return err
			}
		}
		return c.hear(ctx, c.members[1])
	})
}

// becomeNobody hands the home to the user nobody, for whom this program must lie where he may go.
func (c *crew) becomeNobody() error {
	const nobody = 65534
	c.as = &syscall.Credential{Uid: nobody, Gid: nobody}
	program, err := os.ReadFile(c.self)
	if err != nil {
		return err
	}
	c.self = filepath.Join(filepath.Dir(c.home), "torture")
	return errors.Join(
		os.WriteFile(c.self, program, 0o755),
		os.Chmod(filepath.Dir(c.home), 0o755),
		os.Chown(c.home, nobody, nobody),
	)
}

// otherClock starts a writer whose clocks are 1000 s ahead. No keeper may take
// it for dead.
func otherClock(ctx context.Context, c *crew) error {
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.CommandContext(ctx, unshare, "--time", "--boottime=1000", "--monotonic=1000", "true").Run()
	}
	if err != nil {
		c.progress("not tried: no time namespace to be had: %v", err)
		return nil
	}
	c.before = []string{unshare, "--time", "--boottime=1000", "--monotonic=1000", "--"}
	c.add("Go writer", 0, func(ctx context.Context, m *member) (*process, error) { return c.goWriter(ctx, m, "ahead") })
	c.tended()
	return c.work(ctx, func(ctx context.Context) error {
		c.before = nil
		pause(ctx, lostLimit+air)
		return nil
	})
}

// stoppedWriter stops a writer until its segment was sealed and removed. It
// goes on as if nothing had been, and is not taken for dead meanwhile.
func stoppedWriter(ctx context.Context, c *crew) error {
	c.keep = 1
	c.crowd()
	return c.work(ctx, func(ctx context.Context) error {
		stopped, other := c.members[0], c.members[1]
		if err := c.hear(ctx, stopped); err != nil {
			return err
		}
		if err := stopped.p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		gone := func() bool {
			_, err := os.Stat(c.home + "/journal/00000001.seg")
			return errors.Is(err, fs.ErrNotExist)
		}
		for began := time.Now(); !gone(); pause(ctx, 10*time.Millisecond) {
			err := tend(c.home, part{rng: c.rng, args: []string{"1", "1"}})
			if err != nil && !errors.Is(err, journal.ErrMaintained) {
				return err
			}
			if ctx.Err() != nil || time.Since(began) > endPatient {
				return errors.New("the first segment was not removed")
			}
		}
		pause(ctx, lostLimit)
		if err := stopped.p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			return err
		}
		return errors.Join(c.hear(ctx, stopped), c.hear(ctx, other))
	})
}

// deletedHome removes the home. Its processes must neither die nor speak. Then
// a new home begins in its place: its status and its stages are not touched by
// the keeper of the old one, and the writers of the old one go on in it.
func deletedHome(ctx context.Context, c *crew) error {
	defer c.dismiss()
	c.pair()
	c.add("keeper", 0, c.keeper)
	for _, m := range c.members {
		if err := c.fill(ctx, m); err != nil {
			return err
		}
	}
	if err := c.hear(ctx, c.members[0]); err != nil {
		return err
	}
	if err := demolish(ctx, c.home); err != nil {
		return err
	}
	pause(ctx, lostLimit)
	if _, err := os.Stat(c.home); err == nil {
		c.broke("a home that was deleted is there again")
	}
	for _, m := range c.members {
		c.silent(m)
	}
	old := c.members[:2:2]
	again, err := newCrew(c.round)
	if err != nil {
		return err
	}
	again.writers = len(old)
	for _, m := range old { // what they have to say is a new story
		again.ledger.adopt(m.number, m.p)
	}
	again.crowd()
	return again.work(ctx, func(ctx context.Context) error {
		if err := again.hear(ctx, again.members[0]); err != nil {
			return err
		}
		for _, m := range old {
			if err := c.hear(ctx, m); err != nil {
				return err
			}
		}
		for _, m := range c.members {
			c.silent(m)
			c.strike(m)
		}
		return nil
	})
}

// demolish removes a folder in which others still make files.
func demolish(ctx context.Context, path string) error {
	for began := time.Now(); ; {
		err := os.RemoveAll(path)
		if err == nil || time.Since(began) > endPatient || !pause(ctx, time.Millisecond) {
			return err
		}
	}
}

// silent checks that a member lives and said nothing.
func (c *crew) silent(m *member) {
	select {
	case <-m.p.ended:
		c.broke("%s ended by itself: %v: %s", m.kind, m.p.cmd.ProcessState, m.p.errs.Bytes())
	default:
	}
}
