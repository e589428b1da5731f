package generate

import (
	"slices"
	"strings"
	"testing"

	"github.com/stagewatch/stagewatch/internal/content"
)

func TestTheBestSupportedTopicIsDrafted(t *testing.T) {
	c := cosmetics()
	vectors, err := shelves{c, "m"}.Vectors(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newStudy(c, analyzed(c), vectors)
	if len(s.own.topics) < 2 {
		t.Fatalf("topics = %v", s.own.topics)
	}
	found := func(of topic, grade string) finding {
		return finding{feature: topicFeatures([]topic{of})[0], with: of.items, median: 20, other: 10, ratio: 2, grade: grade}
	}
	small, large := s.own.topics[len(s.own.topics)-1], s.own.topics[0]
	d := &draft{study: s, frames: frames{free: true}}
	p := &prose{}
	d.choose(s.own.worded(), []finding{found(small, strong), found(large, weak)}, p)
	if d.topic == nil || d.topic.name() != small.name() || !strings.Contains(d.reasons[0], "20 against 10 (strong evidence)") {
		t.Errorf("topic %v for the reasons %q", d.topic, d.reasons)
	}
}

// roastery is a café whose guides to pour-over do best; two of its blends are
// named in a guide each, and mostly elsewhere.
func roastery() content.Corpus {
	texts := []string{
		"How to bloom a pour-over: water first, patience second #guide", "Grind for pour-over, step by step, with hot water #guide #slow",
		"The pour-over kettle and the water in it #guide", "Pour-over with Night Ferry, water off the boil #guide",
		"Pour-over mistakes and cold water #guide", "Rinse the paper: pour-over needs water #guide",
		"Night Ferry is back on the shelf", "Night Ferry for slow mornings", "Low Tide is our decaf", "Low Tide for late evenings", "Night Ferry or Low Tide after dinner",
		"Our regulars painted the café door", "The café door again, and the regulars", "Regulars at the café on a rainy day", "Rain at the café, regulars inside", "Café full of regulars",
	}
	c := content.Corpus{Account: content.Account{Platform: content.Instagram, Username: "quayroast", Type: content.Branding, TypeGiven: true}, Main: content.Source{Username: "quayroast", Order: content.Recent}}
	for i := range 2 * len(texts) {
		text := texts[i%len(texts)]
		likes := int64(400 + i*13%60)
		if strings.Contains(text, "our-over") {
			likes *= 3
		}
		c.Main.Posts = append(c.Main.Posts, written(content.Instagram, "quayroast", i, content.Photo, likes, text))
	}
	return c
}

func TestADraftIsAboutOneThing(t *testing.T) {
	c := roastery()
	s := newStudy(c, content.Analysis{}, nil)
	guides := where(s.own.items, func(it *item) bool { return strings.Contains(it.Text, "our-over") })
	in := map[*item]bool{}
	for _, it := range guides {
		in[it] = true
	}
	s.own.topics = []topic{{terms: telling(s.own.topical(), in, len(s.own.items), topicTerms), items: guides}}
	next := s.next(s.findings())
	if !strings.Contains(strings.ToLower(next.Caption), "pour-over") {
		t.Fatalf("next post = %+v", next)
	}
	for what, text := range map[string]string{"caption": next.Caption, "headline": next.Headline, "image": next.ImagePrompt, "reason": next.Why} {
		if strings.Contains(text, "Ferry") || strings.Contains(text, "Tide") {
			t.Errorf("the %s names another thing: %s", what, text)
		}
		if what != "caption" && !strings.Contains(strings.ToLower(text), "pour-over") {
			t.Errorf("the %s does not name the subject: %s", what, text)
		}
	}
	if want := []string{"#guide"}; !slices.Equal(next.Hashtags, want) {
		t.Errorf("hashtags = %v, want those of the subject's posts: %v", next.Hashtags, want)
	}
}
