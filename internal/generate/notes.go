package generate

import (
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// notes says what a reader must know before trusting the rest.
func (s *study) notes(p *prose, now time.Time, indexed bool) []string {
	var out []string
	add := func(note string) {
		if note != "" {
			out = append(out, note)
		}
	}
	account, handle := s.corpus.Account, s.own.handle
	if !account.TypeGiven {
		add("The account type of " + handle + " was not given: treated as " + content.NonBranding + ".")
	}
	switch all := p.posts("posts", len(s.own.items)); {
	case s.winners():
		add("The " + all + " of " + handle + " are " + pick(s.own.OrderAssumed, "assumed to be ", "") + "its most-liked ones" + because(told(s.own.OrderReason)) +
			": they show what its winners look like, not what works against its ordinary posts; rates, lifts and best times need its newest posts.")
	case s.own.OrderAssumed && len(s.own.items) > 0:
		add("The " + all + " of " + handle + " are assumed to be its newest ones" + because(told(s.own.OrderReason)) + ".")
	}
	if why := s.whyUnfit(p); why != "" && len(s.own.judged()) > 0 {
		add("Of " + p.posts("posts", len(s.own.items)) + " of " + handle + ", " + p.count("comparable posts", len(s.own.judged())) + " are compared; left out are" + unwrap(why) + ".")
	}
	add(s.undated(p))
	add(s.stale(now, p))
	if _, last := span(s.own.items); !last.IsZero() && !s.winners() && scrapedAfter(s.own.Source).IsZero() {
		add("When " + handle + " was scraped is not in the data: its newest posts, of " + day(last) + ", may have been read before they had collected what they would.")
	}
	if s.own.words && len(s.own.topics) > 0 {
		add("The topics of " + handle + " were found by the words that its posts share" + pick(indexed, ", because the index holds too few of them", ", without an index") + ".")
	}
	if s.language == "" && len(s.own.items) > 0 {
		add("No main language of " + handle + " could be told from " + p.posts("posts", len(s.own.items)) + ".")
	}
	for _, r := range s.rivals {
		if len(r.items) == 0 {
			add("Nothing is compared with " + r.handle + because(told(r.Missing)) + ".")
		}
	}
	if account.Style == "" {
		add("The posting style of " + handle + " was not given; the draft follows what its own posts do.")
	} else {
		add("The posting style asked for " + handle + " is " + quoted(opening(account.Style)) + ". Nothing here can understand free text, so the draft follows the habits measured in " + handle + "’s posts instead; hold it against the style yourself.")
	}
	return out
}

// scrapedAfter returns when the source was scraped; the zero time when that is
// no later than its newest post, because then it was only guessed from it.
func scrapedAfter(source content.Source) time.Time {
	for _, p := range source.Posts {
		if !source.Scraped.After(p.Time) {
			return time.Time{}
		}
	}
	return source.Scraped
}

// told quotes what an earlier stage said, "" when it said nothing.
func told(reason string) string {
	if reason == "" {
		return ""
	}
	return quoted(strings.NewReplacer("“", "‘", "”", "’").Replace(reason))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// unwrap takes the brackets off a parenthesis.
func unwrap(text string) string { return " " + text[2:len(text)-1] }

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func (s *study) undated(p *prose) string {
	n := len(where(s.own.items, func(it *item) bool { return it.local.IsZero() }))
	if n == 0 {
		return ""
	}
	return p.posts("posts without a date", n) + " of " + s.own.handle + " " + either(n, "has", "have") + " no date and " + either(n, "says", "say") + " nothing about times."
}

// stale warns of data that ended long before the plan was made: longer ago
// than the data themselves reach back, and more than a month.
func (s *study) stale(now time.Time, p *prose) string {
	const month = 30 * 24 * time.Hour
	if s.winners() {
		return ""
	}
	first, last := span(s.own.items)
	age := now.Sub(last)
	if last.IsZero() || age < month || age < last.Sub(first)/10 {
		return ""
	}
	return "The newest post of " + s.own.handle + " in the data is of " + day(last) + ", " + p.count("days since the newest post", int(age.Hours()/24)) +
		" days before this plan: what worked then is taken to work now."
}
