package content

import (
	"testing"
	"time"
)

func TestUsesOfPosts(t *testing.T) {
	scraped := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	likes := int64(40)
	at := func(age time.Duration) Post { return Post{Time: scraped.Add(-age), Likes: &likes} }
	const day = 24 * time.Hour
	pinned, stray, repost, hidden := at(5*day), at(400*day), at(6*day), at(7*day)
	pinned.Pinned, stray.Pinned, repost.Repost, hidden.Likes = true, true, true, nil
	s := Source{Order: Recent, Scraped: scraped, Posts: []Post{
		at(3 * time.Hour), at(2 * day), pinned, stray, repost, hidden, {Likes: &likes}, at(-48 * time.Hour),
	}}
	s.Posts[7].Time = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	for n, want := range []Use{
		{Unfit: "", Timed: true}, // see below: the last post makes the time of the scrape a guess
		{Timed: true},
		{Unfit: UnfitPinned, Timed: true},
		{Unfit: UnfitPinned, Timed: true, Stray: true},
		{Unfit: UnfitRepost, Timed: true},
		{Unfit: UnfitCounts, Timed: true},
		{},
		{},
	} {
		if got := s.Uses()[n]; got != want {
			t.Errorf("use of post %d = %+v, want %+v", n, got, want)
		}
	}
	s.Posts = s.Posts[:7]
	if got := s.Uses()[0].Unfit; got != UnfitYoung {
		t.Errorf("a post of three hours is unfit because %q", got)
	}
	s.Order = MostLiked
	if got := s.Uses()[3]; got.Stray {
		t.Error("a pinned post among the most-liked ones is called a stray")
	}
}
