package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
)

// Exit codes of a wrapped command, as shells have them.
const (
	exitNotRunnable = 126
	exitNotFound    = 127
	exitSignal      = 128 // and the signal's number
)

// wrap runs a command as a stage and ends as the command did.
func (r *report) wrap(stage stagewatch.Event, command []string) error {
	stage.What = stagewatch.EventStarted
	message := stage.Message
	if stage.Message == "" {
		stage.Message = "Running " + filepath.Base(command[0]) // its arguments may hold secrets
	}
	t := r.open() // nil: the command runs all the same
	defer t.Close()
	found := r.find(t, stage)
	run := found.run
	r.platform = found.platform
	self, err := stagewatch.ProcessOwner(os.Getpid())
	env := os.Environ()
	if t != nil && err == nil {
		env = append(env, "MINER_HOME="+t.Home(), "MINER_RUN="+run, "MINER_OWNER="+self.String())
	}
	in := []stagewatch.Option{stagewatch.By(self), stagewatch.InRun(run)}
	r.tell(t, stage, in...)

	code, end := execute(command, env)
	stage.What, stage.Message = stagewatch.EventCompleted, message
	if code != 0 {
		stage.What, stage.Message = stagewatch.EventFailed, end
	}
	r.tell(t, stage, in...)
	if code == 0 {
		return nil
	}
	return &codedError{code, nil}
}

// execute runs a command with our input, output and signals until it ends. It
// returns the exit code as a shell has it, and how the command ended in words.
func execute(command, env []string) (code int, end string) {
	cmd := exec.Command(command[0], command[1:]...) //nolint:noctx // it ends when it ends
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = env
	signals := make(chan os.Signal, 16)
	for _, s := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2} {
		if !signal.Ignored(s) { // what is ignored here is ignored by the command too
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "miner stage run: %v\n", err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return exitNotFound, err.Error()
		}
		return exitNotRunnable, err.Error()
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended stands in the state
		close(ended)
	}()
	for {
		select {
		case s := <-signals:
			if !fromTerminal(s) {
				_ = cmd.Process.Signal(s) // it may have ended meanwhile
			}
		case <-ended:
			return result(cmd.ProcessState)
		}
	}
}

// fromTerminal reports whether a signal is one that a key of our terminal makes:
// the command, which shares our process group, got it from there already.
func fromTerminal(s os.Signal) bool {
	if s != unix.SIGINT && s != unix.SIGQUIT {
		return false
	}
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer func() { _ = terminal.Close() }() // it was only asked
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func result(state *os.ProcessState) (code int, end string) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return exitSignal + int(status.Signal()), fmt.Sprintf("signal: %v", status.Signal())
	}
	return state.ExitCode(), fmt.Sprintf("exit code %d", state.ExitCode())
}
