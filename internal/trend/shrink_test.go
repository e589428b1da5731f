package trend

import (
	"testing"

	"pgregory.net/rapid"
)

// grouped returns comparable items with these values.
func grouped(values ...[]float64) [][]item {
	groups := make([][]item, len(values))
	for g, group := range values {
		for _, v := range group {
			groups[g] = append(groups[g], item{value: v, comparable: true})
		}
	}
	return groups
}

// TestLiftLiesBetweenOneAndTheGroupsOwn holds what shrinking means: a group is
// never shown further from the mean of all than its own mean, nor on the other
// side of it.
func TestLiftLiesBetweenOneAndTheGroupsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.SliceOfN(rapid.Float64Range(0, 1e9), 0, 12), 1, 10).Draw(t, "groups")
		groups := grouped(drawn...)
		var all []float64
		for _, g := range drawn {
			all = append(all, g...)
		}
		overall := mean(all)
		for g, lift := range lifts(groups) {
			own := 1.0
			if len(drawn[g]) > 0 && overall > 0 {
				own = mean(drawn[g]) / overall
			}
			const slack = 1e-9
			if lift < min(1, own)-slack || lift > max(1, own)+slack {
				t.Errorf("lift %v of group %d is not between 1 and %v", lift, g, own)
			}
		}
	})
}

// TestLiftIsTheMoreCautiousOfTwoReadings holds it where plain means and
// logarithms disagree: one good post among poor ones, next to steady ones.
func TestLiftIsTheMoreCautiousOfTwoReadings(t *testing.T) {
	poorWithTop, steady := []float64{1, 1, 1, 900}, []float64{200, 220, 240, 260}
	got := lifts(grouped(poorWithTop, steady))
	if low := 225.75 / 227.875; got[0] < low || got[0] > 1 {
		t.Errorf("lift of posts whose mean is %.3f of all is %v", low, got[0])
	}
	if high := 230 / 227.875; got[1] > high || got[1] < 1 {
		t.Errorf("lift of posts whose mean is %.3f of all is %v", high, got[1])
	}
	if got := lifts(grouped([]float64{900, 1, 1, 1}, []float64{40, 44, 48, 52})); got[0] != 1 || got[1] != 1 {
		t.Errorf("lifts are %v where the readings point apart, want 1", got)
	}
}

// TestFewLikesAreNotBelieved holds that counts which happen to be equal within
// their groups are as unsure as counts are.
func TestFewLikesAreNotBelieved(t *testing.T) {
	if got := lifts(grouped([]float64{0, 0, 0, 0}, []float64{1, 1, 1, 1})); got[1] > 1.15 {
		t.Errorf("four posts with one like instead of none are lifted by %v", got[1])
	}
}

// TestMorePostsAreBelievedMore holds that the same difference counts for more
// with more posts behind it.
func TestMorePostsAreBelievedMore(t *testing.T) {
	before := 1.0
	for _, n := range []int{3, 6, 12, 50} {
		var low, high []float64
		for k := range n {
			low = append(low, 100+float64(k%3)*60)
			high = append(high, 160+float64(k%3)*96)
		}
		lift := lifts(grouped(low, high))[1]
		if lift <= before {
			t.Errorf("lift with %d posts is %v, want more than %v with fewer", n, lift, before)
		}
		before = lift
	}
	if own := 1.6 / 1.3; before > own || before < 1+0.8*(own-1) {
		t.Errorf("lift with 50 posts is %v, want close below %v", before, own)
	}
}

// TestOneViralPostDoesNotLiftItsGroup holds why logarithms have a say.
func TestOneViralPostDoesNotLiftItsGroup(t *testing.T) {
	usual := []float64{80, 120, 100, 90, 110, 70, 130, 100}
	lift := lifts(grouped(usual, usual, append([]float64{60, 75}, 20_000)))[2]
	if lift > 1.6 {
		t.Errorf("one post in three with 200 times the usual lifts its group by %v", lift)
	}
}
