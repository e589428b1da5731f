package trend

import (
	"fmt"
	"math"
	"time"

	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

// at reads a local wall time.
func at(where *time.Location, clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", clock, where)
	if err != nil {
		return time.Time{}
	}
	return t
}

// liked returns a post with likes and nothing else.
func liked(id string, t time.Time, likes int64) content.Post {
	return content.Post{ID: id, Time: t.UTC(), Kind: content.Photo, Likes: &likes}
}

// every returns n posts, one each step from first on, liked as likes says.
func every(first time.Time, step time.Duration, n int, likes func(n int) int64) []content.Post {
	posts := make([]content.Post, n)
	for k := range posts {
		posts[k] = liked(fmt.Sprintf("p%03d", k), first.Add(time.Duration(k)*step), likes(k))
	}
	return posts
}

// recent returns the corpus of an account whose newest posts these are.
func recent(timezone string, posts []content.Post) content.Corpus {
	return content.Corpus{
		Account: content.Account{Platform: content.Instagram, Username: "lumen.lab", Timezone: timezone},
		Main:    content.Source{Username: "lumen.lab", Order: content.Recent, Posts: posts},
	}
}

// sampleOf returns recent posts in UTC, ready to be counted.
func sampleOf(posts []content.Post) sample {
	return newSample(content.Source{Order: content.Recent, Posts: posts}, time.UTC)
}

// drawCorpus draws any corpus that might reach the stage, sane or not.
func drawCorpus(t *rapid.T) content.Corpus {
	number := func(name string) *int64 {
		if rapid.Bool().Draw(t, name+" known") {
			n := rapid.OneOf(rapid.Int64Range(0, 50), rapid.Int64Range(0, 1_000_000_000_000), rapid.Just(int64(math.MaxInt64)), rapid.Just(int64(-1))).Draw(t, name)
			return &n
		}
		return nil
	}
	began := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	moment := func(name string) time.Time {
		switch rapid.IntRange(0, 9).Draw(t, name+" form") {
		case 0:
			return time.Time{}
		case 1: // any year, also those that JSON cannot carry
			return time.Unix(rapid.Int64Range(-70_000_000_000, 300_000_000_000).Draw(t, name), 0).UTC()
		default:
			return began.Add(time.Duration(rapid.IntRange(0, 100*24).Draw(t, name)) * time.Hour)
		}
	}
	kinds := []content.Kind{content.Text, content.Photo, content.Video}
	source := content.Source{
		Order: rapid.SampledFrom([]content.Order{content.Recent, content.Recent, content.Recent, content.MostLiked, ""}).Draw(t, "order"),
	}
	if rapid.Bool().Draw(t, "scrape dated") {
		source.Scraped = moment("scraped")
	}
	for n := range rapid.IntRange(0, 120).Draw(t, "posts") {
		source.Posts = append(source.Posts, content.Post{
			ID:       fmt.Sprint(n),
			Time:     moment("time"),
			Kind:     rapid.SampledFrom(kinds).Draw(t, "kind"),
			Likes:    number("likes"),
			Comments: number("comments"),
			Views:    number("views"),
			Pinned:   rapid.IntRange(0, 20).Draw(t, "pinned") == 0,
			Repost:   rapid.IntRange(0, 20).Draw(t, "repost") == 0,
		})
	}
	zone := rapid.SampledFrom([]string{"", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"}).Draw(t, "zone")
	return content.Corpus{
		Account: content.Account{Platform: content.Twitter, Username: "norwick", Timezone: zone},
		Main:    source,
	}
}
