package index

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/stagewatch/stagewatch/internal/index/minilm"
)

// sentenceModel is the id of the vectors that the embedded model makes. A change
// of the weights, the encoder or [readable] needs another number at its end.
const sentenceModel = "all-minilm-l6-v2/int8/1"

// files holds the sentence model when `make model` brought it before the
// build, and always its README with the attribution.
//
//go:embed model/*
var files embed.FS

// ModelBuiltIn reports whether the program was built with the sentence model.
// Without it posts are indexed by words alone.
func ModelBuiltIn() bool {
	_, err := fs.Stat(files, "model/minilm-l6-v2.int8.bin")
	return err == nil
}

// embedded returns the sentence model, or nil when the program was built
// without it.
func embedded() (*minilm.Model, error) {
	f, err := files.Open("model/minilm-l6-v2.int8.bin")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// An embedded file needs no Close: it is a place in the program's own pages.
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, fmt.Errorf("%s cannot be read at a position", info.Name())
	}
	return minilm.Open(at, info.Size())
}
