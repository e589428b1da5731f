package generate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

func TestGradeSaysHowMuchAComparisonTells(t *testing.T) {
	good, bad := []float64{9, 8, 9, 8, 9}, []float64{2, 3, 2, 3, 2}
	for name, tt := range map[string]struct {
		with, rest               []float64
		chance, period, adjusted float64
		want                     string
	}{
		"clear and many":             {good, bad, 0.01, 0.02, 0.03, strong},
		"clear, few on one side":     {good[:3], bad, 0.01, 0, 0.03, moderate},
		"clear until corrected":      {good, bad, 0.03, 0, 0.2, moderate},
		"a hint":                     {good, bad, 0.09, 0, 0.4, weak},
		"chance":                     {good, bad, 0.11, 0, 0.6, ""},
		"gone within its time":       {good, bad, 0.01, 0.4, 0.01, ""},
		"median against the average": {[]float64{5, 5, 5, 0, 0}, []float64{4, 4, 4, 99, 99}, 0.01, 0, 0.01, ""},
	} {
		f := finding{with: itemsOf(tt.with), rest: itemsOf(tt.rest), chance: tt.chance, period: tt.period, ratio: median(tt.with) / median(tt.rest)}
		if got := grade(f, tt.adjusted); got != tt.want {
			t.Errorf("%s: grade = %q, want %q", name, got, tt.want)
		}
	}
}

func itemsOf(values []float64) []*item {
	var out []*item
	for i, v := range values {
		out = append(out, &item{Post: content.Post{ID: fmt.Sprint(i, v)}, value: v, judged: true})
	}
	return out
}

// steady is an account of so many posts, one a day, whose engagement and text
// come from their place, 0 the newest.
func steady(posts int, write func(i int) (likes int64, text string)) content.Corpus {
	c := content.Corpus{Account: content.Account{Platform: content.Instagram, Username: "steadyhand"}, Main: content.Source{Username: "steadyhand", Order: content.Recent}}
	for i := range posts {
		likes, text := write(i)
		p := written(content.Instagram, "steadyhand", i, content.Photo, likes, text)
		p.Time, p.Comments = made().Add(-time.Duration(i+2)*24*time.Hour), nil
		c.Main.Posts = append(c.Main.Posts, p)
	}
	return c
}

func TestAPeriodIsNotTakenForAnEffect(t *testing.T) {
	c := steady(40, func(i int) (int64, string) {
		if i < 20 {
			return int64(500 + i*7%60), "new days"
		}
		return int64(3000 + i*7%400), "old days #retro"
	})
	for _, f := range newStudy(c, analyzed(c), nil).findings() {
		if f.key == "hashtag retro" && (f.grade != "" || f.chance > 0.01) {
			t.Errorf("%s is graded %q at chance %v, within its time %v", f.key, f.grade, f.chance, f.period)
		}
	}
}

func TestABestSlotMustBeatTheBestOfAll(t *testing.T) {
	c := steady(24, func(i int) (int64, string) { return int64(500 + i*53%300 + i%4/3*120), "hello" })
	for i := range c.Main.Posts {
		c.Main.Posts[i].Time = c.Main.Posts[i].Time.Truncate(24 * time.Hour).Add(time.Duration(i%4*6) * time.Hour)
	}
	slot := content.Slot{Weekday: -1, From: 18, To: 0, N: 6}
	s := newStudy(c, content.Analysis{Best: content.BestTimes{Slots: []content.Slot{slot}}}, nil)
	f := s.timeFeatures()[0]
	picked, ok := s.compare(s.own, f, nil)
	f.tries = 0
	given, _ := s.compare(s.own, f, nil)
	if !ok || len(picked.with) != 6 || picked.chance <= given.chance || picked.chance > 4*given.chance {
		t.Errorf("chance %v as the best of 4 slots, %v as the only one (%d posts)", picked.chance, given.chance, len(picked.with))
	}
}

func TestSlotsFollowTheClock(t *testing.T) {
	monday := content.Slot{Weekday: 0, From: 22, To: 2}
	if got := slotName(monday); got != "Mondays between 22:00 and 02:00" {
		t.Errorf("slotName = %q", got)
	}
	for at, want := range map[string]bool{
		"2026-05-04T23:30:00Z": true, "2026-05-05T01:59:00Z": true, "2026-05-05T02:00:00Z": false, "2026-05-05T23:00:00Z": false, "2026-05-04T01:00:00Z": false,
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := inSlot(when, monday); got != want {
			t.Errorf("inSlot(%s) = %v", at, got)
		}
	}
}

func TestUnfitPostsAreNotCompared(t *testing.T) {
	c := steady(6, func(int) (int64, string) { return 100, "x" })
	c.Main.Scraped = c.Main.Posts[0].Time.Add(3 * time.Hour)
	c.Main.Posts[1].Pinned, c.Main.Posts[2].Likes, c.Main.Posts[3].Repost = true, nil, true
	s := newStudy(c, content.Analysis{}, nil)
	for i, want := range []string{content.UnfitYoung, content.UnfitPinned, content.UnfitCounts, content.UnfitRepost, "", ""} {
		if got := s.own.items[i].use.Unfit; got != want {
			t.Errorf("post %d is unfit because %q, want %q", i, got, want)
		}
	}
	c.Main.Scraped = c.Main.Posts[0].Time
	if got := newStudy(c, content.Analysis{}, nil).own.items[0].use.Unfit; got != "" {
		t.Errorf("a scrape time guessed from the newest post makes it unfit: %q", got)
	}
}

func TestWinnersAreNotComparedWithEachOther(t *testing.T) {
	if got := newStudy(tweeter(), content.Analysis{}, nil).findings(); got != nil {
		t.Errorf("findings = %v", got)
	}
}

func TestFaintHintsAreNotAdvised(t *testing.T) {
	f := finding{with: itemsOf([]float64{1, 2, 3}), rest: itemsOf([]float64{1, 2, 3}), grade: weak, trial: 6}
	if f.faint() {
		t.Error("a hint that as many posts could confirm is called faint")
	}
	if f.trial = 7; !f.faint() {
		t.Error("a hint that takes more posts than there are is not called faint")
	}
	if f.grade = moderate; f.faint() {
		t.Error("a moderate finding is called faint")
	}
}

func TestAdviceIsDistinctAndLimited(t *testing.T) {
	var all []advice
	for i := range 22 {
		posts := itemsOf([]float64{float64(i)})
		all = append(all, advice{Recommendation: content.Recommendation{Title: fmt.Sprint("do ", i), About: "kind", PostIDs: cite(posts)}, score: float64(i), with: posts})
	}
	all = append(all,
		advice{Recommendation: content.Recommendation{Title: "do 21", About: "time", PostIDs: []string{"x"}}, score: 1},
		advice{Recommendation: content.Recommendation{Title: "again", About: "kind", PostIDs: []string{"x"}}, score: 1, with: all[21].with},
		advice{Recommendation: content.Recommendation{Title: "baseless"}, score: 99})
	kept, repeats := chosen(all)
	if len(kept) != maxRecommendations || kept[0].Title != "do 21" || kept[14].Title != "do 7" || repeats != 3 {
		t.Errorf("chosen %d, first %q, %d repeats", len(kept), kept[0].Title, repeats)
	}
}

func TestACompetitorsNamesAreNoGap(t *testing.T) {
	s := newStudy(cosmetics(), content.Analysis{}, nil)
	rival := newSet(content.Source{Username: "velvetorchard", Posts: []content.Post{
		{ID: "a", Language: "en", Text: "A sheer wash with Petal Press"}, {ID: "b", Language: "en", Text: "The sheer wash of Petal Press"}, {ID: "c", Language: "en", Text: "One sheer wash by Petal Press"},
	}}, "velvetorchard", time.UTC)
	rival.topics = []topic{{terms: rival.phrases, items: rival.items}}
	d := &duel{s: s, own: s.own, rival: rival}
	d.findGaps()
	if len(d.gaps) != 1 || !strings.Contains(d.gaps[0].name, "sheer wash") || strings.Contains(d.gaps[0].name, "Petal") {
		t.Errorf("gaps = %+v", d.gaps)
	}
}

func TestDraftTakesOnlyWordsOfItsLanguage(t *testing.T) {
	c := steady(13, func(i int) (int64, string) {
		if i%2 == 0 {
			return 10, strings.Repeat("Una tarde con Limón Bravo ", 1+i%3/2)
		}
		return 10, "Two scoops of Salted Plum and more Salted Plum"
	})
	for i := range c.Main.Posts {
		if i%2 == 0 {
			c.Main.Posts[i].Language = "es"
		}
		c.Main.Posts[i].Hashtags = []string{"a", "b", "c", "d", "e", "f", "g"}
	}
	next := planOf(t, c, nil).Next
	if next.Language != "es" || strings.Contains(next.Caption, "Salted") || !strings.Contains(next.Caption, "Limón Bravo") {
		t.Errorf("next = %+v", next)
	}
	if len(next.Hashtags) != maxTags {
		t.Errorf("%d hashtags", len(next.Hashtags))
	}
}

func TestAFewPostsInAnotherLanguageDoNotNameTheDraft(t *testing.T) {
	c := steady(5, func(i int) (int64, string) {
		return 10, []string{"Una tarde con Limón Bravo", "Otra tarde con Limón Bravo", "Tarde larga", "Our Salted Plum and your Salted Plum", "Some Salted Plum, more Salted Plum"}[i]
	})
	for i := range 3 {
		c.Main.Posts[i].Language = "es"
	}
	if next := planOf(t, c, nil).Next; strings.Contains(next.Caption, "Salted") || !strings.Contains(next.Caption, "Limón Bravo") {
		t.Errorf("next = %+v", next)
	}
}
