package stagewatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stagewatch/stagewatch/internal/erase"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// kept writes a home's status file once, as a keeper that stops at once does.
func kept(t *testing.T, tr *Tracker, c KeeperConfig) *Keeper {
	t.Helper()
	k, err := NewKeeper(tr, c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return k
}

// edit changes the status file as JSON.
func edit(t *testing.T, home string, change func(map[string]any)) {
	t.Helper()
	path := filepath.Join(home, StatusFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	change(fields)
	if text, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A status file is believed if it is of this journal and of this past of it.
func TestWhichStatusIsBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(fields map[string]any)
		believed bool
	}{
		"as it was written":   {func(map[string]any) {}, true},
		"of another journal":  {func(f map[string]any) { f["journal"] = strings.Repeat("a", 26) }, false},
		"of no journal":       {func(f map[string]any) { f["journal"] = "" }, false},
		"of another record":   {func(f map[string]any) { f["record"] = "00000000000000ff 1" }, false},
		"between two records": {func(f map[string]any) { f["position"] = map[string]int{"segment": 1, "offset": 7} }, false},
		"ahead":               {func(f map[string]any) { f["position"] = map[string]int{"segment": 1, "offset": 1 << 30} }, false},
		"of a gone segment":   {func(f map[string]any) { f["position"] = map[string]int{"segment": 9, "offset": 0} }, false},
		"of a newer version":  {func(f map[string]any) { f["version"] = 2 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			tr := open(t, home)
			tr.Start(1, "m", For("u"))
			tr.Start(2, "m", For("u"))
			kept(t, tr, KeeperConfig{})
			edit(t, home, func(f map[string]any) { // what only a believed file can tell
				f["mode"] = "watchdog"
				c.change(f)
			})
			tr.Start(3, "m", For("u"))
			s, err := ReadState(home)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Mode == "watchdog"; got != c.believed {
				t.Errorf("believed: %v, want %v", got, c.believed)
			}
			if r := runOf(*s, "u"); len(r.Stages) != 3 || s.Events != 3 {
				t.Errorf("%d stages of %d events, want 3 of 3", len(r.Stages), s.Events)
			}
			header, err := journal.ReadHeader(journalDir(home))
			if err != nil || s.Journal != header.ID {
				t.Errorf("journal = %q, want %q, %v", s.Journal, header.ID, err)
			}
		})
	}
}

// What a follower passes over is counted over restarts, once.
func TestSkippedIsShownAndCountedOnce(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(1, "m", For("u"))
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(journalDir(home), "00000001.seg"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\x1e00000000 what is no record\n"); err != nil {
		t.Fatal(err)
	}
	w, err := journal.OpenWriter(journalDir(home), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, payload := range []string{`{"v":99}`, `no JSON`} {
		if err := w.Append([]byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	tr.Start(2, "m", For("u"))
	if err := errors.Join(tr.Flush(t.Context()), f.Close()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		kept(t, tr, KeeperConfig{})
		tr.Progress(2, 1, 2, For("u"))
		settle(home)
		if got, want := status(t, home).Skipped, (Skipped{Damaged: 1, Unreadable: 2}); got != want {
			t.Fatalf("skipped = %+v, want %+v", got, want)
		}
	}
}

// Damage after the last record is shown by readers, and counted once by keepers
// that come and go before there is another one.
func TestSkippedAtTheEndIsCountedOnce(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(1, "m", For("u"))
	settle(home)
	w, err := journal.OpenWriter(journalDir(home), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Append([]byte("no JSON")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		kept(t, tr, KeeperConfig{})
		s, err := ReadState(home)
		if err != nil || s.Skipped != (Skipped{Unreadable: 1}) {
			t.Fatalf("skipped = %+v, %v", s.Skipped, err)
		}
	}
	tr.Start(2, "m", For("u"))
	settle(home)
	kept(t, tr, KeeperConfig{})
	if got := status(t, home).Skipped; got != (Skipped{Unreadable: 1}) {
		t.Errorf("skipped = %+v", got)
	}
}

// Retention removes only what a synced copy of the status covers; with that
// copy the loss of the status file costs nothing.
func TestRetentionStaysBehindTheStatus(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Failed(1, "long ago", For("first"))
	for i := range 40 {
		tr.Failed(1, strings.Repeat("m", 4000), For(fmt.Sprint("account", i)))
		if i%10 == 9 {
			kept(t, tr, KeeperConfig{SegmentBytes: 1})
			if _, err := journal.Seal(journalDir(home), 1, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, stop := keep(t, tr)
	stop()
	tr.Failed(1, "newest", For("last"))
	k, err := NewKeeper(tr, KeeperConfig{RetainBytes: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.follower.close()
	_ = k.lock.Close()
	left, err := filepath.Glob(filepath.Join(journalDir(home), "*.seg"))
	if err != nil || len(left) == 0 || strings.HasSuffix(left[0], "00000001.seg") {
		t.Fatalf("segments left: %v, %v", left, err)
	}
	for _, damage := range []string{"", `{"version":1,"ru`} {
		if err := os.WriteFile(filepath.Join(home, StatusFile), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := ReadState(home)
		if err != nil || runOf(*s, "first").State != StatusFailed || runOf(*s, "last").State != StatusFailed || s.Skipped.Gaps != 0 {
			t.Errorf("after the status file was lost: %d runs, gaps %d, %v", len(s.Runs), s.Skipped.Gaps, err)
		}
	}
	// Without the copy the gap is told.
	if err := os.Remove(filepath.Join(journalDir(home), coveredFile)); err != nil {
		t.Fatal(err)
	}
	s, err := ReadState(home)
	if err != nil || s.Skipped.Gaps == 0 || runOf(*s, "last").State != StatusFailed {
		t.Errorf("without any snapshot: gaps %d, %v", s.Skipped.Gaps, err)
	}
}

// What is erased leaves the status file and the copy that retention made.
func TestErasedRunsAreForgotten(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Failed(1, "secret words", For("secret"))
	tr.Failed(1, "m", For("other"))
	kept(t, tr, KeeperConfig{})
	text, err := os.ReadFile(filepath.Join(home, StatusFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(journalDir(home), coveredFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	tr.emit(Event{Kind: KindErased, Runs: []string{erase.Digest(runOf(status(t, home), "secret").ID)}})
	k, _ := keep(t, tr)
	if err := k.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(home, StatusFile), filepath.Join(journalDir(home), coveredFile)} {
		within(t, soon, "nothing of it in "+path, func() bool {
			text, err := os.ReadFile(path)
			return err == nil && !bytes.Contains(text, []byte("secret")) && bytes.Contains(text, []byte("other"))
		})
	}
}

// A keeper that was killed after it had folded what was erased, and before it had
// rewritten the copy that retention made, leaves that to the next one.
func TestNextKeeperForgetsErasedRuns(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Failed(1, "m", For("secret"))
	settle(home)
	kept(t, tr, KeeperConfig{})
	text, err := os.ReadFile(filepath.Join(home, StatusFile))
	if err != nil {
		t.Fatal(err)
	}
	tr.emit(Event{Kind: KindErased, Runs: []string{erase.Digest(runOf(status(t, home), "secret").ID)}})
	settle(home)
	kept(t, tr, KeeperConfig{})
	covered := filepath.Join(journalDir(home), coveredFile)
	if err := os.WriteFile(covered, text, 0o600); err != nil {
		t.Fatal(err)
	}
	settle(home)
	kept(t, tr, KeeperConfig{})
	if text, err = os.ReadFile(covered); err != nil || bytes.Contains(text, []byte("secret")) {
		t.Errorf("%s, %v", text, err)
	}
}

// Settle may be called from anywhere while the keeper ends.
func TestSettleWhileTheKeeperEnds(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	for range 20 {
		k, err := NewKeeper(tr, KeeperConfig{})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			var err error
			for err == nil {
				err = k.Settle(t.Context())
			}
			ended <- err
		}()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := k.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, ErrKept) {
			t.Errorf("Settle after the end: %v, want ErrKept", err)
		}
	}
}

// Whoever deletes or replaces the lock's file makes no second keeper that writes.
func TestKeeperWithoutItsLockStops(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	k, err := NewKeeper(tr, KeeperConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- k.Run(t.Context()) }()
	if err := os.Remove(lockPath(home)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrKept) {
		t.Errorf("the keeper without its lock ended with %v, want ErrKept", err)
	}
	_, stop := keep(t, tr) // and another one can keep
	stop()
}

// A keeper that was stopped while another took over (its lock's file was
// replaced) writes nothing when it goes on.
func TestStoppedKeeperDoesNotWriteLater(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(1, "m", For("u"))
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "STAGEWATCH_TEST=keep", "MINER_HOME="+home)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	within(t, soon, "the first keeper's status", func() bool { return runOf(status(t, home), "u").State == StatusRunning })
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(lockPath(home)); err != nil {
		t.Fatal(err)
	}
	keep(t, tr)
	tr.Failed(1, "m", For("u"))
	within(t, soon, "the second keeper's status", func() bool { return runOf(status(t, home), "u").State == StatusFailed })
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(out)
	if err != nil || !strings.Contains(string(said), ErrKept.Error()) {
		t.Errorf("the first keeper said %q, %v", said, err)
	}
	_ = cmd.Wait()
	within(t, soon, "the newer status stands", func() bool { return runOf(status(t, home), "u").State == StatusFailed })
}

func TestDirectKeeperSaysSo(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(1, "m", For("u"))
	kept(t, tr, KeeperConfig{Direct: true})
	if got := status(t, home).Mode; got != "direct" {
		t.Errorf("mode = %q without a miner", got)
	}
	tr.Miner(EventStarted, "watchdog")
	kept(t, tr, KeeperConfig{Direct: true})
	if got := status(t, home).Mode; got != "watchdog" {
		t.Errorf("mode = %q with a miner", got)
	}
}

// What the keeper says is under way for a moment: it does not say it again
// because it has not read it yet.
func TestKeeperSaysALossOnce(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	cmd := child(t, home, "u")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	k, err := NewKeeper(tr, KeeperConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.catchUp(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		k.sweep() // reads nothing between
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Run(ctx); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, e := range events(t, home) {
		if e.What == EventLost {
			lost++
		}
	}
	if lost != 1 || runOf(status(t, home), "u").State != StatusLost {
		t.Errorf("%d lost records, the run is %s", lost, runOf(status(t, home), "u").State)
	}
}

// What killed keepers left half written is removed, and is no status file.
func TestHalfWrittenStatusIsSweptAway(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	half := filepath.Join(home, StatusFile+".123.tmp")
	if err := os.WriteFile(half, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	kept(t, tr, KeeperConfig{})
	left, err := filepath.Glob(filepath.Join(home, "*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if status(t, home).Version != StateVersion {
		t.Error("no status file")
	}
}

// FuzzSnapshot holds the fold to its promise whatever stands in a status file.
func FuzzSnapshot(f *testing.F) {
	s, _ := grown(2)
	var file bytes.Buffer
	if err := s.encode(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.String())
	f.Add(`{"version":1,"runs":[null,{"id":"a","stages":[{"unknown":true,"key":"k","number":7,"state":"running"},{"state":"stalled"}]},{"id":"a"}],"durations":[null,{}],"definitions":[{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s := parseSnapshot([]byte(text))
		if s == nil {
			return
		}
		for i := range 40 {
			s.Apply(turn(i, 3))
		}
		for _, e := range s.bereaved(deaths{Owner{}: true}) {
			s.Apply(e)
		}
		s.overdue("", 1<<40, 0)
		s.reset(Owner{PID: 1000, Start: 123456, Boot: "6f2b1c1e-6a3f-4f0e-9a53-0c3a5e1f7a11", Space: 4026531836})
		s.StatusLine()
		checkIndex(t, s)
		saved(t, s)
	})
}

// FuzzEvent folds any event into a state with something in it.
func FuzzEvent(f *testing.F) {
	for i := range 5 {
		e := turn(i, 2)
		text, err := appendEvent(nil, &e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, text)
	}
	record := func(fields string) []byte {
		return []byte(`{"v":1,"clock":1,"owner":{"pid":1,"boot":"b"},"run":"r","time":"9999-12-31T23:59:59-12:00",` + fields + `}`)
	}
	f.Add(record(`"kind":"stage","what":"started","key":"k"`), record(`"kind":"definition","defined":{"name":"Content","stages":[]}`))
	f.Add(record(`"kind":"reset"`), record(`"kind":"erased","runs":["`+erase.Digest("run0000000000000000000000")+`"]`))
	f.Add(record(`"kind":"module","what":"exited","module":{"last":"x"}`), record(`"kind":"stage","what":"stalled","details":[1]`))
	f.Add(record(`"kind":"module","what":"waiting","module":{"name":"m","wait":3600000000000}`), record(`"kind":"stage","what":"started","account":"a"`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s, _ := grown(2)
		for _, text := range [][]byte{first, second, first} {
			e, err := decodeEvent(text)
			if err != nil {
				continue
			}
			c := s.Apply(e)
			if _, line, ok := c.Line(); ok && line != Plain(line) {
				t.Errorf("line %q is not harmless", line)
			}
		}
		checkIndex(t, s)
		saved(t, s)
	})
}
