package minilm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// ErrFormat marks a file that is not a model of this package's format.
var ErrFormat = errors.New("not a model file of this version")

// Shape is the size of a model. Heads divides Width; Width and Inner are
// multiples of 16 and Width/Heads is a multiple of 8, as the kernels need.
type Shape struct {
	Vocabulary uint32 // word pieces
	Positions  uint32 // longest sequence, [CLS] and [SEP] included
	Width      uint32 // numbers a token, and a vector
	Layers     uint32
	Heads      uint32
	Inner      uint32 // width between the two feed-forward maps
}

// Matrix is a linear map of Cols inputs to len(Bias) outputs. Row r of the
// weights is Scale[r] · W[r·Cols : (r+1)·Cols].
type Matrix struct {
	Cols  int
	W     []int8
	Scale []float32
	Bias  []float32
}

// Norm is a layer normalisation's gain and offset.
type Norm struct{ Gain, Bias []float32 }

// Layer is one transformer layer, post-norm as in BERT.
type Layer struct {
	QKV     Matrix // query, key and value stacked: 3·Width outputs
	Out     Matrix
	OutNorm Norm
	Up      Matrix
	Down    Matrix
	Norm    Norm
}

// Weights is a model without its table of word pieces, which stays in the file.
type Weights struct {
	Shape Shape
	// Pieces are the word pieces by id; those inside a word begin with ##.
	Pieces []string
	// Position is Positions × Width, with the embedding of the first token type added.
	Position []float32
	Norm     Norm
	Layers   []Layer
}

// magic is the first eight bytes of a file; its last one counts versions of the format.
const magic = "SWMINI\x00\x01"

// Quantize returns the map with row-major weights w and the given bias, each
// row as 8-bit integers with one scale: its largest magnitude becomes 127.
func Quantize(w, bias []float32, cols int) Matrix {
	m := newMatrix(len(bias), cols)
	copy(m.Bias, bias)
	for r := range bias {
		row := w[r*cols : (r+1)*cols]
		m.Scale[r] = largest(row) / 127
		if m.Scale[r] == 0 {
			continue
		}
		for i, v := range row {
			m.W[r*cols+i] = int8(math.RoundToEven(float64(v) / float64(m.Scale[r])))
		}
	}
	return m
}

func newMatrix(rows, cols int) Matrix {
	return Matrix{Cols: cols, W: make([]int8, rows*cols), Scale: make([]float32, rows), Bias: make([]float32, rows)}
}

func newNorm(n int) Norm { return Norm{Gain: make([]float32, n), Bias: make([]float32, n)} }

// largest returns the largest magnitude in row. Without their sign, floats are
// in the order of their bits.
func largest(row []float32) float32 {
	const magnitude = 1<<31 - 1
	var m uint32
	for _, v := range row {
		m = max(m, math.Float32bits(v)&magnitude)
	}
	return math.Float32frombits(m)
}

// NewWeights returns weights of the given shape, all zero, or [ErrFormat] when
// the shape is impossible.
func NewWeights(s Shape) (*Weights, error) {
	const most = 1 << 20 // no dimension of a model of this kind comes near; a damaged header does
	for _, n := range []uint32{s.Vocabulary, s.Positions, s.Width, s.Layers, s.Heads, s.Inner} {
		if n == 0 || n > most {
			return nil, fmt.Errorf("%w: impossible shape %+v", ErrFormat, s)
		}
	}
	if s.Width > maxInner || s.Inner > maxInner || s.Positions > 1024 || s.Layers > 64 ||
		s.Width%16 != 0 || s.Inner%16 != 0 || s.Width%(8*s.Heads) != 0 {
		return nil, fmt.Errorf("%w: unsupported shape %+v", ErrFormat, s)
	}
	width, inner := int(s.Width), int(s.Inner)
	w := &Weights{Shape: s, Position: make([]float32, int(s.Positions)*width), Norm: newNorm(width)}
	for range s.Layers {
		w.Layers = append(w.Layers, Layer{
			QKV: newMatrix(3*width, width), Out: newMatrix(width, width), OutNorm: newNorm(width),
			Up: newMatrix(inner, width), Down: newMatrix(width, inner), Norm: newNorm(width),
		})
	}
	return w, nil
}

// tensors lists what the file holds between the vocabulary and the table of
// word pieces, in order: the one description of the format, for reading and writing.
func (w *Weights) tensors() []any {
	all := []any{w.Position, w.Norm.Gain, w.Norm.Bias}
	for _, l := range w.Layers {
		for _, m := range []Matrix{l.QKV, l.Out, l.Up, l.Down} {
			all = append(all, m.W, m.Scale, m.Bias)
		}
		all = append(all, l.OutNorm.Gain, l.OutNorm.Bias, l.Norm.Gain, l.Norm.Bias)
	}
	return all
}

// Write writes a model file: magic, shape, length of the vocabulary, the
// vocabulary one piece a line, the tensors, then for each piece its scale and
// its numbers as 8-bit integers. All is little-endian. Words is the table of
// word pieces, one row a piece; its bias is not used.
func Write(to io.Writer, w *Weights, words Matrix) error {
	vocabulary := strings.Join(w.Pieces, "\n")
	parts := []any{[]byte(magic), w.Shape, uint32(len(vocabulary)), []byte(vocabulary)}
	parts = append(parts, w.tensors()...)
	for _, part := range parts {
		if err := binary.Write(to, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("write model: %w", err)
		}
	}
	for id, scale := range words.Scale {
		row := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+words.Cols), math.Float32bits(scale))
		for _, v := range words.W[id*words.Cols : (id+1)*words.Cols] {
			row = append(row, byte(v))
		}
		if _, err := to.Write(row); err != nil {
			return fmt.Errorf("write model: %w", err)
		}
	}
	return nil
}

// read reads everything but the table of word pieces and returns where that
// table begins.
func read(from io.ReaderAt, size int64) (*Weights, int64, error) {
	r := io.NewSectionReader(from, 0, size)
	var header struct {
		Magic  [len(magic)]byte
		Shape  Shape
		Length uint32
	}
	if err := binary.Read(r, binary.LittleEndian, &header); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if string(header.Magic[:]) != magic {
		return nil, 0, ErrFormat
	}
	if int64(header.Length) > size {
		return nil, 0, fmt.Errorf("%w: cut short", ErrFormat)
	}
	w, err := NewWeights(header.Shape)
	if err != nil {
		return nil, 0, err
	}
	text := make([]byte, header.Length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	for piece := range bytes.SplitSeq(text, []byte("\n")) {
		w.Pieces = append(w.Pieces, string(piece))
	}
	for _, tensor := range w.tensors() {
		if err := binary.Read(r, binary.LittleEndian, tensor); err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrFormat, err)
		}
	}
	at, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, 0, fmt.Errorf("read model: %w", err)
	}
	table := int64(header.Shape.Vocabulary) * int64(4+header.Shape.Width)
	if len(w.Pieces) != int(header.Shape.Vocabulary) || size-at != table {
		return nil, 0, fmt.Errorf("%w: vocabulary and table do not match", ErrFormat)
	}
	return w, at, nil
}
