package stagewatch_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// BenchmarkCall is one tracking call in one process; p50 and p99 beside the mean.
func BenchmarkCall(b *testing.B) {
	t, err := stagewatch.Open(stagewatch.Config{Home: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		began := time.Now()
		t.Start(3, "Indexing 50 posts in vector database", stagewatch.For("elonmusk"), stagewatch.On("twitter"))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-µs")
}

// BenchmarkBareWrite is the floor: the same bytes by one bare append.
func BenchmarkBareWrite(b *testing.B) {
	f, err := os.OpenFile(b.TempDir()+"/bare", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	record := make([]byte, 420)
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		began := time.Now()
		if _, err := f.Write(record); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-µs")
}

// BenchmarkProcesses is 16 processes that record at once; the records are
// counted afterwards.
func BenchmarkProcesses(b *testing.B) {
	const processes = 16
	each := max(b.N/processes, 1)
	home := b.TempDir()
	writers := make([]*exec.Cmd, processes)
	ends := make([]io.Closer, processes)
	for i := range writers {
		w := exec.Command(os.Args[0], "-test.run=^$")
		w.Env = append(os.Environ(), "STAGEWATCH_TEST=write", "MINER_HOME="+home, "COUNT="+strconv.Itoa(each))
		in, err := w.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		out, err := w.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Start(); err != nil {
			b.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			b.Fatal(line, err)
		}
		writers[i], ends[i] = w, in
	}
	b.ResetTimer()
	for _, in := range ends {
		if err := in.Close(); err != nil { // the starting shot
			b.Fatal(err)
		}
	}
	for _, w := range writers {
		if err := w.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	f := journal.Follow(home+"/journal", journal.Position{})
	defer f.Close()
	got := 0
	for {
		_, ok, err := f.Next()
		if err != nil {
			b.Fatal(err)
		}
		if !ok {
			break
		}
		got++
	}
	if got != processes*each {
		b.Fatalf("%d records in the journal, want %d", got, processes*each)
	}
	b.ReportMetric(float64(got)/b.Elapsed().Seconds(), "records/s")
}

// TestMain lets the test binary stand in for other processes.
func TestMain(m *testing.M) {
	switch os.Getenv("STAGEWATCH_TEST") {
	case "write":
		writeMany()
	case "hold":
		stagewatch.Start(4, "Analyzing", stagewatch.For(os.Getenv("ACCOUNT")))
		_ = stagewatch.Default().Flush(context.Background()) // on a busy machine the call may have gone on without its write
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "keep":
		keepHome()
	case "tick":
		tick()
	case "forbidden":
		openAsNobody()
	default:
		goleak.VerifyTestMain(m)
	}
}

// openAsNobody prints what Open says to a user without rights.
func openAsNobody() {
	const nobody = 65534
	if err := syscall.Setuid(nobody); err != nil {
		fmt.Println(err)
		return
	}
	t, err := stagewatch.Open(stagewatch.Config{})
	fmt.Println(err)
	t.Start(1, "m")
	t.Close()
}

func writeMany() {
	t := stagewatch.Default()
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	count, _ := strconv.Atoi(os.Getenv("COUNT"))
	for i := range count {
		t.Progress(3, int64(i), int64(count), stagewatch.For("elonmusk"))
	}
	t.Close()
}
