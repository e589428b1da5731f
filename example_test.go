package stagewatch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch"
)

// An existing pipeline adds a call where a stage begins and one where it ends.
// The calls find the home by themselves: $MINER_HOME, else .miner in the user's
// home folder. They print nothing, return nothing and never fail.
func Example() {
	defer inHomeOfItsOwn()()

	user := stagewatch.For("elonmusk")
	stagewatch.Start(1, "Processing twitter account with fresh scraping", user)
	if err := scrape("elonmusk"); err != nil {
		stagewatch.Failed(1, "Failed to scrape profile: "+err.Error(), user)
		return
	}
	stagewatch.Complete(1, "Successfully processed twitter account", user)
	// Output:
}

// Current is the newest running stage in the home, else the newest ended one.
// Reset clears it.
func ExampleTracker_Current() {
	t, done := open()
	defer done()

	t.Start(1, "Processing twitter account with fresh scraping", stagewatch.For("elonmusk"))
	t.Complete(1, "Successfully processed twitter account", stagewatch.For("elonmusk"))
	stage, found := t.Current()
	fmt.Println(found, stage.Number, stage.Name, stage.State, stage.Account)

	t.Reset()
	_, found = t.Current()
	fmt.Println(found)
	// Output:
	// true 1 Data Scraping completed elonmusk
	// false
}

// A failed stage fails its run. The reason is what the operator reads.
func ExampleTracker_Failed() {
	t, done := open()
	defer done()

	t.Start(1, "Processing twitter account with fresh scraping", stagewatch.For("badusername"))
	t.Failed(1, "Failed to scrape profile: account is private", stagewatch.For("badusername"))

	state, err := stagewatch.ReadState(t.Home())
	if err != nil {
		fmt.Println(err)
		return
	}
	f := state.LastFailure
	fmt.Printf("%s, stage %d %s: %s\n", f.Account, f.Stage, f.Name, f.Message)
	// Output:
	// badusername, stage 1 Data Scraping: Failed to scrape profile: account is private
}

// A run is a handle that says whose stages these are, once. Two runs of one
// process do not get into each other's way.
func ExampleTracker_Run() {
	t, done := open()
	defer done()

	one := t.Run(stagewatch.For("sample_harbour_coffee"), stagewatch.On("instagram"))
	two := t.Run(stagewatch.For("sample_tiny_press"), stagewatch.On("twitter"))
	one.Start(3, "Indexing 148 posts in vector database", stagewatch.Details{"model": "minilm-l6-v2"})
	two.Start(3, "Indexing 4 posts in vector database")
	two.Complete(3, "Successfully indexed posts in vector database")

	show(t.Home())
	// Output:
	// instagram/sample_harbour_coffee: 3 Vector Database running
	// twitter/sample_tiny_press: 3 Vector Database completed
}

// Stage is the short way: a function, and the stage that it is. Its error or
// panic fails the stage.
func ExampleRun_Stage() {
	t, done := open()
	defer done()
	run := t.Run(stagewatch.For("elonmusk"), stagewatch.On("twitter"))

	err := run.Stage(context.Background(), 1, "Processing twitter account", func(context.Context) error {
		return errors.New("account is private")
	})
	fmt.Println(err)

	stage, _ := t.Current()
	fmt.Println(stage.Name, stage.State, stage.Message)
	// Output:
	// account is private
	// Data Scraping failed account is private
}

// A child process that is started with a run's environment records for that run.
func ExampleRun_Env() {
	t, done := open()
	defer done()
	run := t.Run(stagewatch.For("elonmusk"), stagewatch.InRun("run-7"))

	child := exec.Command("sh", "-c", "echo $MINER_RUN")
	child.Env = append(os.Environ(), run.Env()...)
	out, err := child.Output()
	fmt.Println(strings.TrimSpace(string(out)), err)
	// Output:
	// run-7 <nil>
}

// Progress says how far a long stage is. Of a total that is not known, say 0.
func ExampleTracker_Progress() {
	t, done := open()
	defer done()

	t.Start(3, "Indexing 50 posts in vector database", stagewatch.For("elonmusk"))
	for n := range int64(50) {
		t.Progress(3, n+1, 50, stagewatch.For("elonmusk"))
	}

	stage, _ := t.Current()
	fmt.Printf("%d of %d\n", stage.Done, stage.Total)
	// Output:
	// 50 of 50
}

// Stages are not only the eight of the default definition: a pipeline brings its
// own. Its lines begin with the definition's name.
func ExampleDefinition() {
	home, remove := newHome()
	defer remove()
	t, err := stagewatch.Open(stagewatch.Config{Home: home, Definition: stagewatch.Definition{
		Name: "Render",
		Stages: []stagewatch.Stage{
			{Number: 1, Name: "Layout"},
			{Number: 2, Name: "Drawing"},
			{Number: 3, Name: "Complete", Instant: true},
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	reporter := stagewatch.NewReporter(t, slog.New(stagewatch.NewHandler(os.Stdout, false)))
	reporter.StartMonitoring(time.Second)

	poster := t.Run(stagewatch.For("poster-7"))
	poster.Start(1, "Placing 12 boxes")
	poster.Complete(1, "Nothing overlaps")
	poster.Complete(3, "Ready to print")

	reporter.StopMonitoring()
	// Output:
	// [INFO] ⚙️  Render · Stage 1 - Layout for poster-7: Placing 12 boxes
	// [INFO] ✅ Render · Stage 1 Complete - Layout for poster-7 - Nothing overlaps
	// [INFO] ✅ Render · Stage 3 Complete - Complete for poster-7 - Ready to print
}

// A reporter writes a line for each transition, of whatever process: none lost,
// none twice. StopMonitoring returns when all that was recorded before is written.
func ExampleNewReporter() {
	t, done := open()
	defer done()
	log := slog.New(stagewatch.NewHandler(os.Stdout, false)) // or any handler of yours
	reporter := stagewatch.NewReporter(t, log)
	reporter.StartMonitoring(time.Second)

	t.Start(2, "Processing and validating data", stagewatch.For("elonmusk"))
	t.Complete(2, "Data validation successful", stagewatch.For("elonmusk"))

	reporter.StopMonitoring()
	fmt.Println(reporter.StatusLine())
	// Output:
	// [INFO] ⚙️  Stage 2 - Data Retrieval for elonmusk: Processing and validating data
	// [INFO] ✅ Stage 2 Complete - Data Retrieval for elonmusk - Data validation successful
	// 📈 Miner Status: Mode: watchdog | Stage: Data Retrieval - completed (elonmusk)
}

// ReadState needs no tracker and no miner: any process may ask what a home's
// journal says now.
func ExampleReadState() {
	t, done := open()
	defer done()
	run := t.Run(stagewatch.For("elonmusk"), stagewatch.On("twitter"))
	run.Start(4, "Analyzing engagement data and patterns")

	state, err := stagewatch.ReadState(t.Home())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, run := range state.Runs {
		stage := run.Newest()
		fmt.Printf("%s is in stage %d, attempt %d: %s\n", run.Account, stage.Number, stage.Attempt, stage.Message)
	}
	// Output:
	// elonmusk is in stage 4, attempt 1: Analyzing engagement data and patterns
}

// Follow hands over every record from a position on. Keep the position of the
// last one, and go on there after a restart.
func ExampleFollow() {
	t, done := open()
	defer done()
	t.Start(5, "Generating content recommendations", stagewatch.For("elonmusk"))
	t.Complete(5, "Successfully generated content recommendations", stagewatch.For("elonmusk"))

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := stagewatch.Follow(ctx, t.Home(), stagewatch.Position{}, func(e stagewatch.Event) error {
		fmt.Println(e.Kind, e.Stage, e.What)
		if e.What == stagewatch.EventCompleted {
			cancel()
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// stage 5 started
	// stage 5 completed
}

// A keeper tends a home that no miner runs in: it writes the status file and
// declares stages lost whose process is gone. There is one for each home.
func ExampleNewKeeper() {
	t, done := open()
	defer done()
	keeper, err := stagewatch.NewKeeper(t, stagewatch.KeeperConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = stagewatch.NewKeeper(t, stagewatch.KeeperConfig{})
	fmt.Println("a second one is refused:", errors.Is(err, stagewatch.ErrKept))

	t.Start(6, "Exporting content plan and results", stagewatch.For("elonmusk"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // a real one runs as long as its process
	if err := keeper.Run(ctx); err != nil {
		fmt.Println(err)
	}
	_, err = os.Stat(t.Home() + "/" + stagewatch.StatusFile)
	fmt.Println("the status file is there:", err == nil)
	// Output:
	// a second one is refused: true
	// the status file is there: true
}

// newHome returns a folder that is home to one example.
func newHome() (home string, remove func()) {
	home, err := os.MkdirTemp("", "stagewatch-example-")
	if err != nil {
		return "", func() {}
	}
	return home, func() { _ = os.RemoveAll(home) }
}

// open returns a tracker in a home of its own.
func open() (t *stagewatch.Tracker, done func()) {
	home, remove := newHome()
	t, err := stagewatch.Open(stagewatch.Config{Home: home})
	if err != nil {
		fmt.Println(err)
	}
	_ = t.Flush(context.Background()) // on a busy disk the opening may go on behind
	return t, func() { t.Close(); remove() }
}

// inHomeOfItsOwn keeps the package-level calls of one example out of the home of
// whoever runs the tests.
func inHomeOfItsOwn() (done func()) {
	home, remove := newHome()
	before, set := os.LookupEnv("MINER_HOME")
	_ = os.Setenv("MINER_HOME", home)
	return func() {
		stagewatch.Default().Close()
		remove()
		_ = os.Unsetenv("MINER_HOME")
		if set {
			_ = os.Setenv("MINER_HOME", before)
		}
	}
}

func scrape(string) error { return nil }

// show prints the newest stage of each run in a home.
func show(home string) {
	state, err := stagewatch.ReadState(home)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, run := range state.Runs {
		stage := run.Newest()
		fmt.Printf("%s/%s: %d %s %s\n", run.Platform, run.Account, stage.Number, stage.Name, stage.State)
	}
}
