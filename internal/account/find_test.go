package account

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

func tasks(t *testing.T) (*bucket.Folder, string) {
	t.Helper()
	dir := t.TempDir()
	b, err := bucket.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b, dir
}

func write(t *testing.T, dir, key, data string) {
	t.Helper()
	name := filepath.Join(dir, key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, past, past); err != nil {
		t.Fatal(err)
	}
}

func find1(t *testing.T, b Store) []Entry {
	t.Helper()
	entries, err := Find(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestFindLeavesNothingOutSilently(t *testing.T) {
	b, dir := tasks(t)
	for key, data := range map[string]string{
		"AccountInfo/twitter/AcmeTea/info.json":     `{"accountType":"branding"}`,
		"AccountInfo/facebook/acme.tea/info.json":   `{}`,
		"AccountInfo/acmeold/info.json":             `{"accountType":"personal"}`,
		"AccountInfo/instagram/Acme.Tea/info.json":  `{}`,
		"AccountInfo/linkedin/acme/info.json":       `{}`,
		"AccountInfo/twitter/tea🍵/info.json":        `{}`,
		"AccountInfo/twitter/broken/info.json":      `{"accountType":`,
		"AccountInfo/twitter/acmetea/info.json":     `{}`,
		"AccountInfo/instagram/twice/info.json":     `{}`,
		"AccountInfo/twice/info.json":               `{}`,
		"AccountInfo/twitter/a/b/info.json":         `{}`,
		"AccountInfo/twitter/bad\x01name/info.json": `{}`,
		"AccountInfo/README":                        "not ours",
		"AccountInfo/twitter/AcmeTea/notes.txt":     "not ours",
		"ProfileInfo/twitter/AcmeTea/info.json":     `{}`,
	} {
		write(t, dir, key, data)
	}
	got := map[string]string{}
	for _, e := range find1(t, b) {
		got[e.Key] = e.Account.Key()
		if e.Err != nil {
			got[e.Key] += ": " + e.Err.Error()
		}
	}
	want := map[string]string{
		"AccountInfo/twitter/AcmeTea/info.json":    "twitter/AcmeTea",
		"AccountInfo/facebook/acme.tea/info.json":  "facebook/acme.tea",
		"AccountInfo/acmeold/info.json":            "instagram/acmeold",
		"AccountInfo/instagram/Acme.Tea/info.json": "instagram/acme.tea",
		"AccountInfo/instagram/twice/info.json":    "instagram/twice",
		"AccountInfo/twice/info.json":              "instagram/twice: AccountInfo/twice/info.json names the same account as AccountInfo/instagram/twice/info.json, which is used: remove one of them",
		"AccountInfo/twitter/acmetea/info.json":    "twitter/acmetea: AccountInfo/twitter/acmetea/info.json names the same account as AccountInfo/twitter/AcmeTea/info.json, which is used: remove one of them",
		"AccountInfo/linkedin/acme/info.json":      `linkedin/acme: platform "linkedin" is not known: there are instagram, twitter, facebook`,
		"AccountInfo/twitter/tea🍵/info.json":       `twitter/tea🍵: username "tea🍵" cannot be used on twitter: it holds '🍵': only letters a–z, digits and _ are possible`,
		"AccountInfo/twitter/broken/info.json":     "twitter/broken: " + ErrHalfWritten.Error(),
		"AccountInfo/twitter/a/b/info.json":        "/: AccountInfo/twitter/a/b/info.json is no place for an AccountInfo: put it at AccountInfo/<platform>/<username>/info.json",
		"AccountInfo/twitter/bad\x01name":          `/: folder not usable as a key: "AccountInfo/twitter/bad\x01name": it holds a control character`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
}

func TestFindWaitsForAFileThatIsBeingWritten(t *testing.T) {
	b, dir := tasks(t)
	synctest.Test(t, func(t *testing.T) {
		key := InfoKey(content.Twitter, "acme")
		write(t, dir, key, `{"accountType":"bran`)
		name := filepath.Join(dir, key)
		if err := os.Chtimes(name, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() {
			if err := os.WriteFile(name, []byte(`{"accountType":"branding"}`), 0o600); err != nil {
				t.Error(err)
			}
		})
		began := time.Now()
		entries := find1(t, b)
		if len(entries) != 1 || entries[0].Err != nil || entries[0].Account.Type != content.Branding {
			t.Errorf("Find = %+v", entries)
		}
		if took := time.Since(began); took > settle {
			t.Errorf("Find took %v", took)
		}
	})
}

func TestFindCallsAFileBrokenThatStaysHalf(t *testing.T) {
	b, dir := tasks(t)
	synctest.Test(t, func(t *testing.T) {
		key := InfoKey(content.Twitter, "acme")
		write(t, dir, key, `{"accountType":"bran`)
		if err := os.Chtimes(filepath.Join(dir, key), time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		entries := find1(t, b)
		if len(entries) != 1 || !errors.Is(entries[0].Err, ErrHalfWritten) {
			t.Errorf("Find = %+v", entries)
		}
		if took := time.Since(began); took < settle || took > 2*settle {
			t.Errorf("Find waited %v, want about %v", took, settle)
		}
		data, err := os.ReadFile(filepath.Join(dir, key))
		if err != nil || string(data) != `{"accountType":"bran` {
			t.Errorf("the operator's file became %q, %v", data, err)
		}
	})
}

func TestAFileOfTheFutureIsWaitedForNoLonger(t *testing.T) {
	b, dir := tasks(t)
	synctest.Test(t, func(t *testing.T) {
		key := InfoKey(content.Twitter, "acme")
		save := func(text string) {
			write(t, dir, key, text)
			future := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(dir, key), future, future); err != nil {
				t.Fatal(err)
			}
		}
		save("")
		began := time.Now()
		broken := find1(t, b)[0]
		if took := time.Since(began); !errors.Is(broken.Err, ErrHalfWritten) || took < settle || took > 2*settle {
			t.Errorf("Find of a half file of the future = %v after %v, want ErrHalfWritten after about %v", broken.Err, took, settle)
		}
		if err := Record(t.Context(), b, broken, broken.Begin("", began).Fail(1, "half", Permanent, began)); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		if again := find1(t, b)[0]; again.Err == nil || time.Since(began) != 0 {
			t.Errorf("Find of a half file that was refused already = %v after %v, want its fault at once", again.Err, time.Since(began))
		}
		save("{}")
		if e := find1(t, b)[0]; e.Err != nil || !Due(e, time.Now()) {
			t.Errorf("a changed file of the future is not due: %+v", e)
		}
	})
}

func TestFindEndsWhenTold(t *testing.T) {
	b, _ := tasks(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Find(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("Find = %v, want context.Canceled", err)
	}
}

func TestLoadPrefersTheFileThatIsUsed(t *testing.T) {
	b, dir := tasks(t)
	write(t, dir, "AccountInfo/acme/info.json", `{}`)
	write(t, dir, "AccountInfo/instagram/acme/info.json", `{}`)
	e, err := Load(t.Context(), b, content.Instagram, "ACME")
	if err != nil || e == nil || e.Key != "AccountInfo/instagram/acme/info.json" {
		t.Errorf("Load = %+v, %v", e, err)
	}
	if e, err := Load(t.Context(), b, content.Twitter, "acme"); e != nil || err != nil {
		t.Errorf("Load of an unknown account = %+v, %v, want nothing", e, err)
	}
}

func TestAddNeverOverwrites(t *testing.T) {
	b, dir := tasks(t)
	a := content.Account{
		Platform: content.Twitter, Username: "AcmeTea", Type: content.Branding, TypeGiven: true,
		Style: "dry wit", Competitors: []string{"north"}, Timezone: "Europe/Berlin",
	}
	if created, err := Add(t.Context(), b, a); !created || err != nil {
		t.Fatalf("Add = %v, %v", created, err)
	}
	if diff := cmp.Diff(a, find1(t, b)[0].Account); diff != "" {
		t.Errorf("what was added (-want +got):\n%s", diff)
	}
	for _, username := range []string{"AcmeTea", "acmetea"} {
		changed := a
		changed.Username, changed.Style = username, "loud"
		if created, err := Add(t.Context(), b, changed); created || err != nil {
			t.Errorf("Add of %s again = %v, %v, want false and no error", username, created, err)
		}
	}
	write(t, dir, "AccountInfo/old.one/info.json", `{`)
	if created, err := Add(t.Context(), b, content.Account{Platform: content.Instagram, Username: "old.one"}); created || err != nil {
		t.Errorf("Add beside an old broken file = %v, %v, want false and no error", created, err)
	}
	if _, err := Add(t.Context(), b, content.Account{Platform: content.Twitter, Username: "../x"}); err == nil || !strings.Contains(err.Error(), "username") {
		t.Errorf("Add of an impossible name = %v", err)
	}
	if n := len(find1(t, b)); n != 2 {
		t.Errorf("there are %d accounts, want 2", n)
	}
}
