package export

import (
	"fmt"
	"slices"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// prophet is prophet_analysis/…/analysis_<n>.json in the first of the two shapes
// that the original's readers know, and beside it what the original never wrote: a
// forecast with its interval and error, or the reason why there is none.
type prophet struct {
	SchemaVersion   int               `json:"schema_version"`
	Platform        string            `json:"platform"`
	PrimaryUsername string            `json:"primary_username"`
	GeneratedDate   time.Time         `json:"generated_date"`
	Primary         primaryAnalysis   `json:"primary_analysis"`
	Forecast        content.Forecast  `json:"forecast"`
	Anomalies       content.Anomalies `json:"anomalies"`
	Best            content.BestTimes `json:"best_times"`
	Weekly          content.Weekly    `json:"weekly"`
}

type primaryAnalysis struct {
	AccountType   accountType   `json:"account_type"`
	Engagement    engagement    `json:"engagement"`
	PostingTrends postingTrends `json:"posting_trends"`
}

// accountType has the original's confidence only as far as it is known: 1 when
// the operator gave the type, absent when nobody did.
type accountType struct {
	AccountType string   `json:"account_type"`
	Confidence  *float64 `json:"confidence,omitempty"`
	Analysis    string   `json:"analysis"`
}

type engagement struct {
	Metric string `json:"metric"`
	content.Summary
}

type postingTrends struct {
	MostActiveDay  string         `json:"most_active_day,omitempty"`
	MostActiveHour *int           `json:"most_active_hour,omitempty"`
	HourFormatted  string         `json:"hour_formatted,omitempty"`
	PostsPerDay    *float64       `json:"posts_per_day,omitempty"`
	Days           map[string]int `json:"day_distribution"`
	Hours          map[string]int `json:"hour_distribution"`
	Months         []string       `json:"high_activity_months"` // 2006-01; those with most posts, at most three
	Timezone       string         `json:"timezone"`
	Summary        string         `json:"summary"`
}

func prophetOf(in Input) prophet {
	a := in.Analysis
	kind := accountType{AccountType: in.Plan.Account.Type, Analysis: "The account type was not given."}
	if in.Plan.Account.TypeGiven {
		sure := 1.0
		kind.Confidence, kind.Analysis = &sure, "The operator gave the account type."
	}
	return prophet{
		SchemaVersion: schemaVersion, Platform: string(in.Plan.Account.Platform), PrimaryUsername: in.Plan.Account.Username,
		GeneratedDate: in.Plan.Made.UTC(),
		Primary: primaryAnalysis{
			AccountType: kind, Engagement: engagement{Metric: a.Metric, Summary: a.Summary}, PostingTrends: trendsOf(in),
		},
		Forecast: a.Forecast, Anomalies: a.Anomalies, Best: a.Best, Weekly: a.Weekly,
	}
}

func trendsOf(in Input) postingTrends {
	a := in.Analysis
	t := postingTrends{Days: map[string]int{}, Hours: map[string]int{}, Months: busyMonths(in), Timezone: orElse(a.Timezone, "UTC")}
	if a.Summary.PerWeek != nil {
		perDay := *a.Summary.PerWeek / 7
		t.PostsPerDay = &perDay
	}
	for _, c := range a.Weekdays {
		t.Days[weekday(c.Weekday)] = c.Posts
	}
	for _, c := range a.Hours {
		t.Hours[fmt.Sprint(c.Hour)] = c.Posts
	}
	if a.Dated == 0 {
		t.Summary = "No post has a date."
		return t
	}
	byPosts := func(x, y content.Cell) int { return x.Posts - y.Posts }
	if len(a.Weekdays) > 0 {
		t.MostActiveDay = weekday(slices.MaxFunc(a.Weekdays, byPosts).Weekday)
	}
	if len(a.Hours) > 0 {
		hour := slices.MaxFunc(a.Hours, byPosts).Hour
		t.MostActiveHour, t.HourFormatted = &hour, fmt.Sprintf("%02d:00", hour)
	}
	t.Summary = fmt.Sprintf("%d dated posts from %s to %s, most of them on a %s and in the hour from %s (%s).", a.Dated,
		a.From.Format(time.DateOnly), a.To.Format(time.DateOnly), t.MostActiveDay, t.HourFormatted, t.Timezone)
	if a.Order == content.MostLiked {
		t.Summary += " They are the account's most-liked posts, not its newest: they do not say how often it posts."
	}
	return t
}

// busyMonths returns the months with most posts, at most three and only when there
// are more than three to choose from; they are in time order.
func busyMonths(in Input) []string {
	where := content.Account{Timezone: in.Analysis.Timezone}.Location()
	posts := map[string]int{}
	for _, p := range in.Corpus.Main.Posts {
		if !p.Time.IsZero() {
			posts[p.Time.In(where).Format("2006-01")]++
		}
	}
	if len(posts) <= 3 {
		return []string{}
	}
	var months []string
	for m := range posts {
		months = append(months, m)
	}
	slices.Sort(months)
	slices.SortStableFunc(months, func(x, y string) int { return posts[y] - posts[x] })
	months = months[:3]
	slices.Sort(months)
	return months
}

// weekday names a day of the analysis, in which Monday is 0.
func weekday(n int) string { return time.Weekday((n + 1) % 7).String() }
