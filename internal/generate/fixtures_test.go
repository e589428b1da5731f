package generate

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// made is when the fixtures' plans are made.
func made() time.Time { return time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC) }

// written makes a post out of its text: tags and names are read from it.
func written(platform content.Platform, account string, at int, kind content.Kind, likes int64, text string) content.Post {
	p := content.Post{
		ID: fmt.Sprintf("%s-%d", account, at), Platform: platform, Account: account, Kind: kind, Text: text, Language: "en",
		Time:  time.Date(2026, 4, 28, 7+at*5%14, 0, 0, 0, time.UTC).Add(-time.Duration(at) * 26 * time.Hour),
		Likes: new(likes), Comments: new(likes/70 + int64(at%3)),
	}
	for field := range strings.FieldsSeq(text) {
		name := strings.TrimRight(field[1:], ".,!?")
		switch field[0] {
		case '#':
			p.Hashtags = append(p.Hashtags, name)
		case '@':
			p.Mentions = append(p.Mentions, name)
		}
	}
	return p
}

// cosmetics is a brand with one competitor and one that gave nothing. Its
// carousels do clearly better than its videos.
func cosmetics() content.Corpus {
	texts := []string{
		"Meet the Moon’Milk glow, our soft balm for tired skin ✨\n\nShop Moon’Milk at @glowhaus and lumabrow.example!",
		"Slow mornings with Moon’Milk and a warm towel ✨ Which step do you never skip?",
		"Moon’Milk Night Balm is a gentle balm that melts into dry skin ✨\n\nShop Moon’Milk at @glowhaus and lumabrow.example! #lumabrowritual",
		"How we film Brow Lantern in one take 🎬 #lumabrowritual",
		"Brow Lantern gel in the shade Amber for soft brows 🎬 @glowhaus",
		"Moon’Milk Night Balm is a gentle balm that melts into dry skin overnight ✨ #lumabrowritual",
		"Brow Lantern gel holds soft brows all day 🎬 @glowhaus",
		"Three ways to wear Moon’Milk on dry skin ✨ #lumabrowritual",
		"Brow Lantern brush, filmed close 🎬",
		"A quiet shelf: Moon’Milk beside Brow Lantern ✨ @glowhaus",
		"Brow Lantern gel and soft brows, again 🎬 #lumabrowritual",
		"Dry skin days need Moon’Milk ✨ Which texture do you like?",
		"Brow Lantern in daylight 🎬 @glowhaus",
		"Moon’Milk refill pots for dry skin ✨ #lumabrowritual",
		"Soft brows with Brow Lantern gel 🎬",
		"The Moon’Milk towel ritual for dry skin ✨ #lumabrowritual",
	}
	likes := []int64{9120, 8610, 9744, 2011, 2398, 10133, 1877, 8202, 2154, 11350, 1999, 7907, 2266, 9011, 1755, 8454}
	own := content.Source{
		Username: "lumabrow", Order: content.Recent, Scraped: time.Date(2026, 5, 3, 0, 0, 0, 0, time.UTC),
		Profile: &content.Profile{Username: "lumabrow", Name: "Lumabrow", Bio: "Brows and balms\nTag us #lumabrowface", Followers: new(int64(81_250)), Following: new(int64(312)), Posts: new(int64(1_204))},
	}
	for i, text := range texts {
		kind := content.Carousel
		if strings.Contains(text, "🎬") {
			kind = content.Video
		}
		p := written(content.Instagram, "lumabrow", i, kind, likes[i], text)
		if kind == content.Video {
			p.Views = new(likes[i] * int64(11+i*i))
		}
		own.Posts = append(own.Posts, p)
	}
	rival := content.Source{
		Username: "velvetorchard", Order: content.Recent,
		Profile: &content.Profile{Username: "velvetorchard", Name: "Velvet Orchard", Followers: new(int64(402_117))},
	}
	for i, text := range []string{
		"A sheer wash of colour for lazy sundays #blushseason", "Sheer colour on bare cheeks, nothing else #blushseason",
		"Velvet Orchard Plum, poured by hand", "Our lab on a rainy day", "Sheer wash of colour, two fingers, done #blushseason", "Poured by hand since spring",
		"Bare cheeks and a sheer wash of colour", "Hand poured plum on the bench", "Rainy bench, plum pigment", "What is your plum? Tell us in the comments",
	} {
		kind := content.Photo
		if i%2 == 0 {
			kind = content.Video
		}
		rival.Posts = append(rival.Posts, written(content.Instagram, "velvetorchard", i, kind, []int64{5120, 4933, 1204, 990, 5501, 1402, 6120, 1105, 870, 1333}[i], text))
	}
	return content.Corpus{
		Account: content.Account{
			Platform: content.Instagram, Username: "lumabrow", Type: content.Branding, TypeGiven: true, Style: "quiet, warm",
			Competitors: []string{"velvetorchard", "gonehandle"}, Timezone: "Europe/Madrid",
		},
		Main: own, Competitors: []content.Source{rival, {Username: "gonehandle", Order: content.Recent, Missing: "no scrape is stored"}},
	}
}

// tweeter is a person of whom only the most-liked tweets were scraped.
func tweeter() content.Corpus {
	s := content.Source{Username: "orbitharbor", Order: content.MostLiked, OrderReason: "nine years of tweets, sorted by likes"}
	texts := []string{
		"Lighthouse on", "The Lighthouse has docked", "Rain again", "Ask me about rope", "Lighthouse crew is home", "Good rope is boring rope", "", "", "", "Tide wins",
		"Every knot tells on you", "Lighthouse at night 🌊", "", "", "Boats are honest", "Rope, again", "No storm lasts", "Fog is a colour", "", "Salt in the coffee",
	}
	for i := range 30 {
		p := written(content.Twitter, "orbitharbor", i, content.Text, int64(90_000-2_311*i), texts[i%len(texts)])
		p.Time = time.Date(2017+i%9, time.Month(1+i%12), 3+i/6, i%24, 0, 0, 0, time.UTC)
		if i < 4 {
			p.Time = time.Date(2024, 8, 2, 6+i, 0, 0, 0, time.UTC)
		}
		if p.Text == "" {
			p.Kind, p.Language, p.Links = content.Link, content.NoWords, []string{"https://t.example/x"}
		}
		p.Shares = new(int64(1200 + i*i*7))
		s.Posts = append(s.Posts, p)
	}
	return content.Corpus{Account: content.Account{Platform: content.Twitter, Username: "orbitharbor", Type: content.NonBranding}, Main: s}
}

// page is a Facebook page in three languages, most of it Spanish.
func page() content.Corpus {
	s := content.Source{Username: "sorbetcasa", Order: content.Recent, Profile: &content.Profile{Username: "sorbetcasa", Name: "Sorbet Casa", Followers: new(int64(22_004))}}
	for i := range 27 {
		text, language := fmt.Sprintf("Una tarde con Limón Bravo en la terraza %s #VeranoFresco ¿Con quién vienes?", strings.Repeat("muy ", i%4)), "es"
		switch {
		case i%5 == 3:
			text, language = "A scoop of Salted Plum for the road #SorbetOnTour", "en"
		case i%7 == 5:
			text, language = "Sladoled za vse, danes na trgu", "sl"
		case i%2 == 0:
			text = "Limón Bravo vuelve a casa #VeranoFresco"
		}
		p := written(content.Facebook, "sorbetcasa", i, content.Photo, int64(140+(i*i*31)%97*4), text)
		p.Language, p.Shares = language, new(int64(i%6))
		if i%9 == 8 {
			p.Likes, p.Kind = nil, content.Video
		}
		if i%11 == 10 {
			p.Time = time.Time{}
		}
		s.Posts = append(s.Posts, p)
	}
	return content.Corpus{Account: content.Account{Platform: content.Facebook, Username: "sorbetcasa", Type: content.Branding, TypeGiven: true}, Main: s}
}

func lone() content.Corpus {
	return content.Corpus{
		Account: content.Account{Platform: content.Instagram, Username: "onlyoneoak"},
		Main: content.Source{Username: "onlyoneoak", Order: content.Recent, Posts: []content.Post{
			written(content.Instagram, "onlyoneoak", 0, content.Photo, 41, "First bench out of the workshop #benchday"),
		}},
	}
}

func empty() content.Corpus {
	return content.Corpus{
		Account: content.Account{Platform: content.Instagram, Username: "nothinghere", TypeGiven: true, Type: content.NonBranding, Style: "funny"},
		Main:    content.Source{Username: "nothinghere", Order: content.Recent, Missing: "the account is private"},
	}
}

// unknown is an account whose likes are hidden and whose posts have no dates.
func unknown() content.Corpus {
	c := cosmetics()
	c.Account = content.Account{Platform: content.Instagram, Username: "hushedfern", Type: content.Branding, TypeGiven: true}
	c.Competitors = nil
	c.Main.Username, c.Main.Profile = "hushedfern", nil
	for i := range c.Main.Posts {
		p := &c.Main.Posts[i]
		p.ID, p.Account, p.Likes, p.Time = fmt.Sprintf("hushedfern-%d", i), "hushedfern", nil, time.Time{}
		p.Text = strings.NewReplacer("Moon’Milk", "Fern’Ink", "Brow Lantern", "Moss Lamp", "balm", "ink", "skin", "paper", "lumabrow", "hushedfern").Replace(p.Text)
		p.Hashtags = nil
	}
	return c
}

func corpora() map[string]content.Corpus {
	return map[string]content.Corpus{"cosmetics": cosmetics(), "tweeter": tweeter(), "page": page(), "one post": lone(), "no posts": empty(), "hidden": unknown()}
}

// analyzed is the part of stage 4's result that a plan reads.
func analyzed(c content.Corpus) content.Analysis {
	a := content.Analysis{Timezone: "UTC", Order: c.Main.Order}
	if c.Account.Username == "lumabrow" {
		a.Timezone = "Europe/Madrid"
		a.Best.Slots = []content.Slot{{Label: "any day 09:00–12:00", Weekday: -1, From: 9, To: 12, N: 4, Lift: 1.15}}
		a.Anomalies.Found = []content.Anomaly{{PostID: "lumabrow-9", Value: 11512, Expected: 5000, Score: 4.2}}
	}
	return a
}

// shelves is an index that puts posts by the words in them: one direction a
// subject, so that topics are known beforehand.
type shelves struct {
	corpus content.Corpus
	model  string
}

func (s shelves) Vectors(context.Context, string, []string) ([]content.Vector, error) {
	var out []content.Vector
	for i, p := range s.corpus.All() {
		v := []float32{0.1, 0.1, 0.1, 0.1 + float32(i%3)/50}
		for at, word := range []string{"Moon", "Brow", "heer"} {
			if strings.Contains(p.Text, word) {
				v[at] += 1
			}
		}
		out = append(out, content.Vector{PostID: p.ID, Account: p.Account, Model: s.model, Values: v})
	}
	return out, nil
}

func planOf(t testing.TB, c content.Corpus, index Index) content.Plan {
	t.Helper()
	plan, err := Plan(t.Context(), c, analyzed(c), index, made())
	if err != nil {
		t.Fatalf("Plan(%s) = %v", c.Account.Key(), err)
	}
	return plan
}
