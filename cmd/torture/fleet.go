package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/stagewatch/stagewatch/internal/journal"
)

const (
	keeperKind = "keeper"
	lostLimit  = time.Second     // the promise
	air        = 2 * time.Second // on top, for a machine that does much else
	endPatient = 30 * time.Second
)

// crew is a home at work: writers, two would-be keepers, a follower that keeps
// book, and somebody who rotates.
type crew struct {
	*round
	ledger  *ledger
	members []*member
	writers int // begun so far
	lastly  *journal.Follower

	torn   bool                // its writers began in another home
	keep   int64               // bytes that retention leaves, 0 for everything
	self   string              // this program
	as     *syscall.Credential // who its processes are, nil for our own user
	before []string            // words before the command of a writer in Go

	mu    sync.Mutex
	keeps *process // who said last that it keeps the home
}

// member is a place in the crew that is filled again when its process is killed.
type member struct {
	kind   string
	weight int // how often it is the one to be killed
	begin  func(ctx context.Context, m *member) (*process, error)
	p      *process
	number int // of the writer that fills it
}

// fleet kills members of a crew at random instants, and then checks everything.
func fleet(ctx context.Context, r *round) error {
	c, err := newCrew(r)
	if err != nil {
		return err
	}
	c.muster()
	return c.work(ctx, c.slaughter)
}

func newCrew(r *round) (*crew, error) {
	self, err := os.Executable()
	return &crew{round: r, ledger: newLedger(r.result), self: self}, err
}

// work lets the crew work while trouble is made, and then checks everything.
func (c *crew) work(ctx context.Context, trouble func(ctx context.Context) error) error {
	defer c.dismiss()
	for _, m := range c.members {
		if err := c.fill(ctx, m); err != nil {
			return err
		}
	}
	watching, stop := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	watchers.Go(func() { c.follow(watching) })
	watchers.Go(func() { watchStatus(watching, c.home, c.result) })
	err := trouble(ctx)
	if err == nil {
		c.windUp(ctx)
	}
	stop()
	watchers.Wait()
	if err != nil || ctx.Err() != nil {
		return err
	}
	return c.audit(ctx)
}

// dismiss leaves no process behind.
func (c *crew) dismiss() {
	for _, m := range c.members {
		if m.p != nil {
			m.p.kill()
		}
	}
}

// muster says who is there in this round.
func (c *crew) muster() {
	c.writing(3+c.rng.IntN(3), 1+c.rng.IntN(3))
	c.tended()
	size := int64(32<<10) << c.rng.IntN(5)
	keep := int64(c.rng.IntN(2)) << (20 + c.rng.IntN(3))
	c.tidied(size, keep)
}

// writing adds writers in Go and, where its client is, in Python.
func (c *crew) writing(inGo, inPython int) {
	for n := range inGo {
		c.add("Go writer", 4, func(ctx context.Context, m *member) (*process, error) {
			return c.goWriter(ctx, m, "go"+strconv.Itoa(n))
		})
	}
	if _, err := os.Stat(filepath.Join(c.o.python, "miner_stage_tracker.py")); err != nil {
		c.progress("no writers in Python: %v", err)
		return
	}
	for n := range inPython {
		c.add("Python writer", 4, func(ctx context.Context, m *member) (*process, error) {
			return c.pythonWriter(ctx, m, "py"+strconv.Itoa(n))
		})
	}
}

// tidied adds somebody who seals segments of a size, and leaves no more bytes than keep, if that is set.
func (c *crew) tidied(size, keep int64) {
	c.keep = keep
	c.add("upkeep", 4, func(ctx context.Context, m *member) (*process, error) {
		return c.role(ctx, m, "as-upkeep", strconv.FormatInt(size, 10), strconv.FormatInt(keep, 10))
	})
}

// tended adds those who look after the home.
func (c *crew) tended() {
	for range 2 {
		c.add(keeperKind, 2, c.keeper)
	}
	c.add("follower", 2, func(ctx context.Context, m *member) (*process, error) { return c.role(ctx, m, "as-follower") })
}

func (c *crew) add(kind string, weight int, begin func(ctx context.Context, m *member) (*process, error)) {
	c.members = append(c.members, &member{kind: kind, weight: weight, begin: begin})
}

// fill puts a new process into a place.
func (c *crew) fill(ctx context.Context, m *member) (err error) {
	m.p, err = m.begin(ctx, m)
	return err
}

func (c *crew) seed() string { return strconv.FormatUint(c.rng.Uint64(), 10) }

func (c *crew) role(ctx context.Context, m *member, role string, args ...string) (*process, error) {
	return start(ctx, m.kind, func(string) {}, c.as, append([]string{c.self, role, c.home, c.seed()}, args...)...)
}

func (c *crew) goWriter(ctx context.Context, m *member, name string) (*process, error) {
	lanes := 1 + max(0, c.rng.IntN(5)-2)
	hear := c.enter(m)
	command := []string{c.self, "as-writer", c.home, c.seed(), strconv.Itoa(m.number), strconv.Itoa(lanes), name, c.pause()}
	p, err := start(ctx, m.kind, hear, c.as, append(slices.Clone(c.before), command...)...)
	if err == nil {
		c.ledger.began(m.number, p)
	}
	return p, err
}

func (c *crew) pythonWriter(ctx context.Context, m *member, name string) (*process, error) {
	lanes := 1 + max(0, c.rng.IntN(3)-1)
	hear := c.enter(m)
	p, err := start(ctx, m.kind, hear, c.as, "python3", "cmd/torture/writer.py", c.o.python, c.home, c.seed(),
		strconv.Itoa(m.number), strconv.Itoa(lanes), name, c.pause())
	if err == nil {
		c.ledger.began(m.number, p)
	}
	return p, err
}

// pause returns how long a writer pauses at most, in milliseconds: many leave
// one another, and us, some air.
func (c *crew) pause() string { return strconv.Itoa(4 + len(c.members)*len(c.members)/12) }

// enter gives the place's next writer its number, and returns who hears what it prints.
func (c *crew) enter(m *member) (hear func(string)) {
	c.writers++
	number := c.writers
	m.number = number
	c.ledger.enter(number, m.kind)
	return func(line string) {
		var lane int
		var seq int64
		if _, err := fmt.Sscanf(line, "%d %d", &lane, &seq); err != nil {
			c.broke("%s %d printed %q", m.kind, number, line)
			return
		}
		c.ledger.acknowledge(number, lane, seq)
	}
}

// keeper starts one of the two that would be it.
func (c *crew) keeper(ctx context.Context, m *member) (p *process, err error) {
	begun := make(chan struct{})
	p, err = start(ctx, m.kind, func(string) { <-begun; c.keptBy(p) }, c.as, c.self, "as-keeper", c.home, c.seed())
	close(begun)
	return p, err
}

// keptBy hears that p keeps the home now. Nobody else may who still lives.
func (c *crew) keptBy(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.wasAsked() {
		return // an old word
	}
	if c.keeps != nil && !c.keeps.wasAsked() {
		c.broke("two processes keep %s", c.home)
	}
	c.keeps = p
	c.ledger.keeperIs(true)
}

// abandoned notes the end of p, who may have been the keeper.
func (c *crew) abandoned(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keeps == p {
		c.keeps = nil
		c.ledger.keeperIs(false)
	}
}

// slaughter kills until the round's share is done.
func (c *crew) slaughter(ctx context.Context) error {
	const longest, report = 300 * time.Millisecond, 5 * time.Second
	told := time.Now()
	for killed := 0; killed < c.kills && len(c.broken()) == 0; {
		wait := time.Duration(c.rng.Int64N(int64(longest)))
		if c.rng.IntN(8) == 0 {
			wait /= 20 // two at once, or one that has hardly begun
		}
		if !pause(ctx, wait) {
			return nil
		}
		m := c.choose()
		if m.kind == "Go writer" && c.rng.IntN(10) == 0 {
			c.freeze(m)
			continue
		}
		if err := c.replace(ctx, m); err != nil {
			return err
		}
		killed++
		c.ledger.overdue(lostLimit + air)
		if time.Since(told) > report {
			told = time.Now()
			c.progress("%d of %d kills in this round, %d of all", killed, c.kills, c.killed(c.scenario))
		}
	}
	return nil
}

// choose picks the next victim by weight.
func (c *crew) choose() *member {
	total := 0
	for _, m := range c.members {
		total += m.weight
	}
	dice := c.rng.IntN(total)
	for _, m := range c.members {
		if dice -= m.weight; dice < 0 {
			return m
		}
	}
	return c.members[0]
}

// replace kills a member's process and starts another in its place.
func (c *crew) replace(ctx context.Context, m *member) error {
	c.strike(m)
	return c.fill(ctx, m)
}

func (c *crew) strike(m *member) {
	lived := m.p.kill()
	c.kill(m.kind)
	if !lived || !m.p.wasAsked() {
		c.broke("%s ended by itself: %v: %s", m.kind, m.p.cmd.ProcessState, m.p.errs.Bytes())
	} else if m.p.errs.Len() > 0 {
		c.broke("%s wrote to standard error: %s", m.kind, m.p.errs.Bytes())
	}
	if m.number > 0 {
		c.ledger.died(m.number)
	}
	c.abandoned(m.p)
}

// freeze stops a writer for a while in which the others go on and segments are
// sealed; then it goes on where it was.
func (c *crew) freeze(m *member) {
	const longest = 3 * time.Second
	p := m.p
	if p.cmd.Process.Signal(syscall.SIGSTOP) != nil {
		return // it is gone: the next kill says so
	}
	c.count("writers stopped and continued", 1)
	time.AfterFunc(time.Duration(c.rng.Int64N(int64(longest))), func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) })
}

// follow reads the journal into the ledger until ctx ends.
func (c *crew) follow(ctx context.Context) {
	const poll = 2 * time.Millisecond
	f := journal.Follow(c.home+"/journal", journal.Position{})
	c.lastly = f
	for ok := true; ok; ok = pause(ctx, poll) {
		c.drain(f)
	}
}

func (c *crew) drain(f *journal.Follower) {
	for {
		rec, ok, err := f.Next()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.broke("follower: %v", err)
			return
		}
		if !ok {
			return
		}
		if rec.Missing > 0 {
			c.broke("a follower that never rested found %d segments gone", rec.Missing)
			continue
		}
		c.ledger.read(rec)
	}
}

// windUp kills all writers, waits until their stages were told lost, and lets
// the rest end in peace.
func (c *crew) windUp(ctx context.Context) {
	for _, m := range c.members {
		if m.number > 0 {
			c.strike(m)
		}
	}
	for began := time.Now(); ; {
		if !pause(ctx, 10*time.Millisecond) {
			return
		}
		due := c.ledger.overdue(lostLimit + air)
		if due == 0 && time.Since(began) > lostLimit {
			break
		}
		if time.Since(began) > endPatient {
			c.broke("%d stages of dead writers were never told lost", due)
			break
		}
	}
	for _, m := range c.members {
		if m.number == 0 {
			if err := m.p.end(endPatient); err != nil {
				c.broke("%v", err)
			}
		}
	}
}
