package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
)

// wrapped starts a shell as a wrapped command and waits until it says that it is ready.
func wrapped(t *testing.T, home string, attributes *syscall.SysProcAttr, script string) (cmd *exec.Cmd, rest *bufio.Reader) {
	t.Helper()
	cmd = command(home, "stage", "run", "1", "--for", "u", "--", "sh", "-c", script)
	cmd.SysProcAttr = attributes
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
	})
	rest = bufio.NewReader(out)
	if line, err := rest.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the command said %q, %v", line, err)
	}
	return cmd, rest
}

func TestWrappedCommandGetsSignals(t *testing.T) {
	for name, s := range map[string]syscall.Signal{
		"INT": unix.SIGINT, "TERM": unix.SIGTERM, "HUP": unix.SIGHUP, "QUIT": unix.SIGQUIT, "USR1": unix.SIGUSR1, "USR2": unix.SIGUSR2,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			// Of its own session: no terminal of the tests is asked.
			cmd, out := wrapped(t, home, &syscall.SysProcAttr{Setsid: true},
				"trap 'echo got "+name+"; exit 9' "+name+"; echo ready; while :; do sleep 0.05; done")
			kill(t, cmd.Process.Pid, s)
			got, _ := io.ReadAll(out)
			err := cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); string(got) != "got "+name+"\n" || code != 9 {
				t.Errorf("printed %q and ended with %v", got, err)
			}
			if r := state(t, home).Runs[0]; r.State != stagewatch.StatusFailed || r.Stages[0].Message != "exit code 9" {
				t.Errorf("the run is %s: %s", r.State, r.Stages[0].Message)
			}
		})
	}
}

func TestSignalThatEndsTheWrappedCommandIsTold(t *testing.T) {
	home := t.TempDir()
	cmd, _ := wrapped(t, home, &syscall.SysProcAttr{Setsid: true}, "echo ready; exec sleep 60")
	kill(t, cmd.Process.Pid, unix.SIGTERM)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 128+int(unix.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
	if s := state(t, home).Runs[0].Stages[0]; s.State != stagewatch.StatusFailed || s.Message != "signal: terminated" {
		t.Errorf("the stage is %s: %s", s.State, s.Message)
	}
}

// A key of the terminal reaches the command from the terminal; forwarding it
// too would make two of it. This command has left the terminal, so it gets none.
func TestKeyOfTheTerminalIsNotForwarded(t *testing.T) {
	master, slave := terminal(t)
	cmd := command(t.TempDir(), "stage", "run", "1", "--", "setsid", "sh", "-c",
		"trap 'echo forwarded' INT; trap 'echo told; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
	cmd.Stdin, cmd.Stdout = slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	out := bufio.NewReader(master)
	next := func() string {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line)
	}
	if line := next(); line != "ready" {
		t.Fatalf("the command said %q", line)
	}
	if _, err := master.Write([]byte{0x03}); err != nil { // Ctrl-C; the terminal shows it as ^C
		t.Fatal(err)
	}
	if echo, err := out.ReadByte(); err != nil || echo != '^' {
		t.Fatalf("the terminal shows %q, %v", echo, err)
	}
	kill(t, cmd.Process.Pid, unix.SIGTERM) // comes after it, and is forwarded
	if line := next(); line != "Ctold" {
		t.Errorf("the command said %q", line)
	}
	_ = cmd.Wait()
}

// terminal returns both ends of a new terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

func TestKilledWrapperIsLost(t *testing.T) {
	home := t.TempDir()
	cmd, _ := wrapped(t, home, nil, "echo ready; read forever")
	within(t, 30*time.Second, "the start is recorded", func() bool { // a busy machine may take more than a call waits
		s, err := stagewatch.ReadState(home)
		return err == nil && len(s.Runs) == 1
	})
	kill(t, cmd.Process.Pid, unix.SIGKILL)
	_ = cmd.Wait()
	if s := state(t, home).Runs[0].Stages[0]; s.State != stagewatch.StatusLost {
		t.Errorf("the stage is %s: %s", s.State, s.Message)
	}
}

// Many scripts at once, and many calls of one script at once, lose nothing.
func TestConcurrentCallsOfScripts(t *testing.T) {
	const scripts, accounts = 4, 6
	home := t.TempDir()
	miner, err := built()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range scripts {
		wg.Go(func() {
			sh := exec.Command("sh", "-c", `
for a in $(seq `+fmt.Sprint(accounts)+`); do
	( "$0" stage start 1 --for "$1-$a"; "$0" stage complete 1 --for "$1-$a"; "$0" stage complete 7 --for "$1-$a" ) &
done
wait`, miner, fmt.Sprint(i))
			sh.Env = append(os.Environ(), "MINER_HOME="+home)
			if out, err := sh.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("script %d: %v\n%s", i, err, out)
			}
		})
	}
	wg.Wait()
	s := state(t, home)
	done := 0
	for _, r := range s.Runs {
		if r.State == stagewatch.StatusCompleted && len(r.Stages) == 2 {
			done++
		}
	}
	if done != scripts*accounts || len(s.Runs) != done {
		t.Errorf("%d runs, %d of them whole, want %d", len(s.Runs), done, scripts*accounts)
	}
}

// A call must stay cheap enough for scripts: 10 ms more than the cheapest
// program there is. Only far above is a failure: the machine may be busy.
func TestStageCallIsCheap(t *testing.T) {
	const rounds, target, limit = 41, 10 * time.Millisecond, 100 * time.Millisecond
	home := t.TempDir()
	var floor, calls []time.Duration
	for range rounds {
		floor = append(floor, timed(t, exec.Command("true")))
		calls = append(calls, timed(t, command(home, "stage", "start", "1", "Fetching orders", "--for", "shop")))
	}
	slices.Sort(floor)
	slices.Sort(calls)
	over := calls[rounds/2] - floor[rounds/2]
	t.Logf("true %v, miner stage start %v: %v over, target %v", floor[rounds/2], calls[rounds/2], over, target)
	if over > limit {
		t.Errorf("miner stage start takes %v more than true, target %v", over, target)
	}
}

func timed(t *testing.T, cmd *exec.Cmd) time.Duration {
	t.Helper()
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}
