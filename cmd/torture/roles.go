package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// roleWord begins the first argument of a child: "as-writer" and so on.
const roleWord = "as-"

// play is a child's main. Its arguments are role, home, seed and what the role wants.
func play(ctx context.Context, args []string, out io.Writer) int {
	roles := map[string]func(context.Context, part) error{
		"as-writer": writer, "as-keeper": keeper, "as-follower": follower, "as-upkeep": upkeep,
		"as-repair": repair, "as-rewrite": rewrite,
	}
	const least = 3
	role := roles[args[0]]
	if role == nil || len(args) < least {
		return exitUsage
	}
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return exitUsage
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // the parent is gone, or wants an end
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	p := part{home: args[1], rng: rand.New(rand.NewPCG(seed, 0)), seed: seed, args: args[least:], out: out}
	if err := role(ctx, p); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, args[0]+":", err)
		return 1
	}
	return 0
}

// part is what a child was told.
type part struct {
	home string
	seed uint64
	rng  *rand.Rand
	args []string
	out  io.Writer
}

// number returns argument i as a number, 0 without one.
func (p part) number(i int) int64 {
	if i >= len(p.args) {
		return 0
	}
	n, _ := strconv.ParseInt(p.args[i], 10, 64)
	return n
}

// pause waits, or reports false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// keeper keeps the home, as soon as nobody else does, and prints "kept" then.
// When its home is removed it keeps nothing any more.
func keeper(ctx context.Context, p part) error {
	const again = 5 * time.Millisecond
	t, err := stagewatch.Open(stagewatch.Config{Home: p.home})
	if err != nil {
		return err
	}
	defer t.Close()
	for {
		k, err := stagewatch.NewKeeper(t, stagewatch.KeeperConfig{})
		if err != nil { // somebody else keeps it, or its folder is not there
			if !pause(ctx, again) {
				return nil
			}
			continue
		}
		_, _ = fmt.Fprintln(p.out, "kept")
		err = k.Run(ctx)
		if errors.Is(err, stagewatch.ErrKept) { // its home was removed: what comes in its place is not ours
			<-ctx.Done()
			return nil
		}
		return err
	}
}

// account is a follower's book: everything up to Position was seen, once.
type account struct {
	Position stagewatch.Position `json:"position"`
	Count    int                 `json:"count"`
	Chain    uint64              `json:"chain"`
	Gaps     int                 `json:"gaps"`
}

// add takes an event into the account. The chain depends on order and number.
func (a *account) add(e *stagewatch.Event, at stagewatch.Position) {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, a.Chain, e.Kind, e.What, e.Owner.PID, e.Owner.Start, e.Run, e.Stage)
	_, _ = h.Write(e.Details)
	a.Chain, a.Position = h.Sum64(), at
	a.Count++
}

var errThere = errors.New("read up to where it was told")

// follower follows the journal from where its book says, and keeps book: the
// position and what was counted up to it are saved together. With an end
// (segment, offset) it stops there.
func follower(ctx context.Context, p part) error {
	const most = 200
	path := p.home + "/follower.json"
	var a account
	if text, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(text, &a); err != nil {
			return fmt.Errorf("read book: %w", err)
		}
	}
	end := stagewatch.Position{Segment: uint64(p.number(0)), Offset: p.number(1)}
	there := func() bool { return end.Segment > 0 && !a.Position.Before(end) }
	if there() {
		return nil
	}
	until := a.Count + 1 + p.rng.IntN(most)
	err := stagewatch.Follow(ctx, p.home, a.Position, func(e stagewatch.Event) error {
		if e.Kind == stagewatch.KindGap {
			a.Gaps++
			return nil
		}
		a.add(&e, e.Position())
		if a.Count < until && !there() {
			return nil
		}
		until = a.Count + 1 + p.rng.IntN(most)
		if err := replace(path, a); err != nil {
			return err
		}
		if there() {
			return errThere
		}
		return nil
	})
	if errors.Is(err, errThere) {
		return nil
	}
	return err
}

// replace writes v as JSON in place of path, whole.
func replace(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// upkeep does again and again, at random, what keeps a journal in shape. Its
// arguments are the size at which a segment is sealed, and the bytes that
// retention leaves, 0 for everything.
func upkeep(ctx context.Context, p part) error {
	const longest = 60 * time.Millisecond
	for pause(ctx, time.Duration(p.rng.Int64N(int64(longest)))) {
		var err error
		switch p.rng.IntN(16) {
		case 0:
			_, err = stagewatch.Repair(p.home)
		case 1:
			_, err = journal.Rewrite(p.home+"/journal", shush)
		default:
			err = tend(p.home, p)
		}
		if err != nil && !errors.Is(err, journal.ErrMaintained) {
			return err
		}
	}
	return nil
}

// shush blanks the long messages, which takes from no record what the torture looks at.
func shush(payload []byte) ([]byte, bool) {
	if !bytes.Contains(payload, []byte("long long long")) {
		return nil, false
	}
	return bytes.ReplaceAll(payload, []byte("long "), []byte("     ")), true
}

// tend seals the newest segment when it is large enough, or removes old ones.
func tend(home string, p part) error {
	dir := home + "/journal"
	limit, keep := p.number(0), p.number(1)
	if keep > 0 && p.rng.IntN(4) == 0 {
		var status stagewatch.State
		text, err := os.ReadFile(home + "/" + stagewatch.StatusFile)
		if err != nil || json.Unmarshal(text, &status) != nil {
			return nil //nolint:nilerr // the first is still to come: nothing is covered
		}
		_, err = journal.Retain(dir, journal.Retention{Bytes: keep}, status.Position.Segment)
		return err
	}
	_, err := journal.Seal(dir, limit, 0)
	return err
}
