package minilm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small returns the file of a little model with random weights, and those weights.
func small(t testing.TB) ([]byte, *Weights, Matrix) {
	t.Helper()
	pieces := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "run", "##ning", "##s", "shoe", "in", "the", "rain", "!", "r", "##u", "雨"}
	w, err := NewWeights(Shape{Vocabulary: uint32(len(pieces)), Positions: 12, Width: 32, Layers: 2, Heads: 2, Inner: 48})
	if err != nil {
		t.Fatal(err)
	}
	w.Pieces = pieces
	r := rand.New(rand.NewPCG(1, 2))
	numbers := func(n int, about, spread float64) []float32 {
		all := make([]float32, n)
		for i := range all {
			all[i] = float32(about + spread*r.NormFloat64())
		}
		return all
	}
	matrix := func(rows, cols int) Matrix {
		return Quantize(numbers(rows*cols, 0, .3), numbers(rows, 0, .1), cols)
	}
	norm := func() Norm { return Norm{Gain: numbers(32, 1, .1), Bias: numbers(32, 0, .1)} }
	copy(w.Position, numbers(len(w.Position), 0, .3))
	w.Norm = norm()
	for i := range w.Layers {
		w.Layers[i] = Layer{
			QKV: matrix(96, 32), Out: matrix(32, 32), OutNorm: norm(),
			Up: matrix(48, 32), Down: matrix(32, 48), Norm: norm(),
		}
	}
	table := Quantize(numbers(len(pieces)*32, 0, .5), make([]float32, len(pieces)), 32)
	var file bytes.Buffer
	if err := Write(&file, w, table); err != nil {
		t.Fatal(err)
	}
	return file.Bytes(), w, table
}

func open(t testing.TB, file []byte) *Model {
	t.Helper()
	m, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEncoderFollowsTheFormula(t *testing.T) {
	file, weights, table := small(t)
	m := open(t, file)
	for _, text := range []string{"", "running shoes in the rain!", "the the the the the the the the the the the the the"} {
		got, err := m.Embed(t.Context(), []string{text})
		if err != nil {
			t.Fatal(err)
		}
		want := slow(weights, table, m.words.pieces(text, m.positions()))
		for i, v := range got[0] {
			if math.Abs(float64(v)-want[i]) > 2e-3 {
				t.Errorf("Embed(%q)[%d] = %v, want %v", text, i, v, want[i])
			}
		}
	}
}

func TestVectorDoesNotDependOnItsNeighbours(t *testing.T) {
	file, _, _ := small(t)
	m := open(t, file)
	texts := []string{"run", "running shoes in the rain", "", "rain! rain! rain! rain! rain! rain!", "shoe 雨", "unknown"}
	want := map[string][]float32{}
	for _, text := range texts {
		alone, err := m.Embed(t.Context(), []string{text})
		if err != nil {
			t.Fatal(err)
		}
		want[text] = alone[0]
	}
	rapid.Check(t, func(r *rapid.T) {
		some := rapid.SliceOf(rapid.SampledFrom(texts)).Draw(r, "texts")
		got, err := m.Embed(t.Context(), some)
		if err != nil {
			r.Fatal(err)
		}
		if len(got) != len(some) {
			r.Fatalf("%d vectors for %d texts", len(got), len(some))
		}
		for i, text := range some {
			if !slices.Equal(got[i], want[text]) {
				r.Fatalf("vector %d (%q) is not the one that it has alone", i, text)
			}
		}
	})
}

func TestEmbedStopsWithItsContext(t *testing.T) {
	file, _, _ := small(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, file).Embed(ctx, []string{"run"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Embed = %v, want context.Canceled", err)
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	file, _, _ := small(t)
	broken := map[string][]byte{"longer": append(slices.Clone(file), 0)}
	for n := 0; n < len(file); n += 97 {
		broken[fmt.Sprintf("cut short to %d", n)] = file[:n]
	}
	for name, at := range map[string]int{"other version": 7, "other vocabulary": 8, "other width": 16, "other heads": 24, "huge layers": 23, "huge vocabulary text": 35} {
		other := slices.Clone(file)
		other[at] ^= 0x7f
		broken[name] = other
	}
	for name, data := range broken {
		if _, err := Open(bytes.NewReader(data), int64(len(data))); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: Open = %v, want ErrFormat", name, err)
		}
	}
}

func TestQuantizeIsOffByHalfAStepAtMost(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := rapid.SliceOfN(rapid.Float32Range(-100, 100), 32, 32).Draw(r, "w")
		m := Quantize(w, []float32{0, 0}, 16)
		for i, v := range w {
			scale := m.Scale[i/16]
			if d := math.Abs(float64(v - scale*float32(m.W[i]))); d > float64(scale)*.5001 {
				r.Fatalf("weight %v came back as %v with scale %v", v, scale*float32(m.W[i]), scale)
			}
		}
	})
}

func TestKernelsAgree(t *testing.T) {
	quick, plain := fastest(), portable()
	rapid.Check(t, func(r *rapid.T) {
		k := 16 * rapid.IntRange(1, 40).Draw(r, "k/16")
		rows := 2 * rapid.IntRange(1, 12).Draw(r, "rows/2")
		noise := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
		a, w := make([]int16, 4*k), make([]int8, rows*k)
		for i := range a {
			a[i] = int16(noise.IntN(2*maxActivation+1) - maxActivation)
		}
		for i := range w {
			w[i] = int8(noise.IntN(256) - 128)
		}
		got, want := make([]int32, 4*rows), make([]int32, 4*rows)
		quick.dot4(got, a, w, k)
		plain.dot4(want, a, w, k)
		if !slices.Equal(got, want) {
			r.Fatalf("dot4 = %v, want %v", got, want)
		}

		cols, lines := 8*rapid.IntRange(1, 12).Draw(r, "cols/8"), rapid.IntRange(0, 40).Draw(r, "lines")
		stride := cols + rapid.IntRange(0, 20).Draw(r, "gap")
		out, sums := make([]float32, cols+1), make([]float32, cols+1)
		out[cols], sums[cols] = 7, 7
		p, m := make([]float32, lines), make([]float32, lines*stride+cols)
		for _, part := range [][]float32{p, m, out[:cols]} {
			for i := range part {
				part[i] = float32(noise.NormFloat64())
			}
		}
		quick.mix(out[:cols], p, m, stride)
		plain.mix(sums[:cols], p, m, stride)
		if !slices.Equal(out, sums) {
			r.Fatalf("mix = %v, want %v", out, sums)
		}
	})
}

func TestLongestSumFits(t *testing.T) {
	a, w := slices.Repeat([]int16{maxActivation}, 4*maxInner), slices.Repeat([]int8{-127}, 2*maxInner)
	for name, k := range map[string]kernel{"fastest": fastest(), "portable": portable()} {
		sums := make([]int32, 8)
		k.dot4(sums, a, w, maxInner)
		if want := int32(-127 * maxActivation * maxInner); sums[0] != want || sums[7] != want {
			t.Errorf("%s: sums = %v, want %d", name, sums, want)
		}
	}
}

func TestPieces(t *testing.T) {
	_, weights, _ := small(t)
	words, err := newTokenizer(weights.Pieces)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                       "",
		"Running SHOES":          "run ##ning shoe ##s",
		"shoe!in\tthe\u00a0rain": "shoe ! in the rain",
		"rex":                    "[UNK]", "rùn": "run",
		"rú":                     "r ##u",
		"雨雨":                     "雨 雨",
		"ru\u200b\u0301\x00s":    "r ##u ##s",
		"[SEP]":                  "[UNK] [UNK] [UNK]",
		strings.Repeat("r", 101): "[UNK]",
	} {
		var got []string
		for _, id := range words.pieces(text, 12) {
			got = append(got, weights.Pieces[id])
		}
		if s := strings.Join(got, " "); s != strings.Join(strings.Fields("[CLS] "+want+" [SEP]"), " ") {
			t.Errorf("pieces(%q) = %s, want %s between the marks", text, s, want)
		}
	}
	if got := words.pieces(strings.Repeat("in the rain ", 9), 5); len(got) != 5 || got[4] != words.end {
		t.Errorf("a long text gives %v, want 5 ids with [SEP] last", got)
	}
}

func FuzzPieces(f *testing.F) {
	for _, seed := range []string{"Running shoes", "e\u0301\u200d👩‍👩‍👧", "雨！", "\xff\xfe", strings.Repeat("[", 300), "\u0378\U000e0001"} {
		f.Add(seed, 12)
	}
	_, weights, _ := small(f)
	words, err := newTokenizer(weights.Pieces)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 2 + int(uint(limit)%300)
		ids := words.pieces(text, limit)
		if len(ids) < 2 || len(ids) > limit || ids[0] != words.begin || ids[len(ids)-1] != words.end {
			t.Fatalf("pieces(%q, %d) = %v", text, limit, ids)
		}
		for _, id := range ids {
			if id < 0 || int(id) >= len(weights.Pieces) {
				t.Fatalf("pieces(%q, %d) = %v", text, limit, ids)
			}
		}
	})
}
