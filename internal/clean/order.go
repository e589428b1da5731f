package clean

import (
	"fmt"
	"math"

	"github.com/stagewatch/stagewatch/internal/content"
)

// The bounds of the rule of order.
const (
	fewest   = 5    // posts; fewer stand in order of time by chance too often (4 do once in 12 times)
	several  = 8    // posts; fewer stand roughly in order of likes by chance too often
	byTime   = 0.9  // rank correlation with time from which a set is sorted by time
	byLikes  = 0.5  // rank correlation with likes from which a set is sorted by likes
	enough   = 20   // posts from which a span says something of how they were chosen
	stretch  = 20   // times the span that the newest posts would have
	compared = 1000 // posts at most, because every pair is compared
	pinnable = 3    // posts that a platform shows before all others, at most
)

// choice is how a set of posts was chosen: what [content.Source] says of it.
type choice struct {
	order   content.Order
	reason  string
	assumed bool // nothing in the posts shows it
}

// order concludes from a set of posts, in the order of their scrape, how they were
// chosen. No scrape says so itself.
//
//  0. Where the profile counts no more posts than were read, nothing was chosen:
//     they are all there are, the newest ones among them.
//  1. Posts that stand in order of time, newest or oldest first (Kendall's τ-b of
//     position and time at least 0.9), are the newest ones. Pinned posts and reposts
//     are left out, and up to three at the front may be pinned without being marked.
//  2. Posts that stand roughly in order of likes (τ-b at least 0.5, and more than of
//     time) are the most-liked ones. A real scrape of 98 tweets over seven years has
//     τ-b 0.90 with likes and -0.12 with time, though only 61 of its 97 neighbours
//     are in order; a real one of 50 Facebook posts over seven years has 0.37 and
//     1.00, and its span alone would mislead.
//  3. Twenty or more posts in neither order that span twenty times as long as the
//     newest ones of so many would, by the profile's own count and age, were chosen
//     somehow: they count as most-liked, which only forbids what would be false.
//  4. Otherwise the platform decides: the scrapes of Twitter that are known bring the
//     most-liked tweets, those of Instagram and Facebook the newest posts. So it is
//     with fewer than five posts. That is assumed, not concluded.
func order(platform content.Platform, posts []content.Post, profile *content.Profile) choice {
	ranked := rankable(posts)
	n := len(ranked)
	if profile != nil && profile.Posts != nil && *profile.Posts > 0 && *profile.Posts <= int64(len(posts)) {
		return choice{order: content.Recent, reason: fmt.Sprintf("the profile counts %d and %d were read: they are all there are", *profile.Posts, len(posts))}
	}
	if n >= fewest {
		likes, moments := tau(ranked, likesOf), timeOrder(ranked)
		switch {
		case math.Abs(moments) >= byTime:
			return choice{order: content.Recent, reason: fmt.Sprintf("the %d posts with a date stand in order of time (rank correlation %.2f)", n, moments)}
		case n >= several && likes >= byLikes && likes > moments:
			return choice{order: content.MostLiked, reason: fmt.Sprintf("the %d posts with a date stand in order of likes (rank correlation %.2f), not of time (%.2f)", n, likes, moments)}
		}
		if times := spanTimes(ranked, profile); n >= enough && times > stretch {
			return choice{order: content.MostLiked, reason: fmt.Sprintf("the %d posts with a date span %.0f times as long as the newest ones of the account would: they were chosen", n, times)}
		}
	}
	how := "stand in order of neither time nor likes"
	if n < fewest {
		how = "are too few to tell their order"
	}
	if platform == content.Twitter {
		return choice{order: content.MostLiked, assumed: true, reason: fmt.Sprintf("the posts with a date (%d) %s; scrapes of Twitter mostly bring the most-liked ones", n, how)}
	}
	return choice{order: content.Recent, assumed: true, reason: fmt.Sprintf("the posts with a date (%d) %s; scrapes of this platform mostly bring the newest ones", n, how)}
}

// rankable returns the posts that the rule compares.
func rankable(posts []content.Post) []content.Post {
	var ranked []content.Post
	for _, p := range posts {
		if !p.Time.IsZero() && !p.Pinned && !p.Repost && len(ranked) < compared {
			ranked = append(ranked, p)
		}
	}
	return ranked
}

// timeOrder is τ-b with time, of all posts or without a few at the front, whichever
// is more decided.
func timeOrder(posts []content.Post) float64 {
	best := tau(posts, timeOf)
	for skip := 1; skip <= pinnable && len(posts)-skip >= several; skip++ {
		if t := tau(posts[skip:], timeOf); math.Abs(t) > math.Abs(best) {
			best = t
		}
	}
	return best
}

func likesOf(p content.Post) (float64, bool) {
	if p.Likes == nil {
		return 0, false
	}
	return float64(*p.Likes), true
}

func timeOf(p content.Post) (float64, bool) { return float64(p.Time.Unix()), true }

// tau returns Kendall's τ-b between the order of posts and a value of each: 1 when
// the values fall from the first post to the last, -1 when they rise, 0 when there
// is no order or too little to compare. Posts without a value are left out.
// (Kendall, Rank Correlation Methods, 4th ed., ch. 3; positions have no ties.)
func tau(posts []content.Post, value func(content.Post) (float64, bool)) float64 {
	var values []float64
	for _, p := range posts {
		if v, known := value(p); known {
			values = append(values, v)
		}
	}
	if len(values) < fewest {
		return 0
	}
	var falling, rising, tied float64
	for i, earlier := range values {
		for _, later := range values[i+1:] {
			switch {
			case earlier > later:
				falling++
			case earlier < later:
				rising++
			default:
				tied++
			}
		}
	}
	pairs := falling + rising + tied
	if pairs == tied {
		return 0
	}
	return (falling - rising) / math.Sqrt(pairs*(pairs-tied))
}

// spanTimes returns how many times longer the posts span than the newest ones of so
// many would if the account had always posted at the same rate; 0 when the
// profile does not say enough.
func spanTimes(posts []content.Post, profile *content.Profile) float64 {
	if profile == nil || profile.Posts == nil || *profile.Posts <= int64(len(posts)) || profile.Created.IsZero() {
		return 0
	}
	first, last := posts[0].Time, posts[0].Time
	for _, p := range posts {
		if p.Time.Before(first) {
			first = p.Time
		}
		if p.Time.After(last) {
			last = p.Time
		}
	}
	lifetime := last.Sub(profile.Created).Hours()
	if lifetime <= 0 {
		return 0
	}
	expected := lifetime * float64(len(posts)) / float64(*profile.Posts)
	return last.Sub(first).Hours() / expected
}
