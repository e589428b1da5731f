// Package minilm turns English sentences into vectors in process: a BERT
// encoder in Go for all-MiniLM-L6-v2 and models of its kind.
//
// Weights are 8-bit integers, activations are rounded to 14 bits a number, and
// the sums between them are exact. The table of word pieces stays in the file;
// the rest of the weights takes about 11 MB of memory.
package minilm

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"unicode"
)

// Model is a sentence encoder. It may be used by many goroutines at once.
type Model struct {
	weights *Weights
	words   *tokenizer
	gelu    gelu
	kernel  kernel
	file    io.ReaderAt
	table   int64 // where the table of word pieces begins in file
}

// Open reads the model of size bytes that [Write] wrote. The file must stay
// readable as long as the model is used. What is not such a file gives
// [ErrFormat].
func Open(file io.ReaderAt, size int64) (*Model, error) {
	weights, table, err := read(file, size)
	if err != nil {
		return nil, err
	}
	words, err := newTokenizer(weights.Pieces)
	if err != nil {
		return nil, err
	}
	weights.Pieces = nil // The tokenizer has them.
	return &Model{weights: weights, words: words, gelu: newGELU(), kernel: fastest(), file: file, table: table}, nil
}

// Width returns how many numbers a vector has.
func (m *Model) Width() int { return int(m.weights.Shape.Width) }

func (m *Model) positions() int { return int(m.weights.Shape.Positions) }
func (m *Model) heads() int     { return int(m.weights.Shape.Heads) }

// Embed returns one vector of length 1 for each text, in their order. The dot
// product of two of them is their cosine similarity. Text beyond the model's
// positions is not read. The vector of a text does not depend on the texts
// beside it. The only errors are those of ctx and of reading the file.
func (m *Model) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		ids[i] = m.words.pieces(text, m.positions())
	}
	batches := m.batches(ids)
	vectors := make([][]float32, len(texts))
	workers := min(runtime.GOMAXPROCS(0), len(batches))
	errs := make([]error, workers)
	var next atomic.Int64
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			e := newEncoder(m)
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(batches) {
					return
				}
				if errs[w] = ctx.Err(); errs[w] != nil {
					return
				}
				b := batches[i]
				var done [][]float32
				done, errs[w] = e.encode(ids[b.from:b.to])
				copy(vectors[b.from:b.to], done)
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
	}
	return vectors, nil
}

// batch is texts that go through the encoder together.
type batch struct{ from, to int }

// batches cuts the texts, in their order, into batches of no more tokens than
// the model has positions. Nothing is padded: texts of a batch share only the
// pass over the weights.
func (m *Model) batches(ids [][]int32) []batch {
	var all []batch
	from, tokens := 0, 0
	for i := range ids {
		if tokens > 0 && tokens+len(ids[i]) > m.positions() {
			all = append(all, batch{from, i})
			from, tokens = i, 0
		}
		tokens += len(ids[i])
	}
	if from < len(ids) {
		all = append(all, batch{from, len(ids)})
	}
	return all
}

// Reads reports whether text is something the model can know: at least half of
// its letters are Latin, and at least half of its word pieces are in the
// vocabulary. It does not tell English from other languages in Latin letters.
func (m *Model) Reads(text string) bool {
	letters, latin := 0, 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
			if unicode.Is(unicode.Latin, r) {
				latin++
			}
		}
	}
	if letters == 0 || 2*latin < letters {
		return false
	}
	ids := m.words.pieces(text, m.positions())
	unknown := 0
	for _, id := range ids {
		if id == m.words.unknown {
			unknown++
		}
	}
	return 2*unknown <= len(ids)-2
}
