package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func open(t *testing.T) *Folder {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "deep", "tasks"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t *testing.T, f *Folder, key, data string) {
	t.Helper()
	if err := f.Put(t.Context(), key, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, f *Folder, prefix string) (keys []string) {
	t.Helper()
	for o, err := range f.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

func TestWhatIsPutComesBack(t *testing.T) {
	f := open(t)
	for _, data := range []string{"one", "", strings.Repeat("two", 1<<18)} {
		put(t, f, "a/b/c.json", data)
		got, err := f.Get(t.Context(), "a/b/c.json")
		if err != nil || string(got) != data {
			t.Fatalf("Get = %d bytes, %v, want %d", len(got), err, len(data))
		}
		o, err := f.Stat(t.Context(), "a/b/c.json")
		if err != nil || o.Size != int64(len(data)) || o.Key != "a/b/c.json" || time.Since(o.Modified) > time.Hour {
			t.Fatalf("Stat = %+v, %v", o, err)
		}
	}
}

func TestOnlyTheOwnerCanRead(t *testing.T) {
	f := open(t)
	put(t, f, "a/b.json", "x")
	for path, want := range map[string]fs.FileMode{"": 0o700, "a": 0o700, "a/b.json": 0o600} {
		about, err := os.Stat(filepath.Join(f.dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if got := about.Mode().Perm(); got != want {
			t.Errorf("mode of %q = %o, want %o", path, got, want)
		}
	}
}

func TestAnAbsentObjectIsNotFound(t *testing.T) {
	f := open(t)
	put(t, f, "a/b", "x")
	for _, key := range []string{"c", "a", "a/c", "a/b/c"} {
		if _, err := f.Get(t.Context(), key); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get(%q) = %v, want ErrNotFound", key, err)
		}
		if _, err := f.Stat(t.Context(), key); !errors.Is(err, ErrNotFound) {
			t.Errorf("Stat(%q) = %v, want ErrNotFound", key, err)
		}
	}
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get(t.Context(), "a/b"); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("Get in a folder that is gone = %v: it must not pass for an empty one", err)
	}
}

func TestABadKeyIsRefused(t *testing.T) {
	f := open(t)
	for name, key := range map[string]string{
		"empty": "", "absolute": "/etc/passwd", "up": "../x", "up inside": "a/../../x", "dot": "a/./b", "trailing slash": "a/",
		"empty segment": "a//b", "NUL": "a\x00b", "newline": "a\nb", "C1 control": "a\u0085b", "not UTF-8": "a\xff",
		"long segment": strings.Repeat("x", 256), "long key": strings.Repeat("x/", 600) + "x", "our temporary name": "a/" + tempPrefix + "x",
	} {
		t.Run(name, func(t *testing.T) {
			_, get := f.Get(t.Context(), key)
			_, stat := f.Stat(t.Context(), key)
			_, path := f.Path(key)
			for what, err := range map[string]error{
				"Get": get, "Stat": stat, "Path": path, "Put": f.Put(t.Context(), key, nil),
				"PutNew": f.PutNew(t.Context(), key, nil), "Delete": f.Delete(t.Context(), key),
			} {
				if !errors.Is(err, ErrKey) {
					t.Errorf("%s(%q) = %v, want ErrKey", what, key, err)
				}
			}
		})
	}
	if keys := list(t, f, ""); len(keys) != 0 {
		t.Errorf("refused keys left %q", keys)
	}
	for _, key := range []string{"ä/日本.json", ".hidden", "a b", strings.Repeat("x", 255), "…"} {
		put(t, f, key, "x")
	}
}

func TestALinkOutOfTheFolderIsRefused(t *testing.T) {
	f := open(t)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"file": filepath.Join(outside, "secret"), "folder": outside, "relative": "../../.."} {
		if err := os.Symlink(target, filepath.Join(f.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"file", "folder/secret", "relative/x"} {
		if data, err := f.Get(t.Context(), key); err == nil {
			t.Errorf("Get(%q) = %q, want an error", key, data)
		}
		if path, err := f.Path(key); err == nil {
			t.Errorf("Path(%q) = %q, want an error", key, path)
		}
	}
	if err := f.Put(t.Context(), "folder/new", []byte("x")); err == nil {
		t.Error("Put wrote through a link out of the folder")
	}
	faults := 0
	for o, err := range f.List(t.Context(), "") {
		if err == nil {
			t.Errorf("List gave %v", o)
		}
		faults++
	}
	if faults != 3 {
		t.Errorf("List reported %d of 3 links", faults)
	}
	put(t, f, "file", "mine") // Put replaces the link, not what it points to.
	if got, _ := os.ReadFile(filepath.Join(outside, "secret")); string(got) != "s" {
		t.Errorf("Put changed a file outside to %q", got)
	}
}

func TestListIsInKeyOrderAndWhole(t *testing.T) {
	f := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		if err := os.RemoveAll(f.dir); err != nil {
			rt.Fatal(err)
		}
		if err := os.Mkdir(f.dir, 0o700); err != nil {
			rt.Fatal(err)
		}
		var want []string
		for _, key := range rapid.SliceOfN(rapid.StringMatching(`[ab\-.]{1,2}(/[ab\-.]{1,2}){0,2}\.x`), 0, 8).Draw(rt, "keys") {
			if CheckKey(key) == nil && os.MkdirAll(filepath.Dir(filepath.Join(f.dir, key)), 0o700) == nil &&
				os.WriteFile(filepath.Join(f.dir, key), nil, 0o600) == nil {
				want = append(want, key)
			}
		}
		prefix := rapid.StringMatching(`([ab\-]{1,2}/?)?`).Draw(rt, "prefix")
		want = slices.DeleteFunc(want, func(k string) bool { return !strings.HasPrefix(k, prefix) })
		slices.Sort(want)
		want = slices.Compact(want)
		if diff := cmp.Diff(append([]string{}, want...), append([]string{}, list(t, f, prefix)...)); diff != "" {
			rt.Fatalf("List(%q) (-want +got):\n%s", prefix, diff)
		}
	})
}

func TestListGoesOnPastWhatIsNoObject(t *testing.T) {
	f := open(t)
	put(t, f, "a/good", "x")
	put(t, f, "z/good", "x")
	for _, name := range []string{"b\x01/info.json", "c\xff/info.json", "d\xff"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(f.dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(f.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(f.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".", filepath.Join(f.dir, "round")); err != nil {
		t.Fatal(err)
	}
	var good, bad []string
	for o, err := range f.List(t.Context(), "") {
		if err == nil {
			good = append(good, o.Key)
			continue
		}
		if !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v, want ErrKey", o.Key, err)
		}
		bad = append(bad, o.Key)
	}
	if diff := cmp.Diff([]string{"a/good", "z/good"}, good); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b\x01", "c\xff", "d\xff", "pipe", "round"}, bad); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}
	if _, err := f.Get(t.Context(), "pipe"); !errors.Is(err, ErrKey) {
		t.Errorf("Get of a pipe = %v, want ErrKey", err)
	}
}

func TestListStopsWhenTheCallerHasEnough(t *testing.T) {
	f := open(t)
	for i := range 5 {
		put(t, f, fmt.Sprintf("%d/x", i), "x")
	}
	n := 0
	for range f.List(t.Context(), "") {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("List went on to %d", n)
	}
}

func TestAKilledWritersRemainsAreNeverListedAndGoInTime(t *testing.T) {
	f := open(t)
	old, fresh := filepath.Join(f.dir, tempPrefix+"OLD"), filepath.Join(f.dir, tempPrefix+"NEW")
	for _, name := range []string{old, fresh} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	if keys := list(t, f, ""); len(keys) != 0 {
		t.Errorf("List = %q, want nothing", keys)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the abandoned file is still there: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("the file of a living writer went: %v", err)
	}
}

func TestOfManyPutNewExactlyOneWins(t *testing.T) {
	f := open(t)
	var won atomic.Int32
	var winner atomic.Value
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			data := bytes.Repeat([]byte{byte('a' + i)}, 1<<14)
			err := f.PutNew(t.Context(), "claims/x", data)
			switch {
			case err == nil:
				won.Add(1)
				winner.Store(data)
			case !errors.Is(err, ErrExists):
				t.Errorf("PutNew = %v, want ErrExists", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d callers won", won.Load())
	}
	got, err := f.Get(t.Context(), "claims/x")
	want, _ := winner.Load().([]byte)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the object is not the winner's: %v", err)
	}
}

func TestReadersNeverSeeHalf(t *testing.T) {
	f := open(t)
	const size = 1 << 16
	put(t, f, "a/x", strings.Repeat("0", size))
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	readers.Go(func() {
		for ctx.Err() == nil {
			got, err := f.Get(context.WithoutCancel(ctx), "a/x")
			if err != nil || len(got) != size || bytes.Count(got, got[:1]) != size {
				t.Errorf("Get = %d bytes, %v", len(got), err)
				return
			}
		}
	})
	for i := range 20 {
		put(t, f, "a/x", strings.Repeat(string(rune('0'+i%10)), size))
	}
	stop()
	readers.Wait()
	if entries, _ := os.ReadDir(filepath.Join(f.dir, "a")); len(entries) != 1 {
		t.Errorf("Put left %d files, want 1", len(entries))
	}
}

func TestDeleteTakesTheEmptyFoldersToo(t *testing.T) {
	f := open(t)
	put(t, f, "a/b/c/x", "x")
	put(t, f, "a/y", "y")
	for range 2 {
		if err := f.Delete(t.Context(), "a/b/c/x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Delete(t.Context(), "a"); err != nil { // A folder is no object.
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/y"}, list(t, f, "")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "a", "b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty folder stayed: %v", err)
	}
}

func TestPutAndDeleteSideBySideLoseNothing(t *testing.T) {
	f := open(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			key := fmt.Sprintf("shared/%d", i)
			for range 15 {
				if err := f.Put(t.Context(), key, []byte(key)); err != nil {
					t.Errorf("Put(%q) = %v", key, err)
				}
				if got, err := f.Get(t.Context(), key); err != nil || string(got) != key {
					t.Errorf("Get(%q) = %q, %v", key, got, err)
				}
				if err := f.Delete(t.Context(), key); err != nil {
					t.Errorf("Delete(%q) = %v", key, err)
				}
			}
		})
	}
	all.Wait()
}

func TestAStoppedCallerWritesNothing(t *testing.T) {
	f := open(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := f.Put(ctx, "a", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v, want context.Canceled", err)
	}
	if err := f.Delete(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete = %v, want context.Canceled", err)
	}
	for _, err := range f.List(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("List = %v, want context.Canceled", err)
		}
	}
}
