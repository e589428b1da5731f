package export

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
)

// State is how far an export has come.
type State string

const (
	// Publishing is an export under way, or one that was killed: its objects may be incomplete.
	Publishing State = "publishing"
	// Published is an export of which every object is there.
	Published State = "published"
)

// Section says what an object is.
type Section string

// The sections, named as the original names their folders where it has them.
const (
	SectionRecommendations Section = "recommendations"
	SectionNextPost        Section = "next_posts"
	SectionCompetitor      Section = "competitor_analysis"
	SectionPlan            Section = "content_plans"
	SectionProphet         Section = "prophet_analysis"
	SectionStrategies      Section = "engagement_strategies"
	SectionReport          Section = "reports"
	SectionProfile         Section = "ProfileInfo"
	// SectionReplaced holds what stood under a shared key before and was nobody's
	// run: kept, because it was not ours.
	SectionReplaced Section = "replaced"
)

// Object is one exported object.
type Object struct {
	Section Section `json:"section"`
	Key     string  `json:"key"`
	SHA256  string  `json:"sha256"` // hex
	Size    int     `json:"size"`   // bytes
	// Shared marks a key that each run overwrites; the run's own copy is another object of the same section.
	Shared bool `json:"shared,omitempty"`
	// Previous is the SHA-256 of what a shared object replaced, "" when there was nothing.
	Previous string `json:"previous,omitempty"`
}

// Counts are what the run came to.
type Counts struct {
	PostsAnalyzed   int `json:"posts_analyzed"` // the account's own
	Recommendations int `json:"recommendations"`
	Competitors     int `json:"competitors"` // those with posts to compare
}

// Manifest says what one run published. It lies under
// manifests/<platform>/<user>/<run id>.json.
type Manifest struct {
	SchemaVersion     int       `json:"schema_version"`
	State             State     `json:"state"`
	Run               string    `json:"run"`
	Platform          string    `json:"platform"`
	Username          string    `json:"username"`
	Definition        string    `json:"definition"`
	DefinitionVersion string    `json:"definition_version"`
	Started           time.Time `json:"started"`            // of the run, UTC
	Published         time.Time `json:"published,omitzero"` // UTC
	Counts            Counts    `json:"counts"`
	// Inputs are the raw objects that were read: key → SHA-256.
	Inputs map[string]string `json:"inputs,omitempty"`
	// Objects are in the order of writing.
	Objects []Object `json:"objects"`
	// Numbers is the highest number that each series ever had in a published run:
	// a number whose object was deleted since is not given again.
	Numbers map[string]int `json:"numbers"`
}

// Own returns the key of the run's own object of a section: one that no later
// run overwrites. Of several (competitors) it is the first.
func (m Manifest) Own(s Section) (key string, ok bool) {
	i := slices.IndexFunc(m.Objects, func(o Object) bool { return o.Section == s && !o.Shared })
	if i < 0 {
		return "", false
	}
	return m.Objects[i].Key, true
}

func read(ctx context.Context, b Bucket, key string) (Manifest, error) {
	data, err := b.Get(ctx, key)
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("read manifest %s: %w", key, err)
	}
	return m, nil
}

// few is how many of the newest manifests are looked at: more than one, because
// two may bear the same time and the newest may be of a killed export.
const few = 8

// recent returns the account's newest manifests: the unpublished first, then the
// published, newest first.
func recent(ctx context.Context, b Bucket, at place) ([]Manifest, error) {
	var objects []bucket.Object
	for o, err := range b.List(ctx, at.manifests()) {
		if errors.Is(err, bucket.ErrKey) {
			continue // Something that cannot be an object is no manifest.
		}
		if err != nil {
			return nil, fmt.Errorf("list manifests: %w", err)
		}
		if rest := strings.TrimPrefix(o.Key, at.manifests()); strings.HasSuffix(rest, ".json") && !strings.Contains(rest, "/") {
			objects = append(objects, o)
		}
	}
	slices.SortFunc(objects, func(x, y bucket.Object) int {
		return cmp.Or(y.Modified.Compare(x.Modified), strings.Compare(y.Key, x.Key))
	})
	var all []Manifest
	for _, o := range objects[:min(few, len(objects))] {
		m, err := read(ctx, b, o.Key)
		if errors.Is(err, bucket.ErrNotFound) {
			continue // It was taken back since.
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(x, y Manifest) int {
		if (x.State == Published) != (y.State == Published) {
			return strings.Compare(string(y.State), string(x.State))
		}
		return y.Published.Compare(x.Published)
	})
	return all, nil
}
