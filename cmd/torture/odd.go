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
		{"sixteen writers in each language", together},
		{"everybody stopped, as on a machine that sleeps", asleep},
		{"keeper stopped while a writer dies", stoppedKeeper},
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

// crowd adds two writers, two keepers and a follower.
func (c *crew) crowd() {
	c.writing(2, 0)
	c.tended()
}

const few = 200 // records

// hear waits until a few more of a writer's records are acknowledged.
func (c *crew) hear(ctx context.Context, m *member) error {
	return c.heard(ctx, m, c.ledger.acknowledged(m.number)+few)
}

// heard waits until a writer's records are acknowledged up to number n.
func (c *crew) heard(ctx context.Context, m *member, n int64) error {
	for began := time.Now(); c.ledger.acknowledged(m.number) < n; {
		if !pause(ctx, time.Millisecond) {
			return nil
		}
		if time.Since(began) > endPatient {
			c.broke("%s: no %d records were acknowledged in %v", m.kind, few, endPatient)
			return nil
		}
	}
	return nil
}

// together lets many writers of both languages work on one home.
func together(ctx context.Context, c *crew) error {
	const each = 16
	c.writing(each, each)
	c.tended()
	c.tidied(256<<10, 0)
	return c.work(ctx, func(ctx context.Context) error {
		for _, m := range c.members {
			if m.number == 0 {
				continue
			}
			if err := c.heard(ctx, m, few); err != nil {
				return err
			}
		}
		return nil
	})
}

// asleep stops every process for a while. Nobody is taken for dead after it.
func asleep(ctx context.Context, c *crew) error {
	c.crowd()
	return c.work(ctx, func(ctx context.Context) error {
		if err := c.hear(ctx, c.members[0]); err != nil {
			return err
		}
		for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
			for _, m := range c.members {
				if err := m.p.cmd.Process.Signal(signal); err != nil {
					return err
				}
			}
			pause(ctx, lostLimit+air)
		}
		return errors.Join(c.hear(ctx, c.members[0]), c.hear(ctx, c.members[1]))
	})
}

// stoppedKeeper stops both keepers while a writer is killed. What it left open
// is told lost when one of them goes on.
func stoppedKeeper(ctx context.Context, c *crew) error {
	c.crowd()
	signal := func(s syscall.Signal) (err error) {
		for _, m := range c.members {
			if m.kind == keeperKind {
				err = errors.Join(err, m.p.cmd.Process.Signal(s))
			}
		}
		return err
	}
	return c.work(ctx, func(ctx context.Context) error {
		if err := errors.Join(c.hear(ctx, c.members[0]), signal(syscall.SIGSTOP)); err != nil {
			return err
		}
		c.ledger.keeperIs(false)
		if err := c.replace(ctx, c.members[0]); err != nil {
			return err
		}
		if err := errors.Join(c.hear(ctx, c.members[0]), c.hear(ctx, c.members[1])); err != nil {
			return err
		}
		c.ledger.keeperIs(true)
		return errors.Join(signal(syscall.SIGCONT), c.hear(ctx, c.members[1]))
	})
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

// otherClock starts writers whose clocks since boot are not the keeper's. It
// must take them neither for dead nor for silent.
func otherClock(ctx context.Context, c *crew) error {
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.CommandContext(ctx, unshare, "--time", "--boottime=1000", "true").Run()
	}
	if err != nil {
		c.progress("not tried: no time namespace to be had: %v", err)
		return nil
	}
	for name, clocks := range map[string][]string{
		"ahead":  {"--boottime=1000", "--monotonic=1000"},
		"behind": {"--boottime=-40", "--monotonic=-40"},
	} {
		c.add("Go writer", 0, func(ctx context.Context, m *member) (*process, error) {
			c.before = append(append([]string{unshare, "--time"}, clocks...), "--")
			defer func() { c.before = nil }()
			return c.goWriter(ctx, m, name)
		})
	}
	c.tended()
	return c.work(ctx, func(ctx context.Context) error {
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
	c.writing(2, 0)
	c.add(keeperKind, 0, c.keeper)
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
	again.writers, again.torn = len(old), true
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
