package minilm

import (
	"math"
	"slices"
)

// unquantised returns a matrix's weights as they stand in the file, as numbers.
func unquantised(m Matrix) [][]float64 {
	var rows [][]float64
	for r := range m.Scale {
		row := make([]float64, m.Cols)
		for i := range row {
			row[i] = float64(m.Scale[r]) * float64(m.W[r*m.Cols+i])
		}
		rows = append(rows, row)
	}
	return rows
}

// slow is BERT written down as its formulas say, one number at a time.
func slow(w *Weights, table Matrix, ids []int32) []float64 {
	width := int(w.Shape.Width)
	var x [][]float64
	for t, id := range ids {
		row := unquantised(table)[id]
		for i := range row {
			row[i] += float64(w.Position[t*width+i])
		}
		x = append(x, slowNorm(row, w.Norm))
	}
	for _, l := range w.Layers {
		attended := slowAttention(slowApply(x, l.QKV), width, int(w.Shape.Heads))
		for t, y := range slowApply(attended, l.Out) {
			x[t] = slowNorm(slowAdd(x[t], y), l.OutNorm)
		}
		hidden := slowApply(x, l.Up)
		for _, row := range hidden {
			for i, v := range row {
				row[i] = v / 2 * (1 + math.Erf(v/math.Sqrt2))
			}
		}
		for t, y := range slowApply(hidden, l.Down) {
			x[t] = slowNorm(slowAdd(x[t], y), l.Norm)
		}
	}
	sum := make([]float64, width)
	for _, row := range x {
		sum = slowAdd(sum, row)
	}
	var squares float64
	for _, v := range sum {
		squares += v * v
	}
	for i := range sum {
		sum[i] /= math.Sqrt(squares)
	}
	return sum
}

func slowAdd(a, b []float64) []float64 {
	sum := slices.Clone(a)
	for i, v := range b {
		sum[i] += v
	}
	return sum
}

func slowNorm(row []float64, n Norm) []float64 {
	var mean, variance float64
	for _, v := range row {
		mean += v / float64(len(row))
	}
	for _, v := range row {
		variance += (v - mean) * (v - mean) / float64(len(row))
	}
	out := make([]float64, len(row))
	for i, v := range row {
		out[i] = (v-mean)/math.Sqrt(variance+1e-12)*float64(n.Gain[i]) + float64(n.Bias[i])
	}
	return out
}

func slowApply(x [][]float64, m Matrix) [][]float64 {
	weights := unquantised(m)
	var out [][]float64
	for _, row := range x {
		y := make([]float64, len(weights))
		for r, line := range weights {
			y[r] = float64(m.Bias[r])
			for i, v := range line {
				y[r] += v * row[i]
			}
		}
		out = append(out, y)
	}
	return out
}

func slowAttention(qkv [][]float64, width, heads int) [][]float64 {
	size := width / heads
	out := make([][]float64, len(qkv))
	for t := range out {
		out[t] = make([]float64, width)
		for from := 0; from < width; from += size {
			scores, sum := make([]float64, len(qkv)), 0.
			for u := range qkv {
				for i := from; i < from+size; i++ {
					scores[u] += qkv[t][i] * qkv[u][width+i]
				}
				scores[u] = math.Exp(scores[u] / math.Sqrt(float64(size)))
				sum += scores[u]
			}
			for u, s := range scores {
				for i := from; i < from+size; i++ {
					out[t][i] += s / sum * qkv[u][2*width+i]
				}
			}
		}
	}
	return out
}
