package generate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// profile writes who the account is: what its profile says, what it posts and
// how, and what its posts reach.
func (s *study) profile() []content.Statement {
	var out []content.Statement
	for _, write := range []func(*prose) (string, string, []*item){s.size, s.reach, s.rate, s.voice, s.languages, s.bio, s.conversation, s.growth, s.position} {
		p := &prose{}
		about, text, rests := write(p)
		if text != "" {
			out = append(out, content.Statement{About: about, Text: text, Figures: p.figures, PostIDs: cite(rests)})
		}
	}
	return out
}

func (s *study) size(p *prose) (about, text string, rests []*item) {
	text = s.own.handle + " on " + string(s.corpus.Account.Platform)
	prof := s.own.Profile
	if prof == nil {
		return "profile", text + ": the data hold no profile.", nil
	}
	if prof.Name != "" {
		text += " (" + quoted(prof.Name) + ")"
	}
	var parts []string
	for _, each := range []struct {
		name, before, after string
		n                   *int64
	}{{"followers", "has ", " followers", prof.Followers}, {"accounts followed", "follows ", " accounts", prof.Following}, {"posts as the platform counts", "has published ", " posts", prof.Posts}} {
		if each.n != nil {
			parts = append(parts, each.before+p.amount(each.name, "count", float64(*each.n), 0)+each.after)
		}
	}
	if len(parts) == 0 {
		return "profile", text + ": the profile gives no counts.", nil
	}
	if !prof.Created.IsZero() {
		parts = append(parts, "exists since "+day(prof.Created))
	}
	text += " " + list(parts, "and")
	return "profile", text + ".", nil
}

func (s *study) reach(p *prose) (about, text string, rests []*item) {
	judged := s.own.judged()
	if len(judged) < minSide {
		return "", "", nil
	}
	v := values(judged)
	n := len(v)
	few, part, low, high := n < fewForAdvice, "Half of its ", 0.25, 0.75
	if few { // quartiles of so few would be single posts
		part, low, high = "Its ", 0, 1
	}
	text = part + p.count("comparable posts", n) + " comparable posts reach between " + p.amount(pick(few, "lowest", "lower quartile"), "count", quantile(v, low), n) +
		" and " + p.amount(pick(few, "highest", "upper quartile"), "count", quantile(v, high), n) + " " + s.metric + ", with a median of " + p.amount("median", "count", median(v), n)
	if per, ok := s.own.perFollower(); ok {
		text += ", which is " + p.amount("median per 1,000 followers", "per 1,000 followers", per, n) + " per " + p.count("followers in the unit", 1000) + " followers"
	}
	if s.winners() {
		text += "; these are its most-liked posts, so what it usually gets lies lower"
	}
	return "reach", text + ".", judged
}

// perFollower returns the median engagement per 1,000 followers.
func (s *set) perFollower() (rate float64, known bool) {
	if s.Profile == nil || s.Profile.Followers == nil || *s.Profile.Followers <= 0 || len(s.judged()) == 0 {
		return 0, false
	}
	return median(values(s.judged())) * 1000 / float64(*s.Profile.Followers), true
}

func (s *study) rate(p *prose) (about, text string, rests []*item) {
	dated := s.own.dated()
	if len(dated) < minSide {
		return "", "", nil
	}
	first, last := span(dated)
	text = "The " + p.count("dated posts", len(dated)) + " dated posts are of " + days(first, last)
	if rate, over := s.own.perWeek(); over != nil {
		text += ", " + p.amount("posts a week", "posts a week", rate, len(over)) + " a week"
		if busy := busiest(dated); busy != nil {
			text += ", most of them on a " + busy[0].local.Weekday().String() + " (" + p.count("posts of the busiest weekday", len(busy)) + ")"
		}
	}
	return "rhythm", text + ".", dated
}

// busiest returns the posts of the weekday with most, nil when two share the
// first place.
func busiest(dated []*item) []*item {
	var byDay [7][]*item
	for _, it := range dated {
		byDay[it.local.Weekday()] = append(byDay[it.local.Weekday()], it)
	}
	order := slices.SortedStableFunc(slices.Values(byDay[:]), func(a, b []*item) int { return cmp.Compare(len(b), len(a)) })
	if len(order[0]) == len(order[1]) {
		return nil
	}
	return order[0]
}

func (s *study) voice(p *prose) (about, text string, rests []*item) {
	worded := s.own.worded()
	if len(worded) < minSide {
		return "", "", nil
	}
	n := len(worded)
	middle, _ := wordQuantiles(worded)
	share := func(name string, holds func(*item) bool) string {
		return p.percent(name, float64(len(where(worded, holds)))/float64(n), n)
	}
	text = "Its " + p.count("posts with words", n) + " posts with words have a median of " + p.amount("median words", "words", middle, n) + " words"
	if n < fewForAdvice { // a share of so few is one post more or less
		return "voice", text + ".", worded
	}
	text += "; " +
		share("share with emoji", func(it *item) bool { return len(it.emoji) > 0 }) + " use emoji, " +
		share("share with a question", func(it *item) bool { return it.doubt }) + " ask a question, " +
		share("share with a hashtag", func(it *item) bool { return len(it.Hashtags) > 0 }) + " carry a hashtag and " +
		share("share with a mention", func(it *item) bool { return len(it.Mentions) > 0 }) + " name another account"
	if top := s.topNames(worded, "@", mentions, p); top != "" {
		text += ", most often " + top
	}
	return "voice", text + ".", worded
}

// topNames lists up to three names that at least minSide of the items carry.
func (s *study) topNames(items []*item, sign string, names func(*item) []string, p *prose) string {
	counts, spelling := carriers(items, names)
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, key := range keys {
		if counts[key] >= minSide && len(parts) < 3 {
			parts = append(parts, sign+spelling[key]+" ("+p.count("posts with "+sign+spelling[key], counts[key])+")")
		}
	}
	return list(parts, "and")
}

func (s *study) languages(p *prose) (about, text string, rests []*item) {
	worded := where(s.own.worded(), func(it *item) bool { return spoken(it.Language) })
	groups := map[string][]*item{}
	for _, it := range worded {
		groups[it.Language] = append(groups[it.Language], it)
	}
	if len(groups) < 2 {
		return "", "", nil
	}
	order := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a, b))
	})
	var parts []string
	for _, language := range order[:min(4, len(order))] {
		parts = append(parts, p.count("posts in "+languageName(language), len(groups[language]))+" in "+languageName(language))
	}
	return "language", "It writes in " + p.count("languages", len(groups)) + " languages: of " + p.count("posts of known language", len(worded)) +
		" posts whose language could be told, " + list(parts, "and") + ".", worded
}

// bio checks what the profile asks for against what the posts do.
func (s *study) bio(p *prose) (about, text string, rests []*item) {
	tags := s.bioTags()
	worded := s.own.worded()
	if len(tags) == 0 || len(worded) < minSide {
		return "", "", nil
	}
	var parts []string
	for _, tag := range tags {
		n := len(where(worded, carries(hashtags, tag)))
		parts = append(parts, "#"+tag+" (on "+p.some("posts with #"+tag, n)+" of "+p.posts("posts with words", len(worded))+")")
	}
	return "profile", "The bio of " + s.own.handle + " names " + list(parts, "and") + ".", worded
}

func (s *study) bioTags() []string {
	if s.own.Profile == nil {
		return nil
	}
	var tags []string
	for field := range strings.FieldsSeq(strings.ToValidUTF8(s.own.Profile.Bio, "")) {
		if !strings.HasPrefix(field, "#") {
			continue
		}
		tag := field[1 : 1+nameLength(field[1:])]
		if tag != "" && !slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, tag) }) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// conversation compares comments with likes, a measure of talk.
func (s *study) conversation(p *prose) (about, text string, rests []*item) {
	talk := talkative(s.own.judged())
	if len(talk) < fewForAdvice {
		return "", "", nil
	}
	rates := make([]float64, len(talk))
	for i, it := range talk {
		rates[i] = commentRate(it)
	}
	n := len(talk)
	return "conversation", "For every " + p.count("likes in the unit", 1000) + " likes its posts draw a median of " +
		p.amount("comments per 1,000 likes", "per 1,000 likes", median(rates), n) + " " + plural(s.answer(), 2) + ", the most (" +
		p.amount("comments per 1,000 likes, highest", "per 1,000 likes", rates[0], 1) + ") under " + p.pointer(talk[0]) + ".", talk
}

// talkative returns the items whose comments can be set against their likes,
// the most commented per like first. Likes below a tenth of the median are too
// few to divide by, and often hidden in part.
func talkative(items []*item) []*item {
	var likes []float64
	for _, it := range items {
		if it.Likes != nil {
			likes = append(likes, float64(*it.Likes))
		}
	}
	least := max(median(likes)/10, 1)
	known := where(items, func(it *item) bool {
		return it.Likes != nil && float64(*it.Likes) >= least && it.Comments != nil && *it.Comments >= 0
	})
	return slices.SortedStableFunc(slices.Values(known), func(a, b *item) int { return cmp.Compare(commentRate(b), commentRate(a)) })
}

func commentRate(it *item) float64 { return float64(*it.Comments) * 1000 / float64(*it.Likes) }

// growth compares the newer half of the posts with the older.
func (s *study) growth(p *prose) (about, text string, rests []*item) {
	dated := where(s.own.judged(), func(it *item) bool { return !it.local.IsZero() })
	if s.winners() || len(dated) < 2*minSide {
		return "", "", nil
	}
	slices.SortStableFunc(dated, func(a, b *item) int { return b.Time.Compare(a.Time) })
	newer, older := dated[:len(dated)/2], dated[len(dated)/2:]
	a, b := values(newer), values(older)
	odds := chance(a, b, seeded(s.corpus.Account.Key(), "growth"))
	first, _ := span(newer)
	text = "Since " + day(first) + " the newer " + p.posts("newer half", len(a)) + " reach a median of " + p.amount("median of the newer half", "count", median(a), len(a)) +
		", the older " + p.count("older half", len(b)) + " " + p.amount("median of the older half", "count", median(b), len(b)) + "; shuffled in time they differ as much " +
		p.percent("chance of such a gap", odds, len(dated)) + " of the time"
	if odds > strongChance {
		text += ", so no change can be told"
	}
	return "growth", text + ".", dated
}

// position ranks a brand among its competitors by engagement per follower.
func (s *study) position(p *prose) (about, text string, rests []*item) {
	if !s.branding() || s.winners() {
		return "", "", nil
	}
	ranked := []*set{s.own}
	for _, r := range s.rivals {
		if _, known := r.perFollower(); known && r.Order == s.own.Order && len(r.judged()) >= minSide {
			ranked = append(ranked, r)
		}
	}
	if _, known := s.own.perFollower(); !known || len(ranked) < 2 || len(s.own.judged()) < minSide {
		return "", "", nil
	}
	slices.SortStableFunc(ranked, func(a, b *set) int {
		x, _ := a.perFollower()
		y, _ := b.perFollower()
		return cmp.Compare(y, x)
	})
	var parts []string
	for _, r := range ranked {
		rate, _ := r.perFollower()
		parts = append(parts, r.handle+" "+p.amount(r.handle+": median per 1,000 followers", "per 1,000 followers", rate, len(r.judged())))
		rests = append(rests, r.judged()...)
	}
	return "position", "By the median engagement per " + p.count("followers in the unit", 1000) + " followers the order is " + list(parts, "and") + ".", rests
}
