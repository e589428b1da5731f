package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/images/card"
)

const (
	glowKey = "next_posts/instagram/lumenskin/campaign_next_post_3.json"
	glow    = `{"caption": "Glow that lasts past midnight. It is here.", "hashtags": ["#glow"], "call_to_action": "Shop now",
		"image_prompt": "a bottle at night", "headline": "Glow on"}`
)

// lookOnce lets m look and fails on an error.
func lookOnce(t *testing.T, m *Module) (settling bool) {
	t.Helper()
	settling, err := m.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return settling
}

func TestANextPostBecomesAPair(t *testing.T) {
	b, stages := folder(t), newRecorder()
	put(t, b, glowKey, glow)
	m := module(t, b, stages)
	lookOnce(t, m)

	pair := keys(t, b, outbox)
	if len(pair) != 2 || !strings.HasSuffix(pair[0], ".jpg") || pair[1] != strings.TrimSuffix(pair[0], ".jpg")+".json" {
		t.Fatalf("ready posts = %q, want a pair", pair)
	}
	picture, err := b.Get(t.Context(), pair[0])
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := jpeg.Decode(bytes.NewReader(picture))
	if err != nil || drawn.Bounds().Dx() != card.Side || drawn.Bounds().Dy() != card.Side {
		t.Errorf("image is %v, %v", drawn.Bounds(), err)
	}
	text, err := b.Get(t.Context(), pair[1])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"created_at", "updated_at"} {
		if _, err := time.Parse(time.RFC3339, fmt.Sprint(got[name])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		delete(got, name)
	}
	want := map[string]any{
		"post": map[string]any{
			"caption": "Glow that lasts past midnight. It is here.", "hashtags": []any{"#glow"}, "call_to_action": "Shop now",
			"image_prompt": "a bottle at night", "headline": "Glow on", "image_url": pair[0], "platform": "instagram", "username": "lumenskin",
		},
		"status": "pending", "image_url": pair[0], "image_generated": true, "original_format": "bare",
		"image": map[string]any{
			"kind": "text card", "media_type": "image/jpeg", "width": 1080.0, "height": 1080.0, "bytes": float64(len(picture)), "sha256": sum(picture),
		},
		"source": map[string]any{"key": glowKey, "sha256": sum([]byte(glow))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ready post (-want +got):\n%s", diff)
	}
	if left, err := b.Get(t.Context(), glowKey); err != nil || string(left) != glow {
		t.Errorf("the next post was changed to %q, %v", left, err)
	}
	lines := stages.all()
	lines[3] = lines[3][:strings.Index(lines[3], " in ")]
	lines[5] = strings.Split(lines[5], "_post_")[0]
	if diff := cmp.Diff([]string{
		"start 1 instagram/lumenskin: Reading campaign_next_post_3",
		"complete 1 instagram/lumenskin: Read campaign_next_post_3: 8 words and 1 hashtag",
		"start 2 instagram/lumenskin: Drawing campaign_next_post_3 at 1080×1080",
		"complete 2 instagram/lumenskin: Drew campaign_next_post_3",
		"start 3 instagram/lumenskin: Saving the ready post of campaign_next_post_3",
		"complete 3 instagram/lumenskin: Saved campaign_ready",
		"complete 4 instagram/lumenskin: Ready post made of campaign_next_post_3",
	}, lines); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
}

func TestWhatIsDoneIsNotDoneAgain(t *testing.T) {
	b := folder(t)
	put(t, b, glowKey, glow)
	pairs := func() int {
		lookOnce(t, module(t, b, newRecorder())) // A new module remembers nothing.
		return len(keys(t, b, outbox)) / 2
	}
	for _, step := range []struct {
		does string
		text string
		want int
	}{
		{"first look", glow, 1},
		{"second look", glow, 1},
		{"a status and other white space", strings.Replace(glow, "{", "{\n \"status\": \"pending\",", 1), 1},
		{"marked as processed", `{"caption": "Other words.", "status": "processed"}`, 1},
		{"claimed by another", `{"caption": "Other words.", "status": "processing"}`, 1},
		{"other words", `{"caption": "Other words."}`, 2},
	} {
		put(t, b, glowKey, step.text)
		if got := pairs(); got != step.want {
			t.Errorf("%s: %d pairs, want %d", step.does, got, step.want)
		}
	}
}

func TestOfTwoGeneratorsOnOneBucketOneWins(t *testing.T) {
	b := folder(t)
	for i := range 4 {
		put(t, b, fmt.Sprintf("next_posts/twitter/orbitworks/campaign_next_post_%d.json", i+1), fmt.Sprintf(`{"tweet_text": "Launch number %d."}`, i+1))
	}
	ended := make(chan error, 2)
	for range 2 {
		m := module(t, b, newRecorder())
		go func() {
			_, err := m.look(t.Context())
			ended <- err
		}()
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if got := keys(t, b, outbox); len(got) != 8 {
		t.Errorf("ready posts = %q, want four pairs", got)
	}
}

func TestWhatCannotBeDoneIsSetAsideWithAReason(t *testing.T) {
	for name, c := range map[string]struct{ text, reason, details string }{
		"no JSON":        {`{"caption": "Half`, readFailure, "not valid JSON"},
		"a list":         {`["caption"]`, normalizationFailure, "not a JSON object"},
		"a number":       {`{"caption": 5}`, normalizationFailure, "caption is not a text"},
		"no words":       {`{"hashtags": ["#a"]}`, contentFailure, "neither caption nor tweet_text"},
		"withheld":       {`{"withheld": "12 posts are needed"}`, contentFailure, "12 posts are needed"},
		"unknown script": {`{"caption": "नमस्ते दुनिया"}`, generationFailure, "Devanagari"},
		"only emoji":     {`{"caption": "🔥🔥"}`, generationFailure, "no words"},
		"huge":           {`{"caption": "` + strings.Repeat("x", largestInput) + `"}`, readFailure, "are more than"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, stages := newShelf(), newRecorder()
				put(t, b, glowKey, c.text)
				m := module(t, b, stages)
				lookOnce(t, m)
				time.Sleep(settle) // Fake time: the file has had time to become whole.
				lookOnce(t, m)
				lookOnce(t, module(t, b, stages))

				records := keys(t, b, aside)
				if len(records) != 1 || len(keys(t, b, outbox)) != 0 {
					t.Fatalf("failed_posts = %q, ready_post = %q", records, keys(t, b, outbox))
				}
				checkRecord(t, b, records[0], failureInfo{Reason: c.reason, Details: c.details, OriginalSHA256: sum([]byte(c.text))})
				failed := slices.DeleteFunc(stages.all(), func(l string) bool { return !strings.HasPrefix(l, "failed") })
				if len(failed) != 1 || !strings.Contains(failed[0], c.details) {
					t.Errorf("reported %q, want one failure", failed)
				}
				if left, err := b.Get(t.Context(), glowKey); err != nil || string(left) != c.text {
					t.Errorf("the next post was changed: %v", err)
				}
				put(t, b, glowKey, glow)
				if lookOnce(t, m); len(keys(t, b, outbox)) != 2 {
					t.Error("the mended next post was not taken up")
				}
			})
		})
	}
}

// checkRecord checks the failure record of glowKey; its details need only hold want's.
func checkRecord(t *testing.T, b Bucket, key string, want failureInfo) {
	t.Helper()
	data, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	var got failure
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Info.Reason != want.Reason || !strings.Contains(got.Info.Details, want.Details) || got.Info.OriginalKey != glowKey ||
		got.Info.OriginalSHA256 != want.OriginalSHA256 || got.Info.Timestamp.IsZero() {
		t.Errorf("record = %+v, want %+v", got.Info, want)
	}
}

func TestAHalfWrittenFileIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newShelf()
		m := module(t, b, newRecorder())
		for n := range 6 { // It grows for longer than settle, but never rests as long.
			put(t, b, glowKey, glow[:20+n*20])
			if !lookOnce(t, m) {
				t.Error("a growing file was not worth another look")
			}
			time.Sleep(settle / 2) // Fake time.
		}
		if got := keys(t, b, aside); len(got) != 0 {
			t.Fatalf("a half-written file was set aside: %q", got)
		}
		put(t, b, glowKey, glow)
		if lookOnce(t, m) || len(keys(t, b, outbox)) != 2 {
			t.Error("the whole file was not taken up")
		}
	})
}

func TestAFullDiskIsTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, stages := newShelf(), newRecorder()
		put(t, b, glowKey, glow)
		m := module(t, b, stages)
		b.full = syscall.ENOSPC
		err := m.make(t.Context(), job{source: source{key: glowKey, platform: "instagram", username: "lumenskin", name: "x"}, id: "0", data: []byte(glow)})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("make on a full disk = %v, want ENOSPC", err)
		}
		if !stages.has("failed 3 instagram/lumenskin: x: write image: put") {
			t.Errorf("reported %q", stages.all())
		}
		began, tries := time.Now(), func() int { return strings.Count(strings.Join(stages.all(), "\n"), "failed 3") - 1 }
		for time.Since(began) < time.Hour {
			lookOnce(t, m)
			time.Sleep(poll) // Fake time.
		}
		if n := tries(); n < 5 || n > 15 {
			t.Errorf("%d tries in an hour on a full disk", n)
		}
		b.full = nil
		time.Sleep(longWait) // Fake time.
		if lookOnce(t, m); len(keys(t, b, outbox)) != 2 || len(keys(t, b, aside)) != 0 {
			t.Errorf("after the disk had room: %q, %q", keys(t, b, outbox), keys(t, b, aside))
		}
	})
}

func TestAClaimOfAnotherProgramRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newShelf()
		put(t, b, glowKey, `{"caption": "Words.", "status": "processing"}`)
		m := module(t, b, newRecorder())
		if lookOnce(t, m); len(keys(t, b, outbox)) != 0 {
			t.Error("a claimed next post was taken")
		}
		time.Sleep(claimed + time.Second) // Fake time.
		if lookOnce(t, m); len(keys(t, b, outbox)) != 2 {
			t.Error("an abandoned next post was not taken")
		}
	})
}

func TestWhatIsNoNextPostIsLeftAloneAndSaidOnce(t *testing.T) {
	b, out := newShelf(), &bytes.Buffer{}
	for _, key := range []string{"next_posts/linkedin/a/campaign_next_post_1.json", "next_posts/instagram/loose.json", "next_posts/instagram/a/notes.txt"} {
		put(t, b, key, glow)
	}
	m, err := New(Config{Bucket: b, Search: hits(nil), Stages: newRecorder(), Lock: "unused", Log: slog.New(slog.NewTextHandler(out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	lookOnce(t, m)
	lookOnce(t, m)
	if n := strings.Count(out.String(), "left alone"); n != 3 {
		t.Errorf("%d warnings, want 3:\n%s", n, out)
	}
	if got := keys(t, b, ""); len(got) != 3 {
		t.Errorf("objects = %q", got)
	}
}

func TestUrgentPostsComeFirstThenByNumber(t *testing.T) {
	var all []source
	for _, name := range []string{"post_2", "campaign_next_post_10", "campaign_next_post_9", "urgent_post_7", "post_1"} {
		s, ok := sourceOf("next_posts/facebook/riobrava/" + name + ".json")
		if !ok {
			t.Fatal(name)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, before)
	var got []string
	for _, s := range all {
		got = append(got, s.name)
	}
	if diff := cmp.Diff([]string{"urgent_post_7", "campaign_next_post_9", "campaign_next_post_10", "post_1", "post_2"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestANewFileIsSeenAtOnce(t *testing.T) {
	b, stages := folder(t), newRecorder()
	m := module(t, b, stages)
	m.poll = time.Hour // Only the watch can see it.
	run(t, m)
	stages.wait(t, "complete 0")
	for i := range 2 { // The first makes the folders, the second comes into a watched one.
		put(t, b, fmt.Sprintf("next_posts/twitter/orbitworks/campaign_next_post_%d.json", i+1), `{"tweet_text": "We launch tomorrow."}`)
		stages.wait(t, fmt.Sprintf("complete 4 twitter/orbitworks: Ready post made of campaign_next_post_%d", i+1))
	}
}

func TestAStopIsNoFailureOfThePost(t *testing.T) {
	b, stages := newShelf(), newRecorder()
	m := module(t, b, stages)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.full = context.Canceled
	err := m.make(ctx, job{source: source{key: glowKey, platform: "instagram", username: "a", name: "x"}, id: "0", data: []byte(glow)})
	if err == nil || stages.has("failed") {
		t.Errorf("make = %v and reported %q", err, stages.all())
	}
}
