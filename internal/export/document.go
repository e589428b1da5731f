package export

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// contentPlan is content_plan.json: the original's sections under its names, and
// the plan itself with the posts that it cites.
type contentPlan struct {
	SchemaVersion        int                   `json:"schema_version"`
	Run                  string                `json:"run"`
	PrimaryUsername      string                `json:"primary_username"`
	Platform             string                `json:"platform"`
	Timestamp            time.Time             `json:"timestamp"` // UTC; the original wrote local time without zone
	AccountType          string                `json:"account_type"`
	PostingStyle         string                `json:"posting_style"`
	TotalPostsAnalyzed   int                   `json:"total_posts_analyzed"`
	RecommendationsCount int                   `json:"recommendations_count"`
	Competitors          []string              `json:"competitors"`
	CompetitorAnalysis   map[string]competitor `json:"competitor_analysis"`
	NextPost             *nextPost             `json:"next_post_prediction,omitempty"` // absent when withheld: plan.next says why
	Improvements         improvements          `json:"improvement_recommendations"`
	EngagementStrategies []strategy            `json:"engagement_strategies"`
	Recommendation       recommendation        `json:"recommendation"`
	ContentIntelligence  intelligence          `json:"content_intelligence"`
	Plan                 content.Plan          `json:"plan"`
	Posts                []content.Post        `json:"cited_posts"`
}

type intelligence struct {
	Platform    string `json:"platform"`
	AccountType string `json:"account_type"`
}

type improvements struct {
	Recommendations []improvement `json:"recommendations"`
	StrategyBasis   string        `json:"strategy_basis"`
	Platform        string        `json:"platform"`
}

// improvement leaves out the original's expected_impact and timeline: nothing in
// the data says them.
type improvement struct {
	Strategy       string `json:"strategy"`
	Implementation string `json:"implementation"`
	SuccessMetrics string `json:"success_metrics,omitempty"`
}

type strategy struct {
	Strategy       string   `json:"strategy"`
	Implementation string   `json:"implementation"`
	Evidence       string   `json:"evidence"`
	PostIDs        []string `json:"post_ids"`
}

// recommendation is recommendation_<n>.json. A branding account has its findings
// in CompetitiveIntelligence, which the original computed and then lost; the empty
// PersonalIntelligence beside it is what its readers are used to.
type recommendation struct {
	SchemaVersion           int                      `json:"schema_version"`
	CompetitiveIntelligence *competitiveIntelligence `json:"competitive_intelligence,omitempty"`
	PersonalIntelligence    *personalIntelligence    `json:"personal_intelligence"`
	Tactical                []string                 `json:"tactical_recommendations"`
	Count                   int                      `json:"recommendations_count"`
	ContentIntelligence     intelligence             `json:"content_intelligence"`
	Recommendations         []content.Recommendation `json:"recommendations"`
	Withheld                string                   `json:"withheld,omitempty"`
}

type competitiveIntelligence struct {
	AccountAnalysis      string `json:"account_analysis"`
	CompetitiveAnalysis  string `json:"competitive_analysis"`
	GrowthOpportunities  string `json:"growth_opportunities"`
	StrategicPositioning string `json:"strategic_positioning"`
}

type personalIntelligence struct {
	AccountAnalysis      string `json:"account_analysis,omitempty"`
	GrowthOpportunities  string `json:"growth_opportunities,omitempty"`
	PersonalGrowthAction string `json:"personal_growth_action,omitempty"`
}

// competitor is analysis_<n>.json of one competitor.
type competitor struct {
	Overview           string              `json:"overview"`
	IntelligenceSource string              `json:"intelligence_source"`
	Strengths          []string            `json:"strengths"`
	Vulnerabilities    []string            `json:"vulnerabilities"`
	CounterStrategies  []string            `json:"recommended_counter_strategies"`
	Themes             []string            `json:"top_content_themes"`
	Figures            []content.Figure    `json:"figures,omitempty"`
	Findings           map[string][]string `json:"post_ids,omitempty"` // list → the posts behind it
}

// nextPost is campaign_next_post_<n>.json, bare as Module 2 expects it: no
// envelope, and no status, which means pending.
type nextPost struct {
	Caption      string   `json:"caption,omitempty"`
	Tweet        string   `json:"tweet_text,omitempty"`
	Hashtags     []string `json:"hashtags"`
	CallToAction string   `json:"call_to_action"`
	ImagePrompt  string   `json:"image_prompt"`
	Headline     string   `json:"headline,omitempty"`
	Language     string   `json:"language,omitempty"`
	When         string   `json:"when,omitempty"`
	Why          string   `json:"why,omitempty"`
	PostIDs      []string `json:"post_ids,omitempty"`
}

// profile is ProfileInfo/<platform>/<username>.json.
type profile struct {
	SchemaVersion int              `json:"schema_version"`
	Platform      content.Platform `json:"platform"`
	Username      string           `json:"username"`
	Name          string           `json:"name"`
	Bio           string           `json:"bio"`
	URL           string           `json:"url,omitempty"`
	Website       string           `json:"website"`
	Category      string           `json:"category,omitempty"`
	Followers     *int64           `json:"follower_count,omitempty"`
	Following     *int64           `json:"following_count,omitempty"`
	Posts         *int64           `json:"post_count,omitempty"`
	Tweets        *int64           `json:"tweet_count,omitempty"` // Twitter's name for post_count
	Verified      *bool            `json:"verified,omitempty"`
	Created       time.Time        `json:"created_at,omitzero"`
}

// notGiven stands where the operator said nothing.
const notGiven = "not given"

func planOf(in Input) contentPlan {
	p := in.Plan
	d := contentPlan{
		SchemaVersion: schemaVersion, Run: in.Run.ID, PrimaryUsername: p.Account.Username, Platform: string(p.Account.Platform),
		Timestamp: p.Made.UTC(), AccountType: p.Account.Type, PostingStyle: orElse(p.Account.Style, notGiven),
		TotalPostsAnalyzed: p.Analyzed, RecommendationsCount: len(p.Recommendations),
		Competitors: list(p.Account.Competitors), CompetitorAnalysis: map[string]competitor{},
		Improvements:         improvements{Recommendations: []improvement{}, StrategyBasis: basis(p), Platform: string(p.Account.Platform)},
		EngagementStrategies: strategiesOf(p), Recommendation: recommendationOf(p),
		ContentIntelligence: intelligenceOf(p.Account), Plan: p, Posts: list(cited(in)),
	}
	for _, c := range p.Competitors {
		d.CompetitorAnalysis[c.Username] = competitorOf(c)
	}
	if p.Next.Withheld == "" {
		next := nextPostOf(p.Next)
		d.NextPost = &next
	}
	for _, r := range p.Recommendations {
		d.Improvements.Recommendations = append(d.Improvements.Recommendations,
			improvement{Strategy: r.Title, Implementation: r.How, SuccessMetrics: r.Measure})
	}
	return d
}

// basis says what the recommendations rest on, or why there are few or none.
func basis(p content.Plan) string {
	return orElse(p.Withheld, "measured engagement of the account's own posts")
}

func intelligenceOf(a content.Account) intelligence {
	return intelligence{Platform: string(a.Platform), AccountType: a.Type}
}

func recommendationOf(p content.Plan) recommendation {
	r := recommendation{
		SchemaVersion: schemaVersion, Tactical: []string{}, Count: len(p.Recommendations), Withheld: p.Withheld,
		ContentIntelligence: intelligenceOf(p.Account), Recommendations: list(p.Recommendations),
	}
	for _, one := range p.Recommendations {
		r.Tactical = append(r.Tactical, sentences(one.Title, one.Why, one.How))
	}
	tooLittle := sentences("Not enough data", p.Withheld)
	about, works := orElse(texts(p.Profile), tooLittle), orElse(texts(p.Works), tooLittle)
	if p.Account.Type == content.Branding {
		r.PersonalIntelligence = &personalIntelligence{}
		r.CompetitiveIntelligence = &competitiveIntelligence{
			AccountAnalysis: about, GrowthOpportunities: works,
			CompetitiveAnalysis:  orElse(overviews(p.Competitors), "No competitors were given."),
			StrategicPositioning: orElse(counters(p.Competitors), works),
		}
		return r
	}
	r.PersonalIntelligence = &personalIntelligence{AccountAnalysis: about, GrowthOpportunities: works, PersonalGrowthAction: tooLittle}
	if len(p.Recommendations) > 0 {
		first := p.Recommendations[0]
		r.PersonalIntelligence.PersonalGrowthAction = sentences(first.Title, first.How)
	}
	return r
}

func overviews(all []content.CompetitorAnalysis) string {
	var parts []string
	for _, c := range all {
		parts = append(parts, c.Username+": "+sentences(orElse(c.Missing, c.Overview)))
	}
	return strings.Join(parts, " ")
}

func counters(all []content.CompetitorAnalysis) string {
	var found []content.Statement
	for _, c := range all {
		found = append(found, c.CounterStrategies...)
	}
	return texts(found)
}

func competitorOf(c content.CompetitorAnalysis) competitor {
	if c.Missing != "" {
		return competitor{
			Overview: sentences("Nothing to compare", c.Missing), IntelligenceSource: "data_collection_limited",
			Strengths: []string{}, Vulnerabilities: []string{}, CounterStrategies: []string{}, Themes: []string{},
		}
	}
	out := competitor{
		Overview: c.Overview, IntelligenceSource: "measured_posts", Themes: list(c.Themes), Figures: c.Figures,
		Findings: map[string][]string{},
	}
	take := func(name string, from []content.Statement) []string {
		all := []string{}
		for _, s := range from {
			all = append(all, s.Text)
			out.Findings[name] = append(out.Findings[name], s.PostIDs...)
		}
		return all
	}
	out.Strengths = take("strengths", c.Strengths)
	out.Vulnerabilities = take("vulnerabilities", c.Vulnerabilities)
	out.CounterStrategies = take("recommended_counter_strategies", c.CounterStrategies)
	return out
}

func strategiesOf(p content.Plan) []strategy {
	all := []strategy{}
	for _, r := range p.Recommendations {
		all = append(all, strategy{Strategy: r.Title, Implementation: r.How, Evidence: r.Evidence, PostIDs: list(r.PostIDs)})
	}
	return all
}

func nextPostOf(n content.NextPost) nextPost {
	return nextPost{
		Caption: n.Caption, Tweet: n.Tweet, Hashtags: list(n.Hashtags), CallToAction: n.CallToAction, ImagePrompt: n.ImagePrompt,
		Headline: n.Headline, Language: n.Language, When: n.When, Why: n.Why, PostIDs: n.PostIDs,
	}
}

func profileOf(p content.Profile, a content.Account) profile {
	out := profile{
		SchemaVersion: schemaVersion, Platform: a.Platform, Username: orElse(p.Username, a.Username), Name: p.Name, Bio: p.Bio,
		URL: p.URL, Website: p.Website, Category: p.Category, Followers: p.Followers, Following: p.Following, Posts: p.Posts,
		Verified: p.Verified, Created: p.Created,
	}
	if a.Platform == content.Twitter {
		out.Tweets = p.Posts
	}
	return out
}

// isAccountInfo reports whether an object is an order of the user's and not a
// profile summary: old documents keep both under the same key.
func isAccountInfo(data []byte) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return true // What cannot be read is not ours to replace.
	}
	for _, name := range []string{"accountType", "account_type", "postingStyle", "posting_style", "competitors"} {
		if _, ok := fields[name]; ok {
			return true
		}
	}
	return false
}

func texts(all []content.Statement) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, s.Text)
	}
	return sentences(parts...)
}

// sentences joins phrases into running text; each ends in a full stop.
func sentences(phrases ...string) string {
	var b strings.Builder
	for _, p := range phrases {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p)
		if !strings.HasSuffix(strings.TrimRight(p, `"')]”»`), ".") && !strings.ContainsAny(p[len(p)-1:], "!?:…") {
			b.WriteByte('.')
		}
	}
	return b.String()
}

func orElse(s, otherwise string) string {
	if strings.TrimSpace(s) == "" {
		return otherwise
	}
	return s
}

// list returns s, or an empty list for nil, which JSON would write as null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
