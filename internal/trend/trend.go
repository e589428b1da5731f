// Package trend is stage 4: when an account posts, what its posts get, which
// of them stand out and what the coming days may bring.
//
// Every number is counted from posts that the corpus holds, in the account's
// own time zone. Where the posts cannot carry a finding, the finding is left
// out and its NotEnough says what it would need: a scrape of the most-liked
// posts ever, for one, carries no rate, trend, best time or forecast at all.
// The same posts in any order give the same analysis, byte for byte.
package trend

import (
	"context"
	"fmt"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Analyze returns the analysis of the corpus's main account. Too little data
// is a finding and no error; the only error is that of ctx.
func Analyze(ctx context.Context, corpus content.Corpus) (content.Analysis, error) {
	where := corpus.Account.Location()
	s := newSample(corpus.Main, where)
	a := content.Analysis{
		Timezone:   where.String(),
		Metric:     metric(corpus.Account.Platform),
		Order:      corpus.Main.Order,
		Dated:      len(s.regular()),
		Comparable: len(s.measured()),
		Summary:    s.summary(),
		Kinds:      s.kinds(),
	}
	if first, last, ok := s.span(); ok {
		a.From, a.To = first.UTC(), last.UTC()
	}
	// The findings below cost time that grows with the posts; a stop is heeded between them.
	for _, find := range []func(){
		func() { a.Hours, a.Weekdays = s.hours(), s.weekdays() },
		func() { a.Best = s.best() },
		func() { a.Weekly = s.weekly() },
		func() { a.Series = s.series() },
		func() { a.Anomalies = s.anomalies() },
		func() { a.Forecast = s.forecast() },
	} {
		if err := ctx.Err(); err != nil {
			return content.Analysis{}, fmt.Errorf("analyze %s: %w", corpus.Account.Key(), err)
		}
		find()
	}
	return a, nil
}

// metric names what [content.Post.Engagement] sums on a platform.
func metric(p content.Platform) string {
	switch p {
	case content.Instagram:
		return "likes + comments"
	case content.Twitter:
		return "likes + replies + retweets + quotes"
	case content.Facebook:
		return "likes + comments + shares"
	default:
		return "likes + comments + shares + quotes"
	}
}
