package erase

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	t.Parallel()
	a := Account{Platform: "twitter", Username: "Elon.Musk"}
	for text, want := range map[string]string{
		"elon.musk":                      "*********",
		"for ELON.MUSK: done":            "for *********: done",
		"@elon.musk, elon.musk":          "@*********, *********",
		"elon.musk2 and xelon.musk":      "elon.musk2 and xelon.musk",
		"elon_musk":                      "elon_musk",
		"elon.mus":                       "elon.mus",
		"":                               "",
		"twitter-elon.musk-abc":          "twitter-*********-abc",
		"_elon.musk_ elon.musk.elon.mus": "_elon.musk_ *********.elon.mus",
	} {
		got := []byte(text)
		if n := a.Mask(got); string(got) != want || n != strings.Count(want, "*********") {
			t.Errorf("Mask(%q) = %d, %q, want %q", text, n, got, want)
		}
	}
	if n := (Account{}).Mask([]byte("text")); n != 0 {
		t.Error("nobody was masked", n)
	}
}

func TestOwns(t *testing.T) {
	t.Parallel()
	a := Account{Platform: "twitter", Username: "somebody"}
	for key, want := range map[string]bool{
		"AccountInfo/twitter/somebody/info.json":              true,
		"AccountInfo/twitter/SomeBody/info.json":              true,
		"ProfileInfo/twitter/somebody.json":                   true,
		"twitter/other/somebody.json":                         true,
		"competitor_analysis/twitter/other/somebody/one.json": true,
		"AccountInfo/instagram/somebody/info.json":            false,
		"somebody/twitter/other.json":                         false,
		"recommendations/twitter/somebody2/one.json":          false,
	} {
		if got := a.Owns(key); got != want {
			t.Errorf("Owns(%q) = %v", key, got)
		}
	}
}

func TestEditBlanksOwnRecordsAndMasksOthers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		payload string
		want    string // "" when nothing changes
		own     bool
	}{
		"own": {
			payload: `{"v":1,"kind":"stage","what":"failed","time":"2026-11-23T10:00:00Z","clock":5,"owner":{"pid":1},"run":"twitter-somebody-abc","platform":"twitter","account":"Somebody","stage":3,"message":"no somebody","details":{"a":1},"later":"?"}`,
			want:    `{"v":1,"kind":"stage","what":"failed","time":"2026-11-23T10:00:00Z","clock":5,"owner":{"pid":1},"run":"RUN","platform":"twitter","account":"********","stage":3}`,
			own:     true,
		},
		"own, escaped":        {payload: `{"v":1,"run":"r","platform":"twitter","account":"\u0073omebody","message":"hello"}`, want: `{"v":1,"run":"RUN","platform":"twitter","account":"********"}`, own: true},
		"no platform":         {payload: `{"v":1,"run":"r","account":"somebody","done":1}`},
		"other platform":      {payload: `{"v":1,"platform":"instagram","account":"somebody","message":"about another"}`},
		"other account":       {payload: `{"v":1,"account":"other","message":"like somebody, not somebody2","details":{"somebody":["x\"somebody"]}}`, want: `{"v":1,"account":"other","message":"like ********, not somebody2","details":{"********":["x\"********"]}}`},
		"a number is no name": {payload: `{"v":1,"message":"somebody2"}`},
		"module":              {payload: `{"v":1,"kind":"module","module":{"last":"at somebody\nend"}}`, want: `{"v":1,"kind":"module","module":{"last":"at ********\nend"}}`},
		"no record":           {payload: `somebody`},
		"nobody":              {payload: `{"v":1,"account":"x"}`},
	} {
		r := NewRecords(Account{Platform: "twitter", Username: "somebody"})
		got, changed := r.Edit([]byte(c.payload))
		want := c.want
		if want == "" {
			want = c.payload
		}
		if c.own {
			var run struct {
				Run string `json:"run"`
			}
			if err := json.Unmarshal(got, &run); err != nil {
				t.Fatal(err)
			}
			want = strings.Replace(want, "RUN", run.Run, 1)
			if runs := r.Runs(); len(runs) != 2 {
				t.Errorf("%s: runs %v", name, runs)
			}
		}
		if string(got) != want || changed != (c.want != "") {
			t.Errorf("%s: Edit = %s, %v, want %s", name, got, changed, want)
		}
		if len(got) > len(c.payload) {
			t.Errorf("%s: grew from %d to %d", name, len(c.payload), len(got))
		}
	}
}

// A record whose account is called like a field of the record stays a record.
func TestEditOfAwkwardNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"v", "kind", "stage", "1", "message", "details", "module", "account"} {
		r := NewRecords(Account{Username: name})
		for _, payload := range []string{
			`{"v":1,"kind":"stage","account":"other","stage":1,"message":"stage 1 kind v message","details":{"stage":1,"v":"1"}}`,
			`{"v":1,"kind":"module","module":{"name":"module","number":1,"last":"1"}}`,
		} {
			got, _ := r.Edit([]byte(payload))
			var of subject
			if err := json.Unmarshal(got, &of); err != nil || of.Kind == "" || len(got) != len(payload) {
				t.Errorf("Edit for %q = %s, %v", name, got, err)
			}
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte(`{"v":1,"account":"somebody","run":"x","message":"a"}`), "somebody")
	f.Add([]byte(`{"a":"\\\"somebody","message":"\"somebody\\"}`), "somebody")
	f.Add([]byte(`{"message":"\b \\b \u0062","details":{"b":1}}`), "b")
	f.Fuzz(func(t *testing.T, payload []byte, name string) {
		got, changed := NewRecords(Account{Username: name}).Edit(bytes.Clone(payload))
		if changed && (!json.Valid(got) || len(got) > len(payload)) {
			t.Errorf("Edit(%q, %q) = %q", payload, name, got)
		}
	})
}

func TestFileIsMaskedAcrossBlocks(t *testing.T) {
	t.Parallel()
	a := Account{Username: "somebody"}
	path := filepath.Join(t.TempDir(), "log")
	const block = 1 << 20
	for shift := -9; shift <= 2; shift++ {
		text := bytes.Repeat([]byte("."), 2*block+100)
		copy(text[block+shift:], "somebody")
		copy(text[2*block+shift:], "somebody2")
		copy(text, "somebody")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := a.File(path)
		if err != nil || n != 2 {
			t.Fatalf("shift %d: File = %d, %v", shift, n, err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a.Mask(text)
		if !bytes.Equal(got, text) {
			t.Errorf("shift %d: the file differs from its mask", shift)
		}
	}
	if n, err := a.File(path + "-none"); n != 0 || err != nil {
		t.Errorf("File of none = %d, %v", n, err)
	}
	if n, err := a.Folder(filepath.Dir(path)); n != 0 || err != nil {
		t.Errorf("Folder of masked files = %d, %v", n, err)
	}
	if err := os.WriteFile(path, []byte("somebody, Somebody"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Folder(filepath.Dir(path)); n != 2 || err != nil {
		t.Errorf("Folder = %d, %v", n, err)
	}
	if n, err := a.Folder(path + "-none"); n != 0 || err != nil {
		t.Errorf("Folder of none = %d, %v", n, err)
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		platform, account string
		want              bool
	}{
		"twitter/somebody": {"twitter", "SomeBody", true},
		"twitter/other":    {"twitter", "somebody", false},
		"somebody":         {"", "somebody", true},
		"Somebody":         {"twitter", "somebody", false},
		"x/somebody":       {"", "somebody", false},
		"team/shop":        {"", "team/shop", true},
		"":                 {"", "", false},
	} {
		if got := Named(name).Is(c.platform, c.account); got != c.want {
			t.Errorf("Named(%q).Is(%q, %q) = %v", name, c.platform, c.account, got)
		}
		if got := Named(name).String(); got != name {
			t.Errorf("Named(%q).String() = %q", name, got)
		}
	}
}

// A name is found in whatever way a client spelled it.
func TestNameInEscapesIsMasked(t *testing.T) {
	for _, text := range []string{
		`{"v":1,"run":"r","account":"other","message":"about J\u00f6rg\n","what":"x"}`,
		`{"v":1,"run":"r","account":"other","details":{"J\u00f6rg":["a\\","J\u00F6rg"],"n":1}}`,
		`{"v":1,"run":"r","account":"other","message":"<&> Jörg \u0031"}`,
	} {
		got, changed := NewRecords(Account{Username: "Jörg"}).Edit([]byte(text))
		if !changed || len(got) != len(text) || !json.Valid(got) || strings.Contains(string(got), "rg") {
			t.Errorf("Edit(%s) = %s, %v, want it masked", text, got, changed)
		}
	}
}
