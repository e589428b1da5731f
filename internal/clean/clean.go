// Package clean is stage 2: it turns the raw bytes of each platform's scrapes into
// one corpus of posts.
//
// It is tolerant of types and strict about truth. A number that cannot be read
// exactly is unknown, not zero; a record that is no post of the account is left out
// with its reason; what was repaired is counted. Source.Dropped and Source.Mended
// hold all of that, and Report says it in lines.
package clean

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/clean/ngrams"
	"github.com/stagewatch/stagewatch/internal/content"
)

// ErrNoPosts says that raw data was read and none of its records is a post of the
// account. The error's text says why.
var ErrNoPosts = errors.New("no usable posts")

// ErrBroken says that raw data is not what its platform's scrapes look like.
var ErrBroken = errors.New("raw data cannot be read")

// Store is what this package needs of the raw bucket.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
}

// Input names the raw data of one username, as stage 1 left it.
type Input struct {
	Username string
	Key      string // in the raw bucket; "" when there is none
	Missing  string // why there is none
}

// Clean reads the raw data of a and of its competitors and returns the corpus.
//
// The account itself must have posts: otherwise the error is ErrNoPosts or
// ErrBroken. A competitor without any keeps its place with the reason in Missing.
// Other errors are those of the bucket, ctx's, and that of a language table of no
// use.
func Clean(ctx context.Context, raw Store, a content.Account, main Input, competitors []Input) (content.Corpus, error) {
	corpus := content.Corpus{Account: a}
	var err error
	if corpus.Main, err = load(ctx, raw, a.Platform, main); err != nil {
		return content.Corpus{}, err
	}
	for _, in := range competitors {
		s, err := load(ctx, raw, a.Platform, in)
		if err != nil && !errors.Is(err, ErrNoPosts) && !errors.Is(err, ErrBroken) {
			return content.Corpus{}, err
		}
		corpus.Competitors = append(corpus.Competitors, s)
	}
	return corpus, nil
}

// load returns a source whatever happens; with an error its Missing says why it has
// no posts.
func load(ctx context.Context, raw Store, platform content.Platform, in Input) (content.Source, error) {
	none := content.Source{Username: in.Username, Missing: in.Missing}
	if in.Key == "" {
		return none, fmt.Errorf("%w: %s", ErrNoPosts, in.Missing)
	}
	data, err := raw.Get(ctx, in.Key)
	if err != nil {
		return none, fmt.Errorf("read raw data: %w", err)
	}
	s, err := Posts(platform, in.Username, data, time.Now())
	if errors.Is(err, ErrBroken) {
		none.Missing = err.Error()
		return none, err
	}
	return s, err
}

// Posts turns one raw scrape into the posts of username. Dates after now are left
// out. With ErrNoPosts the source comes back too and tells what was dropped.
func Posts(platform content.Platform, username string, data []byte, now time.Time) (content.Source, error) {
	top, err := decode(data)
	if err != nil {
		return content.Source{}, err
	}
	b := &builder{
		platform: platform, username: username, now: now, seen: map[string]bool{},
		source: content.Source{Username: username, Mended: map[string]int{}},
	}
	switch platform {
	case content.Instagram:
		err = b.instagram(top)
	case content.Twitter:
		err = b.twitter(top)
	case content.Facebook:
		err = b.facebook(top)
	default:
		err = fmt.Errorf("%w: platform %q is not known", ErrBroken, platform)
	}
	if err != nil {
		return content.Source{}, err
	}
	return b.finish()
}

// builder collects the posts of one source.
type builder struct {
	platform content.Platform
	username string
	now      time.Time
	seen     map[string]bool // ids
	source   content.Source
}

// drop leaves a record out. The reason is a fixed phrase, after which a colon and
// what is particular to this record may follow.
func (b *builder) drop(index int, id, reason string) {
	b.source.Dropped = append(b.source.Dropped, content.Dropped{ID: id, Index: index, Reason: reason})
}

func (b *builder) mend(what string) { b.source.Mended[what]++ }

// add takes a decoded post in, unless it has no id or repeats one.
func (b *builder) add(index int, p content.Post) {
	switch {
	case p.ID == "" && p.URL == "":
		b.drop(index, "", "no id and no address")
		return
	case len(p.ID) > longestURL:
		b.drop(index, clip(p.ID, 80), "id that is no id")
		return
	case p.ID == "":
		p.ID = p.URL
		b.mend("post without an id, known by its address")
	}
	if b.seen[p.ID] {
		b.drop(index, p.ID, "repeats an earlier record")
		return
	}
	b.seen[p.ID] = true
	p.Platform, p.Account = b.platform, b.username
	b.source.Posts = append(b.source.Posts, p)
}

// finish draws what can be drawn only from all posts together.
func (b *builder) finish() (content.Source, error) {
	s := &b.source
	if len(s.Mended) == 0 {
		s.Mended = nil
	}
	if len(s.Posts) == 0 {
		s.Missing = strings.Join(append([]string{"none of the records is a post of " + b.username}, reasons(s.Dropped)...), "; ")
		return *s, fmt.Errorf("%w: %s", ErrNoPosts, s.Missing)
	}
	chosen := order(b.platform, s.Posts, s.Profile)
	s.Order, s.OrderReason, s.OrderAssumed = chosen.order, chosen.reason, chosen.assumed
	table, err := ngrams.Embedded()
	if err != nil {
		return content.Source{}, fmt.Errorf("language table: %w", err)
	}
	languages(table, s.Posts)
	slices.SortStableFunc(s.Posts, func(x, y content.Post) int {
		return y.Time.Compare(x.Time) // The zero time is the oldest of all.
	})
	return *s, nil
}
