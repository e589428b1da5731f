package content

import "time"

// Plan is what stage 5 makes of a corpus, its index and its analysis. Every
// number in it is a measured one and every statement names the posts it rests on.
type Plan struct {
	Account  Account   `json:"account"`
	Made     time.Time `json:"made"`     // UTC
	Analyzed int       `json:"analyzed"` // the account's posts
	// Language is the account's main language (most posts with words), "" when none could be told.
	Language string `json:"language,omitempty"`
	// Notes are what a reader must know before trusting the rest: what was not
	// given, withheld, too little, read by words alone.
	Notes []string `json:"notes,omitempty"`
	// Figures are the numbers in Notes and Withheld.
	Figures []Figure `json:"figures,omitempty"`

	Profile         []Statement          `json:"profile"`         // profile analysis
	Works           []Statement          `json:"works"`           // what works: kind, topic, hashtag, time
	Trend           []Statement          `json:"trend,omitempty"` // what stage 4 found: times, week, what stands out, forecast; or why not
	Topics          []Topic              `json:"topics,omitempty"`
	Next            NextPost             `json:"next"`
	Competitors     []CompetitorAnalysis `json:"competitors,omitempty"`
	Recommendations []Recommendation     `json:"recommendations,omitempty"`
	// Withheld says why there are fewer than 15 recommendations; "" when there are 15.
	Withheld string `json:"withheld,omitempty"`
}

// Figure is a measured number and how it was measured.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	N     int     `json:"n,omitempty"` // posts behind it
}

// Statement is one finding with what it rests on.
type Statement struct {
	// About is what it speaks of: "kind", "topic", "hashtag", "time", "profile", "rhythm", "length", "language" …
	About   string   `json:"about"`
	Text    string   `json:"text"`
	Figures []Figure `json:"figures,omitempty"`
	PostIDs []string `json:"post_ids,omitempty"`
}

// Topic is a group of posts that are close in the index.
type Topic struct {
	Name    string   `json:"name"`  // the words that tell it from the other topics
	Terms   []string `json:"terms"` // most telling first
	PostIDs []string `json:"post_ids"`
	Mean    float64  `json:"mean"` // mean engagement of its comparable posts
	N       int      `json:"n"`    // comparable posts
	Lift    float64  `json:"lift"` // shrunk mean over the account's mean; 0 when it cannot be told (most-liked posts)
}

// NextPost is the post that the data support making next.
type NextPost struct {
	// Withheld says why there is none; the other fields are then empty.
	Withheld     string   `json:"withheld,omitempty"`
	Caption      string   `json:"caption,omitempty"`    // Instagram and Facebook
	Tweet        string   `json:"tweet_text,omitempty"` // Twitter, at most 280 characters as X counts them
	Hashtags     []string `json:"hashtags,omitempty"`   // at most 5, with #
	CallToAction string   `json:"call_to_action,omitempty"`
	ImagePrompt  string   `json:"image_prompt,omitempty"`
	Headline     string   `json:"headline,omitempty"` // few words for the image
	Language     string   `json:"language,omitempty"`
	When         string   `json:"when,omitempty"` // the slot that it suits, with its time zone
	PostIDs      []string `json:"post_ids,omitempty"`
	Why          string   `json:"why,omitempty"`
	// Figures are the numbers in Why or Withheld.
	Figures []Figure `json:"figures,omitempty"`
}

// CompetitorAnalysis compares one competitor with the account.
type CompetitorAnalysis struct {
	Username string `json:"username"`
	// Missing says why there is nothing to compare; the other fields are then empty.
	Missing           string      `json:"missing,omitempty"`
	Overview          string      `json:"overview,omitempty"`
	Figures           []Figure    `json:"figures,omitempty"`
	Strengths         []Statement `json:"strengths,omitempty"`
	Vulnerabilities   []Statement `json:"vulnerabilities,omitempty"`
	CounterStrategies []Statement `json:"counter_strategies,omitempty"`
	Themes            []string    `json:"themes,omitempty"`
}

// Recommendation is one thing to do, and why the data say so.
type Recommendation struct {
	Title   string   `json:"title"`             // what to do
	About   string   `json:"about"`             // as in Statement
	Why     string   `json:"why"`               // the finding, with its numbers
	How     string   `json:"how"`               // how to do it, in this account's terms
	Measure string   `json:"measure,omitempty"` // how to see that it worked, against which measured number
	Figures []Figure `json:"figures,omitempty"`
	PostIDs []string `json:"post_ids"` // at least one
	// Evidence grades how much the data say: "strong", "moderate" or "weak".
	Evidence string `json:"evidence"`
}
