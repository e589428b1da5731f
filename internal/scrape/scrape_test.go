package scrape

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

func tweets(author, text string) string {
	return `[{"type":"tweet","id":"1","text":"` + text + `","author":{"userName":"` + author + `"}}]`
}

func acme(competitors ...string) content.Account {
	return content.Account{Platform: content.Twitter, Username: "AcmeTea", Competitors: competitors}
}

type world struct {
	dir     string // of the archive
	archive *Archive
	raw     *bucket.Folder
}

func newWorld(t *testing.T) world {
	t.Helper()
	raw, err := bucket.Open(filepath.Join(t.TempDir(), "structuredb"))
	if err != nil {
		t.Fatal(err)
	}
	w := world{dir: t.TempDir(), raw: raw}
	if w.archive, err = NewArchive(w.dir); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) file(t *testing.T, key, data string, modified time.Time) string {
	t.Helper()
	name := filepath.Join(w.dir, key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, modified, modified); err != nil {
		t.Fatal(err)
	}
	return name
}

func (w world) get(t *testing.T, key string) string {
	t.Helper()
	data, err := w.raw.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func july() time.Time { return time.Date(2025, 7, 1, 8, 0, 0, 0, time.UTC) }

func TestScrapeStoresTheBytesUnchanged(t *testing.T) {
	w := newWorld(t)
	mine := " " + tweets("acmetea", `caf\u00e9`) + "\r\n"
	w.file(t, "Twitter/acmeTEA/ACMEtea.json", mine, july())
	w.file(t, "Twitter/acmeTEA/north.json", tweets("North", "x"), july())
	got, err := Scrape(t.Context(), w.archive, w.raw, acme("North", "nobody"), false)
	if err != nil {
		t.Fatal(err)
	}
	want := Result{
		Main: Item{Username: "AcmeTea", Key: "twitter/AcmeTea/AcmeTea.json", Size: int64(len(mine)), Records: 1, Scraped: july(), Fresh: true},
		Competitors: []Item{
			{Username: "North", Key: "twitter/AcmeTea/North.json", Size: int64(len(tweets("North", "x"))), Records: 1, Scraped: july(), Fresh: true},
			{Username: "nobody", Missing: "no raw file twitter/AcmeTea/nobody.json under " + w.dir + ": add it or use --from"},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Item{}, "SHA256")); diff != "" {
		t.Errorf("Scrape (-want +got):\n%s", diff)
	}
	if len(got.Main.SHA256) != 64 || got.Main.SHA256 == got.Competitors[0].SHA256 {
		t.Errorf("SHA256 = %q", got.Main.SHA256)
	}
	if got := w.get(t, want.Main.Key); got != mine {
		t.Errorf("stored %q, want %q", got, mine)
	}
}

func TestStoredDataIsUsedUnlessFreshIsWanted(t *testing.T) {
	w := newWorld(t)
	w.file(t, "twitter/AcmeTea/AcmeTea.json", tweets("AcmeTea", "old"), july())
	if _, found, err := Stored(t.Context(), w.raw, acme()); found || err != nil {
		t.Fatalf("Stored = %v, %v before the first scrape", found, err)
	}
	if _, err := Scrape(t.Context(), w.archive, w.raw, acme(), true); err != nil {
		t.Fatal(err)
	}
	at, found, err := Stored(t.Context(), w.raw, acme())
	if !found || err != nil || time.Since(at) > time.Hour {
		t.Errorf("Stored = %v, %v, %v", at, found, err)
	}
	w.file(t, "twitter/AcmeTea/AcmeTea.json", tweets("AcmeTea", "new"), july())
	w.file(t, "twitter/AcmeTea/north.json", tweets("north", "x"), july())
	spelled := acme("north")
	spelled.Username = "acmetea"
	got, err := Scrape(t.Context(), w.archive, w.raw, spelled, false)
	if err != nil || got.Main.Fresh || got.Main.Key != "twitter/AcmeTea/AcmeTea.json" {
		t.Errorf("Scrape under another spelling = %+v, %v, want the stored data", got.Main, err)
	}
	if len(got.Competitors) != 1 || !got.Competitors[0].Fresh {
		t.Errorf("the competitor that was not stored = %+v, want it fetched", got.Competitors)
	}
	got, err = Scrape(t.Context(), w.archive, w.raw, acme(), true)
	if err != nil || !got.Main.Fresh || !strings.Contains(w.get(t, got.Main.Key), "new") {
		t.Errorf("fresh Scrape = %+v, %v", got.Main, err)
	}
}

func TestAFailedScrapeLosesNothingStored(t *testing.T) {
	for name, now := range map[string]string{
		"empty": "[]", "cut off": `[{"type":"tw`, "another's": tweets("other", "x"), "unavailable": `[{"error":"gone"}]`, "not there": "",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := w.file(t, "twitter/AcmeTea/AcmeTea.json", tweets("AcmeTea", "old"), july())
			if _, err := Scrape(t.Context(), w.archive, w.raw, acme(), true); err != nil {
				t.Fatal(err)
			}
			if now == "" {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			} else {
				w.file(t, "twitter/AcmeTea/AcmeTea.json", now, july())
			}
			_, err := Scrape(t.Context(), w.archive, w.raw, acme(), true)
			if err == nil || !AboutData(err) {
				t.Errorf("Scrape = %v, want a reason", err)
			}
			if got := w.get(t, "twitter/AcmeTea/AcmeTea.json"); !strings.Contains(got, "old") {
				t.Errorf("stored data became %q", got)
			}
		})
	}
}

func TestBrokenStoredDataSaysHowToGetOut(t *testing.T) {
	w := newWorld(t)
	if err := w.raw.Put(t.Context(), "twitter/AcmeTea/AcmeTea.json", []byte("[{")); err != nil {
		t.Fatal(err)
	}
	_, err := Scrape(t.Context(), w.archive, w.raw, acme(), false)
	if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "--force-fresh") {
		t.Errorf("Scrape = %v", err)
	}
}

func TestAMissingArchiveSaysSo(t *testing.T) {
	w := newWorld(t)
	a, err := Connectors()[0].Open(filepath.Join(w.dir, "absent"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Scrape(t.Context(), a, w.raw, acme(), false)
	if !errors.Is(err, ErrNoScrape) || !strings.Contains(err.Error(), "absent is not there") {
		t.Errorf("Scrape = %v", err)
	}
	if _, err := Connectors()[0].Open(""); err == nil {
		t.Error("an archive without a folder was opened")
	}
	_, err = Scrape(t.Context(), w.archive, w.raw, content.Account{Platform: content.Twitter, Username: "../../etc/passwd"}, false)
	if err == nil || !strings.Contains(err.Error(), "cannot be used") {
		t.Errorf("Scrape of an impossible name = %v", err)
	}
}

// full is a bucket on a full disk.
type full struct{ *bucket.Folder }

func (full) Put(context.Context, string, []byte) error { return syscall.ENOSPC }

func TestAFullDiskIsNoFaultOfTheAccount(t *testing.T) {
	w := newWorld(t)
	w.file(t, "twitter/AcmeTea/AcmeTea.json", tweets("AcmeTea", "x"), july())
	w.file(t, "twitter/AcmeTea/north.json", tweets("north", "x"), july())
	_, err := Scrape(t.Context(), w.archive, full{w.raw}, acme(), false)
	if !errors.Is(err, syscall.ENOSPC) || AboutData(err) {
		t.Errorf("Scrape = %v, want ENOSPC", err)
	}
	if _, err := Scrape(t.Context(), w.archive, w.raw, acme(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := Scrape(t.Context(), w.archive, full{w.raw}, acme("north"), false); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Scrape of a competitor = %v, want ENOSPC", err)
	}
}

func TestAGrowingFileIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	whole := tweets("AcmeTea", "x")
	synctest.Test(t, func(t *testing.T) {
		name := w.file(t, "twitter/AcmeTea/AcmeTea.json", whole[:20], time.Now())
		time.AfterFunc(time.Second, func() { // It is whole, with the time of a bubble in which a second passed.
			if err := os.WriteFile(name, []byte(whole), 0o600); err != nil {
				t.Error(err)
			}
		})
		got, err := Scrape(t.Context(), w.archive, w.raw, acme(), true)
		if err != nil || got.Main.Records != 1 {
			t.Errorf("Scrape = %+v, %v", got, err)
		}
	})
}

func TestAFileThatChangedWhileItWasReadIsNotTaken(t *testing.T) {
	w := newWorld(t)
	stat := func(data string, modified time.Time) os.FileInfo {
		about, err := os.Stat(w.file(t, "x", data, modified))
		if err != nil {
			t.Fatal(err)
		}
		return about
	}
	before := stat("[1]", july())
	for name, tt := range map[string]struct {
		after os.FileInfo
		read  int
		want  bool
	}{
		"nothing":         {stat("[1]", july()), 3, false},
		"it grew":         {stat("[1,2]", july()), 3, true},
		"grew while read": {stat("[1,2]", july()), 5, true},
		"same size":       {stat("[2]", july().Add(time.Second)), 3, true},
	} {
		if got := changed(before, tt.after, tt.read); got != tt.want {
			t.Errorf("%s: changed = %v, want %v", name, got, tt.want)
		}
	}
}

func TestAnOldFileThatIsCutOffIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.file(t, "twitter/AcmeTea/AcmeTea.json", `[{"type":`, july())
	_, err := Scrape(t.Context(), w.archive, w.raw, acme(), true)
	if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "ends in the middle") {
		t.Errorf("Scrape = %v, want ErrBroken at once", err)
	}
}

func TestTheExactNameWinsOverOneOfOtherCase(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"ACMETEA", "AcmeTea", "acmetea"} {
		w.file(t, "twitter/AcmeTea/"+name+".json", tweets("AcmeTea", name), july())
	}
	got, err := Scrape(t.Context(), w.archive, w.raw, acme(), true)
	if err != nil || w.get(t, got.Main.Key) != tweets("AcmeTea", "AcmeTea") {
		t.Errorf("Scrape = %+v, %v", got.Main, err)
	}
}

func TestAFileThatGrowsForEverIsBroken(t *testing.T) {
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		w.file(t, "twitter/AcmeTea/AcmeTea.json", `[{"type":`, time.Now().Add(time.Hour))
		_, err := Scrape(t.Context(), w.archive, w.raw, acme(), true)
		if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "still growing") {
			t.Errorf("Scrape = %v, want ErrBroken", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), growing/2)
		defer stop()
		if _, err := Scrape(ctx, w.archive, w.raw, acme(), true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Scrape = %v, want the deadline's error", err)
		}
	})
}

func TestAPipeInTheArchiveMakesNobodyWait(t *testing.T) {
	w := newWorld(t)
	if err := os.MkdirAll(filepath.Join(w.dir, "twitter", "AcmeTea"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(w.dir, "twitter", "AcmeTea", "AcmeTea.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Scrape(t.Context(), w.archive, w.raw, acme(), true); !errors.Is(err, ErrBroken) {
		t.Errorf("Scrape = %v, want ErrBroken", err)
	}
}
