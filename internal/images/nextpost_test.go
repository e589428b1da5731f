package images

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBothShapesAndTheAliasesAreRead(t *testing.T) {
	want := nextPost{Caption: "Words.", Hashtags: []string{"#a", "#b"}, Action: "Go", ImagePrompt: "a lamp", shape: "bare"}
	with := func(change func(*nextPost)) nextPost {
		p := want
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		text string
		want nextPost
	}{
		"bare": {`{"caption": "Words.", "hashtags": ["#a", "#b"], "call_to_action": "Go", "image_prompt": "a lamp"}`, want},
		"enveloped": {
			`{"module_type": "next_post_prediction", "platform": "x", "post_data": {"caption": "Words.", "hashtags": ["#a", "#b"], "call_to_action": "Go", "image_prompt": "a lamp"}}`,
			with(func(p *nextPost) { p.shape = "post_data" }),
		},
		"status outside": {`{"status": "Pending", "post_data": {"caption": "Words."}}`, nextPost{Caption: "Words.", Hashtags: []string{}, status: "pending", shape: "post_data"}},
		"status inside":  {`{"post_data": {"caption": "Words.", "status": "processed"}}`, nextPost{Caption: "Words.", Hashtags: []string{}, status: "processed", shape: "post_data"}},
		"visual_prompt":  {`{"caption": "Words.", "hashtags": "#a, #b", "call_to_action": "Go", "visual_prompt": "a lamp"}`, want},
		"media_suggestion": {
			`{"caption": "Words.", "hashtags": "#a #b", "call_to_action": "Go", "image_prompt": "", "media_suggestion": "a lamp"}`, want,
		},
		"image_description": {`{"caption": "Words.", "hashtags": ["#a", "#b"], "call_to_action": "Go", "image_prompt": null, "image_description": "a lamp"}`, want},
		"tweet":             {`{"tweet_text": " Words. ", "hashtags": null}`, nextPost{Tweet: "Words.", Hashtags: []string{}, shape: "bare"}},
		"byte order mark":   {"\ufeff" + `{"tweet_text": "Words."}`, nextPost{Tweet: "Words.", Hashtags: []string{}, shape: "bare"}},
		"done, no words":    {`{"status": "image_generated"}`, nextPost{Hashtags: []string{}, status: "image_generated", shape: "bare"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(nextPost{})); diff != "" {
				t.Errorf("parse (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhichStatusIsDue(t *testing.T) {
	for status, want := range map[string]bool{
		"": true, "pending": true, "error": true, "processing": false, "processed": false, "image_generated": false, "draft": false,
	} {
		if got := (nextPost{status: status}).due(false); got != want {
			t.Errorf("due with status %q = %v, want %v", status, got, want)
		}
	}
	if !(nextPost{status: statusProcessing}).due(true) {
		t.Error("an abandoned claim is not due")
	}
}

func TestKeysOutsideAnAccountAreNoSource(t *testing.T) {
	for key, want := range map[string]bool{
		"next_posts/instagram/a/x.json": true, "next_posts/facebook/A.B/campaign/x.json": true, "next_posts/instagram/x.json": false,
		"next_posts/linkedin/a/x.json": false, "next_posts/instagram/a/x.jpg": false, "next_posts/x.json": false,
	} {
		if _, got := sourceOf(key); got != want {
			t.Errorf("sourceOf(%q) = %v, want %v", key, got, want)
		}
	}
}

func FuzzParseTellsAPostFromAFault(f *testing.F) {
	f.Add([]byte(glow))
	f.Add([]byte(`{"post_data": {"caption": 1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parse(data)
		var wrong *fault
		switch {
		case err != nil && !errors.As(err, &wrong):
			t.Errorf("parse = %v, which is no fault", err)
		case err == nil && p.due(false) && p.words() == "":
			t.Error("a post without words is due")
		case err == nil:
			if _, err := json.Marshal(p); err != nil {
				t.Error(err)
			}
		}
	})
}
