// Package generate makes an account's plan (stage 5) of its posts, its index
// and its analysis, without any model or key.
//
// It measures first: each difference between posts is a comparison of medians
// with a permutation test, corrected for how many were looked at, and what
// chance explains is never advised. The text is put together from those
// measurements; a number cannot enter a sentence without becoming a figure
// beside it, and every finding names the posts that it rests on. Where the
// data say too little the plan says what is missing instead.
package generate

import (
	"context"
	"fmt"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Index gives the places of posts in the vector space of stage 3.
type Index interface {
	// Vectors returns the vectors of the accounts' posts, of whichever models.
	Vectors(ctx context.Context, platform string, accounts []string) ([]content.Vector, error)
}

// Plan makes the plan of a corpus. The same input gives the same plan, byte
// for byte. A nil index means that topics are found by words alone. The only
// errors are the index's and that of an ended context.
func Plan(ctx context.Context, corpus content.Corpus, analysis content.Analysis, index Index, now time.Time) (content.Plan, error) {
	vectors, err := readVectors(ctx, corpus, index)
	if err != nil {
		return content.Plan{}, err
	}
	s := newStudy(corpus, analysis, vectors)
	found := s.findings()
	if err := ctx.Err(); err != nil {
		return content.Plan{}, fmt.Errorf("generate plan of %s: %w", corpus.Account.Key(), err)
	}
	plan := content.Plan{
		Account:  corpus.Account,
		Made:     now.UTC(),
		Analyzed: len(s.own.items),
		Language: s.language,
		Profile:  s.profile(),
		Works:    s.works(found),
		Trend:    s.trend(found, now.UTC()),
		Topics:   s.planTopics(),
		Next:     s.next(found),
	}
	duels := s.duels()
	for _, d := range duels {
		plan.Competitors = append(plan.Competitors, d.analysis())
	}
	p := &prose{}
	plan.Notes = s.notes(p, now, index != nil)
	plan.Recommendations, plan.Withheld = s.recommend(found, duels, p)
	plan.Figures = p.figures
	return plan, nil
}

func readVectors(ctx context.Context, corpus content.Corpus, index Index) ([]content.Vector, error) {
	if index == nil {
		return nil, nil
	}
	accounts := []string{corpus.Account.Username}
	for _, c := range corpus.Competitors {
		accounts = append(accounts, c.Username)
	}
	vectors, err := index.Vectors(ctx, string(corpus.Account.Platform), accounts)
	if err != nil {
		return nil, fmt.Errorf("read vectors of %s: %w", corpus.Account.Key(), err)
	}
	return vectors, nil
}

// planTopics turns the topics into the plan's. The lift is the topic's mean,
// drawn toward the account's by as much as the spread within topics says
// (empirical Bayes, weights by the method of moments), over the account's.
func (s *study) planTopics() []content.Topic {
	judged := s.own.judged()
	overall := mean(values(judged))
	prior := s.prior(overall)
	var out []content.Topic
	for _, t := range s.own.topics {
		v := values(where(t.items, func(it *item) bool { return it.judged }))
		made := content.Topic{Name: t.name(), Terms: t.written(), PostIDs: cite(best(t.items)), Mean: mean(v), N: len(v)}
		if overall > 0 && len(v) > 0 && !s.winners() {
			n := float64(len(v))
			made.Lift = (n*made.Mean + prior*overall) / (n + prior) / overall
		}
		out = append(out, made)
	}
	return out
}

// prior returns how many posts at the account's mean a topic's mean is mixed
// with: the variance within topics over that between them.
func (s *study) prior(overall float64) float64 {
	const mostly = 1000 // topics that do not differ are all but levelled
	var within, between, posts, groups float64
	for _, t := range s.own.topics {
		v := values(where(t.items, func(it *item) bool { return it.judged }))
		if len(v) < 2 {
			continue
		}
		m := mean(v)
		for _, x := range v {
			within += (x - m) * (x - m)
		}
		between += (m - overall) * (m - overall)
		posts += float64(len(v))
		groups++
	}
	if groups < 2 || posts <= groups {
		return minSide
	}
	within /= posts - groups
	between = between/groups - within*groups/posts
	if between <= 0 {
		return mostly
	}
	return min(max(within/between, minSide), mostly)
}
