package images

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// Limits of an answer.
const (
	mostSearched = 1000 // posts that are looked at
	mostFitting  = 10   // posts that are said to fit
	mostShown    = 10
)

// leastScore is the likeness from which a post fits a question. On the sample
// accounts unrelated and nonsensical questions reached 0.29; a post about the
// thing asked for had 0.31 to 0.49.
const leastScore = 0.3

// tellingWord is the number of letters from which a word that question and post
// share makes the post fit, whatever its score: the likeness of a short question
// and a long post is low in languages that the index reads by letters.
const tellingWord = 7

// longestExcerpt is the most characters of a post that an answer shows.
const longestExcerpt = 240

// The notes say in every answer how it came about.
const (
	byRule    = "Put together by fixed rules from stored posts and measured figures; no language model wrote it."
	noteFits  = byRule + " The posts are those closest to the question, best first."
	noteWhole = byRule + " The question is about the account as a whole, so the figures are over every post that the index could compare; those with most engagement are shown."
)

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
	search := Search{Text: q.Question, Platform: q.Platform, Accounts: []string{q.Username}, Limit: mostSearched}
	if asks(q.Question, rivalWords()) { // Else they would crowd the account's own posts out.
		search.Accounts = append(search.Accounts, plan.Account.Competitors...)
	}
	hits, err := m.search.Search(ctx, search)
	if err != nil {
		return answer{}, fmt.Errorf("search posts: %w", err)
	}
	e := weigh(evidence{question: q.Question, username: q.Username, plan: plan}, hits)
	a := answer{
		Platform: q.Platform, Username: q.Username, Question: q.Question, Note: noteFits,
		Figures: []content.Figure{}, Posts: []foundPost{}, Caveats: plan.Notes,
	}
	if e.whole {
		a.Note = noteWhole
	}
	var said []string
	for _, f := range findings(e) {
		said = append(said, f.text)
		a.Figures = append(a.Figures, f.figures...)
	}
	for _, h := range e.hits[:min(len(e.hits), mostShown)] {
		a.Posts = append(a.Posts, found(h))
	}
	if a.Answer = strings.Join(said, " "); a.Answer == "" {
		a.Answer = fmt.Sprintf("Nothing that is stored of %s/%s answers this.", q.Platform, q.Username)
	}
	return a, nil
}

// weigh gives e the hits that fit its question, or, when the question is one about
// the account as a whole, all of them, those with most engagement first.
func weigh(e evidence, hits []content.Hit) evidence {
	about := subject(e.question)
	if e.whole = len(about) == 0; e.whole {
		e.hits = slices.SortedStableFunc(slices.Values(hits), func(a, b content.Hit) int {
			return cmp.Compare(engagementOf(b.Post), engagementOf(a.Post))
		})
		return e
	}
	for _, h := range hits {
		shares := slices.ContainsFunc(strings.Fields(words(h.Post.Text)), func(w string) bool {
			return utf8.RuneCountInString(w) >= tellingWord && slices.Contains(about, w)
		})
		if (h.Score >= leastScore || shares) && len(e.hits) < mostFitting {
			e.hits = append(e.hits, h)
		}
	}
	return e
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
		m.log.LogAttrs(ctx, slog.LevelWarn, "content plan left out of an answer", slog.String("key", key), slog.Any("error", err))
		return content.Plan{Notes: []string{"The stored content plan could not be read and is left out."}}, nil
	}
	return stored.Plan, nil
}

// engagementOf is the engagement by which posts are put in order; posts whose likes
// are not known come last.
func engagementOf(p content.Post) int64 {
	if sum, known := p.Engagement(); known {
		return sum
	}
	return -1
}

func found(h content.Hit) foundPost {
	p := foundPost{
		ID: h.Post.ID, Account: h.Post.Account, URL: h.Post.URL, Time: h.Post.Time, Kind: h.Post.Kind, Text: excerpt(h.Post.Text),
		Score: h.Score, Likes: h.Post.Likes, Comments: h.Post.Comments, Shares: h.Post.Shares, Quotes: h.Post.Quotes, Views: h.Post.Views,
	}
	if sum, known := h.Post.Engagement(); known {
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
