package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/stagewatch/stagewatch"
)

// writerRole is the first argument of a process that writes for a fleet; how
// many records and for which account stand in its environment.
const (
	writerRole = "as-writer"
	envCount   = "BENCH_COUNT"
	envAccount = "BENCH_ACCOUNT"
)

// write is what a process of a fleet does: it says that it is ready, waits for
// its input to end, makes its calls, and prints how long each took.
func write(in io.Reader, out io.Writer) error {
	t, err := stagewatch.Open(stagewatch.Config{})
	if err != nil {
		return err
	}
	defer t.Close()
	count, err := strconv.Atoi(os.Getenv(envCount))
	if err != nil {
		return err
	}
	account := stagewatch.For(os.Getenv(envAccount))
	t.Start(3, message, account)
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	calls, next := make(took, 0, count), int64(0)
	if err := calls.measure(count, func() error { next++; t.Progress(3, next, int64(count), account); return nil }); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(calls)
}

type writer struct {
	cmd   *exec.Cmd
	start io.Closer
	out   *bufio.Reader
}

// fleets lets many processes write into one home at once.
func (b *bench) fleets(ctx context.Context) error {
	b.say("\nProcesses            records/s   acknowledged: p50         p99     longest     late   dropped, told   lost   out of order\n")
	for _, processes := range []int{1, 4, 16, 64} {
		if err := b.fleet(ctx, processes, false); err != nil {
			return err
		}
	}
	return b.fleet(ctx, 16, true)
}

// fleet lets processes write at once, beside one that was stopped by SIGSTOP in
// the midst of its calls if stopped says so.
func (b *bench) fleet(ctx context.Context, processes int, stopped bool) error {
	home := filepath.Join(b.dir, fmt.Sprintf("fleet-%d-%v", processes, stopped))
	defer func() { _ = os.RemoveAll(home) }() // makes room for the next
	each := b.records / processes
	if stopped {
		w, err := start(ctx, home, "stopped", 1<<30)
		if err != nil {
			return err
		}
		defer func() {
			_ = w.cmd.Process.Kill()
			_ = w.cmd.Wait() // killed
		}()
		if err := errors.Join(w.start.Close(), written(home, 1<<20), w.cmd.Process.Signal(syscall.SIGSTOP)); err != nil {
			return err
		}
	}
	writers := make([]*writer, processes)
	for i := range writers {
		var err error
		if writers[i], err = start(ctx, home, "account-"+strconv.Itoa(i), each); err != nil {
			return err
		}
	}
	began := time.Now()
	for _, w := range writers {
		if err := w.start.Close(); err != nil {
			return err
		}
	}
	said := make([]took, len(writers))
	for i, w := range writers {
		if err := json.NewDecoder(w.out).Decode(&said[i]); err != nil {
			return err
		}
	}
	for _, w := range writers { // which ends when its last record is written
		if err := w.cmd.Wait(); err != nil {
			return err
		}
	}
	elapsed := time.Since(began)
	found, err := count(ctx, home, processes, each)
	if err != nil {
		return err
	}
	acknowledged, longest := found.acknowledged(said)
	name := strconv.Itoa(processes)
	if stopped {
		name += " and one stopped"
	}
	late := 100 * (1 - float64(len(acknowledged))/float64(processes*each))
	b.say("  %-18s %9.0f %19s %11s %11s %7.1f%% %15d %6d %14d\n", name, float64(processes*each)/elapsed.Seconds(),
		micros(acknowledged.at(0.5)), micros(acknowledged.at(0.99)), micros(longest), late, found.dropped, found.lost, found.disorder)
	return nil
}

// acknowledged returns, of the calls that each process made, those whose record
// is not marked as late (one that only handed it over tells nothing of the
// journal), and the longest of all.
func (f finding) acknowledged(said []took) (calls took, longest time.Duration) {
	for i, all := range said {
		for n, d := range all {
			longest = max(longest, d)
			if f.onTime[record{"account-" + strconv.Itoa(i), int64(n + 1)}] {
				calls = append(calls, d)
			}
		}
	}
	return calls, longest
}

func start(ctx context.Context, home, account string, count int) (*writer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, writerRole)
	cmd.Env = append(os.Environ(), "MINER_HOME="+home, envCount+"="+strconv.Itoa(count), envAccount+"="+account)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &writer{cmd: cmd, start: in, out: bufio.NewReader(out)}
	if line, err := w.out.ReadString('\n'); line != "ready\n" {
		return nil, fmt.Errorf("a writer said %q: %w", line, err)
	}
	return w, nil
}

// written waits until a home's journal has the given size.
func written(home string, size int64) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		info, err := os.Stat(filepath.Join(home, "journal", "00000001.seg"))
		if err != nil || info.Size() >= size {
			return err
		}
	}
	return nil
}

// finding is what the journal of a fleet shows afterwards.
type finding struct {
	onTime   map[record]bool // records that are not marked as late
	dropped  int             // records that their process could not keep, and said so
	lost     int             // records of which nobody says anything
	disorder int             // records that come after one which their process made later
}

// record names a record of a fleet: whose, and the how many-th.
type record struct {
	account string
	n       int64
}

// count reads a fleet's journal to its end.
func count(ctx context.Context, home string, processes, each int) (finding, error) {
	f := finding{onTime: map[record]bool{}}
	last, got := map[string]int64{}, 0
	end := errors.New("all is read")
	want := processes * (each + 1)
	const patience = 5 * time.Second // for what is lost
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := stagewatch.Follow(ctx, home, stagewatch.Position{}, func(e stagewatch.Event) error {
		if e.Account == "stopped" {
			return nil
		}
		if e.Kind == stagewatch.KindDropped {
			f.dropped += int(e.Dropped) //nolint:gosec // a count of records
		} else {
			if e.Done < last[e.Account] {
				f.disorder++
			}
			last[e.Account] = e.Done
			f.onTime[record{e.Account, e.Done}] = !e.Late
			got++
		}
		if got+f.dropped == want {
			return end
		}
		return nil
	})
	if errors.Is(err, end) {
		err = nil
	}
	f.lost = want - got - f.dropped
	return f, err
}
