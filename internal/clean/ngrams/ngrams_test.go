package ngrams

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func small() ([]string, []Entry) {
	return []string{"de", "en", "sr"}, []Entry{
		{" the ", 1, 1548}, {"ing ", 1, 300}, {"ing ", 0, 12}, {" i", 1, 0}, {" in ", 0, 256}, {" \xd0\xb8 ", 2, 65535},
	}
}

func written(t testing.TB) []byte {
	t.Helper()
	var file bytes.Buffer
	languages, entries := small()
	if err := Write(&file, languages, entries); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestATableSaysWhatWasWritten(t *testing.T) {
	table, err := Open(written(t))
	if err != nil {
		t.Fatal(err)
	}
	languages, entries := small()
	if diff := cmp.Diff(languages, table.Languages()); diff != "" {
		t.Errorf("languages (-want +got):\n%s", diff)
	}
	want := map[string]map[int]int{"the ": {}, " the": {}, "": {}, "ing": {}, "zzz": {}, " the  ": {}, "too long": {}}
	for _, e := range entries {
		if want[e.Ngram] == nil {
			want[e.Ngram] = map[int]int{}
		}
		want[e.Ngram][e.Language] = e.Frequency
	}
	for ngram, want := range want {
		if got := maps.Collect(table.Of(ngram)); !maps.Equal(got, want) {
			t.Errorf("Of(%q) = %v, want %v", ngram, got, want)
		}
	}
	slices.Reverse(entries)
	var again bytes.Buffer
	if err := Write(&again, languages, entries); err != nil || !bytes.Equal(again.Bytes(), written(t)) {
		t.Errorf("another order gave another file (%v)", err)
	}
	if table.Empty() || !(Table{}).Empty() {
		t.Error("only a table without n-grams is empty")
	}
	for range (Table{}).Of("ing ") {
		t.Error("an empty table knows an n-gram")
	}
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	for name, e := range map[string]Entry{
		"too long": {"seven77", 0, 1}, "empty": {"", 0, 1}, "with a zero": {"a\x00b", 0, 1}, "language past the end": {"ing ", 1, 1},
		"language before the start": {"ing ", -1, 1}, "too frequent": {"ing ", 0, 65536}, "less than never": {"ing ", 0, -1},
	} {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			if err := Write(&file, []string{"en"}, []Entry{e}); err == nil || file.Len() != 0 {
				t.Errorf("Write(%+v) = %v and left %d bytes, want an error and none", e, err, file.Len())
			}
		})
	}
	if err := Write(&bytes.Buffer{}, []string{"en"}, []Entry{{"ing ", 0, 1}, {"ing ", 0, 2}}); err == nil {
		t.Error("an n-gram was written twice in a language")
	}
	if err := Write(&bytes.Buffer{}, []string{"en us"}, nil); err == nil {
		t.Error("a language with a blank was written")
	}
}

func TestABrokenTableIsRefused(t *testing.T) {
	whole := written(t)
	for name, file := range map[string][]byte{
		"empty": {}, "a byte": {0}, "head cut": whole[:5], "record cut": whole[:len(whole)-1],
	} {
		if _, err := Open(file); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v, want %v", name, err, ErrBroken)
		}
	}
}

func TestTheEmbeddedTableOpens(t *testing.T) {
	table, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if table.Empty() {
		t.Skip("not checked: the language table is missing; `make languages` brings it")
	}
	if n := len(table.Languages()); n != 60 {
		t.Errorf("%d languages, want 60", n)
	}
	if most := maps.Collect(table.Of(" the ")); most[slices.Index(table.Languages(), "en")] < 200 {
		t.Errorf(`" the " occurs as %v`, most)
	}
	for _, name := range []string{"README.md", "LICENSE"} {
		if text, err := files.ReadFile("table/" + name); err != nil || !strings.Contains(string(text), "Nito T.M.") {
			t.Errorf("%s that goes with the table does not name its author (%v)", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(written(f), "ing ")
	f.Add([]byte("\x00\x02en"), "")
	f.Fuzz(func(t *testing.T, file []byte, ngram string) {
		table, err := Open(file)
		if err != nil {
			return
		}
		for language := range table.Of(ngram) {
			if table.Languages()[language] == "" {
				t.Errorf("language %d has no code", language)
			}
		}
	})
}
