package trend

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChanceIsUniformWithoutAPattern holds that the test errs as often as it
// says: of accounts without any pattern 5 % are below 0.05.
func TestChanceIsUniformWithoutAPattern(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const accounts = 400
	below := map[float64]int{0.05: 0, 0.2: 0, 0.5: 0}
	for range accounts {
		groups := make([][]item, 7)
		for range 40 {
			g := random.IntN(7)
			groups[g] = append(groups[g], item{value: math.Round(math.Exp(5 + random.NormFloat64()))})
		}
		p := chance(groups)
		for limit := range below {
			if p <= limit {
				below[limit]++
			}
		}
	}
	for limit, n := range below {
		share := float64(n) / accounts
		if off := 3 * math.Sqrt(limit*(1-limit)/accounts); math.Abs(share-limit) > off {
			t.Errorf("%.3f of the accounts have a chance up to %.2f, want that ± %.3f", share, limit, off)
		}
	}
}

// TestChanceDependsOnRanksOnly holds that factors and the order of the groups
// change nothing, and equal values prove nothing.
func TestChanceDependsOnRanksOnly(t *testing.T) {
	a, b, c := []float64{1, 2, 3, 4}, []float64{9, 8, 7, 11}, []float64{5, 6, 4, 3}
	scaled := [][]float64{{10, 20, 30, 40}, {90, 80, 70, 110}, {50, 60, 40, 30}}
	if got, want := chance(grouped(scaled...)), chance(grouped(a, b, c)); got != want {
		t.Errorf("chance of ten times the values is %v, want %v", got, want)
	}
	if got := chance(grouped(a, b, c)); got > 0.02 {
		t.Errorf("chance of three groups apart is %v, want little", got)
	}
	same := []float64{5, 5, 5, 5}
	if got := chance(grouped(same, same, same)); got != 1 {
		t.Errorf("chance of equal values is %v, want 1", got)
	}
}

// TestEqualValuesShareTheirRank holds the ranks against ones made by hand.
func TestEqualValuesShareTheirRank(t *testing.T) {
	want := [][]float64{{3, 3}, {1, 3, 5}}
	if diff := cmp.Diff(want, ranks(grouped([]float64{5, 5}, []float64{1, 5, 9}))); diff != "" {
		t.Errorf("ranks (-want +got):\n%s", diff)
	}
}
