package images

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/stagewatch/stagewatch/internal/content"
)

// inbox is where next posts lie: next_posts/<platform>/<username>/<name>.json.
const inbox = "next_posts/"

// largestInput is the most bytes that a next post may have.
const largestInput = 1 << 20

// source is where a next post lies, read from its key.
type source struct {
	key      string
	platform content.Platform
	username string
	name     string // of the file, without .json
}

// account is platform/username.
func (s source) account() string { return string(s.platform) + "/" + s.username }

// sourceOf reads a key. It is false for one that belongs to no account of a known platform.
func sourceOf(key string) (source, bool) {
	parts := strings.Split(strings.TrimPrefix(key, inbox), "/")
	name, isJSON := strings.CutSuffix(path.Base(key), ".json")
	if len(parts) < 3 || !isJSON || !slices.Contains(content.Platforms(), content.Platform(parts[0])) {
		return source{}, false
	}
	return source{key: key, platform: content.Platform(parts[0]), username: parts[1], name: name}, true
}

// before orders sources as the original did: urgent ones, then campaigns, then
// the rest, by number.
func before(a, b source) int {
	if d := a.urgency() - b.urgency(); d != 0 {
		return d
	}
	if d := a.number() - b.number(); d != 0 {
		return d
	}
	return strings.Compare(a.key, b.key)
}

func (s source) urgency() int {
	for i, word := range []string{"urgent", "campaign"} {
		if strings.HasPrefix(strings.ToLower(s.name), word) {
			return i
		}
	}
	return 2
}

// number is that at the end of the name, 0 when there is none.
func (s source) number() int {
	digits := s.name[len(strings.TrimRightFunc(s.name, unicode.IsDigit)):]
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// nextPost is what a next post says, in whichever of its shapes.
type nextPost struct {
	Caption     string   `json:"caption,omitempty"`
	Tweet       string   `json:"tweet_text,omitempty"`
	Hashtags    []string `json:"hashtags"` // never nil
	Action      string   `json:"call_to_action"`
	ImagePrompt string   `json:"image_prompt,omitempty"`
	Headline    string   `json:"headline,omitempty"`

	status string // lower case, "" when absent
	shape  string // "bare", or the name of the field that held the post
}

// words are the post's own, whichever platform they are for.
func (p nextPost) words() string {
	if p.Caption != "" {
		return p.Caption
	}
	return p.Tweet
}

// body returns the words without the call to action at their end, which a card
// sets apart.
func (p nextPost) body() string {
	words := strings.TrimSpace(p.words())
	rest, found := strings.CutSuffix(words, strings.TrimSpace(p.Action))
	if rest = strings.TrimSpace(rest); !found || rest == "" {
		return words
	}
	return rest
}

// statusProcessing is the original's claim on a next post.
const statusProcessing = "processing"

// due reports whether the status leaves the post to be done.
func (p nextPost) due(abandoned bool) bool {
	switch p.status {
	case "", "pending", "error":
		return true
	case statusProcessing:
		return abandoned
	}
	return false
}

// identity is the 8 hexadecimal digits in which the names of a next post's ready
// post and failure record end: the same for the same words in the same file,
// whatever becomes of its status and its white space.
func (p nextPost) identity(key string) (string, error) {
	meaning, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("identify %s: %w", key, err)
	}
	return identityOf(key, meaning), nil
}

// identityOf is the identity of what lies under key.
func identityOf(key string, meaning []byte) string {
	all := sha256.Sum256(slices.Concat([]byte(key), []byte{0}, meaning))
	return hex.EncodeToString(all[:4])
}

// A fault is why a next post cannot be done as it is. Its reason is one of the
// original's words.
type fault struct {
	reason  string
	details string
}

func (f *fault) Error() string { return f.details }

// The reasons of faults.
const (
	readFailure          = "read_failure"          // no JSON, or too large
	normalizationFailure = "normalization_failure" // JSON of another shape
	contentFailure       = "content_failure"       // a post without words
	generationFailure    = "generation_failure"    // words that cannot be set
)

// parse reads a next post: a bare object, or one that holds the post in a field.
// Its only error is a *fault.
func parse(data []byte) (nextPost, error) {
	if len(data) > largestInput {
		return nextPost{}, &fault{readFailure, fmt.Sprintf("%d bytes are more than a next post may have (%d)", len(data), largestInput)}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !json.Valid(data) {
		return nextPost{}, &fault{readFailure, "not valid JSON"}
	}
	var top fields
	if err := json.Unmarshal(data, &top); err != nil || top == nil {
		return nextPost{}, &fault{normalizationFailure, "not a JSON object"}
	}
	inner, shape := top, "bare"
	for _, name := range []string{"post_data", "post", "next_post_prediction"} {
		var held fields
		if json.Unmarshal(top[name], &held) == nil && held != nil {
			inner, shape = held, name
			break
		}
	}
	return inner.post(top, shape)
}

// fields is a JSON object whose values are read when asked for.
type fields map[string]json.RawMessage

// post reads the fields of a post; top is the object that it came in.
func (f fields) post(top fields, shape string) (nextPost, error) {
	p := nextPost{shape: shape}
	var status string
	for _, want := range []struct {
		to    *string
		from  fields
		names []string
	}{
		{&p.Caption, f, []string{"caption"}},
		{&p.Tweet, f, []string{"tweet_text"}},
		{&p.Action, f, []string{"call_to_action"}},
		{&p.ImagePrompt, f, []string{"image_prompt", "visual_prompt", "media_suggestion", "image_description"}},
		{&p.Headline, f, []string{"headline"}},
		{&status, top, []string{"status"}},
	} {
		if err := want.from.text(want.to, want.names); err != nil {
			return nextPost{}, err
		}
	}
	if status == "" {
		if err := f.text(&status, []string{"status"}); err != nil {
			return nextPost{}, err
		}
	}
	p.status = strings.ToLower(strings.TrimSpace(status))
	if err := f.tags(&p.Hashtags); err != nil {
		return nextPost{}, err
	}
	if p.words() == "" && p.due(true) {
		return nextPost{}, f.wordless()
	}
	return p, nil
}

// text puts the first of the named fields that is not empty into to.
func (f fields) text(to *string, names []string) error {
	for _, name := range names {
		raw, there := f[name]
		if !there || string(raw) == "null" {
			continue
		}
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return &fault{normalizationFailure, name + " is not a text"}
		}
		if s = strings.TrimSpace(s); s != "" {
			*to = s
			return nil
		}
	}
	return nil
}

// tags reads the hashtags: a list, or one text with blanks or commas between.
func (f fields) tags(to *[]string) error {
	*to = []string{}
	raw, there := f["hashtags"]
	if !there || string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, to); err == nil {
		return nil
	}
	var one string
	if err := json.Unmarshal(raw, &one); err != nil {
		return &fault{normalizationFailure, "hashtags is neither a list of texts nor a text"}
	}
	*to = strings.FieldsFunc(one, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	return nil
}

// wordless says why a post has no words: its own reason when it gives one.
func (f fields) wordless() *fault {
	var withheld string
	if f.text(&withheld, []string{"withheld"}) == nil && withheld != "" {
		return &fault{contentFailure, "the next post was withheld: " + withheld}
	}
	return &fault{contentFailure, "neither caption nor tweet_text holds words"}
}
