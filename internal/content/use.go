package content

import "time"

// Why the engagement of a post is not compared with that of the others.
const (
	UnfitCounts = "with unknown likes"
	UnfitPinned = "pinned"                           // shown for longer than others are
	UnfitYoung  = "less than a day old when scraped" // still collecting most of what it will get
	UnfitRepost = "reposted"                         // its numbers are the repeated post's
	unsettled   = 24 * time.Hour                     // the age at which a post is no longer young
	wrongClocks = 24 * time.Hour                     // by how much a post may be later than its scrape
	lastYear    = 9999                               // that JSON can carry
)

// Use says what one post of a source can be counted for. It is the one
// definition that all stages share, so that their counts agree.
type Use struct {
	// Unfit says why its engagement is not compared with that of the others, ""
	// when it is.
	Unfit string
	// Timed says that it has a date that can be true.
	Timed bool
	// Stray says that its date tells nothing of when the account posts: it is
	// older than all others of a recent scrape and there only for being pinned.
	Stray bool
}

// Regular reports whether the post says when the account posts.
func (u Use) Regular() bool { return u.Timed && !u.Stray }

// Uses returns the use of each of s.Posts, in their order.
func (s Source) Uses() []Use {
	uses := make([]Use, len(s.Posts))
	var oldest time.Time // of the posts that are not pinned
	settled := !s.Scraped.IsZero()
	for n, p := range s.Posts {
		uses[n].Timed = s.possible(p.Time)
		if uses[n].Timed && !p.Pinned && (oldest.IsZero() || p.Time.Before(oldest)) {
			oldest = p.Time
		}
		settled = settled && s.Scraped.After(p.Time) // else it was only guessed from the newest post
	}
	for n, p := range s.Posts {
		uses[n].Stray = s.Order == Recent && p.Pinned && uses[n].Timed && !oldest.IsZero() && p.Time.Before(oldest)
		sum, known := p.Engagement()
		switch {
		case p.Repost:
			uses[n].Unfit = UnfitRepost
		case !known || sum < 0:
			uses[n].Unfit = UnfitCounts
		case p.Pinned:
			uses[n].Unfit = UnfitPinned
		case settled && uses[n].Timed && s.Scraped.Sub(p.Time) < unsettled:
			uses[n].Unfit = UnfitYoung
		}
	}
	return uses
}

// possible reports whether a post can be from t: known, in a year that JSON
// can carry, and not later than its scrape, give or take a day of wrong clocks.
func (s Source) possible(t time.Time) bool {
	if t.IsZero() || t.UTC().Year() < 1 || t.UTC().Year() > lastYear {
		return false
	}
	return s.Scraped.IsZero() || !t.After(s.Scraped.Add(wrongClocks))
}
