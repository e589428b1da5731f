package clean

import (
	"fmt"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// instagram reads a profile with its posts, alone or in a list.
//
// Only latestPosts are posts. The childPosts of a carousel are pictures of their
// post, and latestIgtvVideos are years older than the posts beside them: they are
// dropped with that reason. A post that another account owns (a shared one) is that
// account's words and is dropped as well.
func (b *builder) instagram(top any) error {
	profile, err := b.instagramProfile(top)
	if err != nil {
		return err
	}
	posts := profile.list("latestPosts")
	for i, v := range posts {
		r, id, reason := fault(v)
		if reason == "" {
			if owner := r.text("ownerUsername"); owner != "" && !content.SameHandle(owner, b.username) {
				reason = "another author's post: @" + clip(owner, 80)
			}
		}
		if reason != "" {
			b.drop(i, id, reason)
			continue
		}
		b.add(i, b.instagramPost(r))
	}
	for i, v := range profile.list("latestIgtvVideos") {
		if r, id, _ := fault(v); !b.seen[id] {
			b.drop(len(posts)+i, r.text("id"), "older IGTV video that is not among the newest posts")
		}
	}
	return nil
}

// instagramProfile finds the profile of the username and keeps what it says.
func (b *builder) instagramProfile(top any) (record, error) {
	list, isList := top.([]any)
	if !isList {
		list = []any{top}
	}
	var found record
	for _, v := range list {
		r, isObject := asRecord(v)
		if !isObject || r["latestPosts"] == nil {
			continue
		}
		if name := r.text("username"); name == "" || content.SameHandle(name, b.username) {
			found = r
			break
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w: it holds no Instagram profile of %s", ErrBroken, b.username)
	}
	p := &content.Profile{
		Platform: b.platform, Username: found.text("username"), Name: line(found.text("fullName")), Bio: words(found.text("biography")),
		URL: address(found, "url", "inputUrl"), Website: address(found, "externalUrl"),
		Category:  strings.TrimPrefix(line(found.text("businessCategoryName")), "None,"),
		Followers: b.count(found, "followersCount"), Following: b.count(found, "followsCount"), Posts: b.count(found, "postsCount"),
		Verified: known(found, "verified"),
	}
	for _, v := range found.list("externalUrls") {
		if r, _ := asRecord(v); p.Website == "" {
			p.Website = address(r, "url")
		}
	}
	b.source.Profile = p
	return found, nil
}

func (b *builder) instagramPost(r record) content.Post {
	p := content.Post{
		ID: r.text("id"), Author: r.text("ownerUsername"), URL: address(r, "url"), Time: b.when(r, "timestamp"),
		Likes: b.count(r, "likesCount"), Comments: b.count(r, "commentsCount"), Views: b.count(r, "videoViewCount", "videoPlayCount"),
		Pinned: r.is("isPinned"),
	}
	if r.is("isCommentsDisabled") && p.Comments != nil && *p.Comments == 0 {
		p.Comments = nil
		b.mend("comments that are switched off taken as unknown")
	}
	switch kind := r.text("type"); {
	case kind == "Video" || r.text("productType") != "":
		p.Kind = content.Video
	case kind == "Sidecar" || len(r.list("childPosts")) > 0:
		p.Kind = content.Carousel
	default: // Every Instagram post has at least a picture.
		p.Kind = content.Photo
	}
	b.words(&p, r.text("caption"), r.texts("hashtags"), r.texts("mentions"))
	return p
}

// words tidies a text that is no post.
func words(raw string) string {
	text, _ := tidy(raw)
	return text
}

// line tidies a text into one line.
func line(raw string) string { return strings.Join(strings.Fields(words(raw)), " ") }

// known returns what a field says, nil when it says nothing.
func known(r record, fields ...string) *bool {
	value, known := r.flag(fields...)
	if !known {
		return nil
	}
	return &value
}
