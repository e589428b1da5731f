// Package scrape is stage 1: it brings the raw posts of an account and of its
// competitors into the raw bucket, from where the later stages read them.
//
// Where posts come from is a connector's business; there is one file for each,
// listed in Connectors. What a connector brings is looked at before it is stored:
// private, empty, not available, absent, broken and somebody else's data are
// different errors, and none of them replaces data that was stored before.
package scrape

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// Store is what this package needs of the raw bucket.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, data []byte) error
	Stat(ctx context.Context, key string) (bucket.Object, error)
	List(ctx context.Context, prefix string) iter.Seq2[bucket.Object, error]
}

// Request names whose posts are wanted. Primary is the account itself or, for a
// competitor, the account whose competitor it is.
type Request struct {
	Platform content.Platform
	Primary  string
	Username string
}

// Raw is one scrape as it came.
type Raw struct {
	Data []byte
	// Taken is when it was taken, as well as the connector knows.
	Taken time.Time
}

// Connector reads the posts of one source.
type Connector interface {
	// Fetch returns the raw scrape of r.Username. The error reads well after
	// "Failed to scrape profile: ".
	Fetch(ctx context.Context, r Request) (Raw, error)
}

// Item is the raw data of one username.
type Item struct {
	Username string `json:"username"`
	// Missing says why there is none; the other fields are then empty.
	Missing string `json:"missing,omitempty"`
	Key     string `json:"key,omitempty"` // in the raw bucket
	SHA256  string `json:"sha256,omitempty"`
	Size    int64  `json:"size,omitempty"` // bytes
	// Records counts the posts as they came, before any cleaning.
	Records int `json:"records,omitempty"`
	// Scraped is when the data was taken: as it says itself, else when its file
	// was last changed.
	Scraped time.Time `json:"scraped,omitzero"`
	// Fresh says that it was fetched now, not found in the bucket.
	Fresh bool `json:"fresh,omitempty"`
}

// Result says what raw data lies ready for the next stage.
type Result struct {
	Main        Item   `json:"main"`
	Competitors []Item `json:"competitors,omitempty"`
}

// Key returns where in the raw bucket the posts of username lie, who is primary or
// one of its competitors.
func Key(platform content.Platform, primary, username string) string {
	return path.Join(string(platform), primary, username+".json")
}

// Stored returns when the raw data that the bucket holds for a was stored, and
// false when it holds none.
func Stored(ctx context.Context, raw Store, a content.Account) (time.Time, bool, error) {
	o, found, err := lookup(ctx, raw, Request{a.Platform, a.Username, a.Username})
	return o.Modified, found, err
}

// Scrape brings the raw data of a and of each of its competitors into the bucket.
//
// Without fresh, what the bucket holds already is used as it is, and only what is
// missing is fetched. With fresh everything is fetched; what was stored is replaced
// in one step once the new data is known to be good, and stays otherwise.
//
// A competitor whose data cannot be had is told in its Item. For the account
// itself the error is one of this package's, as an operator reads it after
// "Failed to scrape profile: ". A bucket that cannot be read or written
// (errors.Is with syscall.ENOSPC) and an ended ctx are errors for either.
func Scrape(ctx context.Context, c Connector, raw Store, a content.Account, fresh bool) (Result, error) {
	s := scraper{c, raw, fresh}
	item, err := s.one(ctx, Request{a.Platform, a.Username, a.Username})
	if err != nil {
		return Result{}, err
	}
	result := Result{Main: item}
	for _, name := range a.Competitors {
		item, err := s.one(ctx, Request{a.Platform, a.Username, name})
		switch {
		case ctx.Err() != nil:
			return Result{}, ctx.Err()
		case errors.Is(err, errStore):
			return Result{}, err
		case err != nil:
			item = Item{Username: name, Missing: err.Error()}
		}
		result.Competitors = append(result.Competitors, item)
	}
	return result, nil
}

type scraper struct {
	connector Connector
	raw       Store
	fresh     bool
}

func (s scraper) one(ctx context.Context, r Request) (Item, error) {
	for _, name := range []string{r.Primary, r.Username} {
		if _, err := account.CheckUsername(r.Platform, name); err != nil {
			return Item{}, fail(ErrNoScrape, nil, "%v", err)
		}
	}
	if !s.fresh {
		o, found, err := lookup(ctx, s.raw, r)
		if err != nil {
			return Item{}, err
		}
		if found {
			return s.stored(ctx, r, o)
		}
	}
	return s.fetch(ctx, r)
}

func (s scraper) stored(ctx context.Context, r Request, o bucket.Object) (Item, error) {
	data, err := s.raw.Get(ctx, o.Key)
	if err != nil {
		return Item{}, storeError(err, "read stored data")
	}
	found, err := inspect(r, data)
	if errors.Is(err, ErrBroken) {
		return Item{}, fail(ErrBroken, err, "stored data %s cannot be used: %v: scrape afresh with --force-fresh", o.Key, err)
	}
	if err != nil {
		return Item{}, err
	}
	return newItem(r, o.Key, data, found, o.Modified), nil
}

func (s scraper) fetch(ctx context.Context, r Request) (Item, error) {
	got, err := s.connector.Fetch(ctx, r)
	if err != nil {
		return Item{}, err
	}
	found, err := inspect(r, got.Data)
	if err != nil {
		return Item{}, err
	}
	key := Key(r.Platform, r.Primary, r.Username)
	if err := s.raw.Put(ctx, key, got.Data); err != nil {
		return Item{}, storeError(err, "store raw data")
	}
	item := newItem(r, key, got.Data, found, got.Taken)
	item.Fresh = true
	return item, nil
}

func newItem(r Request, key string, data []byte, found finding, taken time.Time) Item {
	if !found.taken.IsZero() {
		taken = found.taken
	}
	sum := sha256.Sum256(data)
	return Item{
		Username: r.Username, Key: key, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)),
		Records: found.records, Scraped: taken.UTC(),
	}
}

// lookup finds stored data under its key, or under one that differs in letter case
// only, as another spelling of the handle left it.
func lookup(ctx context.Context, raw Store, r Request) (bucket.Object, bool, error) {
	key := Key(r.Platform, r.Primary, r.Username)
	o, err := raw.Stat(ctx, key)
	if err == nil {
		return o, true, nil
	}
	if !errors.Is(err, bucket.ErrNotFound) {
		return bucket.Object{}, false, storeError(err, "look for stored data")
	}
	for o, err := range raw.List(ctx, string(r.Platform)+"/") {
		if err != nil && o.Key == "" {
			return bucket.Object{}, false, storeError(err, "look for stored data")
		}
		if err == nil && strings.EqualFold(o.Key, key) {
			return o, true, nil
		}
	}
	return bucket.Object{}, false, nil
}

// errStore marks trouble with the bucket, which is not one account's.
var errStore = errors.New("raw bucket")

func storeError(err error, doing string) error {
	return fmt.Errorf("%w: %s: %w", errStore, doing, err)
}
