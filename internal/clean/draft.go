package clean

import (
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// soon is how far a clock may be behind before a date counts as in the future.
const soon = 24 * time.Hour

// when reads the date of a post from the first field that holds one.
func (b *builder) when(r record, fields ...string) time.Time {
	written := false
	for _, field := range fields {
		if r[field] != nil && r[field] != "" {
			written = true
		}
		t, read := moment(r[field])
		if !read {
			continue
		}
		if t.After(b.now.Add(soon)) {
			b.mend("date in the future left out")
			return time.Time{}
		}
		return t
	}
	if written {
		b.mend("date that cannot be read left out")
	} else {
		b.mend("post without a date")
	}
	return time.Time{}
}

// count reads a count and notes what was wrong with it.
func (b *builder) count(r record, fields ...string) *int64 {
	n, fault := r.count(fields...)
	if fault != "" {
		b.mend(fault)
	}
	return n
}

// longestURL bounds addresses and ids, in bytes; browsers take no longer ones.
const longestURL = 2048

// address returns the first of the fields that holds an address of sane length.
func address(r record, fields ...string) string {
	if s := r.text(fields...); len(s) <= longestURL {
		return s
	}
	return ""
}

// fault returns why a record cannot be a post at all.
func fault(v any) (r record, id, reason string) {
	r, isObject := asRecord(v)
	if !isObject {
		return nil, "", "not an object"
	}
	id = clip(r.text("id", "postId"), 80)
	if code := r.text("error"); code != "" {
		return r, id, "error record: " + clip(code, 80)
	}
	return r, id, ""
}

// words fills in what the text of a post tells. tags and mentions are what the
// platform lists beside the text.
func (b *builder) words(p *content.Post, raw string, tags, mentions []string) {
	text, mended := tidy(raw)
	for _, what := range mended {
		b.mend(what)
	}
	p.Links = links(text)
	bare := withoutLinks(text)
	p.Hashtags = distinct(append(hashtags(bare), b.listed(tags)...))
	p.Mentions = distinct(append(mentioned(bare), handles(mentions)...))
	p.Text = text
}

// listed mends the hashtags that a platform lists.
func (b *builder) listed(tags []string) []string {
	var all []string
	for _, tag := range tags {
		mended := trimTag(tag)
		if mended != tag && "#"+mended != tag {
			b.mend("hashtag with punctuation")
		}
		if mended != "" {
			all = append(all, mended)
		}
	}
	return all
}
