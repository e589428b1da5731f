package generate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

const (
	maxTags       = 5
	headlineWords = 8
)

// A draft is what the next post is written from.
type draft struct {
	*study
	frames  frames
	topic   *topic
	posts   []*item // of the topic, in the main language
	a, b    phrase  // what it speaks of; b may be empty
	kind    content.Kind
	habits  []habit
	reasons []string
	quotes  int // sentences taken over from the account's habits
}

// next writes the next post, or says why it is withheld. The caption ends with
// the call to action, so that it can be copied whole; a tweet stands alone.
func (s *study) next(found []finding) content.NextPost {
	p := &prose{}
	d, withheld := s.draft(found, p)
	if withheld != "" {
		return content.NextPost{Withheld: withheld, Figures: p.figures}
	}
	body, ask := d.body(), d.ask()
	if body != "" {
		d.b = phrase{} // the sentence is about one thing
	}
	hook := d.hook()
	out := content.NextPost{
		CallToAction: ask, ImagePrompt: d.image(), Headline: d.headline(),
		Language: s.language, PostIDs: cite(best(d.a.in), best(d.b.in), best(d.posts)), Why: d.why(p), When: s.when(),
	}
	if s.corpus.Account.Platform == content.Twitter {
		out.Tweet = d.tweet(hook)
	} else {
		parts := []string{hook}
		if body != "" {
			parts = append(parts, body)
		}
		out.Caption = strings.Join(append(parts, ask), "\n\n")
	}
	out.Hashtags = d.hashtags(out.Caption + " " + out.Tweet)
	out.Figures = p.figures
	return out
}

// draft chooses what the next post is about, or returns why it cannot.
func (s *study) draft(found []finding, p *prose) (*draft, string) {
	handle := s.own.handle
	worded := where(s.own.worded(), func(it *item) bool { return it.Language == s.language })
	switch {
	case len(s.own.items) == 0:
		return nil, handle + " has no posts" + because(told(s.own.Missing)) + ": not enough data for a draft, which needs a main language and " + p.posts("posts needed for a draft", minSide) + " in it."
	case s.language == "":
		return nil, "None of the " + p.posts("posts", len(s.own.items)) + " of " + handle + " has words in a language that could be told, so " + handle + " has no main language to write in."
	}
	f, known := captionFrames(s.language, s.branding())
	switch {
	case !known:
		return nil, "The main language of " + handle + " is " + languageName(s.language) + " (" + p.posts("posts in the main language", len(worded)) + "), in which no draft can be written without a language model; drafts are written in " + draftLanguages() + "."
	case len(worded) < minSide:
		return nil, handle + " has " + p.posts("posts in the main language", len(worded)) + " in " + languageName(s.language) + ", its main language: not enough data for a draft, which needs " + p.posts("posts needed for a draft", minSide) + "."
	}
	d := &draft{study: s, frames: f}
	d.choose(worded, found, p)
	if d.a.key == "" {
		return nil, "The " + p.posts("posts in the main language", len(worded)) + " of " + handle + " in " + languageName(s.language) + " share no name or hashtag to write about: not enough data for a draft, which needs one that " + p.posts("posts that must share a name", 2) + " hold."
	}
	d.habits = s.own.habits(worded)
	return d, ""
}

// share returns the share of the draft's posts that something holds of.
func (d *draft) share(holds func(*item) bool) float64 {
	return float64(len(where(d.own.worded(), holds))) / float64(len(d.own.worded()))
}

// pick chooses one of the variants, the same each time for one account.
func (d *draft) pick(variants []string, of string) string {
	return variants[seeded(d.corpus.Account.Key(), d.a.key, of).IntN(len(variants))]
}

// hook is the first line: a question where two things can be set side by side,
// or a name in an account that asks questions in at least a quarter of its posts.
func (d *draft) hook() string {
	frame := d.pick(d.frames.talk, "talk")
	switch {
	case d.b.key != "":
		frame = d.pick(d.frames.choice, "choice")
	case (d.a.name || d.a.tag) && d.share(func(it *item) bool { return it.doubt }) >= 0.25:
		frame = d.pick(d.frames.open, "open")
	}
	text := fill(frame, d.a.written, d.b.written)
	if emoji := d.emoji(); emoji != "" {
		text += " " + emoji
	}
	return text
}

// emoji returns the one that most posts use, when at least a third use any.
func (d *draft) emoji() string {
	if d.share(func(it *item) bool { return len(it.emoji) > 0 }) < 1.0/3 {
		return ""
	}
	counts := map[string]int{}
	most := ""
	for _, it := range d.own.worded() {
		for _, e := range slices.Compact(slices.Sorted(slices.Values(it.emoji))) {
			if counts[e]++; plainEmoji(e) && (most == "" || counts[e] > counts[most] || counts[e] == counts[most] && e < most) {
				most = e
			}
		}
	}
	if counts[most] < 2 {
		return ""
	}
	return most
}

// body is what the account says of the subject again and again, "" when it
// has no such sentence. A tweet has no room for one.
func (d *draft) body() string {
	if d.corpus.Account.Platform == content.Twitter {
		return ""
	}
	for _, h := range d.habits {
		if h.ask == "" && strings.Contains(fold(h.text), fold(d.a.key)) {
			d.quotes++
			return h.text
		}
	}
	return ""
}

// ask is the call to action: the account's own standing one where its posts
// on the subject make it and it names nothing else, else one of the sort that
// the account uses.
func (d *draft) ask() string {
	for _, h := range d.habits {
		if h.ask != "" && d.corpus.Account.Platform != content.Twitter && common(h.in, d.posts) > 0 && !d.strays(h.text) {
			d.quotes++
			return h.text
		}
	}
	switch {
	case d.corpus.Account.Platform == content.Twitter:
		return fill(d.frames.reply, d.a.written, "")
	case d.share(func(it *item) bool {
		return strings.HasPrefix(it.asks, "tag") || strings.HasPrefix(it.asks, "etiqueta")
	}) >= 0.1:
		return fill(d.frames.friend, d.a.written, "")
	}
	return fill(d.pick(d.frames.comment, "comment"), d.a.written, "")
}

// strays reports whether a sentence names another thing than the draft does.
func (d *draft) strays(text string) bool {
	return slices.ContainsFunc(d.own.phrases, func(p phrase) bool {
		return p.distinct() && !shareWord(p.key, d.a.key) && (d.b.key == "" || !shareWord(p.key, d.b.key)) &&
			strings.Contains(fold(unlinked(text)), fold(p.key)) && !d.own.selfName(p)
	})
}

// tweet cuts the text to what fits; the frames are far shorter, but a name in
// the data need not be.
func (d *draft) tweet(text string) string {
	for tweetLength(text) > tweetLimit {
		runes := []rune(strings.TrimRight(text, "…"))
		text = string(runes[:len(runes)-1]) + "…"
	}
	return text
}

// hashtags returns those in the text first, then those on at least half of the
// posts that hold the draft's subject, most used first; never one of a contest.
func (d *draft) hashtags(text string) []string {
	about := slices.Concat(d.a.in, d.b.in)
	counts, spelling := carriers(about, hashtags)
	var keys []string
	for key := range counts {
		if counts[key] >= 2 && 2*counts[key] >= len(about) && !event(key) {
			keys = append(keys, key)
		}
	}
	within := func(key string) int {
		if strings.Contains(strings.ToLower(text), "#"+key) {
			return 1
		}
		return 0
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(within(b), within(a)), cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var out []string
	for _, key := range keys[:min(len(keys), maxTags)] {
		out = append(out, "#"+spelling[key])
	}
	return out
}

func (d *draft) headline() string {
	text := upper(d.a.written)
	if d.b.key != "" {
		text = fill(d.frames.headChoice, d.a.written, d.b.written)
	}
	if fields := strings.Fields(text); len(fields) > headlineWords {
		text = strings.Join(fields[:headlineWords], " ")
	}
	return text
}

// image describes the picture by what the posts on the subject share.
func (d *draft) image() string {
	var scene string
	switch {
	case d.a.tag: // a hashtag cannot be drawn; a post under it can be followed
		scene = upper(kindNoun(d.pictured(), 1)) + " for a post on " + d.a.written + ", in the manner of " + (&prose{}).pointer(best(d.a.in)[0])
	case d.kind == content.Carousel && d.b.key != "":
		scene = "Carousel: first frame " + d.a.written + " beside " + d.b.written + ", then one frame for each"
	case d.kind == content.Carousel:
		scene = "Carousel on " + d.a.written + ": first frame the whole, then closer from frame to frame"
	case d.kind == content.Video:
		scene = "Opening frame of a vertical video on " + d.a.written
	case d.b.key != "":
		scene = "Photo: " + d.a.written + " and " + d.b.written + " side by side"
	default:
		scene = "Photo on " + d.a.written + ", one thing on a plain ground"
	}
	if words := d.mood(); len(words) > 0 {
		scene += "; the posts with " + d.a.written + " also speak of " + list(words, "and")
	}
	return scene + "; no lettering, no logo, no recognisable person."
}

// pictured returns the kind of the picture: posts that the data show without
// one get a photo.
func (d *draft) pictured() content.Kind {
	if d.kind == content.Text || d.kind == content.Link {
		return content.Photo
	}
	return d.kind
}

// mood returns the words of the topic that posts with the draft's subject hold.
func (d *draft) mood() []string {
	if d.topic == nil || d.b.key != "" {
		return nil
	}
	var words []string
	for _, t := range d.topic.terms {
		if !t.tag && !shareWord(t.key, d.a.key) && common(t.in, d.a.in) >= 2 && len(words) < 4 {
			words = append(words, t.written)
		}
	}
	return words
}

// when is the slot that stage 4 found best; "" when it found none or the
// posts were chosen by their likes.
func (s *study) when() string {
	if s.winners() || len(s.analysis.Best.Slots) == 0 {
		return ""
	}
	return s.analysis.Best.Slots[0].Label + " (" + s.zone.String() + ")"
}

// why says what the draft rests on.
func (d *draft) why(p *prose) string {
	text := upper(d.a.written) + " is in " + p.posts("posts with "+d.a.written, len(d.a.in)) + " of " + d.own.handle
	if d.topic != nil && d.topic.name() != d.a.written {
		text += ", " + p.count("of them around "+d.topic.name(), common(d.a.in, d.posts)) + " of them around " + quoted(d.topic.name())
	}
	if d.b.key != "" {
		text += ", " + d.b.written + " in " + p.count("posts with "+d.b.written, len(d.b.in))
	}
	if len(d.reasons) > 0 {
		text += "; " + list(d.reasons, "and")
	}
	if slots := d.analysis.Best.Slots; d.when() != "" {
		text += "; the slot rests on " + p.posts("posts of the slot", slots[0].N)
		if slots[0].Lift > 0 {
			text += " at " + p.times("lift of the slot", slots[0].Lift, slots[0].N) + " the mean"
		}
	}
	if d.quotes > 0 {
		return text + "; " + p.count("sentences taken over", d.quotes) + " of its sentences " + either(d.quotes, "is one", "are ones") + " that its posts repeat, the rest asks and claims nothing."
	}
	return text + "; the draft asks and claims nothing."
}
