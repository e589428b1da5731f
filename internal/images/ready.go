package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"path"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/images/card"
)

// Where the results go, each followed by <platform>/<username>/.
const (
	outbox = "ready_post/"
	aside  = "failed_posts/"
)

// quality of the JPEG: at 95 the edges of letters stay clean.
const quality = 95

// job is one next post in work.
type job struct {
	source
	id      string
	data    []byte
	written time.Time // when the next post was
}

// readyPost is the JSON of a ready pair, in the original's shape.
type readyPost struct {
	Post           readyWords `json:"post"`
	Status         string     `json:"status"` // pending until the dashboard says otherwise
	ImageURL       string     `json:"image_url"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
	ImageGenerated bool       `json:"image_generated"`
	OriginalFormat string     `json:"original_format"` // "bare", or the field that held the next post
	Image          picture    `json:"image"`
	Source         origin     `json:"source"`
}

// readyWords are the post's words, unchanged. ImageURL is the image's key in the
// same bucket.
type readyWords struct {
	nextPost
	ImageURL string           `json:"image_url"`
	Platform content.Platform `json:"platform"`
	Username string           `json:"username"`
}

// picture tells what the image is: words set by rule, not a picture that a model
// made from the image prompt.
type picture struct {
	Kind   string `json:"kind"`
	Type   string `json:"media_type"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// origin names what the ready post was made from.
type origin struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"` // of the file as it was read
}

// make takes a job through its stages. What is wrong with the next post itself is
// recorded under failed_posts/ and is no error.
func (m *Module) make(ctx context.Context, j job) error {
	account := j.account()
	m.stages.Start(StageReading, account, "Reading "+j.name)
	post, err := parse(j.data)
	if err != nil {
		return m.end(ctx, j, StageReading, err)
	}
	words := len(strings.Fields(post.words()))
	m.stages.Complete(StageReading, account, fmt.Sprintf("Read %s: %d %s and %d %s",
		j.name, words, either(words, "word", "words"), len(post.Hashtags), either(len(post.Hashtags), "hashtag", "hashtags")), map[string]any{"key": j.key})

	m.stages.Start(StageDesign, account, fmt.Sprintf("Drawing %s at %d×%d", j.name, card.Side, card.Side))
	began := time.Now()
	picture, err := draw(j.source, post)
	if err != nil {
		return m.end(ctx, j, StageDesign, err)
	}
	took := time.Since(began).Round(time.Millisecond)
	m.stages.Complete(StageDesign, account, fmt.Sprintf("Drew %s in %v", j.name, took), map[string]any{"bytes": len(picture)})

	m.stages.Start(StageReady, account, "Saving the ready post of "+j.name)
	stem, err := m.save(ctx, j, post, picture)
	if err != nil {
		return m.end(ctx, j, StageReady, err)
	}
	m.stages.Complete(StageReady, account, "Saved "+path.Base(stem), map[string]any{"key": stem + ".json"})
	m.stages.Complete(StageComplete, account, "Ready post made of "+j.name, nil)
	return nil
}

// end reports why a job ended at stage n. A fault of the next post is recorded
// beside the results; what may pass comes back as an error, for another try.
func (m *Module) end(ctx context.Context, j job, n int, cause error) error {
	if ctx.Err() != nil {
		return cause // Told to stop: the stage did not fail, it goes on at the next start.
	}
	m.stages.Failed(n, j.account(), j.name+": "+cause.Error())
	var wrong *fault
	if !errors.As(cause, &wrong) {
		return cause
	}
	record, err := json.MarshalIndent(failure{failureInfo{
		Reason: wrong.reason, Details: wrong.details, Timestamp: time.Now().UTC(), OriginalKey: j.key, OriginalSHA256: sum(j.data),
	}}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode failure record: %w", err)
	}
	key := aside + j.account() + "/" + j.name + "_" + j.id + ".json"
	if err := m.bucket.PutNew(ctx, key, record); err != nil && !errors.Is(err, bucket.ErrExists) {
		return fmt.Errorf("write failure record: %w", err)
	}
	return nil
}

// failure is the record of a next post that cannot be done as it is. The next
// post itself stays where it lies.
type failure struct {
	Info failureInfo `json:"failure_info"`
}

type failureInfo struct {
	Reason         string    `json:"reason"`
	Details        string    `json:"details"`
	Timestamp      time.Time `json:"timestamp"`
	OriginalKey    string    `json:"original_key"`
	OriginalSHA256 string    `json:"original_sha256"`
}

// draw returns the card of a post as a JPEG: what the readers of ready posts look
// for beside the JSON, and the one form that every platform takes.
func draw(src source, p nextPost) ([]byte, error) {
	c, err := card.New(card.Text{
		Account: src.account(), Seed: src.name, Handle: handle(src), Headline: p.Headline,
		Caption: p.body(), Hashtags: p.Hashtags, Action: p.Action,
	})
	if errors.Is(err, card.ErrWithheld) {
		return nil, &fault{generationFailure, err.Error()}
	}
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, c.Draw(), &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode image: %w", err)
	}
	return out.Bytes(), nil
}

// handle is the username as its platform shows it.
func handle(src source) string {
	if src.platform == content.Facebook {
		return src.username
	}
	return "@" + strings.TrimPrefix(src.username, "@")
}

// save puts the pair: the image first, then the JSON, by which it becomes a pair.
// Its name follows from the next post alone and the JSON is put only if it is not
// there. So a try after a kill completes the same pair, and of several programs on
// one bucket one wins.
func (m *Module) save(ctx context.Context, j job, p nextPost, picture []byte) (stem string, err error) {
	stem = fmt.Sprintf("%s%s/campaign_ready_post_%d_%s", outbox, j.account(), j.written.UnixMilli(), j.id)
	text, err := json.MarshalIndent(readyOf(j, p, stem+".jpg", picture), "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode ready post: %w", err)
	}
	if err := m.bucket.Put(ctx, stem+".jpg", picture); err != nil {
		return "", fmt.Errorf("write image: %w", err)
	}
	if err := m.bucket.PutNew(ctx, stem+".json", text); err != nil && !errors.Is(err, bucket.ErrExists) {
		return "", fmt.Errorf("write ready post: %w", err)
	}
	return stem, nil
}

func readyOf(j job, p nextPost, image string, data []byte) readyPost {
	now := time.Now().UTC()
	return readyPost{
		Post:   readyWords{nextPost: p, ImageURL: image, Platform: j.platform, Username: j.username},
		Status: "pending", ImageURL: image, CreatedAt: now, UpdatedAt: now, ImageGenerated: true, OriginalFormat: p.shape,
		Image:  picture{Kind: "text card", Type: "image/jpeg", Width: card.Side, Height: card.Side, Bytes: len(data), SHA256: sum(data)},
		Source: origin{Key: j.key, SHA256: sum(j.data)},
	}
}

// sum is the SHA-256 of data in hexadecimal digits.
func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
