// Command convert makes the language table that miner embeds from the Python
// wheel of eld (Efficient Language Detector), and puts the wheel's licence
// beside it:
//
//	go run ./internal/clean/convert WHEEL TABLE
//
// The same wheel gives the same bytes. TABLE appears last, whole or not at all.
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stagewatch/stagewatch/internal/clean/ngrams"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: convert WHEEL TABLE")
		os.Exit(2)
	}
	if err := convert(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "convert:", err)
		os.Exit(1)
	}
}

// convert reads the wheel and writes the table and its licence.
func convert(wheel, table string) error {
	data, licence, err := open(wheel)
	if err != nil {
		return fmt.Errorf("%s: %w", wheel, err)
	}
	languages, entries, err := frequencies(data)
	if err != nil {
		return fmt.Errorf("%s: %w", wheel, err)
	}
	var file bytes.Buffer
	if err := ngrams.Write(&file, languages, entries); err != nil {
		return fmt.Errorf("%s: %w", wheel, err)
	}
	if err := write(filepath.Join(filepath.Dir(table), "LICENSE"), licence); err != nil {
		return err
	}
	return write(table, file.Bytes())
}

// write writes beside the target and renames.
func write(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".convert-*")
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", name, err), f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// open reads from the wheel the n-grams, a Python module, and the licence.
func open(wheel string) (data, licence []byte, err error) {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return nil, nil, fmt.Errorf("open wheel: %w", err)
	}
	defer archive.Close() //nolint:errcheck // It was only read.

	for _, entry := range archive.File {
		folder, name := path.Split(entry.Name)
		switch {
		case entry.Name == "eld/resources/ngrams/ngramsL60.py":
			data, err = content(entry)
		case name == "LICENSE" && strings.HasSuffix(folder, ".dist-info/"):
			licence, err = content(entry)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if data == nil || licence == nil {
		return nil, nil, errors.New("the wheel lacks ngramsL60.py or LICENSE")
	}
	return data, licence, nil
}

func content(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", entry.Name, err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", entry.Name, err)
	}
	return data, nil
}
