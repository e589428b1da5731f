package trend

import (
	"fmt"
	"math"

	"github.com/stagewatch/stagewatch/internal/content"
)

// What an anomaly is measured by.
const (
	anomalyPosts = 10 // comparable posts below which "usual" has no meaning
	neighbours   = 30 // posts nearest in time that say what is usual
	far          = 4  // robust standard deviations from which a post stands out
	twice        = 2  // factor that this is at least, however alike the posts are
)

// anomalies returns the posts that got far more or far less than the posts
// around them, oldest first.
//
// With y = ln(1 + engagement), a post is expected to get the median y of the
// neighbours nearest in time, itself excluded, and its score is what it differs
// by over 1.4826 × the median absolute deviation of all such differences. No
// count is steadier than a Poisson count, so that deviation is at least
// 1/√(1 + expected); and it is at least such that a post which stands out got
// twice or half of what was expected, because the first and last posts have
// their neighbours on one side and lag a steady growth.
func (s sample) anomalies() content.Anomalies {
	if why := s.unfit(); why != "" {
		return content.Anomalies{NotEnough: why}
	}
	posts := s.measured()
	if len(posts) < anomalyPosts {
		return content.Anomalies{NotEnough: fmt.Sprintf(
			"not enough data: need %d comparable posts with a date, have %d", anomalyPosts, len(posts))}
	}
	found := content.Anomalies{Method: fmt.Sprintf(
		"difference of ln(1 + engagement) from the median of the %d posts nearest in time, in robust standard deviations (MAD); from ±%d and a factor of %d",
		min(neighbours, len(posts)-1), far, twice)}
	usual := expected(posts)
	away := make([]float64, len(posts))
	for n, i := range posts {
		away[n] = i.log() - usual[n]
	}
	sigma := max(spread(away), math.Log(twice)/far)
	for n, i := range posts {
		score := away[n] / max(sigma, math.Exp(-usual[n]/2))
		if math.Abs(score) < far || score < 0 && s.young(i) {
			continue
		}
		found.Found = append(found.Found, content.Anomaly{
			PostID: i.post.ID, Time: i.local.UTC(), Value: i.value, Expected: math.Expm1(usual[n]), Score: score,
		})
	}
	return found
}

// expected returns for each post the median of ln(1 + engagement) of the other
// posts nearest to it in time.
func expected(posts []item) []float64 {
	usual := make([]float64, len(posts))
	width := min(neighbours, len(posts)-1)
	for n := range posts {
		from := min(max(n-width/2, 0), len(posts)-1-width)
		var near []float64
		for m := from; m <= from+width; m++ {
			if m != n {
				near = append(near, posts[m].log())
			}
		}
		usual[n] = median(near)
	}
	return usual
}
