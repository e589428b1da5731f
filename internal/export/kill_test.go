package export

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// told is a bucket that announces each change before it is made and waits until
// it may go on.
type told struct {
	*bucket.Folder
	announce func()
}

func (b told) Put(ctx context.Context, key string, data []byte) error {
	b.announce()
	return b.Folder.Put(ctx, key, data)
}

func (b told) PutNew(ctx context.Context, key string, data []byte) error {
	b.announce()
	return b.Folder.PutNew(ctx, key, data)
}

func (b told) Delete(ctx context.Context, key string) error {
	b.announce()
	return b.Folder.Delete(ctx, key)
}

// TestChildExports is the process that the tests below kill. It runs only as
// such a child, which is given the folder as an argument.
func TestChildExports(t *testing.T) {
	if flag.NArg() != 1 {
		return
	}
	folder, err := bucket.Open(flag.Arg(0))
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(os.Stdin)
	b := told{folder, func() {
		if _, err := fmt.Fprintln(os.Stderr, "change"); err != nil {
			t.Error(err)
		}
		if _, err := in.ReadString('\n'); err != nil {
			t.Error(err)
		}
	}}
	if _, err := Export(t.Context(), b, branding(31)); err != nil {
		t.Fatal(err)
	}
}

// killed runs an export in a process of its own and kills it before change k, or
// some time after it was allowed. It reports whether the process was killed at all.
func killed(t *testing.T, dir string, k int, after time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChildExports$", dir)
	orders, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	news, err := child.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(news)
	for n := 1; lines.Scan(); n++ {
		if n == k && after == 0 {
			break
		}
		if _, err := io.WriteString(orders, "go on\n"); err != nil {
			t.Fatal(err)
		}
		if n == k {
			<-time.After(after) // Into the middle of a write.
			break
		}
	}
	if err := child.Process.Kill(); err != nil && child.ProcessState == nil {
		t.Log(err) // It has ended by itself.
	}
	_, _ = io.Copy(io.Discard, news)
	return child.Wait() != nil
}

// before lays the bucket of an account with an earlier run into dir.
func before(t *testing.T, dir string) *bucket.Folder {
	t.Helper()
	b, err := bucket.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	earlier := branding(32)
	earlier.Run.ID = "earlier"
	export1(t, b, earlier)
	return b
}

// wholeOrReplaced fails the test when a published object is not whole. A shared one
// may already be that of the run that was killed, which is whole too.
func wholeOrReplaced(t *testing.T, b Bucket, m Manifest, newer map[string]string) {
	t.Helper()
	for _, o := range m.Objects {
		data, err := b.Get(t.Context(), o.Key)
		if err != nil || digest(data) != o.SHA256 && (!o.Shared || string(data) != newer[o.Key]) {
			t.Errorf("published object %s is neither run's (%v)", o.Key, err)
		}
	}
}

func TestKilledExportIsNeverHalfPublishedAndTheNextTryIsAsIfNothingHadHappened(t *testing.T) {
	clean := before(t, filepath.Join(t.TempDir(), "clean"))
	export1(t, clean, branding(31))
	want := view(t, clean)
	random := rand.New(rand.NewPCG(1, 2))
	deaths := 0
	for k := 1; k <= 18; k++ {
		t.Run(strconv.Itoa(k), func(t *testing.T) {
			dir := t.TempDir()
			b := before(t, dir)
			after := time.Duration(0)
			if k%2 == 0 {
				after = time.Duration(random.IntN(1500)) * time.Microsecond
			}
			if killed(t, dir, k, after) {
				deaths++
			}
			m, err := Latest(t.Context(), b, content.Instagram, "kilnandclay")
			if err != nil {
				t.Fatal(err)
			}
			wholeOrReplaced(t, b, m, want)
			whole(t, b, export1(t, b, branding(31)))
			if diff := cmp.Diff(want, view(t, b)); diff != "" {
				t.Errorf("after the second try (-clean +got):\n%s", diff)
			}
		})
	}
	if deaths < 12 {
		t.Errorf("only %d of 18 children died in their work", deaths)
	}
}
