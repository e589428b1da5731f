package export

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/export/report"
)

// schemaVersion is the version of the objects' shapes, raised when a reader of
// the old one could misunderstand the new.
const schemaVersion = 1

// prepare makes every object of a run, checked against its schema, in the order
// in which they are written: what only this run has, what is numbered, what all
// runs share, and at the very end the next post, because Module 2 acts on it.
// The same input gives the same bytes.
func prepare(in Input, at place) ([]item, error) {
	s, err := compileSchemas()
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = report.Write(&page, report.Input{
		Run: in.Run.ID, Started: in.Run.Started, Corpus: in.Corpus, Analysis: in.Analysis, Plan: in.Plan,
	})
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	e := encoder{schemas: s}
	plan := e.json("content_plan", planOf(in))
	own := []item{
		{section: SectionPlan, key: at.own(in.Run.ID, "content_plan.json"), data: plan},
		{section: SectionReport, key: at.own(in.Run.ID, "report.html"), data: page.Bytes()},
	}
	shared := []item{
		{section: SectionPlan, key: at.in("content_plans", "content_plan.json"), shared: true, data: plan},
		{section: SectionReport, key: at.in("reports", "report.html"), shared: true, data: page.Bytes()},
	}
	if p := in.Corpus.Main.Profile; p != nil {
		data := e.json("profile", profileOf(*p, in.Plan.Account))
		own = append(own, item{section: SectionProfile, key: at.own(in.Run.ID, "profile.json"), data: data})
		shared = append(shared, item{section: SectionProfile, key: at.profile(), shared: true, data: data})
	}
	items := append(own, numberedItems(&e, in, at)...)
	items = append(items, shared...)
	if next := in.Plan.Next; next.Withheld == "" {
		items = append(items, item{
			section: SectionNextPost, series: at.in("next_posts", "campaign_next_post_"), data: e.json("next_post", nextPostOf(next)),
		})
	}
	return items, e.err
}

func numberedItems(e *encoder, in Input, at place) []item {
	items := []item{{
		section: SectionRecommendations, series: at.in("recommendations", "recommendation_"),
		data: e.json("recommendation", recommendationOf(in.Plan)),
	}}
	for _, c := range in.Plan.Competitors {
		items = append(items, item{
			section: SectionCompetitor, series: at.in("competitor_analysis", segment(c.Username)+"/analysis_"),
			data: e.json("competitor_analysis", competitorOf(c)),
		})
	}
	items = append(items, item{
		section: SectionProphet, series: at.in("prophet_analysis", "analysis_"), data: e.json("prophet_analysis", prophetOf(in)),
	})
	if strategies := strategiesOf(in.Plan); len(strategies) > 0 {
		items = append(items, item{
			section: SectionStrategies, series: at.in("engagement_strategies", "strategies_"), data: e.json("engagement_strategies", strategies),
		})
	}
	return items
}

func counts(in Input) Counts {
	compared := 0
	for _, c := range in.Plan.Competitors {
		if c.Missing == "" {
			compared++
		}
	}
	return Counts{PostsAnalyzed: in.Plan.Analyzed, Recommendations: len(in.Plan.Recommendations), Competitors: compared}
}

// encoder makes JSON that its schema allows. It keeps the first error and does
// nothing more after it.
type encoder struct {
	schemas schemas
	err     error
}

func (e *encoder) json(schema string, v any) []byte {
	if e.err != nil {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if e.err = enc.Encode(v); e.err == nil {
		e.err = e.schemas.check(schema, b.Bytes())
	}
	if e.err != nil {
		e.err = fmt.Errorf("%s: %w", schema, e.err)
	}
	return b.Bytes()
}

// cited returns the posts that the plan names, each once, in the corpus's order.
func cited(in Input) []content.Post {
	names := map[string]bool{}
	for id := range report.Cited(in.Plan, in.Analysis) {
		names[id] = true
	}
	var posts []content.Post
	for _, p := range in.Corpus.All() {
		if names[p.ID] {
			posts = append(posts, p)
			delete(names, p.ID)
		}
	}
	return posts
}
