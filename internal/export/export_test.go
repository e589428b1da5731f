package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// view is what a bucket holds, without the times at which manifests were published.
func view(t *testing.T, b Bucket) map[string]string {
	t.Helper()
	all := map[string]string{}
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := b.Get(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(o.Key, "manifests/") {
			var m Manifest
			if err := json.Unmarshal(data, &m); err != nil {
				t.Fatal(err)
			}
			m.Published = time.Time{}
			if data, err = m.bytes(); err != nil {
				t.Fatal(err)
			}
		}
		all[o.Key] = string(data)
	}
	return all
}

func export1(t *testing.T, b Bucket, in Input) Manifest {
	t.Helper()
	m, err := Export(t.Context(), b, in)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// whole fails the test when a published manifest names an object that is not there as it says.
func whole(t *testing.T, b Bucket, m Manifest) {
	t.Helper()
	for _, o := range m.Objects {
		data, err := b.Get(t.Context(), o.Key)
		if err != nil || digest(data) != o.SHA256 || len(data) != o.Size {
			t.Errorf("published object %s is not what the manifest says (%v)", o.Key, err)
		}
	}
}

func TestPublishedRunIsWholeAndMatchesItsSchema(t *testing.T) {
	for name, in := range samples() {
		t.Run(name, func(t *testing.T) {
			b := newMemory()
			m := export1(t, b, in)
			whole(t, b, m)
			s, err := compileSchemas()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.check("manifest", b.objects["manifests/"+m.Platform+"/"+segment(m.Username)+"/"+in.Run.ID+".json"]); err != nil {
				t.Error(err)
			}
			if got, want := m.Counts.Recommendations, len(in.Plan.Recommendations); got != want {
				t.Errorf("manifest counts %d recommendations, want %d", got, want)
			}
			if m.State != Published || m.Published.IsZero() {
				t.Errorf("state %q published %v", m.State, m.Published)
			}
		})
	}
}

func TestKeysAreTheOriginals(t *testing.T) {
	b := newMemory()
	export1(t, b, branding(31))
	want := []string{
		"ProfileInfo/instagram/kilnandclay.json",
		"competitor_analysis/instagram/kilnandclay/mudroom.studio/analysis_1.json",
		"competitor_analysis/instagram/kilnandclay/wheel_house/analysis_1.json",
		"content_plans/instagram/kilnandclay/content_plan.json",
		"engagement_strategies/instagram/kilnandclay/strategies_1.json",
		"manifests/instagram/kilnandclay/run-01JABCDE.json",
		"next_posts/instagram/kilnandclay/campaign_next_post_1.json",
		"prophet_analysis/instagram/kilnandclay/analysis_1.json",
		"recommendations/instagram/kilnandclay/recommendation_1.json",
		"reports/instagram/kilnandclay/report.html",
		"runs/instagram/kilnandclay/run-01JABCDE/content_plan.json",
		"runs/instagram/kilnandclay/run-01JABCDE/profile.json",
		"runs/instagram/kilnandclay/run-01JABCDE/report.html",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(b.objects))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestNextPostIsWrittenLastBeforeThePublishedManifest(t *testing.T) {
	b := newMemory()
	export1(t, b, branding(31))
	last := b.order[len(b.order)-2:]
	if !strings.HasPrefix(last[0], "next_posts/") || !strings.HasPrefix(last[1], "manifests/") || !strings.HasPrefix(b.order[0], "manifests/") {
		t.Errorf("order of writing: %q", b.order)
	}
}

func TestNextPostIsBareAndHasNoStatus(t *testing.T) {
	b := newMemory()
	export1(t, b, branding(31))
	var got map[string]any
	if err := json.Unmarshal(b.objects["next_posts/instagram/kilnandclay/campaign_next_post_1.json"], &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"caption", "hashtags", "call_to_action", "image_prompt"} {
		if got[name] == nil {
			t.Errorf("next post has no %s", name)
		}
	}
	for _, name := range []string{"status", "post_data", "module_type", "tweet_text"} {
		if _, ok := got[name]; ok {
			t.Errorf("next post has %s", name)
		}
	}
}

func TestWithheldNextPostIsNotWritten(t *testing.T) {
	b := newMemory()
	m := export1(t, b, thin())
	if key, ok := m.Own(SectionNextPost); ok {
		t.Errorf("next post written: %s", key)
	}
	if key, ok := m.Own(SectionStrategies); ok {
		t.Errorf("empty strategies written: %s", key)
	}
}

func TestBrandingIntelligenceIsKept(t *testing.T) {
	b := newMemory()
	export1(t, b, branding(31))
	var got recommendation
	if err := json.Unmarshal(b.objects["recommendations/instagram/kilnandclay/recommendation_1.json"], &got); err != nil {
		t.Fatal(err)
	}
	c := got.CompetitiveIntelligence
	if c == nil || !strings.Contains(c.CompetitiveAnalysis, "1.6 times") || !strings.Contains(c.StrategicPositioning, "wheel in video") {
		t.Errorf("competitive intelligence: %+v", c)
	}
	if got.Count != 15 || len(got.Tactical) != 15 {
		t.Errorf("recommendations_count %d, tactical %d, want 15", got.Count, len(got.Tactical))
	}
}

func TestRepeatedExportChangesNothing(t *testing.T) {
	b, in := newMemory(), branding(31)
	first := export1(t, b, in)
	writes, deletes := b.writes, b.deletes
	again := export1(t, b, in)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("manifest of the second export (-first +again):\n%s", diff)
	}
	if b.writes != writes || b.deletes != deletes {
		t.Errorf("second export wrote %d and deleted %d objects", b.writes-writes, b.deletes-deletes)
	}
}

func TestNumbersGoOnAndAreNeverReused(t *testing.T) {
	b, in := newMemory(), branding(31)
	for n := range 1200 { // More than one page of a listing.
		b.objects[fmt.Sprintf("recommendations/instagram/kilnandclay/recommendation_%d.json", n+1)] = []byte("{}")
	}
	b.objects["next_posts/instagram/kilnandclay/campaign_next_post_1755000000000.json"] = []byte("{}") // A time, no number.
	export1(t, b, in)
	delete(b.objects, "next_posts/instagram/kilnandclay/campaign_next_post_1.json") // Module 2 took it.
	in.Run.ID = "second"
	export1(t, b, in)
	for _, key := range []string{"recommendations/instagram/kilnandclay/recommendation_1201.json", "recommendations/instagram/kilnandclay/recommendation_1202.json", "next_posts/instagram/kilnandclay/campaign_next_post_2.json"} {
		if b.objects[key] == nil {
			t.Errorf("%s is not there", key)
		}
	}
	if b.objects["next_posts/instagram/kilnandclay/campaign_next_post_1.json"] != nil {
		t.Error("number 1 was given a second time")
	}
}

func TestNumberTakenByModule2MeanwhileIsLeftToIt(t *testing.T) {
	b := newMemory()
	taken := "next_posts/instagram/kilnandclay/campaign_next_post_1.json"
	b.meet = func(key string) {
		if key == taken {
			b.objects[taken] = []byte(`{"module_type":"next_post_prediction"}`)
		}
	}
	m := export1(t, b, branding(31))
	key, _ := m.Own(SectionNextPost)
	if key != "next_posts/instagram/kilnandclay/campaign_next_post_2.json" || string(b.objects[taken]) != `{"module_type":"next_post_prediction"}` {
		t.Errorf("next post at %s", key)
	}
	whole(t, b, m)
}

// settled is a bucket with an earlier run of ours, over what the original left.
func settled(t *testing.T) *memory {
	b := newMemory()
	b.objects["content_plans/instagram/kilnandclay/content_plan.json"] = []byte(`{"of":"the original"}`)
	in := branding(32)
	in.Run.ID = "earlier"
	export1(t, b, in)
	b.writes = 0
	return b
}

// again returns a bucket of the same content.
func (m *memory) again() *memory {
	return &memory{objects: maps.Clone(m.objects), modified: maps.Clone(m.modified), clock: m.clock}
}

func TestWhatStoodThereBeforeUsIsKept(t *testing.T) {
	b := settled(t)
	if got := string(b.objects["runs/instagram/kilnandclay/earlier/replaced/content_plans.json"]); got != `{"of":"the original"}` {
		t.Errorf("replaced plan = %q", got)
	}
}

func TestFailureAtAnyWriteLeavesEverythingAsItWas(t *testing.T) {
	start := settled(t)
	clean, before := start.again(), view(t, start)
	in := branding(31)
	export1(t, clean, in)
	want := view(t, clean)
	for k := 1; k <= clean.writes; k++ {
		b := start.again()
		b.fail = func(write int) error {
			if write == k {
				return syscall.ENOSPC
			}
			return nil
		}
		_, err := Export(t.Context(), b, in)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("write %d: error = %v, want ENOSPC", k, err)
		}
		if diff := cmp.Diff(before, view(t, b)); diff != "" {
			t.Errorf("after a failed write %d (-before +after):\n%s", k, diff)
		}
		b.fail = nil
		whole(t, b, export1(t, b, in))
		if diff := cmp.Diff(want, view(t, b)); diff != "" {
			t.Errorf("second try after a failed write %d (-clean +got):\n%s", k, diff)
		}
	}
}

// From some write on nothing works any more, as when a disk becomes read-only. What
// can be taken back is; whatever cannot is not called published, and the next try mends it.
func TestDeadBucketNeverShowsAPartAsPublished(t *testing.T) {
	start := settled(t)
	clean, in := start.again(), branding(31)
	export1(t, clean, in)
	want := view(t, clean)
	for _, noDelete := range []bool{false, true} {
		for k := 1; k <= clean.writes; k++ {
			b := start.again()
			b.fail = func(write int) error {
				if write >= k {
					b.noDelete = noDelete
					return syscall.ENOSPC
				}
				return nil
			}
			if _, err := Export(t.Context(), b, in); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("write %d: error = %v, want ENOSPC", k, err)
			}
			m, err := Latest(t.Context(), b, content.Instagram, "kilnandclay")
			if err != nil || m.Run != "earlier" {
				t.Fatalf("write %d: latest is %q, %v", k, m.Run, err)
			}
			b.fail, b.noDelete = nil, false
			export1(t, b, in)
			if diff := cmp.Diff(want, view(t, b)); diff != "" {
				t.Errorf("no deletes %v, try after dead write %d (-clean +got):\n%s", noDelete, k, diff)
			}
		}
	}
}

func TestAnotherRunTakesBackWhatAKilledOneLeft(t *testing.T) {
	killed, in := branding(31), branding(40)
	killed.Run.ID, in.Run.ID = "killed", "following"
	start := settled(t)
	clean := start.again()
	export1(t, clean, in)
	want := view(t, clean)
	for k := 2; k <= 14; k++ {
		b := start.again()
		b.fail = func(write int) error {
			if write >= k {
				b.noDelete = true
				return syscall.EIO
			}
			return nil
		}
		if _, err := Export(t.Context(), b, killed); err == nil {
			t.Fatal("the first export did not fail")
		}
		b.fail, b.noDelete = nil, false
		export1(t, b, in)
		if diff := cmp.Diff(want, view(t, b)); diff != "" {
			t.Errorf("killed at %d (-clean +got):\n%s", k, diff)
		}
	}
}

func TestCancelledExportIsTakenBack(t *testing.T) {
	b := settled(t)
	before := view(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	b.fail = func(write int) error {
		if write == 6 {
			cancel()
			return ctx.Err()
		}
		return nil
	}
	if _, err := Export(ctx, b, branding(31)); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	if diff := cmp.Diff(before, view(t, b)); diff != "" {
		t.Errorf("after a cancelled export (-before +after):\n%s", diff)
	}
}

func TestInvalidContentFailsTheStageBeforeAnythingIsWritten(t *testing.T) {
	tests := map[string]func(*Input){
		"a recommendation of punctuation":   func(in *Input) { in.Plan.Recommendations[3].Title = `":"` },
		"a recommendation without a post":   func(in *Input) { in.Plan.Recommendations[3].PostIDs = nil },
		"an unknown grade":                  func(in *Input) { in.Plan.Recommendations[3].Evidence = "huge" },
		"six hashtags":                      func(in *Input) { in.Plan.Next.Hashtags = strings.Split("#a #b #c #d #e #f", " ") },
		"a caption and a tweet":             func(in *Input) { in.Plan.Next.Tweet = "both" },
		"a forecast with neither":           func(in *Input) { in.Analysis.Forecast = content.Forecast{} },
		"a forecast with points and excuse": func(in *Input) { in.Analysis.Forecast.NotEnough = "too few" },
		"a path as run id":                  func(in *Input) { in.Run.ID = "../x" },
		"another account's corpus":          func(in *Input) { in.Corpus.Account.Username = "somebody" },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			b, in := newMemory(), branding(31)
			spoil(&in)
			if _, err := Export(t.Context(), b, in); err == nil || b.writes > 0 {
				t.Errorf("error %v after %d writes", err, b.writes)
			}
		})
	}
}

func TestProfileSummaryDoesNotReplaceAnAccountInfo(t *testing.T) {
	b, in := newMemory(), tweets()
	const key = "ProfileInfo/twitter/OrbitalPete.json"
	const order = `{"username":"OrbitalPete","accountType":"branding"}`
	b.objects[key] = []byte(order)
	whole(t, b, export1(t, b, in))
	if string(b.objects[key]) != order {
		t.Errorf("%s = %s", key, b.objects[key])
	}
}

func TestSegmentsAreDistinctAndStayInTheirFolder(t *testing.T) {
	long := strings.Repeat("x", 300)
	names := []string{"a.b", ".", "..", ".hidden", "a/b", "a%2Fb", `a\b`, "", "small bakery & co", "محل", "%", long, long + "y"}
	seen := map[string]string{}
	for _, n := range names {
		s := segment(n)
		if other, ok := seen[s]; ok {
			t.Errorf("%q and %q are both %q", n, other, s)
		}
		seen[s] = n
		if err := bucket.CheckKey("x/" + s + "/y.json"); err != nil || strings.HasPrefix(s, ".") || strings.Contains(s, "/") {
			t.Errorf("segment(%q) = %q: %v", n, s, err)
		}
	}
	if got := segment("a.b-c_D9"); got != "a.b-c_D9" {
		t.Errorf("segment of a plain name = %q", got)
	}
}

func TestLatestIsTheNewestPublishedRunAndCanBeRead(t *testing.T) {
	b, in := newMemory(), branding(31)
	if _, err := Latest(t.Context(), b, content.Instagram, "kilnandclay"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("latest of nothing: %v", err)
	}
	for _, id := range []string{"z", "b", "a"} {
		in.Run.ID = id
		export1(t, b, in)
	}
	m, err := Latest(t.Context(), b, content.Instagram, "kilnandclay")
	if err != nil || m.Run != "a" {
		t.Fatalf("latest is %q, %v", m.Run, err)
	}
	plan, posts, err := Read(t.Context(), b, m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.Plan, plan); diff != "" {
		t.Errorf("plan (-made +read):\n%s", diff)
	}
	if len(posts) == 0 {
		t.Error("no cited posts")
	}
}
