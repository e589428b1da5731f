package supervise_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/stagewatch/stagewatch/supervise"
)

// A process that fails twice and is then told to stop.
func Example() {
	logs, err := os.MkdirTemp("", "supervise")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(logs)

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	deaths := 0
	s, err := supervise.New(supervise.Config{
		Processes: []supervise.Process{{
			Name:    "worker",
			Command: []string{"/bin/sh", "-c", "echo out of luck; exit 3"},
			Env:     []string{"PATH=/usr/bin:/bin"},
			Log:     supervise.Log{Dir: logs},
			Policy:  supervise.Policy{Backoff: time.Millisecond},
		}},
		// A program would give its own executable and a subcommand that does
		// nothing but call supervise.Guard(os.Stdin).
		Guard: nil,
		OnEvent: func(e supervise.Event) {
			if e.Kind != supervise.Exited {
				fmt.Println(e.Process, e.Kind)
				return
			}
			fmt.Printf("%s %s: %v: %q\n", e.Process, e.Kind, e.Exit, e.Exit.Output)
			if deaths++; deaths == 2 {
				stop()
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := s.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// worker starting
	// worker started
	// worker exited: exit code 3: "out of luck\n"
	// worker backoff
	// worker starting
	// worker started
	// worker exited: exit code 3: "out of luck\n"
	// worker stopped
}
