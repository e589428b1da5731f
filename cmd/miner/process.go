package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/config"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/engine"
	"github.com/stagewatch/stagewatch/internal/images"
	"github.com/stagewatch/stagewatch/internal/pipeline"
)

// accountFlags are what can be said of an account on the command line.
type accountFlags struct {
	kind        string
	style       string
	timezone    string
	competitors []string
}

func (f *accountFlags) register(cmd *cobra.Command, kind, style string) {
	cmd.Flags().StringVar(&f.kind, kind, "", "branding or non-branding")
	cmd.Flags().StringVar(&f.style, style, "", "posting style, in your own words")
	cmd.Flags().StringVar(&f.timezone, "timezone", "", "IANA time zone in which hours and days are counted (default UTC)")
	cmd.Flags().StringArrayVar(&f.competitors, "competitor", nil, "username of a competitor on the same platform (again for more)")
	_ = cmd.RegisterFlagCompletionFunc(kind, cobra.FixedCompletions([]string{content.Branding, content.NonBranding}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// over lays what was given over a.
func (f *accountFlags) over(a content.Account) (content.Account, error) {
	if f.kind != "" {
		if f.kind != content.Branding && f.kind != content.NonBranding {
			return a, fmt.Errorf("account type %q: it is %s or %s", f.kind, content.Branding, content.NonBranding)
		}
		a.Type, a.TypeGiven = f.kind, true
	}
	if f.style != "" {
		a.Style = f.style
	}
	if f.timezone != "" {
		if err := account.CheckTimezone(f.timezone); err != nil {
			return a, err
		}
		a.Timezone = f.timezone
	}
	if len(f.competitors) > 0 {
		a.Competitors = nil
	}
	for _, name := range f.competitors {
		checked, err := account.CheckUsername(a.Platform, strings.TrimPrefix(name, "@"))
		if err != nil {
			return a, fmt.Errorf("competitor: %w", err)
		}
		if !content.SameHandle(checked, a.Username) {
			a.Competitors = append(a.Competitors, checked)
		}
	}
	return a, nil
}

func (o *options) processCommand() *cobra.Command {
	var flags accountFlags
	var from string
	var fresh bool
	cmd := &cobra.Command{
		Use: "process PLATFORM/USERNAME", GroupID: "work", Args: cobra.RangeArgs(1, 2),
		Short: "Take one account through the stages now",
		Long: `Take one account through the stages now, beside a running miner or without one.

What is not given comes from the account's AccountInfo file, if there is one.
Raw posts that are stored already are used again unless --force-fresh is given.
Repeating a command that was killed goes on in the stage it was in.`,
		Example: `  miner process instagram/fentybeauty --from raw --competitor maccosmetics
  miner process twitter elonmusk --force-fresh`,
	}
	flags.register(cmd, "account-type", "posting-style")
	cmd.Flags().StringVar(&from, "from", "", "folder of stored raw scrapes, <platform>/<primary>/<username>.json")
	cmd.Flags().BoolVar(&fresh, "force-fresh", false, "scrape again although raw posts are stored")
	_ = cmd.MarkFlagDirname("from") // the flag is there
	cmd.RunE = failing(func(cmd *cobra.Command, args []string) error {
		platform, username, err := account.ParseName(strings.Join(args, "/"))
		if err != nil {
			return &codedError{exitUsage, err}
		}
		c, err := o.made()
		if err != nil {
			return err
		}
		if from != "" {
			c.Connectors.Archive = absolute(from)
		}
		a, err := accountOf(cmd.Context(), c, platform, username)
		if err != nil {
			return err
		}
		if a, err = flags.over(a); err != nil {
			return &codedError{exitUsage, err}
		}
		return process(cmd, c, pipeline.Job{Account: a, Fresh: fresh, Forced: fresh})
	})
	return cmd
}

// accountOf returns what the account's AccountInfo file says, or what holds without one.
func accountOf(ctx context.Context, c config.Config, platform content.Platform, username string) (content.Account, error) {
	results, err := bucket.Open(c.Results())
	if err != nil {
		return content.Account{}, err
	}
	entry, err := account.Load(ctx, results, platform, username)
	switch {
	case err != nil:
		return content.Account{}, err
	case entry == nil:
		return content.Account{Platform: platform, Username: username, Type: content.NonBranding}, nil
	case entry.Err != nil:
		return content.Account{}, fmt.Errorf("%s: %w: mend or remove it", entry.Key, entry.Err)
	}
	return entry.Account, nil
}

// process runs a job and shows its lines.
func process(cmd *cobra.Command, c config.Config, job pipeline.Job) (err error) {
	ctx := cmd.Context()
	after := context.WithoutCancel(ctx)
	tracker, err := stagewatch.Open(stagewatch.Config{Home: c.Home})
	if err != nil {
		return err
	}
	defer tracker.Close()
	shown := newScreen(cmd.OutOrStdout(), c.Report.Format)
	defer shown.close()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(c.Restart.StopGrace, shown.abandon) })()
	out := shown.Logger
	reporter := stagewatch.NewReporter(tracker, out, stagewatch.StatusEvery(c.Report.StatusEvery), stagewatch.Direct(tracker.Owner()))
	stopKeeping, err := keepMeanwhile(after, c, tracker)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopKeeping()) }()
	p, closeAll, err := openPipeline(ctx, c, tracker, "direct/"+job.Account.Key(), nil)
	if err != nil {
		return alreadyRunning(err)
	}
	say(ctx, out, "🎯 Stage tracking system initialized")
	lacks(ctx, out)
	reporter.StartMonitoring(c.Report.CheckInterval)
	outcome, err := p.Process(ctx, job)
	stopped := ctx.Err() != nil
	err = errors.Join(err, closeAll())
	flush(after, tracker)
	reporter.StopMonitoring()
	switch {
	case stopped:
		return &codedError{130, nil}
	case err != nil:
		return err
	case !outcome.Done:
		return &codedError{exitFailure, nil}
	}
	return nil
}

// keepMeanwhile keeps the home while a direct run lasts, unless a miner does.
func keepMeanwhile(ctx context.Context, c config.Config, t *stagewatch.Tracker) (stop func() error, err error) {
	keeping := keeperConfig(c)
	keeping.Direct = true
	keeper, err := stagewatch.NewKeeper(t, keeping)
	if errors.Is(err, stagewatch.ErrKept) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var kept error
	wg.Go(func() { kept = keeper.Run(ctx) })
	return func() error { cancel(); wg.Wait(); return kept }, nil
}

// alreadyRunning gives the error of a second instance its exit code.
func alreadyRunning(err error) error {
	if errors.Is(err, engine.ErrExecutorInUse) || errors.Is(err, images.ErrRunning) {
		return &codedError{exitRunning, err}
	}
	return err
}
