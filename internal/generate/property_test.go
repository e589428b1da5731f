package generate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

// anyPost draws a post that clean might hand on, odd ones among them.
func anyPost(account string, at int) *rapid.Generator[content.Post] {
	return rapid.Custom(func(t *rapid.T) content.Post {
		count := func(name string) *int64 {
			return rapid.OneOf(rapid.Just((*int64)(nil)), rapid.Map(rapid.OneOf(rapid.Int64Range(-1, 50), rapid.Int64Range(0, 1<<40)), func(n int64) *int64 { return &n })).Draw(t, name)
		}
		word := rapid.SampledFrom([]string{"Moon’Milk", "Brow Lantern", "balm", "skin", "the", "of", "¿qué?", "日本語", "✨", "👩‍👩‍👧", "مرحبا", "12", "50 %", "%s", "{A}", "https://x.example/a", "shop.example", "\n", "Shop", "Tag", "…", "“q”", "\xff", "Zoë", "ＷＩＤＥ", "-"})
		p := content.Post{
			ID: fmt.Sprintf("%s%d", account, at), Account: account, Platform: content.Instagram,
			Kind:     rapid.SampledFrom(kinds()).Draw(t, "kind"),
			Language: rapid.SampledFrom([]string{"en", "en", "es", "sl", "ja", content.NoWords, content.UnknownLanguage, ""}).Draw(t, "language"),
			Likes:    count("likes"), Comments: count("comments"), Shares: count("shares"), Views: count("views"),
			Pinned: rapid.IntRange(0, 9).Draw(t, "pinned") == 0, Repost: rapid.IntRange(0, 9).Draw(t, "repost") == 0, Reply: rapid.Bool().Draw(t, "reply"),
			Hashtags: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"one", "two", "VeranoFresco", "50off", "日本"}), 0, 3, rapid.ID).Draw(t, "tags"),
			Mentions: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ana", "glow.haus", account}), 0, 2, rapid.ID).Draw(t, "names"),
		}
		for _, w := range rapid.SliceOfN(rapid.OneOf(word, rapid.StringN(0, 6, 12)), 0, 14).Draw(t, "words") {
			p.Text += w + " "
		}
		if rapid.IntRange(0, 6).Draw(t, "dated") > 0 {
			p.Time = made().Add(-time.Duration(rapid.IntRange(-100, 90_000).Draw(t, "age")) * time.Hour)
		}
		return p
	})
}

func anySource(account string) *rapid.Generator[content.Source] {
	return rapid.Custom(func(t *rapid.T) content.Source {
		s := content.Source{Username: account, Order: rapid.SampledFrom([]content.Order{content.Recent, content.Recent, content.MostLiked, ""}).Draw(t, "order")}
		if rapid.Bool().Draw(t, "profile") {
			s.Profile = &content.Profile{Username: account, Name: rapid.SampledFrom([]string{"", "Moon House", "日本"}).Draw(t, "name"), Bio: "x #one #", Followers: rapid.SampledFrom([]*int64{nil, new(int64(0)), new(int64(7)), new(int64(1 << 33))}).Draw(t, "followers")}
		}
		for i := range rapid.IntRange(0, 26).Draw(t, "posts") {
			s.Posts = append(s.Posts, anyPost(account, i).Draw(t, "post"))
		}
		if rapid.Bool().Draw(t, "scraped") {
			s.Scraped = made()
		}
		return s
	})
}

func anyCorpus() *rapid.Generator[content.Corpus] {
	return rapid.Custom(func(t *rapid.T) content.Corpus {
		c := content.Corpus{
			Account: content.Account{
				Platform: rapid.SampledFrom(content.Platforms()).Draw(t, "platform"), Username: "mainacct",
				Type: rapid.SampledFrom([]string{content.Branding, content.NonBranding, ""}).Draw(t, "type"), Style: rapid.String().Draw(t, "style"),
			},
			Main: anySource("mainacct").Draw(t, "main"),
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "rivals") {
			c.Competitors = append(c.Competitors, anySource(fmt.Sprintf("rival%d", i)).Draw(t, "rival"))
		}
		return c
	})
}

// TestAnyCorpusGivesAnHonestPlan: whatever the posts, the plan is valid JSON,
// cites only posts that exist, stays within its limits, and each of its
// numbers is a figure.
func TestAnyCorpusGivesAnHonestPlan(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := anyCorpus().Draw(rt, "corpus")
		a := content.Analysis{Order: c.Main.Order, Timezone: "Europe/Madrid"}
		if rapid.Bool().Draw(rt, "slots") {
			from := rapid.IntRange(0, 23).Draw(rt, "from")
			a.Best.Slots = []content.Slot{{Label: "a slot", Weekday: rapid.IntRange(-1, 6).Draw(rt, "weekday"), From: from, To: (from + 5) % 24, N: 3, Lift: 1.2}}
		}
		if len(c.Main.Posts) > 0 {
			a.Anomalies.Found = []content.Anomaly{{PostID: c.Main.Posts[0].ID, Score: 5}, {PostID: "unknown", Score: 9}}
		}
		var index Index
		if rapid.Bool().Draw(rt, "indexed") {
			index = shelves{c, "m"}
		}
		plan, err := Plan(t.Context(), c, a, index, made())
		if err != nil {
			rt.Fatal(err)
		}
		checkPlan(rt, c, plan)
		checkNumbers(rt, plan)
	})
}

func TestVectorsOfDifferentModelsAreNeverMixed(t *testing.T) {
	items := []*item{{Post: content.Post{ID: "a"}}, {Post: content.Post{ID: "b"}}, {Post: content.Post{ID: "c"}}, {Post: content.Post{ID: "d"}}}
	spaces := placed(items, []content.Vector{
		{PostID: "a", Model: "new", Values: []float32{1, 0}},
		{PostID: "b", Model: "old", Values: []float32{1, 0, 0}},
		{PostID: "c", Model: "old", Values: []float32{0, 0, 1}},
		{PostID: "a", Model: "old", Values: []float32{0, 1, 0}},
		{PostID: "d", Model: "new", Values: []float32{0, 1}},
		{PostID: "d", Model: "bad"},
	})
	var got []string
	for _, sp := range spaces {
		for i, it := range sp.items {
			got = append(got, fmt.Sprint(it.ID, len(sp.points[i])))
		}
	}
	if want := []string{"a3", "b3", "c3", "d2"}; !slices.Equal(got, want) {
		t.Errorf("placed = %v, want %v", got, want)
	}
}
