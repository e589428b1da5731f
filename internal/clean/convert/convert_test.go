package main

import (
	"archive/zip"
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/clean/ngrams"
)

// tiny is a module in the shape of the package's, with every kind of literal.
const tiny = `# A comment.

ngrams_data = {
   "type": "T2",
   "languages": {0: 'am', 1: 'en'},
   "is_subset": True,
   "ngrams": {b' \xe1\x8b\xa8\xe1':{0:418},b"n't ":{1:9},b'a\'\\"':{0:0,1:1548},b' the ':{1:216},}
}
`

const (
	moduleFile  = "eld/resources/ngrams/ngramsL60.py"
	licenceFile = "eld-1.0.6.dist-info/LICENSE"
)

func wheel(t *testing.T, files map[string]string) string {
	t.Helper()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "tiny.whl")
	if err := os.WriteFile(name, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheTableHoldsTheWheelsNumbers(t *testing.T) {
	from := wheel(t, map[string]string{
		moduleFile: tiny, licenceFile: "the licence", "other.dist-info/METADATA": "x", "eld/LICENSE": "another",
		"eld/resources/ngrams/ngramsM60.py": "ngrams_data = {}",
	})
	folder := t.TempDir()
	var made [2][]byte
	for i := range made {
		name := filepath.Join(folder, "ngrams.bin")
		if err := convert(from, name); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		made[i] = data
	}
	if !bytes.Equal(made[0], made[1]) {
		t.Error("the same wheel gave two different files")
	}
	table, err := ngrams.Open(made[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"am", "en"}, table.Languages()); diff != "" {
		t.Errorf("languages (-want +got):\n%s", diff)
	}
	for ngram, want := range map[string]map[int]int{
		" \xe1\x8b\xa8\xe1": {0: 418}, "n't ": {1: 9}, `a'\"`: {0: 0, 1: 1548}, " the ": {1: 216}, "the ": {},
	} {
		if got := maps.Collect(table.Of(ngram)); !maps.Equal(got, want) {
			t.Errorf("Of(%q) = %v, want %v", ngram, got, want)
		}
	}
	if licence, err := os.ReadFile(filepath.Join(folder, "LICENSE")); err != nil || string(licence) != "the licence" {
		t.Errorf("LICENSE is %q (%v)", licence, err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 2 {
		t.Errorf("the folder holds %v (%v), want the table and the licence alone", left, err)
	}
}

func TestWhatIsNotATableIsRefused(t *testing.T) {
	change := func(from, to string) string { return strings.Replace(tiny, from, to, 1) }
	for name, c := range map[string]struct{ module, licence, want string }{
		"no module":             {"", "x", "lacks"},
		"no licence":            {tiny, "", "lacks"},
		"another name":          {change("ngrams_data", "data"), "x", "no \"ngrams_data = \""},
		"no n-grams":            {change(`"ngrams"`, `"other"`), "x", "0 frequencies"},
		"a gap in languages":    {change("1: 'en'", "2: 'en'"), "x", "has the number 2"},
		"a language is no text": {change("'en'", "7"), "x", "expected type"},
		"an unknown language":   {change("{1:9}", "{2:9}"), "x", "cannot be written"},
		"a long n-gram":         {change(" the ", " there "), "x", "cannot be written"},
		"an n-gram twice":       {change("b' the '", `b"n't "`), "x", "occurs twice"},
		"no frequency":          {change("{1:9}", "{1:True}"), "x", "expected type"},
		"an n-gram is a number": {change("b' the '", "5"), "x", "expected type"},
		"an n-gram is in none":  {change("{1:9}", "9"), "x", "expected type"},
		"not a dict":            {"ngrams_data = 5", "x", "expected type"},
		"cut short":             {tiny[:len(tiny)-30], "x", "python literal"},
		"more after it":         {tiny + "x = 1", "x", "text after"},
		"a comma is missing":    {change(",b' the '", "b' the '"), "x", "no comma"},
		"a colon is missing":    {change("{1:9}", "{1 9}"), "x", "no colon"},
		"another prefix":        {change("b' the '", "f' the '"), "x", "no literal"},
		"b alone":               {change("b' the '", "b5"), "x", "no quote"},
		"another escape":        {change(`\x8b`, `\N{DOT}`), "x", "unknown escape"},
		"a bad escape":          {change(`\x8b`, `\xzz`), "x", "invalid syntax"},
		"a huge number":         {change("418", "99999999999999999999"), "x", "out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{moduleFile: c.module, licenceFile: c.licence}
			maps.DeleteFunc(files, func(_, text string) bool { return text == "" })
			target := filepath.Join(t.TempDir(), "ngrams.bin")
			err := convert(wheel(t, files), target)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("convert = %v, want an error that says %q", err, c.want)
			}
			if _, err := os.Stat(target); err == nil {
				t.Error("a table was left")
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	_, literal, _ := strings.Cut(tiny, " = ")
	f.Add(literal)
	f.Add(strings.Repeat("{", 20))
	f.Add(`{'a`)
	f.Add(`b'\`)
	f.Fuzz(func(t *testing.T, text string) {
		value, err := parse(text)
		if (value == nil) != (err != nil) {
			t.Errorf("parse(%q) = %v, %v", text, value, err)
		}
	})
}
