package generate

import (
	"cmp"
	"math"
	"slices"
)

// cluster groups points by Ward's method on their directions (after taking
// away what all have in common) and cuts the tree where the mean silhouette is
// best. It returns each point's group and its silhouette, which is above 0 for
// a point closer to its own group than to the next.
func cluster(points [][]float64) (labels []int, closeness []float64) {
	far := distances(directions(points))
	merges := ward(far)
	n := len(points)
	score := math.Inf(-1)
	for groups := 2; groups <= min(maxTopics, max(2, n/3)); groups++ {
		cut := cutTree(merges, n, groups)
		each := silhouettes(far, cut)
		if m := mean(each); m > score {
			score, labels, closeness = m, cut, each
		}
	}
	return labels, closeness
}

// directions returns the points moved to their middle and scaled to length 1;
// a point at the middle stays there.
func directions(points [][]float64) [][]float64 {
	middle := make([]float64, len(points[0]))
	units := make([][]float64, len(points))
	for i, p := range points {
		units[i] = unit(p)
		for d, v := range units[i] {
			middle[d] += v / float64(len(points))
		}
	}
	for i := range units {
		for d := range units[i] {
			units[i][d] -= middle[d]
		}
		units[i] = unit(units[i])
	}
	return units
}

func unit(p []float64) []float64 {
	var squares float64
	for _, v := range p {
		squares += v * v
	}
	out := slices.Clone(p)
	if length := math.Sqrt(squares); length > 1e-12 {
		for d := range out {
			out[d] /= length
		}
	}
	return out
}

// distances returns the squared distances between all points.
func distances(points [][]float64) [][]float64 {
	far := make([][]float64, len(points))
	for i := range far {
		far[i] = make([]float64, len(points))
	}
	for i, p := range points {
		for j, q := range points[:i] {
			var sum float64
			for d := range p {
				sum += (p[d] - q[d]) * (p[d] - q[d])
			}
			far[i][j], far[j][i] = sum, sum
		}
	}
	return far
}

type merge struct {
	a, b   int // one point of each side
	height float64
}

// ward returns the n−1 merges of Ward's method, lowest first, by following
// chains of nearest neighbours (Murtagh 1983), distances updated by the
// formula of Lance and Williams.
func ward(far [][]float64) []merge {
	n := len(far)
	near := make([][]float64, n)
	size := make([]float64, n)
	for i := range near {
		near[i] = slices.Clone(far[i])
		size[i] = 1
	}
	var merges []merge
	var chain []int
	for len(merges) < n-1 {
		if len(chain) == 0 {
			chain = append(chain, slices.IndexFunc(size, func(s float64) bool { return s > 0 }))
		}
		top := chain[len(chain)-1]
		next := -1
		if len(chain) > 1 {
			next = chain[len(chain)-2] // wins ties, so that the chain ends
		}
		for j := range n {
			if j != top && size[j] > 0 && (next < 0 || near[top][j] < near[top][next]) {
				next = j
			}
		}
		if len(chain) < 2 || next != chain[len(chain)-2] {
			chain = append(chain, next)
			continue
		}
		chain = chain[:len(chain)-2]
		merges = append(merges, merge{a: top, b: next, height: near[top][next]})
		join(near, size, next, top)
	}
	slices.SortStableFunc(merges, func(a, b merge) int { return cmp.Compare(a.height, b.height) })
	return merges
}

// join puts cluster gone into cluster kept.
func join(near [][]float64, size []float64, kept, gone int) {
	between := near[kept][gone]
	for k := range near {
		if k == kept || k == gone || size[k] == 0 {
			continue
		}
		d := ((size[kept]+size[k])*near[kept][k] + (size[gone]+size[k])*near[gone][k] - size[k]*between) /
			(size[kept] + size[gone] + size[k])
		near[kept][k], near[k][kept] = d, d
	}
	size[kept] += size[gone]
	size[gone] = 0
}

// cutTree returns each point's group when the tree is cut into so many,
// numbered by their first point.
func cutTree(merges []merge, n, groups int) []int {
	parent := make([]int, n)
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	for _, m := range merges[:max(n-groups, 0)] {
		a, b := find(m.a), find(m.b)
		parent[max(a, b)] = min(a, b)
	}
	labels := make([]int, n)
	number := map[int]int{}
	for i := range labels {
		root := find(i)
		if _, known := number[root]; !known {
			number[root] = len(number)
		}
		labels[i] = number[root]
	}
	return labels
}

// silhouettes returns (b − a) / max(a, b) for each point, a its mean distance
// to its own group, b to the nearest other (Rousseeuw 1987); 0 when alone.
func silhouettes(far [][]float64, labels []int) []float64 {
	out := make([]float64, len(labels))
	groups := slices.Max(labels) + 1
	sum, count := make([]float64, groups), make([]float64, groups)
	for i, mine := range labels {
		clear(sum)
		clear(count)
		for j, label := range labels {
			if i != j {
				sum[label] += far[i][j]
				count[label]++
			}
		}
		if count[mine] == 0 {
			continue
		}
		own, other := sum[mine]/count[mine], math.Inf(1)
		for label, n := range count {
			if label != mine && n > 0 {
				other = min(other, sum[label]/n)
			}
		}
		if widest := max(own, other); widest > 0 && !math.IsInf(other, 1) {
			out[i] = (other - own) / widest
		}
	}
	return out
}
