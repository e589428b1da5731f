package minilm

import "golang.org/x/sys/cpu"

// fastest returns the quickest kernel that this processor runs.
func fastest() kernel {
	if !cpu.X86.HasAVX2 {
		return portable()
	}
	return kernel{dot4: dot4Vector, mix: mixVector}
}

func dot4Vector(acc []int32, a []int16, w []int8, k int) {
	rows := len(acc) / tokensAtOnce
	if rows == 0 || k == 0 {
		clear(acc)
		return
	}
	a, w = a[:tokensAtOnce*k], w[:rows*k]
	dot4AVX2(&acc[0], &a[0], &w[0], k, rows)
}

func mixVector(out, p, m []float32, stride int) {
	if len(p) == 0 || len(out) == 0 {
		clear(out)
		return
	}
	m = m[:(len(p)-1)*stride+len(out)]
	mixAVX2(&out[0], &p[0], &m[0], len(p), stride, len(out))
}

// dot4AVX2 is dot4 for k a positive multiple of 16 and rows a positive multiple of 2.
//
//go:noescape
func dot4AVX2(acc *int32, a *int16, w *int8, k, rows int)

// mixAVX2 is mix for rows and stride above 0 and cols a positive multiple of 8.
//
//go:noescape
func mixAVX2(out, p, m *float32, rows, stride, cols int)
