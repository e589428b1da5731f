package generate

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestChanceCountsEverySplit(t *testing.T) {
	for name, tt := range map[string]struct {
		with, rest []float64
		want       float64
	}{
		"the three best of six": {[]float64{7, 8, 9}, []float64{1, 2, 3}, 2.0 / 20},
		"one of each side":      {[]float64{1}, []float64{2}, 1},
		"all the same":          {[]float64{5, 5, 5}, []float64{5, 5}, 1},
		"nothing to compare":    {nil, []float64{1, 2}, 1},
		"the best of five":      {[]float64{9}, []float64{1, 2, 3, 4}, 2.0 / 5},
	} {
		if got := chance(tt.with, tt.rest, seeded(name)); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s: chance = %v, want %v", name, got, tt.want)
		}
	}
}

func TestDrawnChanceIsNearTheCountedOne(t *testing.T) {
	// 11 of 22 is too many splits to count; the normal approximation of the
	// rank sum gives 0.0149 for these interleaved groups shifted by 7 places.
	var with, rest []float64
	for i := range 11 {
		with, rest = append(with, float64(2*i+7)), append(rest, float64(2*i))
	}
	var a, b float64
	for _, w := range with {
		for _, r := range rest {
			if w > r {
				a++
			} else {
				b++
			}
		}
	}
	z := (math.Abs(a-121.0/2) - 0.5) / math.Sqrt(11*11*23.0/12)
	want := math.Erfc(z / math.Sqrt2)
	if got := chance(with, rest, seeded("drawn")); math.Abs(got-want) > 0.02 {
		t.Errorf("chance = %v, the normal approximation gives %v", got, want)
	}
}

func TestChanceIsUniformWithoutAnEffect(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	below := 0
	for range 400 {
		draw := func(n int) []float64 {
			out := make([]float64, n)
			for i := range out {
				out[i] = random.ExpFloat64()
			}
			return out
		}
		if chance(draw(6), draw(7), random) <= 0.1 {
			below++
		}
	}
	if below > 60 || below < 20 {
		t.Errorf("%d of 400 chances without an effect are at most 0.1", below)
	}
}

func TestAdjustKeepsOrderAndGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chances := rapid.SliceOf(rapid.Float64Range(0, 1)).Draw(t, "chances")
		adjusted := adjust(chances)
		for i := range chances {
			if adjusted[i] < chances[i]-1e-12 || adjusted[i] > 1 {
				t.Fatalf("adjust(%v)[%d] = %v", chances, i, adjusted[i])
			}
			for j := range chances {
				if chances[i] < chances[j] && adjusted[i] > adjusted[j] {
					t.Fatalf("adjust(%v) = %v turns the order", chances, adjusted)
				}
			}
		}
	})
	if got := adjust([]float64{0.01, 0.04, 0.03}); got[0] != 0.03 || got[1] != 0.04 || got[2] != 0.04 {
		t.Errorf("adjust = %v, want 0.03 0.04 0.04", got)
	}
}

func TestNeededFallsWithTheEffect(t *testing.T) {
	if a, b := needed(0.6, 1.3), needed(0.6, 3); a <= b || b < minSide {
		t.Errorf("needed = %d for 1.3×, %d for 3×", a, b)
	}
	if got := needed(1, 1); got < 1_000_000 {
		t.Errorf("needed without an effect = %d", got)
	}
	// 2 (1.96 + 0.84)² (0.5 / ln 2)² = 8.16
	if got := needed(0.5, 2); got != 9 {
		t.Errorf("needed(0.5, 2) = %d, want 9", got)
	}
}

func TestQuantileIsBetweenItsNeighbours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), 1, 40).Draw(t, "values")
		low, middle, high := quantile(values, 0), median(values), quantile(values, 1)
		if low > middle || middle > high {
			t.Fatalf("quantiles %v %v %v", low, middle, high)
		}
	})
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median = %v", got)
	}
}

func TestClustersOfSeparatePointsAreFound(t *testing.T) {
	random := seeded("clusters")
	var points [][]float64
	for i := range 24 {
		p := []float64{0.3, 0.3, 0.3, 0.3}
		p[i%3] += 1
		for d := range p {
			p[d] += 0.1 * random.Float64()
		}
		points = append(points, p)
	}
	labels, closeness := cluster(points)
	for i := range points {
		for j := range points {
			if (labels[i] == labels[j]) != (i%3 == j%3) {
				t.Fatalf("labels %v do not follow the three directions", labels)
			}
		}
		if closeness[i] <= 0.5 {
			t.Errorf("silhouette of point %d = %v", i, closeness[i])
		}
	}
}

func TestClusterTakesAnyPoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(6, 20).Draw(t, "n")
		points := make([][]float64, n)
		for i := range points {
			points[i] = rapid.SliceOfN(rapid.Float64Range(-2, 2), 3, 3).Draw(t, "point")
		}
		labels, closeness := cluster(points)
		if len(labels) != n || len(closeness) != n {
			t.Fatalf("%d labels, %d silhouettes for %d points", len(labels), len(closeness), n)
		}
		for _, c := range closeness {
			if math.IsNaN(c) || c < -1 || c > 1 {
				t.Fatalf("silhouette %v", c)
			}
		}
	})
}
