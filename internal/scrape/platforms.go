package scrape

import (
	"slices"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

func inspectInstagram(r Request, profiles []record) (finding, error) {
	if len(profiles) == 0 {
		return finding{}, fail(ErrEmpty, nil, "scrape is an empty list: the account is not there or the scrape did not succeed")
	}
	at := slices.IndexFunc(profiles, func(p record) bool { return content.SameHandle(p.text("username"), r.Username) })
	if at < 0 {
		for _, p := range profiles {
			if err := p.trouble(r); err != nil {
				return finding{}, err
			}
		}
		if name := profiles[0].text("username"); name != "" {
			return finding{}, otherAccount(r, []string{name})
		}
		if profiles[0]["latestPosts"] == nil {
			return finding{}, notAScrape(r)
		}
		at = 0 // A profile without a name is taken for the file's.
	}
	p := profiles[at]
	if err := p.trouble(r); err != nil {
		return finding{}, err
	}
	posts, _ := p["latestPosts"].([]any)
	private, _ := p["private"].(bool)
	count, _ := p["postsCount"].(float64)
	switch {
	case len(posts) > 0:
		return finding{records: len(posts)}, nil
	case private:
		return finding{}, fail(ErrPrivate, nil, "account is private: make it public or remove its AccountInfo file")
	case count > 0:
		return finding{}, fail(ErrEmpty, nil, "scrape shows none of the account's %.0f posts: scrape it again", count)
	}
	return finding{}, fail(ErrEmpty, nil, "account has no posts yet")
}

func inspectTwitter(r Request, list []record) (finding, error) {
	var tweets int
	var authors []string
	var trouble error
	for _, t := range list {
		if !t.isTweet() {
			if trouble == nil {
				trouble = t.trouble(r)
			}
			continue
		}
		tweets++
		if name := tweetAuthor(t); name != "" && !slices.Contains(authors, name) {
			authors = append(authors, name)
		}
	}
	mine := slices.ContainsFunc(authors, func(name string) bool { return content.SameHandle(name, r.Username) })
	switch {
	case tweets > 0 && len(authors) > 0 && !mine:
		return finding{}, otherAccount(r, authors)
	case tweets > 0:
		return finding{records: tweets}, nil
	case trouble != nil:
		return finding{}, trouble
	case len(list) > 0 && !slices.ContainsFunc(list, isPlaceholder):
		return finding{}, notAScrape(r)
	}
	return finding{}, fail(ErrEmpty, nil,
		"scrape holds no posts, and an empty Twitter scrape cannot say why: the account may be private, gone or without posts, or the scrape did not succeed")
}

// isPlaceholder reports whether t is what scrapers store in place of nothing.
func isPlaceholder(t record) bool {
	return t["profile_info"] != nil || t["noResults"] != nil || len(t) == 0
}

// tweetAuthor returns the author's handle in the present shape or the older one.
func tweetAuthor(t record) string {
	if name := t.sub("author").text("userName"); name != "" {
		return name
	}
	return t.sub("user").text("username")
}

func inspectFacebook(r Request, top record) (finding, error) {
	list, isList := top["posts"].([]any)
	if !isList {
		return finding{}, notAScrape(r)
	}
	found := finding{taken: localTime(top.sub("metadata").text("scrape_timestamp"))}
	about := top.sub("profileInfo")
	trouble := about.trouble(r)
	var pages []string
	for _, p := range append(records(list), about) {
		if err := p.trouble(r); err != nil {
			if trouble == nil {
				trouble = err
			}
			continue
		}
		pages = append(pages, pagesOf(p)...)
	}
	for _, p := range records(list) {
		if p.text("error") == "" {
			found.records++
		}
	}
	mine := slices.ContainsFunc(pages, func(address string) bool { return names(address, r.Username) })
	switch {
	case len(pages) > 0 && !mine:
		return finding{}, otherAccount(r, slices.Compact(pages))
	case found.records > 0:
		return found, nil
	case trouble != nil:
		return finding{}, trouble
	}
	return finding{}, fail(ErrEmpty, nil, "account shows no posts")
}

// pagesOf returns the addresses by which a post or a profile says whose page it is
// of. The page's name is no help: it is a display name.
func pagesOf(p record) []string {
	var pages []string
	for _, field := range []string{"facebookUrl", "inputUrl", "pageUrl", "pageId", "facebookId"} {
		if address := p.text(field); address != "" {
			pages = append(pages, address)
		}
	}
	return pages
}

// names reports whether an address names the page: as a part of its path, as an id
// in its query, or by itself. Facebook's handles have neither case nor dots.
func names(address, handle string) bool {
	parts := strings.FieldsFunc(address, func(r rune) bool { return strings.ContainsRune("/?&=", r) })
	return slices.ContainsFunc(parts, func(part string) bool { return content.SameHandle(undotted(part), undotted(handle)) })
}

func undotted(s string) string { return strings.ReplaceAll(s, ".", "") }

func otherAccount(r Request, found []string) error {
	const enough = 3
	shown := found[:min(len(found), enough)]
	for i := range shown {
		shown[i] = short(shown[i])
	}
	return fail(ErrOtherAccount, nil, "raw file of %s holds posts of somebody else: %s", r.Username, strings.Join(shown, ", "))
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
