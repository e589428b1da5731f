package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func newTestLog(t testing.TB, dir string, size int64, old int) *logFile {
	t.Helper()
	l := newLogFile("a", Log{Dir: dir, MaxSize: size, Old: old})
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// files is what the log holds, the oldest file first.
func files(t testing.TB, l *logFile) (contents []string) {
	t.Helper()
	for i := l.old + 1; i >= 0; i-- {
		path := fmt.Sprintf("%s.%d", l.path, i)
		if i == 0 {
			path = l.path
		}
		content, err := os.ReadFile(path)
		if err == nil {
			contents = append(contents, string(content))
		}
	}
	return contents
}

func TestRotationKeepsLinesWhole(t *testing.T) {
	l := newTestLog(t, t.TempDir(), 100, 3)
	for i := range 40 {
		l.write(fmt.Appendf(nil, "line %03d\nand %03d €", i, i))
		l.write([]byte(" goes on\n"))
	}
	got := files(t, l)
	if len(got) != 4 {
		t.Fatalf("%d files, want 4", len(got))
	}
	for i, content := range got {
		if len(content) > 100 || !utf8.ValidString(content) || !strings.HasPrefix(content, "line ") && !strings.HasPrefix(content, "and ") && !strings.HasPrefix(content, " goes on") {
			t.Errorf("file %d: %q", i, content)
		}
	}
	if !strings.HasSuffix(got[3], "and 039 € goes on\n") {
		t.Errorf("the newest ends in %q", got[3])
	}
}

// Whatever is written in whatever pieces comes out whole and in order, as far as
// it was not rotated away, in files that are never too large.
func TestLogKeepsEveryByte(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "") //nolint:usetesting // one folder a draw
		if err != nil {
			rt.Fatal(err)
		}
		size := rapid.Int64Range(8, 200).Draw(rt, "size")
		l := newTestLog(t, dir, size, rapid.IntRange(1, 4).Draw(rt, "old"))
		var all strings.Builder
		for _, piece := range rapid.SliceOf(rapid.StringOfN(rapid.SampledFrom([]rune("ab\n€😀")), 0, 120, -1)).Draw(rt, "pieces") {
			if rapid.Bool().Draw(rt, "reopen") {
				if err := l.close(); err != nil {
					rt.Fatal(err)
				}
			}
			l.write([]byte(piece))
			all.WriteString(piece)
		}
		got := files(t, l)
		if !strings.HasSuffix(all.String(), strings.Join(got, "")) {
			rt.Fatalf("%q is not the end of %q", got, all.String())
		}
		if n := l.old + 1; len(got) > n || len(got) < n && strings.Join(got, "") != all.String() {
			rt.Fatalf("%d files %q of %q", len(got), got, all.String())
		}
		for _, content := range got {
			if int64(len(content)) > size || !utf8.ValidString(content) {
				rt.Fatalf("file %q", content)
			}
		}
	})
}

// The disk is a small one that is full: a write fails half-way.
func TestFullDiskDropsCountsAndRecovers(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a small file system can be mounted by root only")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	l := newLogFile("a", Log{Dir: dir, MaxSize: 1 << 20, Old: 1})
	defer l.close()
	text := strings.Repeat("0123456789abcde\n", 4<<10)
	l.write([]byte(text))
	dropped, why := l.dropped()
	if kept := int64(len(strings.Join(files(t, l), ""))); kept+dropped != int64(len(text)) || dropped == 0 || !errors.Is(why, syscall.ENOSPC) {
		t.Fatalf("kept %d and dropped %d of %d because of %v", kept, dropped, len(text), why)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a written line", func() bool {
		l.write([]byte("x\n"))
		_, why = l.dropped()
		return why == nil
	})
	total, _ := l.dropped()
	log := strings.Join(files(t, l), "")
	want := fmt.Sprintf(" %d bytes of output are missing here: ", total)
	if !strings.Contains(log, want) || !strings.HasSuffix(log, "---\nx\n") {
		t.Errorf("the log ends in %q, want %q there", log[len(log)-200:], want)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	l.write([]byte("y\n"))
	if n := strings.Count(strings.Join(files(t, l), ""), "are missing here"); n != 1 {
		t.Errorf("told %d times what is missing, want once", n)
	}
}

func TestOnlyRegularFilesAreLogs(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "a.log"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := newTestLog(t, dir, 4096, 1)
	l.write([]byte("x")) // would block for ever
	if n, why := l.dropped(); n != 1 || why == nil {
		t.Errorf("dropped %d because of %v, want 1", n, why)
	}
}

func TestFailedRotationDoesNotGrowTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a.log.1", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	l := newTestLog(t, dir, 10, 1)
	for range 10 {
		l.write([]byte("12345678\n"))
	}
	n, why := l.dropped()
	if info, err := os.Stat(l.path); err != nil || info.Size() != 9 || n != 81 || why == nil {
		t.Errorf("file %v, %v; dropped %d because of %v; want 9 bytes kept and 81 dropped", info, err, n, why)
	}
}

func TestRemovedLogFileDoesNotStopRotation(t *testing.T) {
	l := newTestLog(t, t.TempDir(), 10, 1)
	l.write([]byte("12345678\n"))
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	l.write([]byte("abcdefgh\n"))
	if got := files(t, l); len(got) != 1 || got[0] != "abcdefgh\n" {
		t.Errorf("files %q", got)
	}
}
