package trend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// TestAnomalyNamesItsPost holds what an anomaly says and of which post.
func TestAnomalyNamesItsPost(t *testing.T) {
	began := at(time.UTC, "2025-03-01 12:00")
	posts := every(began, 24*time.Hour, 20, func(n int) int64 { return int64(100 + n%5*10) })
	*posts[7].Likes = 5_000
	*posts[19].Likes = 3
	pinned := liked("old", began.AddDate(-1, 0, 0), 99_999)
	pinned.Pinned = true
	posts = append(posts, pinned)

	found := sampleOf(posts).anomalies().Found
	if len(found) != 2 || found[0].PostID != "p007" || found[1].PostID != "p019" {
		t.Fatalf("found %+v, want p007 and p019", found)
	}
	if f := found[0]; f.Value != 5000 || !near(f.Expected, 120) || f.Score < far || !f.Time.Equal(posts[7].Time) {
		t.Errorf("the high one is %+v, want 5000 where 120 was usual", f)
	}
	if f := found[1]; f.Value != 3 || f.Score > -far {
		t.Errorf("the low one is %+v, want 3 with a negative score", f)
	}

	young := content.Source{Order: content.Recent, Posts: posts, Scraped: posts[19].Time.Add(30 * time.Hour)}
	if found := newSample(young, time.UTC).anomalies().Found; len(found) != 1 || found[0].PostID != "p007" {
		t.Errorf("found %+v, want no post called low a day after it was made", found)
	}
	*posts[19].Likes = 9_000
	if found := newSample(young, time.UTC).anomalies().Found; len(found) != 2 {
		t.Errorf("found %+v, want a post that is high after a day", found)
	}
}

// TestPostIsNotExpectedOfItself holds whose median is expected.
func TestPostIsNotExpectedOfItself(t *testing.T) {
	posts := every(at(time.UTC, "2025-03-01 12:00"), time.Hour, 3, func(n int) int64 { return int64(100 * n) })
	got := expected(sampleOf(posts).measured())
	want := []float64{(math.Log1p(100) + math.Log1p(200)) / 2, math.Log1p(200) / 2, math.Log1p(100) / 2}
	for n := range want {
		if !near(got[n], want[n]) {
			t.Errorf("expected of post %d is %v, want %v", n, got[n], want[n])
		}
	}
}

// TestNoAnomalyWhereCountsVaryAsCountsDo holds that equal posts and small
// counts are nothing to report.
func TestNoAnomalyWhereCountsVaryAsCountsDo(t *testing.T) {
	tests := map[string]func(int) int64{
		"all equal":             func(int) int64 { return 70 },
		"all zero":              func(int) int64 { return 0 },
		"one like now and then": func(n int) int64 { return int64(n % 10 / 9 * 2) },
		"growing tenfold":       func(n int) int64 { return int64(100 * math.Pow(10, float64(n)/200)) },
	}
	for name, likes := range tests {
		t.Run(name, func(t *testing.T) {
			got := sampleOf(every(at(time.UTC, "2025-03-01 12:00"), 24*time.Hour, 200, likes)).anomalies()
			if got.Found != nil || got.NotEnough != "" {
				t.Errorf("found %+v", got)
			}
		})
	}
}

// TestAnomaliesBeatThePlainScore plants posts with eight times and a tenth of
// the usual engagement among posts that grow and vary, and holds precision and
// recall, and that a plain z-score finds far fewer.
func TestAnomaliesBeatThePlainScore(t *testing.T) {
	var hit, missed, wrong, plainHit float64
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 9))
		planted := make(map[string]bool)
		posts := every(at(time.UTC, "2025-01-01 12:00"), 20*time.Hour, 200, func(n int) int64 {
			level := 1000 * math.Exp(float64(n)/100+0.4*random.NormFloat64())
			switch n % 40 {
			case 13:
				level *= 8
				planted[fmt.Sprintf("p%03d", n)] = true
			case 33:
				level *= 0.1
				planted[fmt.Sprintf("p%03d", n)] = true
			}
			return int64(level)
		})
		s := sampleOf(posts)
		found := make(map[string]bool)
		for _, a := range s.anomalies().Found {
			found[a.PostID] = true
			if !planted[a.PostID] {
				wrong++
			}
		}
		v := values(s.measured())
		var sum float64
		for _, x := range v {
			sum += square(x - mean(v))
		}
		deviation := math.Sqrt(sum / float64(len(v)))
		for _, i := range s.measured() {
			if !planted[i.post.ID] {
				continue
			}
			if found[i.post.ID] {
				hit++
			} else {
				missed++
			}
			if math.Abs(i.value-mean(v)) > 3*deviation {
				plainHit++
			}
		}
	}
	precision, recall, plain := hit/(hit+wrong), hit/(hit+missed), plainHit/(hit+missed)
	t.Logf("precision %.2f, recall %.2f, recall of a plain z-score %.2f", precision, recall, plain)
	if precision < 0.95 || recall < 0.75 || plain > recall/1.5 {
		t.Errorf("precision %.2f, recall %.2f, recall of a plain z-score %.2f", precision, recall, plain)
	}
}
