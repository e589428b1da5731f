package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

// passage is a text of a plan with the figures that must hold its numbers.
type passage struct {
	where, text string
	figures     []content.Figure
	ids         []string
}

func passages(p content.Plan) []passage {
	var out []passage
	add := func(where, text string, figures []content.Figure, ids []string) {
		if text != "" {
			out = append(out, passage{where, text, figures, ids})
		}
	}
	statements := func(where string, all []content.Statement) {
		for _, s := range all {
			add(where+" "+s.About, s.Text, s.Figures, s.PostIDs)
		}
	}
	statements("profile", p.Profile)
	statements("works", p.Works)
	statements("trend", p.Trend)
	for _, note := range p.Notes {
		add("note", note, p.Figures, nil)
	}
	add("withheld", p.Withheld, p.Figures, nil)
	add("next why", p.Next.Why, p.Next.Figures, p.Next.PostIDs)
	add("next withheld", p.Next.Withheld, p.Next.Figures, nil)
	for _, c := range p.Competitors {
		add("overview", c.Overview, c.Figures, nil)
		add("missing", c.Missing, c.Figures, nil)
		statements("strength", c.Strengths)
		statements("vulnerability", c.Vulnerabilities)
		statements("counter", c.CounterStrategies)
	}
	for i, r := range p.Recommendations {
		for _, text := range []string{r.Title, r.Why, r.How, r.Measure} {
			add(fmt.Sprintf("recommendation %d", i+1), text, r.Figures, r.PostIDs)
		}
	}
	return out
}

// numbersIn returns the numbers of a text that are measurements: not those
// inside quotations, names, dates, times of day and ids.
func numbersIn(text string) []string {
	const months = `(January|February|March|April|May|June|July|August|September|October|November|December)`
	for _, skip := range []string{
		`“[^”]*”`, `[@#][\p{L}\p{N}_.’-]+`, `\d{1,2}(–\d{1,2})? ` + months + `( \d{4})?`, `\d{2}:\d{2}`, `post [\w-]+`,
	} {
		text = regexp.MustCompile(skip).ReplaceAllString(text, " ")
	}
	return regexp.MustCompile(`\d[\d,]*(\.\d+)?`).FindAllString(strings.NewReplacer(", ", " ; ", ".\n", " ").Replace(text), -1)
}

func TestPlanNumbersAreFigures(t *testing.T) {
	for name, c := range corpora() {
		t.Run(name, func(t *testing.T) { checkNumbers(t, planOf(t, c, shelves{c, "m"})) })
	}
}

func checkNumbers(t rapid.TB, plan content.Plan) {
	t.Helper()
	for _, p := range passages(plan) {
		known := map[string]bool{}
		for _, f := range p.figures {
			known[grouped(f.Value)], known[grouped(f.Value*100)] = true, true
		}
		for _, n := range numbersIn(p.text) {
			if !known[strings.TrimRight(n, ".,")] {
				t.Errorf("%s: number %q of %q is no figure", p.where, n, p.text)
			}
		}
	}
}

func TestNumbersAreSeenByTheCheck(t *testing.T) {
	got := numbersIn("Posts with #x2 reach 1,234 over 5 posts, 1.5× of “7 days” on 3 May 2025, 0.4 %.")
	if want := []string{"1,234", "5", "1.5", "0.4"}; !slices.Equal(got, want) {
		t.Errorf("numbersIn = %v, want %v", got, want)
	}
}

func TestSentencesBelongToOneAccount(t *testing.T) {
	owner := map[string]string{}
	for name, c := range corpora() {
		plan := planOf(t, c, shelves{c, "m"})
		texts := []string{plan.Next.Caption, plan.Next.Tweet, plan.Next.CallToAction, plan.Next.ImagePrompt, plan.Next.Headline}
		for _, p := range passages(plan) {
			texts = append(texts, p.text)
		}
		for _, text := range texts {
			for _, s := range regexp.MustCompile(`[.!?]\s+|\n+`).Split(text, -1) {
				if s = strings.TrimSpace(s); strings.IndexFunc(s, isLetter) < 0 {
					continue
				}
				if other, taken := owner[s]; taken && other != name {
					t.Errorf("%q stands in the plans of %s and of %s", s, name, other)
				}
				owner[s] = name
			}
		}
	}
}

// checkPlan holds what is true of every plan, whatever the corpus.
func checkPlan(t rapid.TB, c content.Corpus, plan content.Plan) {
	t.Helper()
	if _, err := json.Marshal(plan); err != nil {
		t.Errorf("plan is no JSON (NaN or Inf): %v", err)
	}
	ids := map[string]bool{}
	var words strings.Builder
	for _, p := range c.All() {
		ids[p.ID] = true
		words.WriteString(" " + strings.ToLower(strings.Join(p.Hashtags, " ")) + " ")
	}
	for _, p := range passages(plan) {
		for _, id := range p.ids {
			if !ids[id] {
				t.Errorf("%s cites %q, which is no post", p.where, id)
			}
		}
		own := regexp.MustCompile(`“[^”]*”`).ReplaceAllString(p.text, "")
		if strings.Contains(own, "%!") || strings.Contains(own, "%s") || strings.Contains(own, "NaN") || strings.Contains(own, "+Inf") {
			t.Errorf("%s: broken text %q", p.where, p.text)
		}
	}
	titles := map[string]bool{}
	for _, r := range plan.Recommendations {
		if titles[r.Title] || r.Title == "" || r.Why == "" || r.How == "" || len(r.PostIDs) == 0 {
			t.Errorf("recommendation repeated or incomplete: %+v", r)
		}
		if titles[r.Title] = true; !slices.Contains([]string{strong, moderate, weak}, r.Evidence) {
			t.Errorf("evidence %q of %q", r.Evidence, r.Title)
		}
	}
	switch n := len(plan.Recommendations); {
	case n > maxRecommendations:
		t.Errorf("%d recommendations", n)
	case n < maxRecommendations && plan.Withheld == "":
		t.Errorf("%d recommendations without a reason", n)
	}
	if n := plan.Next; (n.Withheld == "") != (n.Caption+n.Tweet != "") || tweetLength(n.Tweet) > tweetLimit || len(n.Hashtags) > maxTags || len(strings.Fields(n.Headline)) > headlineWords {
		t.Errorf("next post %+v", n)
	}
	for _, tag := range plan.Next.Hashtags {
		if !strings.Contains(words.String(), " "+strings.ToLower(tag[1:])+" ") {
			t.Errorf("hashtag %s is in no post", tag)
		}
	}
}

func TestPlansHoldWhatTheyPromise(t *testing.T) {
	for name, c := range corpora() {
		t.Run(name, func(t *testing.T) { checkPlan(t, c, planOf(t, c, nil)); checkPlan(t, c, planOf(t, c, shelves{c, "m"})) })
	}
}

func TestPlanIsTheSameEachTime(t *testing.T) {
	for name, c := range corpora() {
		first, err := json.Marshal(planOf(t, c, shelves{c, "m"}))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			again, err := json.Marshal(planOf(t, c, shelves{c, "m"}))
			if err != nil || string(first) != string(again) {
				t.Fatalf("%s: two plans of the same corpus differ", name)
			}
		}
	}
}

func TestPlantedEffectIsRecommendedFirst(t *testing.T) {
	c := cosmetics()
	plan := planOf(t, c, shelves{c, "m"})
	first := plan.Recommendations[0]
	if first.Evidence != strong || !strings.Contains(first.Why, "9,250") && !strings.Contains(first.Why, "9,1") && !strings.Contains(first.Why, "8,9") {
		t.Errorf("first recommendation = %q (%s): %s", first.Title, first.Evidence, first.Why)
	}
	if !slices.Contains([]string{"kind", "topic"}, first.About) {
		t.Errorf("first recommendation is about %s", first.About)
	}
	if !strings.Contains(plan.Next.Caption, "Moon’Milk") || !strings.Contains(plan.Next.CallToAction, "Shop Moon’Milk at @glowhaus") {
		t.Errorf("next post = %+v", plan.Next)
	}
}

func TestNoiseIsNotAdvised(t *testing.T) {
	graded, total := 0, 0
	random := seeded("noise")
	for round := range 30 {
		c := content.Corpus{Account: content.Account{Platform: content.Instagram, Username: fmt.Sprintf("static%d", round)}, Main: content.Source{Username: "static", Order: content.Recent}}
		for i := range 40 {
			kind := []content.Kind{content.Photo, content.Video}[random.IntN(2)]
			text := strings.Join([]string{"one", "two?", "three ✨", "#four"}[random.IntN(3):], " ")
			c.Main.Posts = append(c.Main.Posts, written(content.Instagram, "static", i, kind, int64(500+random.IntN(3000)), text))
		}
		s := newStudy(c, analyzed(c), nil)
		for _, f := range s.findings() {
			if total++; f.grade == strong {
				graded++
			}
		}
	}
	if graded*20 > total {
		t.Errorf("%d of %d comparisons of pure noise are called strong", graded, total)
	}
}

func TestThinAccountsSayWhatIsMissing(t *testing.T) {
	for name, c := range map[string]content.Corpus{"one post": lone(), "no posts": empty(), "hidden": unknown()} {
		plan := planOf(t, c, nil)
		handle := "@" + c.Account.Username
		if len(plan.Recommendations) != 0 || !strings.Contains(plan.Withheld, handle) {
			t.Errorf("%s: %d recommendations, withheld %q", name, len(plan.Recommendations), plan.Withheld)
		}
		if !strings.Contains(plan.Works[0].Text, "not enough data") && !strings.Contains(plan.Works[len(plan.Works)-1].Text, "not enough data") {
			t.Errorf("%s: works = %+v", name, plan.Works)
		}
	}
	if got := planOf(t, empty(), nil).Next.Withheld; !strings.Contains(got, "the account is private") {
		t.Errorf("Withheld = %q, want the scrape’s reason", got)
	}
}

func TestMostLikedGivesNoLift(t *testing.T) {
	plan := planOf(t, tweeter(), nil)
	for _, topic := range plan.Topics {
		if topic.Lift != 0 {
			t.Errorf("topic %s has lift %v", topic.Name, topic.Lift)
		}
	}
	for _, p := range passages(plan) {
		if strings.Contains(p.text, " a week") || strings.Contains(p.text, "posts of other kinds") {
			t.Errorf("%s speaks of rates or of ordinary posts: %q", p.where, p.text)
		}
	}
	if !strings.Contains(strings.Join(plan.Notes, " "), "most-liked") || plan.Recommendations[0].About != "data" {
		t.Errorf("notes %v, first %q", plan.Notes, plan.Recommendations[0].Title)
	}
	if plan.Next.Tweet == "" || plan.Next.Caption != "" || len(plan.Next.Hashtags) != 0 || plan.Next.When != "" {
		t.Errorf("next post = %+v", plan.Next)
	}
}

func TestNextPostIsInTheMainLanguage(t *testing.T) {
	plan := planOf(t, page(), nil)
	if plan.Language != "es" || plan.Next.Language != "es" || !strings.Contains(plan.Next.Caption, "Limón Bravo") || strings.Contains(plan.Next.Caption, "Plum") {
		t.Errorf("next post = %+v", plan.Next)
	}
	c := page()
	for i := range c.Main.Posts {
		c.Main.Posts[i].Language = "sl"
	}
	if got := planOf(t, c, nil).Next; got.Caption != "" || !strings.Contains(got.Withheld, "Slovene") {
		t.Errorf("next post = %+v, want it withheld because of Slovene", got)
	}
}

func TestNotesSayWhatWasNotGiven(t *testing.T) {
	notes := strings.Join(planOf(t, tweeter(), nil).Notes, "\n")
	for _, want := range []string{"account type of @orbitharbor was not given: treated as non-branding", "posting style of @orbitharbor was not given"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %q:\n%s", want, notes)
		}
	}
	if notes = strings.Join(planOf(t, cosmetics(), nil).Notes, "\n"); !strings.Contains(notes, "quiet, warm") || !strings.Contains(notes, "@gonehandle (“no scrape is stored”)") {
		t.Errorf("notes = %s", notes)
	}
}

func TestBrandsHearOfCompetitorsFirst(t *testing.T) {
	c := cosmetics()
	rank := func(plan content.Plan) (sum int) {
		for i, r := range plan.Recommendations {
			if strings.Contains(r.Title, "@velvetorchard") {
				sum += i
			}
		}
		return sum
	}
	brand := rank(planOf(t, c, nil))
	c.Account.Type = content.NonBranding
	if person := rank(planOf(t, c, nil)); person <= brand {
		t.Errorf("competitors rank at %d for a person, %d for a brand", person, brand)
	}
}

func TestCompetitorIsMeasuredOrMissing(t *testing.T) {
	plan := planOf(t, cosmetics(), nil)
	rival, gone := plan.Competitors[0], plan.Competitors[1]
	if rival.Overview == "" || len(rival.Strengths) == 0 || len(rival.Vulnerabilities) == 0 || len(rival.CounterStrategies) == 0 {
		t.Errorf("rival = %+v", rival)
	}
	if gone.Missing == "" || gone.Overview != "" || gone.Figures != nil {
		t.Errorf("gone = %+v", gone)
	}
	for _, r := range plan.Recommendations {
		if strings.Contains(r.Title, "Velvet") || strings.Contains(r.Title, "“Orchard") {
			t.Errorf("the competitor’s own name is advised: %q", r.Title)
		}
	}
}

type broken struct{ err error }

func (b broken) Vectors(context.Context, string, []string) ([]content.Vector, error) {
	return nil, b.err
}

func TestIndexFailureFailsThePlan(t *testing.T) {
	want := errors.New("disk is gone")
	if _, err := Plan(t.Context(), cosmetics(), content.Analysis{}, broken{want}, made()); !errors.Is(err, want) {
		t.Errorf("Plan = %v, want %v", err, want)
	}
}
