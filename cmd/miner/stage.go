package main

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/config"
)

// hanging is the time after which a disk hangs, and is not merely slow: a
// wrapped command waits no longer for it. On a busy machine a few milliseconds
// of work take many.
const hanging = time.Second

// report is what one call of miner stage tells.
type report struct {
	options *options
	subject
	run     string
	details string
}

func (o *options) stageCommand() *cobra.Command {
	r := &report{options: o}
	cmd := &cobra.Command{
		Use: "stage", GroupID: "work", Args: subcommand, RunE: helpOnly,
		SuggestionsMinimumDistance: 2,

		Short: "Report the stages of a shell script, or of any command",
		Long: `Report the stages of a shell script, or of any command.

N is a stage's number or key. The calls of one script belong together: they form
one run for each account, until it ends or begins again with an earlier stage.
When the script dies, the stages that it left running are shown as lost.

No call fails or holds up a script because tracking is not possible: it then
does nothing, prints nothing and exits with 0. Only wrong usage is told, with 2.
A message that may begin with a dash comes last, after "--".`,
		Example: `  miner stage start 1 "Fetching orders" --for shop
  miner stage failed 1 "no route to host" --for shop
  miner stage run 2 "Cleaning orders" --for shop -- ./clean.sh --all`,
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &codedError{exitUsage, fmt.Errorf("%w: see %s --help (a message that begins with a dash comes last, after --)", err, cmd.CommandPath())}
	})
	flags := cmd.PersistentFlags()
	flags.StringVar(&r.account, "for", "", "the account that is worked on")
	flags.StringVar(&r.platform, "on", "", "the account's platform")
	flags.StringVar(&r.run, "run", "", "the run's id (default $MINER_RUN, else the script's open run)")
	flags.StringVar(&r.definition, "definition", "", "the name of the definition that N is a stage of (default the eight stages)")
	flags.StringVar(&r.details, "details", "", "more, as a JSON object of up to 8 KiB")
	for _, name := range []string{"for", "run", "definition", "details"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions) // the flag is there
	}
	_ = cmd.RegisterFlagCompletionFunc("on", cobra.FixedCompletions([]string{"facebook", "instagram", "twitter"}, cobra.ShellCompDirectiveNoFileComp)) // as above
	cmd.AddCommand(
		r.command("start N [MESSAGE]", "A stage begins", stagewatch.EventStarted),
		r.progressCommand(),
		r.command("complete N [MESSAGE]", "A stage ended well", stagewatch.EventCompleted),
		r.command("failed N [MESSAGE]", "A stage failed, and with it the run", stagewatch.EventFailed),
		r.runCommand(),
	)
	return cmd
}

func (r *report) command(use, short, what string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: wanted(1, 2), ValidArgsFunction: completeStages,
		RunE: func(_ *cobra.Command, args []string) error {
			stage, err := parseStage(args[0])
			if err != nil {
				return err
			}
			stage.What = what
			if len(args) > 1 {
				stage.Message = args[1]
			}
			r.record(stage)
			return nil
		},
	}
}

func (r *report) progressCommand() *cobra.Command {
	return &cobra.Command{
		Use: "progress N DONE [TOTAL]", Short: "How far a running stage is", Args: wanted(2, 3),
		ValidArgsFunction: completeStages,
		RunE: func(_ *cobra.Command, args []string) error {
			stage, err := parseStage(args[0])
			if err != nil {
				return err
			}
			stage.What = stagewatch.EventProgressed
			for i, to := range []*int64{&stage.Done, &stage.Total}[:len(args)-1] {
				if *to, err = strconv.ParseInt(args[i+1], 10, 64); err != nil {
					return fmt.Errorf("%q is no whole number", args[i+1])
				}
			}
			r.record(stage)
			return nil
		},
	}
}

func (r *report) runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run N [MESSAGE] [flags] -- COMMAND [ARGS]", DisableFlagsInUseLine: true,
		Short: "Run a command as a stage: its exit code says how the stage ended",
		Long: `Run a command as a stage: started before it, completed or failed after it by its
exit code, which is kept (128 and the signal's number when one ended it).

Input, output and signals go to and from the command as if it stood there alone.
It runs also when tracking is not possible. What it reports itself belongs to
the same run: its environment holds MINER_HOME, MINER_RUN and MINER_OWNER.`,
		Example:           `  miner stage run 2 "Cleaning orders" --for shop -- ./clean.sh --all`,
		ValidArgsFunction: completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash < 1 || dash > 2 || len(args) == dash {
				return wanted(0, -1)(cmd, args)
			}
			stage, err := parseStage(args[0])
			if err != nil {
				return err
			}
			if dash > 1 {
				stage.Message = args[1]
			}
			return r.wrap(stage, args[dash:])
		},
	}
}

// wanted refuses too few and too many arguments by saying what belongs there.
func wanted(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fmt.Errorf("want %s %s", cmd.Parent().CommandPath(), cmd.Use)
		}
		return nil
	}
}

// subcommand refuses what is no command below cmd, and names the nearest one.
func subcommand(cmd *cobra.Command, args []string) error {
	err := cobra.NoArgs(cmd, args)
	if err == nil {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
	}
	return err
}

// parseStage reads a stage's number or key.
func parseStage(arg string) (stagewatch.Event, error) {
	n, err := strconv.Atoi(arg)
	switch {
	case arg == "":
		return stagewatch.Event{}, errors.New("the stage is empty: want its number or key")
	case err == nil || errors.Is(err, strconv.ErrRange): // the tracker bounds it
		return stagewatch.Event{Stage: n}, nil
	}
	return stagewatch.Event{Key: arg}, nil
}

// completeStages offers the stages; after them comes text, or a command.
func completeStages(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && cmd.Name() == "run" {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var all []string
	if len(args) == 0 {
		for _, s := range stagewatch.DefaultDefinition().Stages {
			all = append(all, fmt.Sprintf("%d\t%s", s.Number, s.Name))
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

// record tells of one stage in the name of the calling script.
func (r *report) record(stage stagewatch.Event) {
	t := r.open()
	defer t.Close()
	in := r.find(t, stage)
	r.platform = in.platform
	r.tell(t, stage, stagewatch.By(in.caller), stagewatch.InRun(in.run))
}

// open opens the tracker of the home. It is nil, and its calls do nothing, when
// tracking is not possible: a script must not notice.
func (r *report) open() *stagewatch.Tracker {
	home, err := r.options.path()
	if err != nil {
		return nil
	}
	t, err := stagewatch.Open(stagewatch.Config{Home: home})
	if err != nil {
		return nil
	}
	return t
}

// place is where a call belongs.
type place struct {
	caller        stagewatch.Owner // the script
	run, platform string
}

// find returns the place of a call.
func (r *report) find(t *stagewatch.Tracker, stage stagewatch.Event) place {
	if t == nil {
		return place{run: cmp.Or(r.given(), newRunID()), platform: r.platform}
	}
	found := make(chan place, 1)
	go func() { found <- r.look(t.Home(), stage) }()
	select {
	case in := <-found:
		return in
	case <-time.After(hanging):
		caller, _ := parent() // without /proc it has no owner that could be lost
		return place{caller, cmp.Or(r.given(), newRunID()), r.platform}
	}
}

func (r *report) look(home string, stage stagewatch.Event) place {
	definition := stagewatch.DefaultDefinition()
	if r.definition != "" && r.definition != definition.Name {
		definition = configured(home, r.definition)
	}
	caller, err := callerOf(home, r.subject)
	in := place{caller, r.given(), r.platform}
	if n, ok := definition.Number(stage.Key); ok {
		stage.Stage, stage.Key = n, ""
	}
	if in.run == "" && err == nil {
		in.run, in.platform, _ = runOf(home, caller, r.subject, stage, definition) // not kept: the next call begins another
	}
	in.run = cmp.Or(in.run, newRunID())
	return in
}

// configured returns a definition of miner.yaml, an empty one when there is none
// of that name: its stages are then recorded as they are called.
func configured(home, name string) stagewatch.Definition {
	c, err := config.Load(home)
	if err != nil {
		return stagewatch.Definition{Name: name}
	}
	all, err := definitions(c)
	if err != nil {
		return stagewatch.Definition{Name: name}
	}
	return all[name]
}

// given returns the run that was named, "" for none.
func (r *report) given() string {
	if r.run != "" {
		return r.run
	}
	return os.Getenv("MINER_RUN")
}

func newRunID() string { return strings.ToLower(rand.Text()) }

// tell hands the stage to the tracker.
func (r *report) tell(t *stagewatch.Tracker, stage stagewatch.Event, more ...stagewatch.Option) {
	opts := append(more, stagewatch.For(r.account), stagewatch.On(r.platform))
	if stage.Key != "" {
		opts = append(opts, stagewatch.Key(stage.Key))
	}
	if r.definition != "" {
		opts = append(opts, stagewatch.Of(r.definition))
	}
	if r.details != "" {
		opts = append(opts, r.parsedDetails())
	}
	call(t, stage, opts)
}

// call tells a tracker what happened to a stage.
func call(t *stagewatch.Tracker, e stagewatch.Event, opts []stagewatch.Option) {
	switch e.What {
	case stagewatch.EventStarted:
		t.Start(e.Stage, e.Message, opts...)
	case stagewatch.EventProgressed:
		t.Progress(e.Stage, e.Done, e.Total, opts...)
	case stagewatch.EventCompleted:
		t.Complete(e.Stage, e.Message, opts...)
	case stagewatch.EventFailed:
		t.Failed(e.Stage, e.Message, opts...)
	}
}

// parsedDetails returns the details. Those that are no JSON object come from a
// script's variables: they are recorded as what they are.
func (r *report) parsedDetails() stagewatch.Details {
	var details stagewatch.Details
	numbers := json.NewDecoder(strings.NewReader(r.details))
	numbers.UseNumber()
	err := numbers.Decode(&details)
	if err == nil && numbers.More() {
		err = errors.New("more than one value")
	}
	if err != nil || details == nil {
		return stagewatch.Details{"not_recorded": "not a JSON object: " + r.details}
	}
	return details
}
