// Command torture proves what the tracker promises, with real processes and
// real kill -9 at random instants. docs/reliability.md says which promises,
// and what it measured.
//
// The same seed makes the same choices: who is killed, after how long, what is
// damaged. Where in its work a process is hit is up to the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

const exitUsage = 2

// run plays the part that the first argument names, or else starts everything.
func run(ctx context.Context, args []string, out io.Writer) int {
	if len(args) > 0 && strings.HasPrefix(args[0], roleWord) {
		return play(ctx, args, out)
	}
	var o options
	if err := o.parse(args, out); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	return o.torture(ctx, out)
}

// options are the flags.
type options struct {
	seed   uint64
	kills  int
	limit  time.Duration
	only   string
	dir    string
	python string
}

func (o *options) parse(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Uint64Var(&o.seed, "seed", 0, "makes the same choices again; 0 takes a new one")
	flags.IntVar(&o.kills, "kills", 2100, "processes to kill in all")
	flags.DurationVar(&o.limit, "for", 12*time.Minute, "no new round begins after this")
	flags.StringVar(&o.only, "only", "", "one scenario: "+strings.Join(scenarioNames(), ", "))
	flags.StringVar(&o.dir, "dir", os.TempDir(), "folder on a local disk for the homes")
	flags.StringVar(&o.python, "python", "client/python", "folder of the Python client")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.only != "" && !slices.Contains(scenarioNames(), o.only) {
		_, _ = fmt.Fprintf(out, "no scenario %s: there are %s\n", o.only, strings.Join(scenarioNames(), ", "))
		return flag.ErrHelp
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	return nil
}

// scenario is one kind of trouble. Its run makes one bounded round in an empty home.
type scenario struct {
	name  string
	share int // of the kills, in percent; 0 is one round without kills
	round func(ctx context.Context, r *round) error
}

func scenarios() []scenario {
	return []scenario{
		{"odd", 0, odd},
		{"mend", 30, mend},
		{"fleet", 70, fleet},
	}
}

func scenarioNames() (names []string) {
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// round is one home under torture.
type round struct {
	*result
	o     options
	home  string
	rng   *rand.Rand
	kills int // to make at most
}

// torture runs the scenarios in rounds until enough was killed or time is up.
func (o *options) torture(ctx context.Context, out io.Writer) int {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("seed %d: at most %d kills in %v", o.seed, o.kills, o.limit)
	res := newResult(out)
	began := time.Now()
	for _, s := range scenarios() {
		if o.only != "" && s.name != o.only {
			continue
		}
		quota, share := o.kills, s.share
		if o.only == "" {
			quota = o.kills * share / 100
		}
		if err := o.rounds(ctx, s, quota, began, res); err != nil {
			res.broke("%s: %v", s.name, err)
		}
		if ctx.Err() != nil || len(res.broken()) > 0 {
			break
		}
	}
	res.table(out, time.Since(began))
	switch {
	case ctx.Err() != nil:
		say("broken off")
		return 1
	case len(res.broken()) > 0:
		say("\nto repeat: make torture ARGS='-seed %d -kills %d%s'; the home is kept", o.seed, o.kills, o.onlyFlag())
		return 1
	}
	say("\nevery promise held; seed %d", o.seed)
	return 0
}

func (o *options) onlyFlag() string {
	if o.only == "" {
		return ""
	}
	return " -only " + o.only
}

// rounds runs one scenario until it made its kills or time is up.
func (o *options) rounds(ctx context.Context, s scenario, quota int, began time.Time, res *result) error {
	const perRound = 150
	for n := uint64(0); ctx.Err() == nil; n++ {
		left := quota - res.killed(s.name)
		if n > 0 && (left <= 0 || time.Since(began) > o.limit) {
			return nil
		}
		home, err := os.MkdirTemp(o.dir, "torture-"+s.name+"-")
		if err != nil {
			return err
		}
		res.scenario = s.name
		r := &round{result: res, o: *o, home: home, rng: rand.New(rand.NewPCG(o.seed, n)), kills: min(left, perRound)}
		res.progress("%s, round %d: %d kills to go", s.name, n+1, left)
		if err := s.round(ctx, r); err != nil {
			return fmt.Errorf("round %d in %s: %w", n+1, home, err)
		}
		if len(res.broken()) > 0 {
			res.progress("home kept: %s", home)
			return nil
		}
		if err := os.RemoveAll(home); err != nil {
			return err
		}
		if s.share == 0 {
			return nil
		}
	}
	return nil
}
