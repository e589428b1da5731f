package minilm

import "golang.org/x/sys/cpu"

// fastest returns the quickest kernel that this processor runs.
func fastest() kernel {
	if !cpu.X86.HasAVX2 {
		return portable()
	}
	return kernel{dot4: dot4Vector, mix: mixVector}
}

// dot4Vector and mixVector keep the assembly, which checks nothing, inside the slices.
func dot4Vector(acc []int32, a []int16, w []int8, k int) {
	rows := len(acc) / tokensAtOnce
	if rows == 0 || k == 0 {
		clear(acc)
		return
	}
	dot4AVX2(acc, a[:tokensAtOnce*k], w[:rows*k], k)
}

func mixVector(out, p, m []float32, stride int) {
	if len(p) == 0 {
		clear(out)
		return
	}
	mixAVX2(out, p, m[:(len(p)-1)*stride+len(out)], stride)
}

// dot4AVX2 is dot4 for k a positive multiple of 16 and a positive even number of rows.
//
//go:noescape
func dot4AVX2(acc []int32, a []int16, w []int8, k int)

// mixAVX2 is mix for p that is not empty.
//
//go:noescape
func mixAVX2(out, p, m []float32, stride int)
