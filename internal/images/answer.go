package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// mostHits is how many posts an answer rests on at most.
const mostHits = 10

// longestExcerpt is the most characters of a post that an answer shows.
const longestExcerpt = 240

// note says in every answer how it came about.
const note = "Put together by fixed rules from stored posts and measured figures; no language model wrote it. " +
	"The posts are those closest in meaning to the question, best first."

// answer is what a query gets.
type answer struct {
	Platform content.Platform `json:"platform"`
	Username string           `json:"username"`
	Question string           `json:"question"`
	Answer   string           `json:"answer"`
	Figures  []content.Figure `json:"figures"`
	Posts    []foundPost      `json:"posts"`
	Note     string           `json:"note"`
	// Caveats are the stored plan's: what a reader must know before trusting it.
	Caveats []string `json:"caveats,omitempty"`
}

// foundPost is a post that an answer rests on. Numbers that are not known are absent.
type foundPost struct {
	ID         string       `json:"id"`
	Account    string       `json:"account"`
	URL        string       `json:"url,omitempty"`
	Time       time.Time    `json:"time,omitzero"`
	Kind       content.Kind `json:"kind,omitempty"`
	Text       string       `json:"text"`
	Score      float64      `json:"score"`
	Likes      *int64       `json:"likes,omitempty"`
	Comments   *int64       `json:"comments,omitempty"`
	Shares     *int64       `json:"shares,omitempty"`
	Quotes     *int64       `json:"quotes,omitempty"`
	Views      *int64       `json:"views,omitempty"`
	Engagement *int64       `json:"engagement,omitempty"` // likes + comments + shares + quotes, where likes are known
}

// answer puts together what the index and the stored plan say to q.
func (m *Module) answer(ctx context.Context, q question) (answer, error) {
	plan, err := m.storedPlan(ctx, q)
	if err != nil {
		return answer{}, err
	}
	search := Search{Text: q.Question, Platform: q.Platform, Accounts: []string{q.Username}, Limit: mostHits}
	if asks(q.Question, rivalWords()) { // Else they would crowd the account's own posts out.
		search.Accounts = append(search.Accounts, plan.Account.Competitors...)
	}
	hits, err := m.search.Search(ctx, search)
	if err != nil {
		return answer{}, fmt.Errorf("search posts: %w", err)
	}
	hits = fitting(hits)
	a := answer{
		Platform: q.Platform, Username: q.Username, Question: q.Question, Note: note,
		Figures: []content.Figure{}, Posts: make([]foundPost, 0, len(hits)), Caveats: plan.Notes,
	}
	var said []string
	for _, f := range findings(evidence{q.Question, q.Username, hits, plan}) {
		said = append(said, f.text)
		a.Figures = append(a.Figures, f.figures...)
	}
	for _, h := range hits {
		a.Posts = append(a.Posts, found(h))
	}
	if a.Answer = strings.Join(said, " "); a.Answer == "" {
		a.Answer = fmt.Sprintf("Nothing that is stored of %s/%s answers this.", q.Platform, q.Username)
	}
	return a, nil
}

// storedPlan reads the newest content plan; an account without one has an empty one.
func (m *Module) storedPlan(ctx context.Context, q question) (content.Plan, error) {
	key := fmt.Sprintf("content_plans/%s/%s/content_plan.json", q.Platform, q.Username)
	data, err := m.bucket.Get(ctx, key)
	if errors.Is(err, bucket.ErrNotFound) {
		return content.Plan{}, nil
	}
	if err != nil {
		return content.Plan{}, fmt.Errorf("read content plan: %w", err)
	}
	var stored struct {
		Plan content.Plan `json:"plan"`
	}
	if err := json.Unmarshal(data, &stored); err != nil {
		m.log.Warn("content plan left out of an answer", "key", key, "error", err)
		return content.Plan{Notes: []string{"The stored content plan could not be read and is left out."}}, nil
	}
	return stored.Plan, nil
}

// fitting keeps the hits that resemble the question at all, mostHits at most.
func fitting(hits []content.Hit) []content.Hit {
	var kept []content.Hit
	for _, h := range hits {
		if h.Score > 0 && len(kept) < mostHits {
			kept = append(kept, h)
		}
	}
	return kept
}

func found(h content.Hit) foundPost {
	p := foundPost{
		ID: h.Post.ID, Account: h.Post.Account, URL: h.Post.URL, Time: h.Post.Time, Kind: h.Post.Kind, Text: excerpt(h.Post.Text),
		Score: h.Score, Likes: h.Post.Likes, Comments: h.Post.Comments, Shares: h.Post.Shares, Quotes: h.Post.Quotes, Views: h.Post.Views,
	}
	if sum, comparable := h.Post.Engagement(); comparable {
		p.Engagement = &sum
	}
	return p
}

// excerpt returns the beginning of text, ending in "…" when it goes on.
func excerpt(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= longestExcerpt {
		return string(runes)
	}
	return strings.TrimSpace(string(runes[:longestExcerpt-1])) + "…"
}
