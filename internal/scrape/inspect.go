package scrape

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// finding is what a look at raw data tells.
type finding struct {
	records int
	taken   time.Time // as the data says, zero when it does not
}

// record is one raw object. Fields may be missing or of any type.
type record map[string]any

// inspect tells good raw data from all that is none. It reads no more than that
// needs: the posts themselves are stage 2's.
func inspect(r Request, data []byte) (finding, error) {
	top, err := decode(data)
	if err != nil {
		return finding{}, err
	}
	list, isList := top.([]any)
	object, isObject := top.(map[string]any)
	if shape := shapeOf(top); shape != "" && shape != string(r.Platform) {
		return finding{}, fail(ErrWrongPlatform, nil, "raw file of %s holds data of %s, not of %s", r.Username, shape, r.Platform)
	}
	switch {
	case r.Platform == content.Instagram && isList:
		return inspectInstagram(r, records(list))
	case r.Platform == content.Instagram && isObject:
		return inspectInstagram(r, []record{object})
	case r.Platform == content.Twitter && isList:
		return inspectTwitter(r, records(list))
	case r.Platform == content.Facebook && isObject && object["posts"] != nil:
		return inspectFacebook(r, object)
	}
	return finding{}, notAScrape(r)
}

func notAScrape(r Request) error {
	return fail(ErrBroken, nil, "raw file of %s is no scrape of %s that can be understood", r.Username, r.Platform)
}

func decode(data []byte) (any, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(data) == 0 {
		return nil, fail(ErrBroken, nil, "raw file is empty (0 bytes of JSON)")
	}
	var top any
	err := json.Unmarshal(data, &top)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return top, nil
	case cutOff(data):
		return nil, fail(ErrBroken, err, "raw file ends in the middle: it is half-written or cut off")
	case errors.As(err, &syntax):
		line := bytes.Count(data[:min(syntax.Offset, int64(len(data)))], []byte("\n")) + 1
		return nil, fail(ErrBroken, err, "raw file is not valid JSON: line %d: %v", line, err)
	}
	return nil, fail(ErrBroken, err, "raw file is not valid JSON: %v", err)
}

// records keeps the objects of a list; what else is in it, stage 2 counts.
func records(list []any) []record {
	var all []record
	for _, item := range list {
		if r, isObject := item.(map[string]any); isObject {
			all = append(all, r)
		}
	}
	return all
}

// shapeOf names the platform whose shape the data has, "" when it has none that
// could be told.
func shapeOf(top any) string {
	if object, isObject := top.(map[string]any); isObject {
		about := record(object)
		if about.sub("profileInfo")["linkedinUrl"] != nil {
			return "linkedin"
		}
		if named := strings.ToLower(about.sub("metadata").text("platform")); named != "" {
			return named
		}
		if about["latestPosts"] != nil {
			return string(content.Instagram)
		}
		if _, isList := about["posts"].([]any); isList {
			return string(content.Facebook)
		}
		return ""
	}
	list, _ := top.([]any)
	for _, r := range records(list) {
		switch {
		case r["latestPosts"] != nil, r["username"] != nil && r["followersCount"] != nil:
			return string(content.Instagram)
		case r.isTweet():
			return string(content.Twitter)
		case r["facebookUrl"] != nil:
			return string(content.Facebook)
		}
	}
	return ""
}

// isTweet reports whether r has what each tweet has, in the present shape or in the
// older one.
func (r record) isTweet() bool {
	if r.text("type") == "tweet" {
		return true
	}
	_, hasText := r["text"].(string)
	return hasText && (r["author"] != nil || r["user"] != nil) && r["facebookUrl"] == nil
}

func (r record) text(field string) string {
	s, _ := r[field].(string)
	return s
}

func (r record) sub(field string) record {
	o, _ := r[field].(map[string]any)
	return o
}

// trouble returns the error that the platform gave instead of data, or nil.
func (r record) trouble(who Request) error {
	code := r.text("error")
	if code == "" {
		return nil
	}
	said := r.text("errorDescription")
	if said == "" {
		said = "no reason given"
	}
	return fail(ErrNotAvailable, nil, "account is not available (%s): %s says: %s", short(code), who.Platform, short(said))
}

// short keeps a text from outside to one line of bearable length.
func short(s string) string {
	const enough = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > enough {
		s = strings.ToValidUTF8(s[:enough], "") + "…"
	}
	return s
}
