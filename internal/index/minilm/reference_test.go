package minilm

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// reference is what sentence-transformers (PyTorch) gives for a text of ours:
// with the original weights, and with our file's weights put in their place.
type reference struct {
	Text      string
	IDs       []int32
	Vector    []float32
	Quantised []float32
}

func references(t *testing.T) []reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []reference
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// full opens the model that make brings, or skips when it was not made.
func full(t testing.TB) *Model {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "model", "minilm-l6-v2.int8.bin"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("not checked: the model file is missing; `make model` brings it")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPiecesEqualReference(t *testing.T) {
	m := full(t)
	for _, want := range references(t) {
		if got := m.words.pieces(want.Text, m.positions()); !slices.Equal(got, want.IDs) {
			t.Errorf("pieces(%.60q) = %v, want %v", want.Text, got, want.IDs)
		}
	}
}

func TestVectorsEqualReference(t *testing.T) {
	m := full(t)
	checked := 0
	for _, want := range references(t) {
		if want.Vector == nil {
			continue
		}
		checked++
		vectors, err := m.Embed(t.Context(), []string{want.Text})
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range vectors[0] {
			if d := got - want.Quantised[i]; d > 1e-3 || d < -1e-3 {
				t.Errorf("vector(%.40q)[%d] = %v, want %v", want.Text, i, got, want.Quantised[i])
				break
			}
		}
		if got := cosine(vectors[0], want.Vector); got < .996 {
			t.Errorf("cosine of %.40q to the unquantised model = %.5f, want at least .996", want.Text, got)
		}
	}
	if checked == 0 {
		t.Error("no reference vector was compared")
	}
}

func TestPortableKernelGivesTheSameVector(t *testing.T) {
	m := full(t)
	texts := []string{"The espresso bar opens on Saturday.", "🔥"}
	want, err := m.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	m.kernel = portable()
	got, err := m.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("the kernels differ on %q", texts[i])
		}
	}
}

func TestReadsLatinLetters(t *testing.T) {
	m := full(t)
	for text, want := range map[string]bool{
		"Ten easy kilometres along the river": true,
		"Новая коллекция уже в продаже":       false,
		"新しいスニーカー":                            false,
		"นี่คือประโยค coffee":                 false,
		"🔥🔥": false,
		"":   false,
	} {
		if got := m.Reads(text); got != want {
			t.Errorf("Reads(%q) = %v, want %v", text, got, want)
		}
	}
}

func BenchmarkEmbed(b *testing.B) {
	m := full(b)
	texts := slices.Repeat([]string{
		"Rest day? Never heard of her. Ten easy kilometres along the river with the whole crew, then pancakes.",
	}, 64)
	began := time.Now()
	for b.Loop() {
		if _, err := m.Embed(b.Context(), texts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(texts)*b.N)/time.Since(began).Seconds(), "sentences/s")
	b.ReportMetric(float64(len(m.words.pieces(texts[0], m.positions()))), "tokens/sentence")
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}
