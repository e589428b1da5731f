package minilm

// maxActivation is the largest magnitude of a quantised activation, and
// maxInner the longest dot product: 127 · maxActivation · maxInner < 2³¹, so a
// 32-bit sum of them cannot overflow.
const (
	maxActivation = 8191
	maxInner      = 2048
)

// tokensAtOnce is how many rows of activations dot4 takes.
const tokensAtOnce = 4

// kernel is the two inner loops in which nearly all time goes. All
// implementations give the same bits: the first works in integers, the second
// rounds after each product and each sum and adds in the order of the rows.
type kernel struct {
	// dot4 multiplies four rows of k activations with rows of k weights:
	// acc[t·rows+r] = Σ a[t·k+i] · w[r·k+i], rows = len(acc)/4. k is a multiple
	// of 16 and rows is even.
	dot4 func(acc []int32, a []int16, w []int8, k int)
	// mix sets out to Σ p[j] · m[j·stride : j·stride+len(out)]. len(out) is a
	// multiple of 8.
	mix func(out, p, m []float32, stride int)
}

// portable returns the kernel in plain Go.
func portable() kernel { return kernel{dot4: dot4Portable, mix: mixPortable} }

func dot4Portable(acc []int32, a []int16, w []int8, k int) {
	rows := len(acc) / tokensAtOnce
	a0, a1, a2, a3 := a[:k], a[k:2*k], a[2*k:3*k], a[3*k:4*k]
	for r := range rows {
		var s0, s1, s2, s3 int32
		for i, v := range w[r*k : (r+1)*k] {
			x := int32(v)
			s0 += x * int32(a0[i])
			s1 += x * int32(a1[i])
			s2 += x * int32(a2[i])
			s3 += x * int32(a3[i])
		}
		acc[r], acc[rows+r], acc[2*rows+r], acc[3*rows+r] = s0, s1, s2, s3
	}
}

func mixPortable(out, p, m []float32, stride int) {
	clear(out)
	for j, x := range p {
		for i, v := range m[j*stride : j*stride+len(out)] {
			out[i] += float32(x * v) // The conversion forbids fusing the two roundings into one.
		}
	}
}
