// Package export publishes what a run made of an account: the objects that the
// original system's dashboard and Module 2 read, a report for people, and a
// manifest that says what belongs together.
//
// A run is published whole or not at all. Its manifest is written first, in state
// [Publishing], with every key and hash; then the objects; the object that sets
// Module 2 to work comes last; at the end the manifest becomes [Published]. What a
// killed or failed export left behind is taken back by the next one: see [Export].
package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// Bucket is where results lie. Put is atomic, PutNew gives bucket.ErrExists when
// the key is taken, Get gives bucket.ErrNotFound, Delete of nothing is no error.
type Bucket interface {
	Put(ctx context.Context, key string, data []byte) error
	PutNew(ctx context.Context, key string, data []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
	List(ctx context.Context, prefix string) iter.Seq2[bucket.Object, error]
	Delete(ctx context.Context, key string) error
}

// Run says which run is exported.
type Run struct {
	// ID is the run's id: 1 to 128 letters, digits, '.', '_' and '-', not beginning with '.'.
	ID string
	// Definition and Version name the stages that the run went through.
	Definition string
	Version    string
	Started    time.Time
	// Inputs are the raw objects that the run read: key → SHA-256 in hex. It may be nil.
	Inputs map[string]string
}

// Input is everything that one export publishes.
type Input struct {
	Run      Run
	Corpus   content.Corpus
	Analysis content.Analysis
	Plan     content.Plan
}

// undoWithin bounds how long taking back a broken export may last. It has its own
// limit because the context of the export itself may be what ended.
const undoWithin = 30 * time.Second

// Export publishes a run and returns its manifest.
//
// The caller holds the claim on the account: no two exports of one account run at
// once. Exporting a published run again changes nothing and returns the same
// manifest. Whatever an export of this account left unpublished (it was killed)
// is taken back first, so a second try ends as a clean one would, under the same keys.
//
// On an error nothing of the run stays: numbered objects are deleted, and the
// shared ones (content_plan.json, report.html, the profile) are what they were.
// When even that cannot be done (a disk that refuses every write) the error says
// so and the manifest stays in state Publishing for the next try to clear up. The
// bucket's error can be told by errors.Is, for example syscall.ENOSPC.
func Export(ctx context.Context, b Bucket, in Input) (Manifest, error) {
	m, err := export(ctx, b, in)
	if err != nil {
		return Manifest{}, fmt.Errorf("export %s: %w", in.Plan.Account.Key(), err)
	}
	return m, nil
}

func export(ctx context.Context, b Bucket, in Input) (Manifest, error) {
	if err := in.check(); err != nil {
		return Manifest{}, err
	}
	p := publisher{bucket: b, at: placeOf(in.Plan.Account)}
	if m, err := read(ctx, b, p.at.manifest(in.Run.ID)); err == nil && m.State == Published {
		return m, nil
	} else if err != nil && !errors.Is(err, bucket.ErrNotFound) {
		return Manifest{}, err
	}
	items, err := prepare(in, p.at)
	if err != nil {
		return Manifest{}, err
	}
	before, err := p.recover(ctx)
	if err != nil {
		return Manifest{}, fmt.Errorf("take back an unfinished export: %w", err)
	}
	m, items, err := p.claim(ctx, in, items, before)
	if err != nil {
		return Manifest{}, err
	}
	if err := p.publish(ctx, &m, items); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoWithin)
		defer cancel()
		if undoErr := p.undo(undo, m, before); undoErr != nil {
			err = errors.Join(err, fmt.Errorf("not all of it could be taken back, the next try will: %w", undoErr))
		}
		return Manifest{}, err
	}
	return m, nil
}

// check returns what makes the input impossible to publish.
func (in Input) check() error {
	switch account := in.Plan.Account; {
	case !validRunID(in.Run.ID):
		return fmt.Errorf("run id %q is not 1 to 128 letters, digits, '.', '_' and '-'", in.Run.ID)
	case account.Platform == "" || account.Username == "":
		return errors.New("the plan names no account")
	case account.Key() != in.Corpus.Account.Key():
		return fmt.Errorf("the corpus is of another account: %s", in.Corpus.Account.Key())
	}
	return nil
}

// Latest returns the manifest of the account's newest published run, or
// bucket.ErrNotFound when nothing was ever published for it.
func Latest(ctx context.Context, b Bucket, platform content.Platform, username string) (Manifest, error) {
	at := placeOf(content.Account{Platform: platform, Username: username})
	all, err := recent(ctx, b, at)
	if err != nil {
		return Manifest{}, fmt.Errorf("latest results of %s/%s: %w", platform, username, err)
	}
	for _, m := range all {
		if m.State == Published {
			return m, nil
		}
	}
	return Manifest{}, fmt.Errorf("latest results of %s/%s: %w", platform, username, bucket.ErrNotFound)
}

// Read returns the plan that a published run made, and the posts that it cites.
func Read(ctx context.Context, b Bucket, m Manifest) (content.Plan, []content.Post, error) {
	key, ok := m.Own(SectionPlan)
	if !ok {
		return content.Plan{}, nil, fmt.Errorf("run %s has no content plan: %w", m.Run, bucket.ErrNotFound)
	}
	data, err := b.Get(ctx, key)
	if err != nil {
		return content.Plan{}, nil, fmt.Errorf("read content plan: %w", err)
	}
	var document contentPlan
	if err := json.Unmarshal(data, &document); err != nil {
		return content.Plan{}, nil, fmt.Errorf("read content plan %s: %w", key, err)
	}
	return document.Plan, document.Posts, nil
}
