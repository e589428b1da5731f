package minilm

import (
	"encoding/binary"
	"fmt"
	"math"
)

// rowsAtOnce is how many rows of a matrix are multiplied with all activations
// before the next: few enough to stay in the first-level cache.
const rowsAtOnce = 16

// epsilon keeps a layer normalisation from dividing by zero (BERT's value).
const epsilon = 1e-12

// encoder is the working memory of one goroutine: room for as many tokens as
// the model has positions.
type encoder struct {
	model *Model

	x      []float32 // the tokens' states
	qkv    []float32
	mixed  []float32 // what attention gathered; later what the feed-forward maps gave
	hidden []float32

	keys    []float32 // one head's keys, one column a token
	weights []float32 // one token's attention to the others

	quantised []int16 // activations, padded to whole groups of tokens
	scales    []float32
	sums      []int32
	row       []byte
}

func newEncoder(m *Model) *encoder {
	n, width, inner := m.positions(), m.Width(), int(m.weights.Shape.Inner)
	padded := (n + tokensAtOnce - 1) / tokensAtOnce * tokensAtOnce
	return &encoder{
		model: m,
		x:     make([]float32, n*width), qkv: make([]float32, n*3*width),
		mixed: make([]float32, n*width), hidden: make([]float32, n*inner),
		keys: make([]float32, width/m.heads()*roundUp8(n)), weights: make([]float32, roundUp8(n)),
		quantised: make([]int16, padded*max(width, inner)), scales: make([]float32, n),
		sums: make([]int32, tokensAtOnce*rowsAtOnce), row: make([]byte, 4+width),
	}
}

// encode returns the vectors of sentences, given as ids that together are no
// more than the model has positions.
func (e *encoder) encode(sentences [][]int32) ([][]float32, error) {
	width := e.model.Width()
	n := 0
	for _, ids := range sentences {
		for position, id := range ids {
			if err := e.embed(e.x[n*width:(n+1)*width], id, position); err != nil {
				return nil, err
			}
			n++
		}
	}
	normalize(e.x[:n*width], e.model.weights.Norm)
	for i := range e.model.weights.Layers {
		e.layer(&e.model.weights.Layers[i], sentences, n)
	}
	vectors := make([][]float32, 0, len(sentences))
	rest := e.x
	for _, ids := range sentences {
		vectors = append(vectors, mean(rest[:len(ids)*width], width))
		rest = rest[len(ids)*width:]
	}
	return vectors, nil
}

// embed sets x to the state with which a piece enters at a position.
func (e *encoder) embed(x []float32, id int32, position int) error {
	m := e.model
	if _, err := m.file.ReadAt(e.row, m.table+int64(id)*int64(len(e.row))); err != nil {
		return fmt.Errorf("read word piece %d: %w", id, err)
	}
	scale := math.Float32frombits(binary.LittleEndian.Uint32(e.row))
	place := m.weights.Position[position*len(x) : (position+1)*len(x)]
	for i, v := range e.row[4:] {
		x[i] = scale*float32(int8(v)) + place[i]
	}
	return nil
}

// layer applies one transformer layer to the n tokens in e.x.
func (e *encoder) layer(l *Layer, sentences [][]int32, n int) {
	width := e.model.Width()
	x, mixed := e.x[:n*width], e.mixed[:n*width]

	e.apply(e.qkv, x, &l.QKV)
	first := 0
	for _, ids := range sentences {
		e.attend(first, len(ids))
		first += len(ids)
	}
	e.quantise(mixed, width)
	e.multiply(mixed, n, &l.Out)
	add(x, mixed)
	normalize(x, l.OutNorm)

	hidden := e.hidden[:n*l.Down.Cols]
	e.apply(hidden, x, &l.Up)
	e.model.gelu.apply(hidden)
	e.apply(mixed, hidden, &l.Down)
	add(x, mixed)
	normalize(x, l.Norm)
}

// attend lets the n tokens from first on, one sentence, look at one another.
func (e *encoder) attend(first, n int) {
	width := e.model.Width()
	head := width / e.model.heads()
	stride, columns := 3*width, roundUp8(n)
	qkv := e.qkv[first*stride : (first+n)*stride]
	scores := e.weights[:columns]
	scale := 1 / math.Sqrt(float64(head))
	for from := 0; from < width; from += head {
		for t := range n {
			for i, v := range qkv[t*stride+width+from : t*stride+width+from+head] {
				e.keys[i*columns+t] = v
			}
		}
		for t := range n {
			query := qkv[t*stride+from : t*stride+from+head]
			e.model.kernel.mix(scores, query, e.keys, columns)
			softmax(scores[:n], scale)
			out := e.mixed[(first+t)*width+from : (first+t)*width+from+head]
			e.model.kernel.mix(out, scores[:n], qkv[2*width+from:], stride)
		}
	}
}

// apply sets out to m applied to each row of x.
func (e *encoder) apply(out, x []float32, m *Matrix) {
	e.quantise(x, m.Cols)
	e.multiply(out, len(x)/m.Cols, m)
}

// quantise takes rows of activations into e.quantised, each with its own scale.
func (e *encoder) quantise(x []float32, cols int) {
	// Adding 1.5 · 2²³ leaves a small float's nearest integer in its low bits.
	const round = 3 << 22
	for t := range len(x) / cols {
		row := x[t*cols : (t+1)*cols]
		top := largest(row)
		e.scales[t] = top / maxActivation
		var inverse float32
		if top > 0 {
			inverse = maxActivation / top
		}
		to := e.quantised[t*cols : (t+1)*cols]
		for i, v := range row {
			to[i] = int16(math.Float32bits(float32(v*inverse) + round))
		}
	}
}

// multiply sets out to m applied to the n rows that were last quantised.
func (e *encoder) multiply(out []float32, n int, m *Matrix) {
	rows := len(m.Bias)
	for r := 0; r < rows; r += rowsAtOnce {
		some := min(rowsAtOnce, rows-r)
		weights := m.W[r*m.Cols : (r+some)*m.Cols]
		sums := e.sums[:tokensAtOnce*some]
		for t := 0; t < n; t += tokensAtOnce {
			e.model.kernel.dot4(sums, e.quantised[t*m.Cols:], weights, m.Cols)
			for i := range min(tokensAtOnce, n-t) {
				to := out[(t+i)*rows+r : (t+i)*rows+r+some]
				scale := e.scales[t+i]
				for j, sum := range sums[i*some : (i+1)*some] {
					to[j] = float32(sum)*scale*m.Scale[r+j] + m.Bias[r+j]
				}
			}
		}
	}
}

func roundUp8(n int) int { return (n + 7) &^ 7 }

func add(x, y []float32) {
	for i, v := range y {
		x[i] += v
	}
}

// normalize gives each row of x mean 0 and variance 1, then gain and bias.
func normalize(x []float32, n Norm) {
	width := len(n.Gain)
	for ; len(x) > 0; x = x[width:] {
		row := x[:width]
		var sum, squares float64
		for _, v := range row {
			sum += float64(v)
		}
		middle := sum / float64(width)
		for _, v := range row {
			d := float64(v) - middle
			squares += d * d
		}
		inverse := 1 / math.Sqrt(squares/float64(width)+epsilon)
		for i, v := range row {
			row[i] = float32((float64(v)-middle)*inverse)*n.Gain[i] + n.Bias[i]
		}
	}
}

// softmax turns scores, each times scale, into weights that sum to 1.
func softmax(scores []float32, scale float64) {
	top := float32(math.Inf(-1))
	for _, v := range scores {
		top = max(top, v)
	}
	var sum float64
	for i, v := range scores {
		w := math.Exp(float64(v-top) * scale)
		scores[i] = float32(w)
		sum += w
	}
	inverse := float32(1 / sum)
	for i := range scores {
		scores[i] *= inverse
	}
}

// mean returns the mean of the rows of x, scaled to length 1.
func mean(x []float32, width int) []float32 {
	out := make([]float32, width)
	for ; len(x) > 0; x = x[width:] {
		add(out, x[:width])
	}
	var squares float64
	for _, v := range out {
		squares += float64(v) * float64(v)
	}
	if squares == 0 {
		return out
	}
	inverse := float32(1 / math.Sqrt(squares))
	for i := range out {
		out[i] *= inverse
	}
	return out
}

// gelu holds the normal distribution function in steps of 1/128 from -8 to 8.
type gelu []float32

const (
	geluReach = 8
	geluSteps = 128
)

func newGELU() gelu {
	table := make(gelu, 2*geluReach*geluSteps+2)
	for i := range table {
		x := float64(i)/geluSteps - geluReach
		table[i] = float32(0.5 * math.Erfc(-x/math.Sqrt2))
	}
	return table
}

// apply sets each x to x · Φ(x), with Φ between two steps taken as a straight
// line: off by less than 2·10⁻⁶ · |x|, far below the rounding that follows.
func (g gelu) apply(x []float32) {
	for i, v := range x {
		switch {
		case v <= -geluReach:
			x[i] = 0
		case v < geluReach:
			at := (v + geluReach) * geluSteps
			step := int(at)
			low := g[step]
			x[i] = v * (low + (g[step+1]-low)*(at-float32(step)))
		}
	}
}
