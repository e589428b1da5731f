package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/index/minilm"
	"github.com/stagewatch/stagewatch/internal/sqlite/atonce"
)

func TestMain(m *testing.M) {
	if root, child := os.LookupEnv(atonce.Env); child {
		os.Exit(atonce.Child(root, openAndAdd))
	}
	goleak.VerifyTestMain(m)
}

// openAndAdd is what the child processes do.
func openAndAdd(folder string) error {
	s, err := open(Config{Path: filepath.Join(folder, "index.db")}, nil)
	if err != nil {
		return err
	}
	_, err = s.Add(context.Background(), "twitter", fmt.Sprint(os.Getpid()), []content.Post{post("1", "en", "espresso")})
	return errors.Join(err, s.Close())
}

// wordsAlone opens a store as a program without the sentence model does.
func wordsAlone(t testing.TB) *Store {
	t.Helper()
	return opened(t, filepath.Join(t.TempDir(), "index.db"), nil)
}

func opened(t testing.TB, path string, model *minilm.Model) *Store {
	t.Helper()
	s, err := open(Config{Path: path}, model)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func post(id, language, text string) content.Post {
	return content.Post{
		ID: id, Platform: content.Twitter, Account: "northwind", Kind: content.Text, Language: language, Text: text,
		Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

func add(t testing.TB, s *Store, account string, posts ...content.Post) Report {
	t.Helper()
	report, err := s.Add(t.Context(), "twitter", account, posts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func find(t testing.TB, s *Store, q Query) []string {
	t.Helper()
	hits, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = h.Post.ID
	}
	return ids
}

func TestRerunAddsNothingTwice(t *testing.T) {
	s := wordsAlone(t)
	posts := []content.Post{post("1", "en", "The espresso bar opens on Saturday."), post("2", "en", "New oat flat white")}
	first := add(t, s, "northwind", posts...)
	again := add(t, s, "@NorthWind", append(posts, posts[0])...)
	if first.Added != 2 || first.Kept != 0 {
		t.Errorf("first report = %+v, want 2 added", first)
	}
	if again.Posts != 2 || again.Added != 0 || again.Replaced != 0 || again.Kept != 2 {
		t.Errorf("second report = %+v, want 2 kept and nothing else", again)
	}
	vectors, err := s.Vectors(t.Context(), "", nil)
	if err != nil || len(vectors) != 2 {
		t.Errorf("%d vectors (%v), want 2", len(vectors), err)
	}
}

func TestChangedTextReplacesTheOldOne(t *testing.T) {
	s := wordsAlone(t)
	add(t, s, "northwind", post("1", "en", "The espresso bar opens on Saturday."))
	if r := add(t, s, "northwind", post("1", "en", "The bakery opens on Sunday.")); r.Replaced != 1 {
		t.Errorf("report = %+v, want 1 replaced", r)
	}
	if got := find(t, s, Query{Text: "espresso"}); len(got) != 0 {
		t.Errorf("the old text is still found: %v", got)
	}
	if got := find(t, s, Query{Text: "bakery"}); !cmp.Equal(got, []string{"1"}) {
		t.Errorf("the new text finds %v", got)
	}
}

func TestNumbersOfAKeptPostAreBroughtUpToDate(t *testing.T) {
	s := wordsAlone(t)
	p := post("1", "en", "The espresso bar opens on Saturday.")
	add(t, s, "northwind", p)
	likes := int64(41)
	p.Likes = &likes
	if r := add(t, s, "northwind", p); r.Kept != 1 {
		t.Errorf("report = %+v, want 1 kept", r)
	}
	hits, err := s.Search(t.Context(), Query{Text: "espresso"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]content.Post{p}, []content.Post{hits[0].Post}); d != "" {
		t.Errorf("post (-want +got):\n%s", d)
	}
}

func TestPostsThatLeftTheScrapeStay(t *testing.T) {
	s := wordsAlone(t)
	add(t, s, "northwind", post("1", "en", "espresso on Saturday"))
	add(t, s, "northwind", post("2", "en", "espresso on Sunday"))
	if got := find(t, s, Query{Text: "espresso"}); len(got) != 2 {
		t.Errorf("found %v, want both posts", got)
	}
	if got := find(t, s, Query{Text: "espresso", IDs: []string{"2"}}); !cmp.Equal(got, []string{"2"}) {
		t.Errorf("found %v, want the post asked for alone", got)
	}
}

func TestRefusedPostLeavesTheIndexAsItWas(t *testing.T) {
	s := wordsAlone(t)
	if _, err := s.Add(t.Context(), "twitter", "northwind", []content.Post{post("1", "en", "espresso"), post("", "en", "x")}); err == nil {
		t.Error("a post without an id was taken")
	}
	if got := find(t, s, Query{Text: "espresso"}); len(got) != 0 {
		t.Errorf("found %v, want nothing", got)
	}
}

func TestFullDiskIsToldAndChangesNothing(t *testing.T) {
	s := wordsAlone(t)
	add(t, s, "northwind", post("kept", "en", "espresso"))
	s.db.SetMaxOpenConns(1)
	// SQLite then answers as it does when write gives ENOSPC.
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA max_page_count = 12"); err != nil {
		t.Fatal(err)
	}
	var posts []content.Post
	for i := range 50 {
		posts = append(posts, post(fmt.Sprint(i), "en", fmt.Sprintf("espresso number %d", i)))
	}
	_, err := s.Add(t.Context(), "twitter", "northwind", posts)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Add = %v, want ENOSPC", err)
	}
	if got := find(t, s, Query{Text: "espresso"}); !cmp.Equal(got, []string{"kept"}) {
		t.Errorf("found %v, want what was there before", got)
	}
}

func TestRemovedPostsAreInNoFile(t *testing.T) {
	folder := t.TempDir()
	s := opened(t, filepath.Join(folder, "index.db"), nil)
	for i := range 40 {
		add(t, s, "northwind", post(fmt.Sprint(i), "en", "the unmistakable quagga"))
		add(t, s, "southwind", post(fmt.Sprint(i), "en", "the other zebra"))
	}
	n, err := s.Remove(t.Context(), "twitter", "@Northwind")
	if n != 40 || err != nil {
		t.Errorf("Remove = %d, %v, want 40", n, err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	kept := false
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("quagga")) {
			t.Errorf("%s still holds the text", filepath.Base(name))
		}
		kept = kept || bytes.Contains(data, []byte("zebra"))
	}
	if !kept {
		t.Error("the other account's post is gone")
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	garbage := filepath.Join(folder, "garbage.db")
	text := strings.Repeat("this is not a database. ", 100)
	if err := os.WriteFile(garbage, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(folder, "newer.db")
	s := opened(t, newer, nil)
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA user_version = 2"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		want error
	}{
		"no path":           {"", nil},
		"not a database":    {garbage, nil},
		"a newer version":   {newer, ErrNewer},
		"no folder":         {filepath.Join(folder, "none", "index.db"), fs.ErrNotExist},
		"a folder in place": {folder, syscall.EISDIR},
	} {
		if s, err := open(Config{Path: c.path}, nil); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: open = %v, %v, want %v", name, s, err, c.want)
		}
	}
	if data, err := os.ReadFile(garbage); err != nil || string(data) != text {
		t.Errorf("the file that is not a database was changed (%v)", err)
	}
}

func TestOnlyTheOwnerMayReadTheFiles(t *testing.T) {
	folder := t.TempDir()
	add(t, opened(t, filepath.Join(folder, "a b?c#%41.db"), nil), "northwind", post("1", "en", "espresso"))
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 || files[0].Name() != "a b?c#%41.db" {
		t.Errorf("files = %v, want the index, its log and its shared memory", files)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
}

func TestManyMayOpenANewIndexAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			s, err := open(Config{Path: path}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Add(t.Context(), "twitter", fmt.Sprint(i), []content.Post{post("1", "en", "espresso")}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := find(t, opened(t, path, nil), Query{Text: "espresso", Limit: 20}); len(got) != 8 {
		t.Errorf("%d posts, want 8", len(got))
	}
}

// TestManyProcessesMayOpenANewIndexAtOnce: both modules of a new home do so.
func TestManyProcessesMayOpenANewIndexAtOnce(t *testing.T) {
	for _, processes := range []int{2, 4} {
		for _, folder := range atonce.Run(t, processes, 30) {
			s := opened(t, filepath.Join(folder, "index.db"), nil)
			if got := find(t, s, Query{Text: "espresso", Limit: 20}); len(got) != processes {
				t.Errorf("%s has the posts of %d processes, want %d", folder, len(got), processes)
			}
		}
	}
}
