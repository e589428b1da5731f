package content

import "time"

// Analysis is what stage 4 finds in a corpus's times and engagement. Each part
// is either present or says in its NotEnough what it would need.
type Analysis struct {
	// Timezone is the IANA name in which hours, weekdays and days are counted.
	Timezone string `json:"timezone"`
	// Metric names what is counted, for example "likes + comments".
	Metric string `json:"metric"`
	// Order is the main source's; MostLiked forbids rates, anomalies and forecasts.
	Order Order     `json:"order"`
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"`
	// Dated counts the posts from From to To, which leaves out what is older and only there for being
	// pinned; Comparable those of them whose engagement is compared.
	Dated      int `json:"dated"`
	Comparable int `json:"comparable"`

	Summary   Summary      `json:"summary"`
	Hours     []Cell       `json:"hours"`    // 24, by local hour
	Weekdays  []Cell       `json:"weekdays"` // 7, Monday first
	Best      BestTimes    `json:"best"`
	Weekly    Weekly       `json:"weekly"`
	Series    []Day        `json:"series,omitempty"` // one a local day, no gaps; empty when MostLiked
	Anomalies Anomalies    `json:"anomalies"`
	Forecast  Forecast     `json:"forecast"`
	Kinds     []KindFigure `json:"kinds"` // engagement by kind of post, most posts first
}

// Summary describes the engagement of the comparable posts.
type Summary struct {
	N      int     `json:"n"`
	Mean   float64 `json:"mean"`
	Median float64 `json:"median"`
	P25    float64 `json:"p25"`
	P75    float64 `json:"p75"`
	Max    float64 `json:"max"`
	MaxID  string  `json:"max_id,omitempty"`
	// PerWeek is posts a week over the observed span; nil when it cannot be known.
	PerWeek       *float64 `json:"per_week,omitempty"`
	PerWeekReason string   `json:"per_week_reason,omitempty"`
}

// Cell is the engagement of the posts of one hour, weekday or both.
type Cell struct {
	Hour    int     `json:"hour"`    // 0–23, -1 when the cell is a whole weekday
	Weekday int     `json:"weekday"` // 0 = Monday … 6 = Sunday, -1 when the cell is an hour of any day
	N       int     `json:"n"`       // comparable posts
	Posts   int     `json:"posts"`   // all posts
	Mean    float64 `json:"mean"`
	Shrunk  float64 `json:"shrunk"` // mean drawn toward the overall mean by how little n says
}

// BestTimes are the slots in which posts did best.
type BestTimes struct {
	Slots     []Slot `json:"slots,omitempty"` // best first
	NotEnough string `json:"not_enough,omitempty"`
	// Caveat limits what the slots mean (few posts a slot, posts chosen by likes).
	Caveat string `json:"caveat,omitempty"`
}

// Slot is a time to post: a range of local hours on given weekdays.
type Slot struct {
	Label   string   `json:"label"`    // "Tuesday 17:00–20:00", local time
	Weekday int      `json:"weekday"`  // 0 = Monday, -1 = any
	From    int      `json:"from"`     // first local hour
	To      int      `json:"to"`       // hour after the last
	N       int      `json:"n"`        // posts behind it
	Lift    float64  `json:"lift"`     // shrunk mean over the overall mean; 1.2 = 20 % above
	Mean    float64  `json:"mean"`     // plain mean engagement of the slot's posts
	PostIDs []string `json:"post_ids"` // the posts behind it
}

// Weekly is the pattern over the week.
type Weekly struct {
	Busiest   int    `json:"busiest"`   // weekday with most posts, 0 = Monday
	Strongest int    `json:"strongest"` // weekday with the highest shrunk mean
	NotEnough string `json:"not_enough,omitempty"`
	// Chance is the probability of a weekday effect at least this large if weekdays did not matter.
	Chance *float64 `json:"chance,omitempty"`
}

// Day is one local day.
type Day struct {
	Date       string  `json:"date"` // 2006-01-02
	Posts      int     `json:"posts"`
	Engagement float64 `json:"engagement"` // sum over comparable posts
}

// Anomalies are posts far outside what the account usually gets.
type Anomalies struct {
	Found     []Anomaly `json:"found,omitempty"`
	Method    string    `json:"method,omitempty"`
	NotEnough string    `json:"not_enough,omitempty"`
}

// Anomaly is one such post.
type Anomaly struct {
	PostID   string    `json:"post_id"`
	Time     time.Time `json:"time"`
	Value    float64   `json:"value"`
	Expected float64   `json:"expected"`
	Score    float64   `json:"score"` // robust z-score, signed
}

// Forecast is the expected engagement of the coming days.
type Forecast struct {
	Points []Point `json:"points,omitempty"`
	Level  float64 `json:"level,omitempty"` // coverage of the interval, 0.8 = 80 %
	Method string  `json:"method,omitempty"`
	// MASE is the error on held-back days against the seasonal naive forecast's (1 = as good).
	MASE *float64 `json:"mase,omitempty"`
	// Coverage is the share of held-back days that fell inside their interval.
	Coverage  *float64 `json:"coverage,omitempty"`
	NotEnough string   `json:"not_enough,omitempty"`
}

// Point is one forecast day.
type Point struct {
	Date  string  `json:"date"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// KindFigure is the engagement of one kind of post.
type KindFigure struct {
	Kind   Kind     `json:"kind"`
	Posts  int      `json:"posts"`
	N      int      `json:"n"` // comparable
	Mean   float64  `json:"mean"`
	Median float64  `json:"median"`
	Views  *float64 `json:"views,omitempty"` // median views where known
}
