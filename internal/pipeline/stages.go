package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/stagewatch/stagewatch/internal/clean"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/engine"
	"github.com/stagewatch/stagewatch/internal/export"
	"github.com/stagewatch/stagewatch/internal/generate"
	"github.com/stagewatch/stagewatch/internal/index"
	"github.com/stagewatch/stagewatch/internal/scrape"
	"github.com/stagewatch/stagewatch/internal/trend"
)

// Names of the engine's steps. They are stored with each run: never change one.
const (
	stepScrape   = "scrape"
	stepClean    = "clean"
	stepIndex    = "index"
	stepTrend    = "trend"
	stepGenerate = "generate"
	stepExport   = "export"
	stepComplete = "complete"
)

// stage is one stage of a run: what it says and what it does.
type stage struct {
	number int
	step   string
	// start returns the message of the stage's start.
	start func(context.Context, *Pipeline, *engine.Run, Job) (string, error)
	// work does the stage and returns its result, kept by the engine as JSON,
	// and the message of its end.
	work func(context.Context, *Pipeline, *engine.Run, Job) (result any, message string, err error)
	// fault is the beginning of the failure line.
	fault string
}

func says(text string) func(context.Context, *Pipeline, *engine.Run, Job) (string, error) {
	return func(context.Context, *Pipeline, *engine.Run, Job) (string, error) { return text, nil }
}

// stages returns stages 1 to 7 in order.
func stages() []stage {
	return []stage{
		{1, stepScrape, startScrape, doScrape, "Failed to scrape profile"},
		{2, stepClean, says("Processing and validating data"), doClean, "Failed to validate data"},
		{3, stepIndex, startIndex, doIndex, "Failed to index posts"},
		{4, stepTrend, says("Analyzing engagement data and patterns"), doTrend, "Failed to analyze engagement data"},
		{5, stepGenerate, says("Generating content recommendations"), doGenerate, "Failed to generate content recommendations"},
		{6, stepExport, says("Exporting content plan and results"), doExport, "Failed to export content plan"},
		{7, stepComplete, nil, doComplete, "Failed to complete"},
	}
}

func startScrape(ctx context.Context, p *Pipeline, _ *engine.Run, job Job) (string, error) {
	if job.Forced {
		return "Force fresh scraping for " + job.Account.Username, nil
	}
	if !job.Fresh {
		stored, found, err := scrape.Stored(ctx, p.raw, job.Account)
		if err != nil {
			return "", err
		}
		if found {
			return fmt.Sprintf("Processing %s account with stored data of %s", job.Account.Platform, stored.UTC().Format(time.DateOnly)), nil
		}
	}
	return fmt.Sprintf("Processing %s account with fresh scraping", job.Account.Platform), nil
}

func doScrape(ctx context.Context, p *Pipeline, _ *engine.Run, job Job) (any, string, error) {
	result, err := scrape.Scrape(ctx, p.connector, p.raw, job.Account, job.Fresh)
	return result, fmt.Sprintf("Successfully processed %s account", job.Account.Platform), err
}

func doClean(ctx context.Context, p *Pipeline, run *engine.Run, job Job) (any, string, error) {
	var raw scrape.Result
	if err := run.Result(stepScrape, &raw); err != nil {
		return nil, "", err
	}
	main, competitors := inputs(raw)
	corpus, err := clean.Clean(ctx, p.raw, job.Account, main, competitors)
	return corpus, "Data validation successful", err
}

func startIndex(_ context.Context, _ *Pipeline, run *engine.Run, _ Job) (string, error) {
	var corpus content.Corpus
	if err := run.Result(stepClean, &corpus); err != nil {
		return "", err
	}
	return fmt.Sprintf("Indexing %s in vector database", count(len(corpus.All()), "post")), nil
}

func doIndex(ctx context.Context, p *Pipeline, run *engine.Run, job Job) (any, string, error) {
	var corpus content.Corpus
	if err := run.Result(stepClean, &corpus); err != nil {
		return nil, "", err
	}
	var reports []index.Report
	for _, s := range append([]content.Source{corpus.Main}, corpus.Competitors...) {
		if len(s.Posts) == 0 {
			continue
		}
		report, err := p.index.Add(ctx, string(job.Account.Platform), s.Username, s.Posts)
		if err != nil {
			return nil, "", err
		}
		reports = append(reports, report)
	}
	return index.Sum(reports...), "Successfully indexed posts in vector database", nil
}

func doTrend(ctx context.Context, _ *Pipeline, run *engine.Run, _ Job) (any, string, error) {
	var corpus content.Corpus
	if err := run.Result(stepClean, &corpus); err != nil {
		return nil, "", err
	}
	analysis, err := trend.Analyze(ctx, corpus)
	return analysis, "Successfully analyzed engagement data", err
}

func doGenerate(ctx context.Context, p *Pipeline, run *engine.Run, _ Job) (any, string, error) {
	var corpus content.Corpus
	var report index.Report
	var analysis content.Analysis
	for step, into := range map[string]any{stepClean: &corpus, stepIndex: &report, stepTrend: &analysis} {
		if err := run.Result(step, into); err != nil {
			return nil, "", err
		}
	}
	plan, err := generate.Plan(ctx, corpus, analysis, p.index, time.Now().UTC())
	plan.Notes = append(report.Notes, plan.Notes...)
	return plan, "Successfully generated content recommendations", err
}

func doExport(ctx context.Context, p *Pipeline, run *engine.Run, job Job) (any, string, error) {
	in := export.Input{Run: export.Run{ID: run.ID, Definition: "Content", Version: version, Started: job.Started}}
	var raw scrape.Result
	into := map[string]any{stepScrape: &raw, stepClean: &in.Corpus, stepTrend: &in.Analysis, stepGenerate: &in.Plan}
	for step, value := range into {
		if err := run.Result(step, value); err != nil {
			return nil, "", err
		}
	}
	in.Run.Inputs = hashes(raw)
	manifest, err := export.Export(ctx, p.results, in)
	return manifest, "Successfully exported content plan", err
}

func doComplete(_ context.Context, _ *Pipeline, run *engine.Run, _ Job) (any, string, error) {
	var plan content.Plan
	if err := run.Result(stepGenerate, &plan); err != nil {
		return nil, "", err
	}
	return nil, "Pipeline completed - " + count(len(plan.Recommendations), "recommendation") + " generated", nil
}

// count says "1 post" or "12 posts".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
