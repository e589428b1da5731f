// Command miner keeps the modules of a content pipeline alive, takes accounts
// through its stages, and shows which stage every account is in.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a bare machine has no zone database

	"github.com/spf13/cobra"
)

// Exit codes. Scripts rely on them.
const (
	exitFailure = 1
	exitUsage   = 2
	exitPipe    = 141 // 128 + SIGPIPE
	exitRunning = 75  // the same runs already; EX_TEMPFAIL of sysexits.h
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run executes the command line and returns the exit code.
func run(args []string, out, errs io.Writer) int {
	ctx, stop := stoppable(context.Background())
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	cmd, err := root.ExecuteContextC(ctx)
	var coded *codedError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, syscall.EPIPE): // whoever read our output has seen enough
		return exitPipe
	case errors.As(err, &coded):
		if coded.err != nil {
			_, _ = fmt.Fprintln(errs, "miner:", harmless(coded.err.Error()))
		}
		return coded.code
	}
	_, _ = fmt.Fprintf(errs, "miner: %s: see %s --help\n", harmless(err.Error()), cmd.CommandPath())
	return exitUsage
}

// stoppable returns a context that ends when the process is told to end. A
// broken pipe is no such thing: a reader of our output that goes away ends
// nothing. SIGHUP is obeyed, except under nohup, where it is ignored already.
func stoppable(ctx context.Context) (context.Context, func()) {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	return signal.NotifyContext(ctx, signals...)
}

// codedError ends the program with a code of its own.
type codedError struct {
	code int
	err  error // nil: everything was said already
}

func (e *codedError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

// helpOnly is what a command does that only groups others.
func helpOnly(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// failing makes an error of a command that was used rightly end with exit code 1.
func failing(work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := work(cmd, args)
		var coded *codedError
		if err == nil || errors.As(err, &coded) {
			return err
		}
		return &codedError{exitFailure, err}
	}
}

func rootCommand() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "miner",
		Short: "Keep the modules alive, take accounts through eight stages, show where each one is",
		Long: `miner runs two modules, restarts what crashes, takes each account through
eight stages and shows every step in a line of its own.

Without a command it does what "miner run" does. Everything it keeps lies in
one folder, its home: --home, $MINER_HOME, or ~/.miner.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		RunE:          failing(func(cmd *cobra.Command, _ []string) error { return o.run(cmd) }),
	}
	root.PersistentFlags().StringVar(&o.home, "home", "", "the miner's folder (default $MINER_HOME, else ~/.miner)")
	_ = root.MarkPersistentFlagDirname("home") // only fails for a flag that is not there
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &codedError{exitUsage, fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())}
	})
	root.AddGroup(
		&cobra.Group{ID: "work", Title: "Work:"},
		&cobra.Group{ID: "look", Title: "Look:"},
	)
	root.AddCommand(
		o.runCommand(), o.processCommand(), o.accountCommand(), o.demoCommand(), o.stageCommand(),
		o.statusCommand(), o.verifyCommand(), o.resultsCommand(), o.showCommand(), o.openCommand(),
		o.moduleCommand(), guardCommand(),
	)
	return root
}
