package generate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

// handful is so few posts that nothing can be said of them.
func handful(order content.Order, assumed bool) content.Corpus {
	c := content.Corpus{
		Account: content.Account{Platform: content.Twitter, Username: "smallpress", Type: content.NonBranding, TypeGiven: true, Style: "dry"},
		Main:    content.Source{Username: "smallpress", Order: order, OrderReason: "they are what they are", OrderAssumed: assumed},
	}
	for i, text := range []string{"First proof of the heron plate", "The roller squeaked all day", "Forty postcards are dry and signed", "Does anybody still use blotting paper?"} {
		p := written(content.Twitter, "smallpress", i, content.Text, int64(4+i*5), text)
		p.Time = time.Date(2026, 4, 3+i*4, 8, 0, 0, 0, time.UTC)
		c.Main.Posts = append(c.Main.Posts, p)
	}
	return c
}

func TestAHandfulOfPostsGivesNoAdvice(t *testing.T) {
	plan := planOf(t, handful(content.Recent, false), nil)
	if len(plan.Recommendations) != 0 || len(plan.Works) != 2 {
		t.Errorf("%d recommendations, works = %+v", len(plan.Recommendations), plan.Works)
	}
	for _, want := range []string{"support no recommendation", "Not enough data of @smallpress", "3 posts on either side", "8 comparable ones", "read @smallpress again"} {
		if !strings.Contains(plan.Withheld, want) {
			t.Errorf("withheld lacks %q: %s", want, plan.Withheld)
		}
	}
	for _, p := range passages(plan) {
		if strings.Contains(p.text, "%") || strings.Contains(p.text, "Half of") {
			t.Errorf("%s gives a share of four posts: %s", p.where, p.text)
		}
	}
}

func TestAnAssumedSelectionIsNoStrongGround(t *testing.T) {
	plan := planOf(t, handful(content.MostLiked, true), nil)
	if notes := strings.Join(plan.Notes, "\n"); !strings.Contains(notes, "are assumed to be its most-liked ones (“they are what they are”)") {
		t.Errorf("notes = %s", notes)
	}
	if len(plan.Recommendations) != 1 || plan.Recommendations[0].About != "data" || plan.Recommendations[0].Evidence != weak || !strings.Contains(plan.Recommendations[0].Why, "assumed") {
		t.Errorf("recommendations = %+v", plan.Recommendations)
	}
	if notes := strings.Join(planOf(t, handful(content.Recent, true), nil).Notes, "\n"); !strings.Contains(notes, "assumed to be its newest ones") {
		t.Errorf("notes = %s", notes)
	}
}

func TestFewWinnersGiveNoHints(t *testing.T) {
	c := tweeter()
	c.Main.Posts = c.Main.Posts[:fewWinners-1]
	plan := planOf(t, c, nil)
	if len(plan.Recommendations) != 1 || plan.Recommendations[0].About != "data" || len(plan.Works) != 2 {
		t.Errorf("%d recommendations, works = %+v", len(plan.Recommendations), plan.Works)
	}
	if more := planOf(t, tweeter(), nil); len(more.Recommendations) < 3 || len(more.Works) < 5 {
		t.Errorf("of 30 winners there are %d recommendations, works = %+v", len(more.Recommendations), more.Works)
	}
}

func TestOwnSupportedFindingsComeFirst(t *testing.T) {
	one := func(title, evidence string, score float64, rival bool) advice {
		posts := itemsOf([]float64{score})
		return advice{Recommendation: content.Recommendation{Title: title, About: title, PostIDs: cite(posts), Evidence: evidence}, score: score, with: posts, rival: rival}
	}
	kept, _ := chosen([]advice{
		one("rival", weak, 99, true), one("hint", weak, 2, false), one("moderate", moderate, 3, false), one("strong", strong, 0.1, false),
	})
	var got []string
	for _, a := range kept {
		got = append(got, a.Title)
	}
	if want := []string{"strong", "moderate", "rival", "hint"}; !slices.Equal(got, want) {
		t.Errorf("order = %v, want %v", got, want)
	}
}

func TestModelsAreOrdinaryAndDiffer(t *testing.T) {
	items := itemsOf([]float64{900, 120, 115, 110, 105, 100, 95, 90})
	d := &desk{study: &study{own: &set{items: items}, analysis: content.Analysis{Anomalies: content.Anomalies{Found: []content.Anomaly{{PostID: items[1].ID}}}}}, shown: map[*item]bool{}}
	for n, want := range []*item{items[2], items[3], items[4], items[2]} {
		p := &prose{}
		if got := d.model(items, p); !strings.Contains(got, grouped(want.value)) {
			t.Errorf("model %d is %s, want the one of %v", n+1, got, want.value)
		}
	}
}

func TestContestsAreNoModel(t *testing.T) {
	c := steady(30, func(i int) (int64, string) {
		if i%3 == 0 {
			return int64(900 + i*7%50), "Blue Heron mugs are back on the shelf #giveaway. Tag a friend to enter and win a Blue Heron mug"
		}
		return int64(300 + i*7%50), "Blue Heron mugs on the wheel, still wet"
	})
	plan := planOf(t, c, nil)
	for _, r := range plan.Recommendations {
		if strings.Contains(r.Title+r.How, "Use #giveaway") || strings.Contains(r.How, "#giveaway on") {
			t.Errorf("advised: %s. %s", r.Title, r.How)
		}
	}
	if next := fmt.Sprint(plan.Next.Caption, plan.Next.Hashtags); strings.Contains(next, "giveaway") || strings.Contains(next, "win") {
		t.Errorf("next post = %s", next)
	}
}

func TestWhatWorksShowsOnlyWhatIsSupported(t *testing.T) {
	c := cosmetics()
	s := newStudy(c, analyzed(c), nil)
	found := s.findings()
	silent := 0
	for _, st := range s.works(found) {
		if strings.Contains(st.Text, "says nothing yet") || strings.Contains(st.Text, "it goes with") {
			t.Errorf("told among what works: %s", st.Text)
		}
		if st.About == "chance" {
			silent++
		}
	}
	for _, f := range found {
		if f.grade != "" && f.odds() > weakChance {
			t.Errorf("%s is graded %q at %v", f.key, f.grade, f.odds())
		}
	}
	if silent != 1 {
		t.Errorf("%d lines say how much says nothing", silent)
	}
}

func TestTempoIsNeitherStrengthNorWeakness(t *testing.T) {
	c := cosmetics()
	for i := range c.Competitors[0].Posts {
		c.Competitors[0].Posts[i].Time = made().Add(-hours(60 * i))
	}
	rival := planOf(t, c, nil).Competitors[0]
	for _, st := range slices.Concat(rival.Strengths, rival.Vulnerabilities) {
		if st.About == "rhythm" {
			t.Errorf("filed: %s", st.Text)
		}
	}
	if !strings.Contains(rival.Overview, "posts a week") {
		t.Errorf("overview = %s", rival.Overview)
	}
}

func TestOwnPostsAreHeardOnARivalsPattern(t *testing.T) {
	c := cosmetics() // whose videos do badly, while the rival's do well
	for i := range c.Competitors[0].Posts {
		c.Competitors[0].Posts[i].Likes = new(int64(900 + 9*i + (1-i%2)*4_000))
		c.Competitors[0].Posts[i].Text = "Plum"
	}
	plan := planOf(t, c, nil)
	at := slices.IndexFunc(plan.Competitors[0].Strengths, func(st content.Statement) bool { return st.About == "kind" })
	if at < 0 || !strings.Contains(plan.Competitors[0].Strengths[at].Text, "the posts of @lumabrow say the opposite") {
		t.Errorf("strengths = %+v", plan.Competitors[0].Strengths)
	}
	for _, r := range plan.Recommendations {
		if strings.Contains(r.Title, "more videos") {
			t.Errorf("advised against the account's own posts: %s", r.Title)
		}
	}
}

func TestWordsAreFoundWhole(t *testing.T) {
	items := []*item{{Post: content.Post{Text: "Two cafés by the harbour, uncafelike", Hashtags: []string{"SlowCoffee"}}}}
	for key, want := range map[string]bool{"café": true, "cafe": true, "harbour": true, "harb": false, "afe": false, "two cafe": true, "cafe two": false, "#slowcoffee": true, "#slow": false} {
		if got := says(items, key); got != want {
			t.Errorf("says(%q) = %v", key, got)
		}
	}
}

func TestTheNoteOnStyleComesLast(t *testing.T) {
	for name, c := range corpora() {
		notes := planOf(t, c, nil).Notes
		if last := notes[len(notes)-1]; !strings.Contains(last, "posting style") {
			t.Errorf("%s: the last note is %q", name, last)
		}
	}
}
