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
			if got := order(p, posts, nil); got.order != content.Recent {
				rt.Fatalf("order on %s = %s: %s", p, got.order, got.reason)
			}
		}
	})
}

func TestUnmarkedPinnedPostsInFrontDoNotHideTheOrder(t *testing.T) {
	var posts []content.Post
	for _, day := range []int{-900, -500, -700, 12, 11, 10, 9, 8, 7, 6, 5, 4} {
		posts = append(posts, content.Post{Time: start().AddDate(0, 0, day)})
	}
	if got := order(content.Twitter, posts, nil); got.order != content.Recent {
		t.Errorf("order = %s: %s", got.order, got.reason)
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
			if got := order(p, posts, nil); got.order != content.MostLiked || !strings.Contains(got.reason, "order of likes") {
				rt.Fatalf("order on %s = %s: %s", p, got.order, got.reason)
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
			if got := order(p, posts, nil); got.order != want || got.reason == "" || !got.assumed {
				rt.Fatalf("order on %s = %s: %s", p, got.order, got.reason)
			}
		}
		undated := make([]content.Post, len(posts))
		if got := order(content.Facebook, undated, nil); got.order != content.Recent {
			rt.Fatalf("order of posts without dates = %s", got.order)
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
	if got := order(content.Instagram, posts, profile); got.order != content.MostLiked || !strings.Contains(got.reason, "span") {
		t.Errorf("order = %s: %s", got.order, got.reason)
	}
	total = 50
	if got := order(content.Instagram, posts, profile); got.order != content.Recent {
		t.Errorf("order of nearly all posts = %s: %s", got.order, got.reason)
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
	if got := order(content.Instagram, posts, nil); got.order != content.Recent {
		t.Errorf("order = %s: %s", got.order, got.reason)
	}
}

func TestEverythingThereIsCannotBeASelection(t *testing.T) {
	likes := []int64{19, 15, 12, 4}
	var posts []content.Post
	for i := range likes {
		posts = append(posts, content.Post{Time: start().AddDate(0, 0, (i*3)%4), Likes: &likes[i]})
	}
	for name, tt := range map[string]struct {
		counted *int64
		want    content.Order
		assumed bool
	}{
		"all of them were read":     {new(int64(4)), content.Recent, false},
		"more than the profile has": {new(int64(3)), content.Recent, false},
		"there are others":          {new(int64(400)), content.MostLiked, true},
		"the profile counts none":   {new(int64(0)), content.MostLiked, true},
		"no count is known":         {nil, content.MostLiked, true},
	} {
		if got := order(content.Twitter, posts, &content.Profile{Posts: tt.counted}); got.order != tt.want || got.assumed != tt.assumed {
			t.Errorf("%s: order = %s, assumed %v: %s", name, got.order, got.assumed, got.reason)
		}
	}
}
