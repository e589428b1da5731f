package clean

import (
	"fmt"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// twitter reads a list of tweets, in the present shape or in the older one. Tweets
// of other authors are dropped; replies, retweets and quotes are kept and marked.
func (b *builder) twitter(top any) error {
	list, isList := top.([]any)
	if !isList {
		return fmt.Errorf("%w: it is no list of tweets", ErrBroken)
	}
	for i, v := range list {
		r, id, reason := fault(v)
		if reason == "" {
			reason = b.tweetFault(r)
		}
		if reason != "" {
			b.drop(i, id, reason)
			continue
		}
		if b.source.Profile == nil {
			b.source.Profile = b.twitterProfile(r)
		}
		b.add(i, b.tweet(r))
	}
	return nil
}

func (b *builder) tweetFault(r record) string {
	if _, hasText := r["text"].(string); !hasText && tweetAuthor(r) == "" {
		if r["profile_info"] != nil {
			return "placeholder without a tweet"
		}
		return "not a tweet"
	}
	if kind := r.text("type"); kind != "" && kind != "tweet" {
		return "not a tweet: " + clip(kind, 80)
	}
	if author := tweetAuthor(r); author != "" && !content.SameHandle(author, b.username) {
		return "another author's post: @" + clip(author, 80)
	}
	return ""
}

func tweetAuthor(r record) string {
	if name := r.sub("author").text("userName"); name != "" {
		return name
	}
	return r.sub("user").text("username")
}

func (b *builder) tweet(r record) content.Post {
	p := content.Post{
		ID: r.text("id"), Author: tweetAuthor(r), URL: address(r, "url", "twitterUrl"), Time: b.when(r, "createdAt", "timestamp"),
		Likes: b.count(r, "likeCount", "likes"), Comments: b.count(r, "replyCount", "replies"),
		Shares: b.count(r, "retweetCount", "retweets"), Quotes: b.count(r, "quoteCount", "quotes"),
		Bookmarks: b.count(r, "bookmarkCount"), Views: b.count(r, "viewCount"),
		Reply: r.is("isReply"), Repost: r.is("isRetweet"), Quote: r.is("isQuote"), Pinned: r.is("isPinned"),
	}
	raw := r.text("text")
	b.words(&p, raw, nil, nil)
	if short := withoutMedia(p.Text); short != p.Text {
		p.Text = short
		b.mend("media link at the end of the text removed")
	}
	p.Kind = tweetKind(r, p)
	p.Language = platformLanguage(r.text("lang"))
	return p
}

func tweetKind(r record, p content.Post) content.Kind {
	media := r.sub("extendedEntities").list("media")
	if len(media) == 0 {
		media = r.list("media")
	}
	for _, v := range media {
		if m, _ := asRecord(v); m.text("type") == "video" || m.text("type") == "animated_gif" {
			return content.Video
		}
	}
	switch {
	case len(media) > 1:
		return content.Carousel
	case len(media) == 1:
		return content.Photo
	case len(p.Links) > 0 && strings.TrimSpace(withoutLinks(p.Text)) == "":
		return content.Link
	}
	return content.Text
}

func (b *builder) twitterProfile(r record) *content.Profile {
	a := r.sub("author")
	if len(a) == 0 {
		a = r.sub("user")
	}
	p := &content.Profile{
		Platform: b.platform, Username: tweetAuthor(r), Name: line(a.text("name", "userFullName")), Bio: words(a.text("description")), URL: address(a, "url"),
		Followers: b.count(a, "followers", "totalFollowers"), Following: b.count(a, "following", "totalFollowing"),
		Posts: b.count(a, "statusesCount", "totalTweets"), Verified: known(a, "isBlueVerified", "isVerified"),
	}
	if a.is("isVerified") {
		p.Verified = known(a, "isVerified")
	}
	if p.Username == "" {
		return nil
	}
	if t, read := moment(a["createdAt"]); read {
		p.Created = t
	}
	for _, v := range a.sub("entities").sub("url").list("urls") {
		if u, _ := asRecord(v); p.Website == "" {
			p.Website = address(u, "expanded_url")
		}
	}
	return p
}
