package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/index/minilm"
)

// source is a model as sentence-transformers stores it.
type source struct {
	shape   minilm.Shape
	pieces  []string
	tensors tensors
}

// parse reads the model's files, given by name.
func parse(files map[string][]byte) (*source, error) {
	var config struct {
		Vocabulary uint32 `json:"vocab_size"`
		Width      uint32 `json:"hidden_size"`
		Layers     uint32 `json:"num_hidden_layers"`
		Heads      uint32 `json:"num_attention_heads"`
		Inner      uint32 `json:"intermediate_size"`
		Activation string `json:"hidden_act"`
	}
	if err := json.Unmarshal(files["config.json"], &config); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	if config.Activation != "gelu" {
		return nil, fmt.Errorf("config.json: activation %q: only gelu is supported", config.Activation)
	}
	var sentences struct {
		Longest uint32 `json:"max_seq_length"`
	}
	if err := json.Unmarshal(files["sentence_bert_config.json"], &sentences); err != nil {
		return nil, fmt.Errorf("sentence_bert_config.json: %w", err)
	}
	tensors, err := parseTensors(files["model.safetensors"])
	if err != nil {
		return nil, fmt.Errorf("model.safetensors: %w", err)
	}
	pieces := strings.Split(strings.TrimSuffix(string(files["vocab.txt"]), "\n"), "\n")
	if len(pieces) != int(config.Vocabulary) {
		return nil, fmt.Errorf("vocab.txt has %d pieces, config.json says %d", len(pieces), config.Vocabulary)
	}
	return &source{
		shape: minilm.Shape{
			Vocabulary: config.Vocabulary, Positions: sentences.Longest, Width: config.Width,
			Layers: config.Layers, Heads: config.Heads, Inner: config.Inner,
		},
		pieces:  pieces,
		tensors: tensors,
	}, nil
}

// weights quantises the model and returns it with its table of word pieces.
func (s *source) weights() (*minilm.Weights, minilm.Matrix, error) {
	w, err := minilm.NewWeights(s.shape)
	if err != nil {
		return nil, minilm.Matrix{}, err
	}
	w.Pieces = s.pieces
	take := taker{tensors: s.tensors}
	width, inner := int(s.shape.Width), int(s.shape.Inner)

	// Text is always the first of BERT's two token types, so its embedding is a
	// constant that the positions can carry.
	copy(w.Position, take.floats("embeddings.position_embeddings.weight", len(w.Position)))
	kind := take.floats("embeddings.token_type_embeddings.weight", width)
	for i := range w.Position {
		w.Position[i] += kind[i%width]
	}
	w.Norm = take.norm("embeddings.LayerNorm", width)
	for i := range w.Layers {
		at := fmt.Sprintf("encoder.layer.%d.", i)
		w.Layers[i] = minilm.Layer{
			QKV: take.matrix(width, width,
				at+"attention.self.query", at+"attention.self.key", at+"attention.self.value"),
			Out:     take.matrix(width, width, at+"attention.output.dense"),
			OutNorm: take.norm(at+"attention.output.LayerNorm", width),
			Up:      take.matrix(inner, width, at+"intermediate.dense"),
			Down:    take.matrix(width, inner, at+"output.dense"),
			Norm:    take.norm(at+"output.LayerNorm", width),
		}
	}
	table := take.floats("embeddings.word_embeddings.weight", len(s.pieces)*width)
	if take.err != nil {
		return nil, minilm.Matrix{}, take.err
	}
	return w, minilm.Quantize(table, make([]float32, len(s.pieces)), width), nil
}

// taker takes tensors by name and keeps the first error; after it, it returns
// zeros of the right length.
type taker struct {
	tensors tensors
	err     error
}

// floats returns the first n numbers of a tensor: of the positions and token
// types a model uses only the first.
func (t *taker) floats(name string, n int) []float32 {
	values, err := t.tensors.floats(name)
	if err == nil && len(values) < n {
		err = fmt.Errorf("tensor %s has %d numbers, needs %d", name, len(values), n)
	}
	if err != nil {
		if t.err == nil {
			t.err = err
		}
		return make([]float32, n)
	}
	return values[:n]
}

func (t *taker) norm(name string, n int) minilm.Norm {
	return minilm.Norm{Gain: t.floats(name+".weight", n), Bias: t.floats(name+".bias", n)}
}

// matrix stacks linear maps of the same inputs and quantises them.
func (t *taker) matrix(rows, cols int, names ...string) minilm.Matrix {
	var weights, bias [][]float32
	for _, name := range names {
		weights = append(weights, t.floats(name+".weight", rows*cols))
		bias = append(bias, t.floats(name+".bias", rows))
	}
	return minilm.Quantize(slices.Concat(weights...), slices.Concat(bias...), cols)
}
