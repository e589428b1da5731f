// Package ngrams is the table of how frequent short byte sequences are in which
// languages. Its data is brought by `make languages` and embedded by the next
// build; without it the package has no table.
package ngrams

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"slices"
	"sort"
	"strings"
)

// Longest is the length of the longest n-gram in bytes: four of a word, with a
// blank before them where the word begins and one after them where it ends.
const Longest = 6

// record is the size of a record: an n-gram filled up with zeros, the number of
// the language, and the frequency, big-endian.
const record = Longest + 1 + 2

// ErrBroken says that a file is no table of n-grams.
var ErrBroken = errors.New("no table of n-grams")

// Entry is one number of a table.
type Entry struct {
	Ngram    string
	Language int // its place in the list of languages
	// Frequency is how often the n-gram occurs among 15,000 of the language; 0 is
	// less than once.
	Frequency int
}

// Table says how frequent n-grams are. The zero Table is empty.
type Table struct {
	languages []string
	records   []byte // sorted, searched where they lie
}

// files holds the table and its licence when `make languages` brought them
// before the build, and always its README with the attribution.
//
//go:embed table/*
var files embed.FS

// BuiltIn reports whether the program was built with a table. It reads nothing of it.
func BuiltIn() bool {
	_, err := fs.Stat(files, "table/ngrams.bin")
	return err == nil
}

// Embedded returns the table that the program was built with. It is empty when
// there was none; the error, an ErrBroken, says that there is one of no use.
func Embedded() (Table, error) {
	file, err := files.ReadFile("table/ngrams.bin")
	if err != nil {
		return Table{}, nil //nolint:nilerr // An embedded file can only be missing.
	}
	return Open(file)
}

// Open opens what Write wrote, and keeps file. The error is ErrBroken; of the
// records it checks their size alone, since `make` checks them all by checksum.
func Open(file []byte) (Table, error) {
	if len(file) < 2 {
		return Table{}, fmt.Errorf("%w: cut short", ErrBroken)
	}
	head := 2 + int(binary.BigEndian.Uint16(file))
	if len(file) < head || (len(file)-head)%record != 0 {
		return Table{}, fmt.Errorf("%w: cut short", ErrBroken)
	}
	return Table{languages: strings.Fields(string(file[2:head])), records: file[head:]}, nil
}

// Empty reports whether the table knows no n-gram.
func (t Table) Empty() bool { return len(t.records) == 0 }

// Languages returns the codes of the languages (ISO 639-1) by their numbers. The
// caller must not change them.
func (t Table) Languages() []string { return t.languages }

// Of returns the languages that have an n-gram, by number, and how often it
// occurs among 15,000 n-grams of each, which may be 0: less than once.
func (t Table) Of(ngram string) iter.Seq2[int, int] {
	return func(yield func(language, frequency int) bool) {
		if len(ngram) > Longest {
			return
		}
		var key [Longest]byte
		copy(key[:], ngram)
		first := sort.Search(len(t.records)/record, func(i int) bool {
			return bytes.Compare(t.records[i*record:i*record+Longest], key[:]) >= 0
		})
		for r := range slices.Chunk(t.records[first*record:], record) {
			language, frequency := int(r[Longest]), int(binary.BigEndian.Uint16(r[Longest+1:]))
			if !bytes.HasPrefix(r, key[:]) || language >= len(t.languages) || !yield(language, frequency) {
				return
			}
		}
	}
}

// Write writes a table of the entries, in any order. The same entries give the
// same bytes. The form is described in table/README.md.
func Write(to io.Writer, languages []string, entries []Entry) error {
	list := strings.Join(languages, " ")
	if len(list) > math.MaxUint16 || len(strings.Fields(list)) != len(languages) {
		return fmt.Errorf("list of languages %q cannot be written", list)
	}
	file := append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...)
	records := make([][]byte, 0, len(entries))
	for _, e := range entries {
		fits := e.Ngram != "" && len(e.Ngram) <= Longest && !strings.Contains(e.Ngram, "\x00") &&
			e.Language >= 0 && e.Language < min(len(languages), 1<<8) &&
			e.Frequency >= 0 && e.Frequency <= math.MaxUint16
		if !fits {
			return fmt.Errorf("entry %+q cannot be written", fmt.Sprint(e))
		}
		r := append(make([]byte, 0, record), e.Ngram...)
		r = append(r, make([]byte, Longest-len(r))...)
		r = append(r, byte(e.Language))
		records = append(records, binary.BigEndian.AppendUint16(r, uint16(e.Frequency)))
	}
	slices.SortFunc(records, bytes.Compare)
	for i := range records {
		if i > 0 && bytes.HasPrefix(records[i], records[i-1][:Longest+1]) {
			return fmt.Errorf("n-gram %q occurs twice in a language", records[i][:Longest])
		}
	}
	_, err := to.Write(append(file, bytes.Join(records, nil)...))
	return err
}
