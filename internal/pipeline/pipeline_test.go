package pipeline

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/engine"
	"github.com/stagewatch/stagewatch/internal/scrape"
)

const directExecutor = "direct/twitter/somebody"

func TestAPanicFailsItsStageInALine(t *testing.T) {
	home := t.TempDir()
	p, end := life(t, home, directExecutor, func(_ context.Context, r scrape.Request) (scrape.Raw, error) {
		letters := []byte(r.Username)
		letters[len(letters)]++ // one too far
		return scrape.Raw{}, nil
	})
	o, err := p.Process(t.Context(), Job{Account: somebody()})
	must(t, err)
	status, err := p.engine.Wait(t.Context(), o.Run)
	must(t, err)
	end()
	if o.Done || o.Stage != 1 || o.Cause != account.Transient || status.Failure.Code != engine.CodePanic {
		t.Errorf("a panic ended as %+v with code %q", o, status.Failure.Code)
	}
	if told := lines(t, home); !strings.Contains(told, "Failed to scrape profile: panic: ") {
		t.Errorf("nobody was told of the panic:\n%s", told)
	}
}

func TestARunThatFailsOutsideItsStagesIsTold(t *testing.T) {
	home := t.TempDir()
	p, end := life(t, home, directExecutor, nothing)
	p.turn <- struct{}{}
	impossible := Job{Account: content.Account{Platform: content.Twitter, Username: "not a name"}}
	o, err := p.wait(t.Context(), "r", impossible)
	must(t, err)
	end()
	if o.Done || o.Stage != 1 || o.Job.Account.Username != "not a name" {
		t.Errorf("the run ended as %+v", o)
	}
	if told := lines(t, home); strings.Count(told, "Failed to run the pipeline: ") != 1 {
		t.Errorf("its end was not told once:\n%s", told)
	}
}

// interrupt leaves a run of job unfinished in stage 1.
func interrupt(t *testing.T, home string, job Job) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p, end := life(t, home, directExecutor, func(ctx context.Context, _ scrape.Request) (scrape.Raw, error) {
		stop()
		<-ctx.Done()
		return scrape.Raw{}, ctx.Err()
	})
	if _, err := p.Process(ctx, job); err == nil {
		t.Fatal("the run was not interrupted")
	}
	end()
}

func TestTheSameCommandGoesOnAndAnotherIsARunOfItsOwn(t *testing.T) {
	with := func(change func(*Job)) Job {
		job := Job{Account: somebody()}
		change(&job)
		return job
	}
	for name, tt := range map[string]struct {
		again Job
		runs  int
	}{
		"the same":    {with(func(*Job) {}), 1},
		"fresh":       {with(func(j *Job) { j.Fresh, j.Forced = true, true }), 2},
		"competitors": {with(func(j *Job) { j.Account.Competitors = []string{"rival"} }), 2},
		"type":        {with(func(j *Job) { j.Account.Type = content.Branding }), 2},
		"style":       {with(func(j *Job) { j.Account.Style = "loud" }), 2},
		"timezone":    {with(func(j *Job) { j.Account.Timezone = "Europe/Berlin" }), 2},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			interrupt(t, home, Job{Account: somebody()})
			p, end := life(t, home, directExecutor, nothing)
			defer end()
			o, err := p.Process(t.Context(), tt.again)
			must(t, err)
			runs, err := p.engine.Runs(t.Context(), 10)
			must(t, err)
			if len(runs) != tt.runs || !o.Job.asks(tt.again) {
				t.Errorf("%d runs ended, want %d; the outcome is of %+v", len(runs), tt.runs, o.Job)
			}
			for _, r := range runs {
				if r.State != engine.Failed {
					t.Errorf("run %s is %s, want it finished", r.ID, r.State)
				}
			}
		})
	}
}

func TestARunOfAnotherVersionBeginsAnew(t *testing.T) {
	home := t.TempDir()
	in := make(chan struct{})
	old, err := engine.Open(t.Context(), engine.Config{
		Path: home + "/engine.db", LockDir: home + "/locks", ExecutorID: directExecutor, Workflow: "content", Version: "pipeline-v0",
		Steps: []engine.Step{{Name: stepScrape, Do: func(ctx context.Context, _ *engine.Run) (any, error) {
			close(in)
			<-ctx.Done()
			return nil, ctx.Err()
		}}},
	})
	must(t, err)
	must(t, old.Start(t.Context(), "old", Job{Account: somebody()}))
	<-in
	must(t, old.Close(time.Minute))
	p, end := life(t, home, directExecutor, nothing)
	defer end()
	if o, err := p.Process(t.Context(), Job{Account: somebody()}); err != nil || o.Run != "old" || o.Stage != 1 {
		t.Errorf("the run of another version ended as %+v, %v", o, err)
	}
}
