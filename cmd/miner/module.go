package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/config"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/images"
	"github.com/stagewatch/stagewatch/internal/index"
	"github.com/stagewatch/stagewatch/internal/pipeline"
	"github.com/stagewatch/stagewatch/internal/scrape"
	"github.com/stagewatch/stagewatch/supervise"
)

// The names of the two modules.
const (
	moduleContent = "content"
	moduleImages  = "images"
)

// moduleFact returns a module's name, number and title.
func moduleFact(name string) stagewatch.ModuleFact {
	if name == moduleImages {
		return stagewatch.ModuleFact{Name: name, Number: 2, Title: "Image generator and query handler"}
	}
	return stagewatch.ModuleFact{Name: name, Number: 1, Title: "Content recommendation system"}
}

func guardCommand() *cobra.Command {
	return &cobra.Command{
		Use: "guard", Hidden: true, Args: cobra.NoArgs,
		Short: "End the modules should the miner be killed (the miner starts it itself)",
		RunE:  failing(func(*cobra.Command, []string) error { return supervise.Guard(os.Stdin) }),
	}
}

func (o *options) moduleCommand() *cobra.Command {
	module := &cobra.Command{
		Use: "module", GroupID: "work", Args: cobra.NoArgs, RunE: helpOnly,
		Short: "Run one module by itself (the miner starts both)",
	}
	module.AddCommand(
		&cobra.Command{
			Use: moduleContent, Args: cobra.NoArgs,
			Short: "Module 1: take accounts through the stages as they come",
			RunE:  failing(func(cmd *cobra.Command, _ []string) error { return o.content(cmd.Context()) }),
		},
		&cobra.Command{
			Use: moduleImages, Args: cobra.NoArgs,
			Short: "Module 2: draw images for next posts and answer queries",
			RunE:  failing(func(cmd *cobra.Command, _ []string) error { return o.images(cmd.Context()) }),
		},
	)
	return module
}

// debugLog is what a module prints for its log file.
func debugLog() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

// stores are the places where a home's data lies.
type stores struct {
	results *bucket.Folder
	raw     *bucket.Folder
	index   *index.Store
}

func openStores(c config.Config) (s stores, err error) {
	if s.results, err = bucket.Open(c.Results()); err != nil {
		return s, err
	}
	if s.raw, err = bucket.Open(c.Raw()); err != nil {
		return s, err
	}
	s.index, err = index.Open(index.Config{Path: c.Index()})
	return s, err
}

// openPipeline opens what stages 1 to 7 need. The function closes it again.
func openPipeline(ctx context.Context, c config.Config, t *stagewatch.Tracker, executor string, log *slog.Logger) (*pipeline.Pipeline, func() error, error) {
	connector, err := connectorOf(c)
	if err != nil {
		return nil, nil, err
	}
	s, err := openStores(c)
	if err != nil {
		return nil, nil, err
	}
	p, err := pipeline.Open(ctx, pipeline.Config{
		Results: s.results, Raw: s.raw, Connector: connector, Index: s.index, Tracker: t,
		Engine: c.Engine(), Locks: c.Locks(), Executor: executor, Log: log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, s.index.Close())
	}
	return p, func() error { return errors.Join(p.Close(), s.index.Close()) }, nil
}

func connectorOf(c config.Config) (scrape.Connector, error) {
	if c.Archive() == "" {
		return noSource{}, nil
	}
	return scrape.NewArchive(c.Archive())
}

// noSource stands where no connector is configured.
type noSource struct{}

func (noSource) Fetch(_ context.Context, r scrape.Request) (scrape.Raw, error) {
	return scrape.Raw{}, fmt.Errorf("%w for %s/%s: no source of posts is set: use --from DIR, or connectors.archive in miner.yaml",
		scrape.ErrNoScrape, r.Platform, r.Username)
}

// content is Module 1 in watchdog mode.
func (o *options) content(ctx context.Context) (err error) {
	c, err := o.made()
	if err != nil {
		return err
	}
	tracker, err := stagewatch.Open(stagewatch.Config{Home: c.Home})
	if err != nil {
		return err
	}
	defer tracker.Close()
	p, closeAll, err := openPipeline(ctx, c, tracker, moduleContent, debugLog())
	if err != nil {
		return alreadyRunning(err)
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	return p.Watch(ctx, c.Results(), c.Watch.Wait)
}

// images is Module 2.
func (o *options) images(ctx context.Context) (err error) {
	c, err := o.made()
	if err != nil {
		return err
	}
	definition := stagewatch.Definition{Name: images.DefinitionName}
	for _, s := range images.Definition() {
		definition.Stages = append(definition.Stages, stagewatch.Stage{Number: s.Number, Name: s.Name, Instant: s.Instant})
	}
	tracker, err := stagewatch.Open(stagewatch.Config{Home: c.Home, Definition: definition})
	if err != nil {
		return err
	}
	defer tracker.Close()
	s, err := openStores(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.index.Close()) }()
	if err := os.MkdirAll(c.Locks(), 0o700); err != nil {
		return fmt.Errorf("make locks: %w", err)
	}
	m, err := images.New(images.Config{
		Bucket: s.results, Search: searcher{s.index}, Stages: imageStages{tracker},
		Lock: filepath.Join(c.Locks(), "images.lock"), Address: c.Modules.Images.Address, Log: debugLog(),
	})
	if err != nil {
		return err
	}
	return alreadyRunning(m.Run(ctx))
}

// searcher asks the index in Module 2's words.
type searcher struct{ index *index.Store }

func (s searcher) Search(ctx context.Context, q images.Search) ([]content.Hit, error) {
	return s.index.Search(ctx, index.Query{Text: q.Text, Platform: string(q.Platform), Accounts: q.Accounts, Limit: q.Limit})
}

// imageStages brings Module 2's reports to the tracker, and its address into the status.
type imageStages struct{ tracker *stagewatch.Tracker }

func (s imageStages) Start(n int, account, message string) {
	s.tracker.Start(n, message, s.about(account)...)
}

func (s imageStages) Complete(n int, account, message string, details map[string]any) {
	s.tracker.Complete(n, message, append(s.about(account), stagewatch.Details(details))...)
	if address, ok := details["address"].(string); ok && n == images.StageInitialization {
		fact := moduleFact(moduleImages)
		fact.Address = address
		s.tracker.Module(stagewatch.EventReady, fact)
	}
}

func (s imageStages) Failed(n int, account, message string) {
	s.tracker.Failed(n, message, s.about(account)...)
}

func (s imageStages) about(account string) []stagewatch.Option {
	platform, username, ok := strings.Cut(account, "/")
	if !ok {
		return nil
	}
	return []stagewatch.Option{stagewatch.On(platform), stagewatch.For(username)}
}
