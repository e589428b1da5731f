package clean

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

func start() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

// some draws posts with different times and any likes, in any order.
func some(rt *rapid.T, least int) []content.Post {
	n := rapid.IntRange(least, 60).Draw(rt, "n")
	days := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	})).Draw(rt, "days")
	posts := make([]content.Post, n)
	for i := range posts {
		likes := rapid.Int64Range(0, 1_000_000).Draw(rt, "likes")
		posts[i] = content.Post{Time: start().AddDate(0, 0, 10*days[i]), Likes: &likes}
	}
	return posts
}

func newestFirst(a, b content.Post) int { return b.Time.Compare(a.Time) }

func mostLiked(a, b content.Post) int { return cmp.Compare(*b.Likes, *a.Likes) }

func TestPostsInOrderOfTimeAreTheNewest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		posts := some(rt, fewest)
		slices.SortFunc(posts, newestFirst)
		if rapid.Bool().Draw(rt, "oldest first") {
			slices.Reverse(posts)
		}
		if rapid.Bool().Draw(rt, "hidden likes") {
			for i := range posts {
				posts[i].Likes = nil
			}
		}
		if rapid.Bool().Draw(rt, "a pinned one") {
			old := posts[len(posts)-1]
			old.Pinned, old.Time = true, old.Time.AddDate(-3, 0, 0)
			posts = slices.Insert(posts, rapid.IntRange(0, len(posts)).Draw(rt, "at"), old)
		}
		for _, p := range content.Platforms() {
			if got, reason := order(p, posts, nil); got != content.Recent {
				rt.Fatalf("order on %s = %s: %s", p, got, reason)
			}
		}
	})
}

func TestUnmarkedPinnedPostsInFrontDoNotHideTheOrder(t *testing.T) {
	var posts []content.Post
	for _, day := range []int{-900, -500, -700, 12, 11, 10, 9, 8, 7, 6, 5, 4} {
		posts = append(posts, content.Post{Time: start().AddDate(0, 0, day)})
	}
	if got, reason := order(content.Twitter, posts, nil); got != content.Recent {
		t.Errorf("order = %s: %s", got, reason)
	}
}

func TestPostsRoughlyInOrderOfLikesAreTheMostLiked(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		posts := some(rt, 20)
		for i := range posts { // Different ones, so that there is an order.
			*posts[i].Likes = *posts[i].Likes/100*100 + int64(i)
		}
		slices.SortFunc(posts, mostLiked)
		for range len(posts) / 2 { // Neighbours out of order, as in real scrapes.
			i := rapid.IntRange(0, len(posts)-2).Draw(rt, "swap")
			posts[i], posts[i+1] = posts[i+1], posts[i]
		}
		ranked := rankable(posts)
		moments := timeOrder(ranked)
		if moments >= byTime || moments <= -byTime || moments >= tau(ranked, likesOf) {
			rt.Skip("in order of time as well")
		}
		for _, p := range content.Platforms() {
			if got, reason := order(p, posts, nil); got != content.MostLiked || !strings.Contains(reason, "order of likes") {
				rt.Fatalf("order on %s = %s: %s", p, got, reason)
			}
		}
	})
}

func TestShuffledOrFewPostsFallBackOnThePlatform(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		posts := some(rt, 1)
		if len(posts) >= fewest {
			ranked := rankable(posts)
			moments, likes := timeOrder(ranked), tau(ranked, likesOf)
			if moments >= byTime || moments <= -byTime || likes >= byLikes {
				rt.Skip("not shuffled")
			}
		}
		for p, want := range map[content.Platform]content.Order{content.Instagram: content.Recent, content.Facebook: content.Recent, content.Twitter: content.MostLiked} {
			if got, reason := order(p, posts, nil); got != want || reason == "" {
				rt.Fatalf("order on %s = %s: %s", p, got, reason)
			}
		}
		undated := make([]content.Post, len(posts))
		if got, _ := order(content.Facebook, undated, nil); got != content.Recent {
			rt.Fatalf("order of posts without dates = %s", got)
		}
	})
}

func TestAShuffledSelectionIsKnownByItsSpan(t *testing.T) {
	var posts []content.Post
	for i := range 40 {
		posts = append(posts, content.Post{Time: start().AddDate(0, 0, (i*17)%40*50)})
	}
	total := int64(80_000)
	profile := &content.Profile{Posts: &total, Created: start().AddDate(-5, 0, 0)}
	if got, reason := order(content.Instagram, posts, profile); got != content.MostLiked || !strings.Contains(reason, "span") {
		t.Errorf("order = %s: %s", got, reason)
	}
	total = 50
	if got, reason := order(content.Instagram, posts, profile); got != content.Recent {
		t.Errorf("order of nearly all posts = %s: %s", got, reason)
	}
}

func TestFewKnownLikesAreNoOrder(t *testing.T) {
	var posts []content.Post
	for i, likes := range []int64{9, 8, 7} {
		posts = append(posts, content.Post{Time: start().AddDate(0, 0, i%2), Likes: &likes})
	}
	for i := range 9 {
		posts = append(posts, content.Post{Time: start().AddDate(0, 0, (i*7)%9)})
	}
	if got, reason := order(content.Instagram, posts, nil); got != content.Recent {
		t.Errorf("order = %s: %s", got, reason)
	}
}
