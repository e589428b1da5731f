package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
)

// item is an object before it is written. It has a key, or a series from which it
// gets the next number.
type item struct {
	section Section
	key     string
	series  string
	shared  bool
	data    []byte
}

// publisher writes one account's objects, and takes them back.
type publisher struct {
	bucket Bucket
	at     place
}

// renumberings bounds how often one object gives way to somebody else's of the
// same number.
const renumberings = 100

// recover takes back every export that was begun and not published, and returns
// the published manifests, newest first.
func (p publisher) recover(ctx context.Context) ([]Manifest, error) {
	all, err := recent(ctx, p.bucket, p.at)
	if err != nil {
		return nil, err
	}
	published := slices.DeleteFunc(slices.Clone(all), func(m Manifest) bool { return m.State != Published })
	for _, m := range all {
		if m.State == Published {
			continue
		}
		if err := p.undo(ctx, m, published); err != nil {
			return nil, err
		}
	}
	return published, nil
}

// claim gives every item its key and writes the manifest that says so. The items
// that come back include what shared objects are about to replace.
func (p publisher) claim(ctx context.Context, in Input, items []item, before []Manifest) (Manifest, []item, error) {
	m := Manifest{
		SchemaVersion: schemaVersion, State: Publishing, Run: in.Run.ID,
		Platform: string(in.Plan.Account.Platform), Username: in.Plan.Account.Username,
		Definition: in.Run.Definition, DefinitionVersion: in.Run.Version, Started: in.Run.Started.UTC(),
		Counts: counts(in), Inputs: in.Run.Inputs, Numbers: map[string]int{},
	}
	for _, earlier := range before {
		for series, n := range earlier.Numbers {
			m.Numbers[series] = max(m.Numbers[series], n)
		}
	}
	items, err := p.keepReplaced(ctx, &m, items, before)
	if err != nil {
		return Manifest{}, nil, err
	}
	for i, it := range items {
		if it.series != "" {
			n, err := p.highest(ctx, it.series)
			if err != nil {
				return Manifest{}, nil, err
			}
			m.Numbers[it.series] = max(m.Numbers[it.series], n) + 1
			m.Objects[i].Key = numbered(it.series, m.Numbers[it.series])
		}
	}
	data, err := m.bytes()
	if err != nil {
		return Manifest{}, nil, err
	}
	if err := p.bucket.PutNew(ctx, p.at.manifest(m.Run), data); err != nil {
		return Manifest{}, nil, fmt.Errorf("claim: %w", err)
	}
	return m, items, nil
}

// keepReplaced lists the items in the manifest. Before them come copies of what
// shared objects will replace, where no earlier run has one: it may be the
// original system's or the user's. A shared object that belongs to the user is
// left out.
func (p publisher) keepReplaced(ctx context.Context, m *Manifest, items []item, before []Manifest) ([]item, error) {
	var kept, rest []item
	previous := map[string]string{}
	for _, it := range items {
		if !it.shared {
			rest = append(rest, it)
			continue
		}
		old, err := p.bucket.Get(ctx, it.key)
		if err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return nil, err
		}
		if err == nil && it.section == SectionProfile && isAccountInfo(old) {
			continue
		}
		rest = append(rest, it)
		if err != nil {
			continue
		}
		previous[it.key] = digest(old)
		if copyOf(previous[it.key], before) == "" {
			key := p.at.own(m.Run, fmt.Sprintf("replaced/%s%s", it.section, path.Ext(it.key)))
			kept = append(kept, item{section: SectionReplaced, key: key, data: old})
		}
	}
	items = slices.Concat(kept, rest)
	for _, it := range items {
		m.Objects = append(m.Objects, Object{
			Section: it.section, Key: it.key, SHA256: digest(it.data), Size: len(it.data), Shared: it.shared, Previous: previous[it.key],
		})
	}
	return items, nil
}

// copyOf returns the key under which one of the runs keeps what has this hash, "" when none does.
func copyOf(sha256 string, runs []Manifest) string {
	for _, m := range runs {
		for _, o := range m.Objects {
			if o.SHA256 == sha256 && !o.Shared {
				return o.Key
			}
		}
	}
	return ""
}

// highest returns the highest number among all listed objects of a series, 0 when there is none.
func (p publisher) highest(ctx context.Context, series string) (int, error) {
	highest := 0
	for o, err := range p.bucket.List(ctx, series) {
		if err != nil && !errors.Is(err, bucket.ErrKey) {
			return 0, fmt.Errorf("number %s: %w", series, err)
		}
		if n, ok := numberIn(series, o.Key); ok {
			highest = max(highest, n)
		}
	}
	return highest, nil
}

// publish writes the items in order and then says in the manifest that they are there.
func (p publisher) publish(ctx context.Context, m *Manifest, items []item) error {
	for i, it := range items {
		var err error
		if it.series == "" {
			err = p.bucket.Put(ctx, it.key, it.data)
		} else {
			err = p.putNumbered(ctx, m, i, it)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", it.section, err)
		}
	}
	done := *m
	done.State, done.Published = Published, time.Now().UTC()
	if err := p.putManifest(ctx, done); err != nil {
		return err
	}
	*m = done
	return nil
}

// putNumbered writes object i. Module 2 writes into the same series, so the number
// may have been taken since it was claimed; the next one is claimed then.
func (p publisher) putNumbered(ctx context.Context, m *Manifest, i int, it item) error {
	for range renumberings {
		err := p.bucket.PutNew(ctx, m.Objects[i].Key, it.data)
		if !errors.Is(err, bucket.ErrExists) {
			return err
		}
		m.Numbers[it.series]++
		m.Objects[i].Key = numbered(it.series, m.Numbers[it.series])
		if err := p.putManifest(ctx, *m); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %d numbers in a row were taken by others", it.series, renumberings)
}

// undo takes back what an unpublished run wrote, newest first, and its manifest
// at the end. An object that is not what the run wrote is somebody else's and
// stays. It may be called again after it was killed itself.
func (p publisher) undo(ctx context.Context, m Manifest, before []Manifest) error {
	for _, o := range slices.Backward(m.Objects) {
		if err := p.takeBack(ctx, o, slices.Concat([]Manifest{m}, before)); err != nil {
			return err
		}
	}
	return p.bucket.Delete(ctx, p.at.manifest(m.Run))
}

func (p publisher) takeBack(ctx context.Context, o Object, runs []Manifest) error {
	data, err := p.bucket.Get(ctx, o.Key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if digest(data) != o.SHA256 || o.SHA256 == o.Previous {
		return nil
	}
	if o.Previous == "" {
		return p.bucket.Delete(ctx, o.Key)
	}
	old, err := p.bucket.Get(ctx, copyOf(o.Previous, runs))
	if err != nil {
		return fmt.Errorf("restore %s: %w", o.Key, err)
	}
	return p.bucket.Put(ctx, o.Key, old)
}

func (p publisher) putManifest(ctx context.Context, m Manifest) error {
	data, err := m.bytes()
	if err != nil {
		return err
	}
	if err := p.bucket.Put(ctx, p.at.manifest(m.Run), data); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

func (m Manifest) bytes() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return append(data, '\n'), nil
}
