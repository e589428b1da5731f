package clean

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// facebook reads one object with a profile and posts. Whose post it is says the
// handle in its page's address: pageName is a display name. The text of a shared
// post is another page's and is not read.
func (b *builder) facebook(top any) error {
	page, isObject := asRecord(top)
	if _, isList := page["posts"].([]any); !isObject || !isList {
		return fmt.Errorf("%w: it is no Facebook page with posts", ErrBroken)
	}
	b.source.Scraped = localTime(page.sub("metadata").text("scrape_timestamp"))
	b.source.Profile = b.facebookProfile(page.sub("profileInfo"))
	for i, v := range page.list("posts") {
		r, id, reason := fault(v)
		if reason == "" {
			reason = b.pageFault(r)
		}
		if reason != "" {
			b.drop(i, id, reason)
			continue
		}
		b.add(i, b.facebookPost(r))
	}
	return nil
}

// pageFault says when none of the addresses of a post's page names the username.
func (b *builder) pageFault(r record) string {
	var pages []string
	for _, field := range []string{"facebookUrl", "inputUrl", "pageUrl", "facebookId"} {
		if address := r.text(field); address != "" {
			pages = append(pages, address)
		}
	}
	if len(pages) == 0 || slices.ContainsFunc(pages, func(address string) bool { return names(address, b.username) }) {
		return ""
	}
	return "another author's post: " + clip(pages[0], 80)
}

// names reports whether an address names the page: as a part of its path, as an id
// in its query, or by itself. Facebook's handles have neither case nor dots.
func names(address, handle string) bool {
	undotted := func(s string) string { return strings.ReplaceAll(s, ".", "") }
	parts := strings.FieldsFunc(address, func(r rune) bool { return strings.ContainsRune("/?&=", r) })
	return slices.ContainsFunc(parts, func(part string) bool { return content.SameHandle(undotted(part), undotted(handle)) })
}

// localTime reads a time that was written without its zone, as if it were UTC: it
// can be wrong by as many hours as that zone. What is none gives the zero time.
func localTime(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05.999999", s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (b *builder) facebookPost(r record) content.Post {
	p := content.Post{
		ID: r.text("postId"), Author: line(r.text("pageName")), URL: address(r, "url", "topLevelUrl"), Time: b.when(r, "time", "timestamp"),
		Likes: b.count(r, "likes"), Comments: b.count(r, "comments"), Shares: b.count(r, "shares"), Views: b.count(r, "viewsCount"),
	}
	if p.Author == "" {
		p.Author = line(r.sub("user").text("name"))
	}
	b.words(&p, r.text("text"), nil, nil)
	if link := address(r, "link"); link != "" {
		p.Links = distinct(append(p.Links, link))
	}
	if len(r.sub("sharedPost")) > 0 {
		p.Repost, p.Quote = p.Text == "", p.Text != ""
	}
	p.Kind = facebookKind(r, p)
	if p.Kind == content.Video && lostLikes(p) {
		p.Likes = nil
		b.mend("likes of a video reported as 0 taken as unknown")
	}
	return p
}

// The least signs of life that make zero likes of a video unbelievable.
const (
	seenViews   = 1000
	seenAnswers = 10
)

// lostLikes reports whether zero likes of a video are a gap in the data: Facebook's
// scrapes give 0 likes for videos with millions of views. Zero is not believed
// beside 1000 views or 10 comments and shares.
func lostLikes(p content.Post) bool {
	if p.Likes == nil || *p.Likes != 0 {
		return false
	}
	var answers int64
	for _, n := range []*int64{p.Comments, p.Shares} {
		if n != nil {
			answers += *n
		}
	}
	return answers >= seenAnswers || p.Views != nil && *p.Views >= seenViews
}

func facebookKind(r record, p content.Post) content.Kind {
	media := r.list("media")
	kinds := map[string]int{}
	for _, v := range media {
		m, _ := asRecord(v)
		kinds[m.text("__typename")]++
	}
	in := func(part string) bool { return strings.Contains(p.URL, part) }
	switch {
	case r.is("isVideo"), p.Views != nil, kinds["Video"] > 0, in("/videos/"), in("/reel/"):
		return content.Video
	case len(media) > 1:
		return content.Carousel
	case len(media) == 1, in("/photo"):
		return content.Photo
	case len(p.Links) > 0 && strings.TrimSpace(withoutLinks(p.Text)) == "":
		return content.Link
	}
	return content.Text
}

func (b *builder) facebookProfile(r record) *content.Profile {
	if len(r) == 0 || r.text("error") != "" {
		return nil
	}
	p := &content.Profile{
		Platform: b.platform, Username: b.username, Name: line(r.text("title", "pageName")), Bio: words(r.text("intro")), URL: address(r, "pageUrl", "facebookUrl"),
		Website: address(r, "website"), Followers: b.count(r, "followers"), Following: b.count(r, "followings"),
	}
	var categories []string
	for _, c := range r.texts("categories") {
		if c = line(c); c != "Page" {
			categories = append(categories, c)
		}
	}
	p.Category = strings.Join(categories, ", ")
	if t, err := time.Parse("January 2, 2006", r.text("creation_date")); err == nil {
		p.Created = t
	}
	return p
}
