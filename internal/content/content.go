// Package content holds the nouns that the stages hand on: Account, Profile,
// Post, Corpus, Analysis and Plan.
//
// They are plain values that survive a round trip through JSON, because the
// engine checkpoints each stage's result. A number that the data did not hold
// is nil, never zero; a time that it did not hold is the zero time.
package content

import (
	"strings"
	"time"
)

// Platform names a social network.
type Platform string

// The platforms whose raw scrapes are understood.
const (
	Instagram Platform = "instagram"
	Twitter   Platform = "twitter"
	Facebook  Platform = "facebook"
)

// Platforms lists every known platform, in the order in which they take turns.
func Platforms() []Platform { return []Platform{Instagram, Twitter, Facebook} }

// Account types. Everything that is not Branding counts as NonBranding.
const (
	Branding    = "branding"
	NonBranding = "non-branding"
)

// Account is one platform/username and what its operator said of it.
type Account struct {
	Platform Platform `json:"platform"`
	// Username is the handle as the operator wrote it.
	Username string `json:"username"`
	// Type is Branding or NonBranding; TypeGiven says whether the operator said so.
	Type      string `json:"type"`
	TypeGiven bool   `json:"type_given"`
	// Style is the posting style in the operator's own words, "" when not given.
	Style string `json:"style,omitempty"`
	// Competitors are handles on the same platform, without the account itself.
	Competitors []string `json:"competitors,omitempty"`
	// Timezone is an IANA name; "" means UTC.
	Timezone string `json:"timezone,omitempty"`
}

// Key returns platform/username, the account's name everywhere.
func (a Account) Key() string { return string(a.Platform) + "/" + a.Username }

// Location returns the account's time zone, UTC when none or an unknown one was given.
func (a Account) Location() *time.Location {
	if a.Timezone == "" {
		return time.UTC
	}
	where, err := time.LoadLocation(a.Timezone)
	if err != nil {
		return time.UTC
	}
	return where
}

// SameHandle reports whether two handles name the same account: case and a
// leading @ do not count.
func SameHandle(a, b string) bool {
	return strings.EqualFold(strings.TrimPrefix(a, "@"), strings.TrimPrefix(b, "@"))
}

// Profile is what a platform says of an account.
type Profile struct {
	Platform  Platform  `json:"platform"`
	Username  string    `json:"username"` // as the platform writes it
	Name      string    `json:"name,omitempty"`
	Bio       string    `json:"bio,omitempty"`
	URL       string    `json:"url,omitempty"`
	Website   string    `json:"website,omitempty"`
	Category  string    `json:"category,omitempty"`
	Followers *int64    `json:"followers,omitempty"`
	Following *int64    `json:"following,omitempty"`
	Posts     *int64    `json:"posts,omitempty"` // as the platform counts them
	Verified  *bool     `json:"verified,omitempty"`
	Created   time.Time `json:"created,omitzero"`
}

// Kind is the form of a post.
type Kind string

// The kinds of posts. Link is a post that holds nothing but a link (what it
// shows is not in the data); Text is one without media that the data shows.
const (
	Text     Kind = "text"
	Photo    Kind = "photo"
	Carousel Kind = "carousel"
	Video    Kind = "video"
	Link     Kind = "link"
)

// Languages that are none.
const (
	// NoWords marks a post without words (a link, emoji): ISO 639 "zxx".
	NoWords = "zxx"
	// UnknownLanguage marks text whose language could not be told: ISO 639 "und".
	UnknownLanguage = "und"
)

// Post is one published item, the same for all platforms.
type Post struct {
	// ID is the platform's own id, kept as text: ids exceed 2^53.
	ID       string   `json:"id"`
	Platform Platform `json:"platform"`
	// Account is the handle whose post it is (the account's or a competitor's), as it was asked for.
	Account string `json:"account"`
	// Author is the handle or, where the platform gives none, the display name found in the data.
	Author string    `json:"author,omitempty"`
	URL    string    `json:"url,omitempty"`
	Time   time.Time `json:"time,omitzero"` // UTC
	Kind   Kind      `json:"kind"`
	// Text is the words as a reader sees them: entities decoded, NFC, no trailing media link.
	Text string `json:"text,omitempty"`
	// Hashtags and Mentions are in order of appearance, without # and @, each once (case folded), as first written.
	Hashtags []string `json:"hashtags,omitempty"`
	Mentions []string `json:"mentions,omitempty"`
	Links    []string `json:"links,omitempty"`
	// Language is ISO 639-1 where there is such a code, else 639-3; NoWords or UnknownLanguage.
	Language string `json:"language"`

	Likes     *int64 `json:"likes,omitempty"`
	Comments  *int64 `json:"comments,omitempty"` // replies on Twitter
	Shares    *int64 `json:"shares,omitempty"`   // retweets on Twitter
	Quotes    *int64 `json:"quotes,omitempty"`
	Bookmarks *int64 `json:"bookmarks,omitempty"`
	Views     *int64 `json:"views,omitempty"`

	Pinned bool `json:"pinned,omitempty"`
	Reply  bool `json:"reply,omitempty"`
	Repost bool `json:"repost,omitempty"`
	Quote  bool `json:"quote,omitempty"`
}

// Engagement returns likes + comments + shares + quotes, as far as they are
// known, and whether the sum may be compared with that of other posts: it may
// not when the likes, its largest part, are unknown.
func (p Post) Engagement() (sum int64, known bool) {
	for _, n := range []*int64{p.Likes, p.Comments, p.Shares, p.Quotes} {
		if n != nil {
			sum += *n
		}
	}
	return sum, p.Likes != nil
}

// Order says how a set of posts was chosen by whoever scraped it.
type Order string

const (
	// Recent is an account's newest posts: fit for rates, trends and forecasts.
	Recent Order = "recent"
	// MostLiked is an account's most-liked posts ever: no rate, trend or
	// forecast can be drawn from it, and what works is seen among winners only.
	MostLiked Order = "most-liked"
)

// Source is one account's part of a corpus.
type Source struct {
	Username string   `json:"username"`
	Profile  *Profile `json:"profile,omitempty"`
	// Posts are newest first; posts without a date come last.
	Posts []Post `json:"posts,omitempty"`
	Order Order  `json:"order"`
	// OrderReason says in one sentence what Order was concluded from.
	OrderReason string `json:"order_reason,omitempty"`
	// OrderAssumed says that nothing in the posts shows Order: it is what scrapes of
	// the platform mostly bring.
	OrderAssumed bool `json:"order_assumed,omitempty"`
	// Scraped is when the raw data was taken, as well as the data tells.
	Scraped time.Time `json:"scraped,omitzero"`
	// Missing says why there are no posts (private, empty, no scrape stored …); "" when there are.
	Missing string `json:"missing,omitempty"`
	// Dropped are the raw records that did not become posts, each with its reason.
	Dropped []Dropped `json:"dropped,omitempty"`
	// Mended counts the repairs made to kept posts, by what was repaired.
	Mended map[string]int `json:"mended,omitempty"`
}

// Dropped is a raw record that was left out.
type Dropped struct {
	ID     string `json:"id,omitempty"` // as found; "" when there was none
	Index  int    `json:"index"`        // position in the raw file, from 0
	Reason string `json:"reason"`
}

// Corpus is an account's posts with its competitors'.
type Corpus struct {
	Account     Account  `json:"account"`
	Main        Source   `json:"main"`
	Competitors []Source `json:"competitors,omitempty"`
}

// All returns every post of the corpus, the account's first.
func (c Corpus) All() []Post {
	all := append([]Post(nil), c.Main.Posts...)
	for _, s := range c.Competitors {
		all = append(all, s.Posts...)
	}
	return all
}

// Hit is a post found by a search.
type Hit struct {
	Post  Post    `json:"post"`
	Score float64 `json:"score"` // cosine similarity, 1 = the same
}

// Vector is a post's place in the index.
type Vector struct {
	PostID  string    `json:"post_id"`
	Account string    `json:"account"`
	Model   string    `json:"model"` // vectors of different models cannot be compared
	Values  []float32 `json:"values"`
}
