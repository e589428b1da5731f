package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/config"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/export"
)

// The demo waits and reports in small times, and ends by itself.
const (
	demoWait  = 2 * time.Second
	demoLimit = 55 * time.Second
)

// crashTries is how often the demo begins anew when Module 1 was not caught in stage 4.
const crashTries = 3

//go:embed samples
var samples embed.FS

// sampleAccounts are the labelled samples: one that succeeds, one with too
// little data, one that is private. The miner takes them in this order.
func sampleAccounts() []content.Account {
	return []content.Account{
		{
			Platform: content.Instagram, Username: "sample_harbour_coffee", Type: content.Branding, TypeGiven: true,
			Style: "warm, plain, a little salt", Competitors: []string{"sample_northpier_roasters", "sample_tidal_brew"},
			Timezone: "Europe/Lisbon",
		},
		{Platform: content.Twitter, Username: "sample_tiny_press", Type: content.NonBranding, TypeGiven: true},
		{Platform: content.Instagram, Username: "sample_private_garden", Type: content.Branding, TypeGiven: true},
	}
}

func (o *options) demoCommand() *cobra.Command {
	var keep, crash bool
	cmd := &cobra.Command{
		Use: "demo", GroupID: "work", Args: cobra.NoArgs,
		Short: "Show it all on three sample accounts, in under a minute",
		Long: `Show it all on three labelled sample accounts, in a home of its own that is
removed at the end: the real supervisor, both modules and every stage. One
account succeeds, one has too little data, one is private.`,
		RunE: failing(func(cmd *cobra.Command, _ []string) error {
			if o.home != "" {
				return &codedError{exitUsage, errors.New("the demo makes a home of its own: leave --home out")}
			}
			if crash {
				return demoCrash(cmd.Context(), cmd.OutOrStdout(), keep)
			}
			return demo(cmd.Context(), cmd.OutOrStdout(), keep, nil)
		}),
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the demo's home to look at what was made")
	cmd.Flags().BoolVar(&crash, "crash", false, "kill Module 1 in stage 4 and see it come back in stage 4")
	return cmd
}

// demoCrash shows the demo with a crash, again where there was none in stage 4.
func demoCrash(ctx context.Context, out io.Writer, keep bool) error {
	for try := 1; ; try++ {
		var c crash
		if err := demo(ctx, out, keep, &c); err != nil || c.shown || ctx.Err() != nil {
			return err
		}
		if try == crashTries {
			return fmt.Errorf("demo: stage 4 was over, each of %d times, before Module 1 could be killed in it: try again when the machine is less busy", try)
		}
		_, _ = fmt.Fprintf(out, "\nStage 4 was over before Module 1 could be killed in it. Once more, in a new home:\n\n")
	}
}

// demo runs a miner on the samples until all was shown. The crash is nil when none is to be.
func demo(ctx context.Context, out io.Writer, keep bool, crash *crash) (err error) {
	home, err := os.MkdirTemp("", "miner-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if !keep {
		defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	}
	c, err := demoHome(ctx, home)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	ctx, enough := context.WithTimeout(ctx, demoLimit)
	defer enough()
	watching := make(chan error, 1)
	show := &show{crash: crash, counts: map[int]map[string]int{}, ended: map[string]string{}}
	go func() {
		watching <- stagewatch.Follow(ctx, home, stagewatch.Position{}, func(e stagewatch.Event) error {
			if show.see(e) {
				enough()
			}
			return nil
		})
	}()
	lines := newScreen(out, "plain")
	err = runMiner(ctx, c, lines)
	lines.close()
	enough()
	if err = errors.Join(err, <-watching); err != nil {
		return err
	}
	show.table(out)
	return summary(context.WithoutCancel(ctx), out, c, keep)
}

// demoHome fills a home with the samples.
func demoHome(ctx context.Context, home string) (config.Config, error) {
	archive := filepath.Join(home, "samples")
	if err := unpack(archive); err != nil {
		return config.Config{}, err
	}
	c := config.Default(home)
	c.Connectors.Archive = archive
	c.Watch.Wait, c.Report.StatusEvery = demoWait, demoWait
	settings := fmt.Sprintf("connectors: {archive: samples}\nwatch: {wait: %v}\nreport: {status_every: %v}\n", demoWait, demoWait)
	if err := os.WriteFile(filepath.Join(home, config.File), []byte(settings), 0o600); err != nil {
		return c, err
	}
	results, err := bucket.Open(c.Results())
	if err != nil {
		return c, err
	}
	for i, a := range sampleAccounts() {
		if _, err := account.Add(ctx, results, a); err != nil {
			return c, err
		}
		// Of accounts on one platform the older file comes first.
		written := time.Now().Add(time.Duration(i-len(sampleAccounts())) * time.Minute)
		if err := os.Chtimes(filepath.Join(c.Results(), account.InfoKey(a.Platform, a.Username)), written, written); err != nil {
			return c, err
		}
	}
	return c, nil
}

func unpack(dir string) error {
	return fs.WalkDir(samples, "samples", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		text, err := samples.ReadFile(name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(name, "samples/"))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	})
}

// show is what the demo has seen so far.
type show struct {
	crash  *crash                 // nil when none is to be
	counts map[int]map[string]int // by stage of the default definition, what → how often
	ended  map[string]string      // account → how its run ended
	images int                    // ready posts
	waited bool                   // a wait for accounts came to its end after all runs did
}

// see takes in one event and reports whether everything was shown.
func (s *show) see(e stagewatch.Event) bool {
	if e.Kind != stagewatch.KindStage {
		return false
	}
	if e.Definition != stagewatch.DefaultDefinition().Name {
		if e.What == stagewatch.EventCompleted && e.Stage == 4 {
			s.images++
		}
		return s.done()
	}
	if s.crash != nil {
		s.crash.see(e)
	}
	if s.counts[e.Stage] == nil {
		s.counts[e.Stage] = map[string]int{}
	}
	s.counts[e.Stage][e.What]++
	switch {
	case e.What == stagewatch.EventFailed, e.What == stagewatch.EventCompleted && e.Stage == 7:
		s.ended[e.Account] = e.What
	case e.Stage == 0 && e.What == stagewatch.EventCompleted && len(s.ended) == len(sampleAccounts()):
		s.waited = true
	}
	return s.done()
}

func (s *show) done() bool { return s.waited && s.images > 0 }

// table shows the stages and what became of them.
func (s *show) table(out io.Writer) {
	_, _ = fmt.Fprintf(out, "\n%-24s%12s%9s%7s\n", "Stage", "completed", "failed", "lost")
	for _, stage := range stagewatch.DefaultDefinition().Stages {
		n := s.counts[stage.Number]
		_, _ = fmt.Fprintf(out, "%-24s%12d%9d%7d\n", fmt.Sprintf("%d %s", stage.Number, stage.Name),
			n[stagewatch.EventCompleted], n[stagewatch.EventFailed], n[stagewatch.EventLost])
	}
}

// summary says what was made, and where.
func summary(ctx context.Context, out io.Writer, c config.Config, keep bool) error {
	results, err := bucket.Open(c.Results())
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "\nMade of the sample accounts (invented, for this demo only):")
	for _, a := range sampleAccounts() {
		if err := madeOf(ctx, out, results, a); err != nil {
			return err
		}
	}
	var images []string
	for o, err := range results.List(ctx, "ready_post/") {
		if err != nil {
			return err
		}
		if strings.HasSuffix(o.Key, ".jpg") {
			images = append(images, o.Key)
		}
	}
	_, _ = fmt.Fprintf(out, "  images of next posts: %d\n", len(images))
	if !keep {
		_, _ = fmt.Fprintf(out, "\nThe demo's home was %s and is removed now; miner demo --keep keeps it to look at.\n", c.Home)
		return nil
	}
	_, _ = fmt.Fprintf(out, "\nAll of it lies in %s:\n", c.Home)
	for _, key := range images {
		_, _ = fmt.Fprintf(out, "  %s\n", filepath.Join(c.Results(), key))
	}
	name := sampleAccounts()[0].Key()
	_, _ = fmt.Fprintf(out, "  miner --home %s show %s\n  miner --home %s open %s\n", c.Home, name, c.Home, name)
	return nil
}

// madeOf says what was made of one account.
func madeOf(ctx context.Context, out io.Writer, results *bucket.Folder, a content.Account) error {
	m, err := export.Latest(ctx, results, a.Platform, a.Username)
	if err == nil {
		_, _ = fmt.Fprintf(out, "  %s: %d recommendations from %d posts, %d files\n",
			a.Key(), m.Counts.Recommendations, m.Counts.PostsAnalyzed, len(m.Objects))
		return nil
	}
	if !errors.Is(err, bucket.ErrNotFound) {
		return err
	}
	entry, err := account.Load(ctx, results, a.Platform, a.Username)
	if err != nil {
		return err
	}
	reason := "it was not reached"
	if entry != nil && entry.Outcome != nil && entry.Outcome.Reason != "" {
		reason = entry.Outcome.Reason
	}
	_, _ = fmt.Fprintf(out, "  %s: nothing, %s\n", a.Key(), reason)
	return nil
}
