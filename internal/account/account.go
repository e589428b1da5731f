// Package account reads the AccountInfo files by which operators name the accounts
// to be worked on, keeps the outcome beside each, and takes turns among them.
//
// The file AccountInfo/<platform>/<username>/info.json is its operator's: only Add
// creates one, and nothing here changes or deletes one. What became of the account
// stands in status.json beside it.
package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	_ "time/tzdata" // A zone that an operator names must be known on every machine.

	"github.com/stagewatch/stagewatch/internal/content"
)

// Root is the folder of all AccountInfo files in the results bucket.
const Root = "AccountInfo"

// maxInfo bounds an info.json, in bytes: real ones have a few hundred.
const maxInfo = 1 << 20

// ErrHalfWritten says that an info.json is empty or ends in the middle, as it
// does while somebody is still writing it.
var ErrHalfWritten = errors.New("info.json is empty or ends in the middle (is it still being written?)")

// InfoKey returns the key of an account's AccountInfo file.
func InfoKey(platform content.Platform, username string) string {
	return Root + "/" + string(platform) + "/" + username + "/info.json"
}

// Parse reads the info.json of an account. The platform and the username are those
// of the file's path; only an empty username is taken from the file.
//
// All spellings that older tools wrote are understood (accountType and
// account_type, postingStyle and posting_style, competitors and
// secondary_usernames as a list of names, of objects with a username, or one text
// with commas). The account type is Branding for "branding" in any case and
// NonBranding otherwise, as it always was; TypeGiven is true only for a documented
// value: branding, non-branding, personal, business, creator. Competitors lose the
// account itself, repetitions (case does not count) and a leading @. A timezone
// must be an IANA name.
//
// The error says in the operator's words what is wrong; it is ErrHalfWritten for a
// file that is not whole. Anything the file holds beyond that is ignored.
func Parse(platform content.Platform, username string, data []byte) (content.Account, error) {
	if err := CheckPlatform(string(platform)); err != nil {
		return content.Account{}, err
	}
	in, err := readObject(data)
	if err != nil {
		return content.Account{}, err
	}
	if username == "" {
		if username, err = in.text("username"); err != nil {
			return content.Account{}, err
		}
	}
	a := content.Account{Platform: platform}
	if a.Username, err = CheckUsername(platform, username); err != nil {
		return content.Account{}, err
	}
	kind, err := in.text("accountType", "account_type")
	if err != nil {
		return content.Account{}, err
	}
	a.Type, a.TypeGiven = accountType(kind)
	if a.Style, err = in.text("postingStyle", "posting_style"); err != nil {
		return content.Account{}, err
	}
	if a.Competitors, err = in.competitors(a); err != nil {
		return content.Account{}, err
	}
	if a.Timezone, err = in.text("timezone"); err != nil {
		return content.Account{}, err
	}
	return a, CheckTimezone(a.Timezone)
}

// accountType returns what a written account type counts as, and whether it is a
// value that is documented.
func accountType(written string) (kind string, given bool) {
	switch strings.ToLower(written) {
	case content.Branding:
		return content.Branding, true
	case content.NonBranding, "personal", "business", "creator":
		return content.NonBranding, true
	}
	return content.NonBranding, false
}

// CheckTimezone returns nil for "" and for the IANA name of a time zone.
func CheckTimezone(name string) error {
	if name == "" {
		return nil
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return fmt.Errorf("timezone %q is not known: write an IANA name such as Europe/Berlin, or leave it out for UTC", name)
	}
	return nil
}

// object is a JSON object whose values are not decoded yet.
type object map[string]json.RawMessage

func readObject(data []byte) (object, error) {
	if len(data) > maxInfo {
		return nil, fmt.Errorf("info.json has %d bytes: more than %d cannot be an AccountInfo", len(data), maxInfo)
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(data) == 0 {
		return nil, ErrHalfWritten
	}
	var in object
	err := json.Unmarshal(data, &in)
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax) && cutOff(data):
		return nil, ErrHalfWritten
	case errors.As(err, &syntax):
		line, column := position(data, syntax.Offset)
		return nil, fmt.Errorf("info.json is not valid JSON: line %d, column %d: %w", line, column, err)
	case errors.As(err, &mismatch), err == nil && in == nil:
		return nil, fmt.Errorf("info.json must be an object, {…}, but is %s", jsonKind(data))
	case err != nil:
		return nil, fmt.Errorf("info.json is not valid JSON: %w", err)
	}
	return in, nil
}

// cutOff reports whether data is the beginning of JSON rather than something else.
func cutOff(data []byte) bool {
	var all json.RawMessage
	err := json.NewDecoder(bytes.NewReader(data)).Decode(&all)
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// position turns the count of bytes read into a line and a column, both from 1.
func position(data []byte, offset int64) (line, column int) {
	read := data[:min(max(offset-1, 0), int64(len(data)))]
	return bytes.Count(read, []byte("\n")) + 1, len(read) - bytes.LastIndexByte(read, '\n')
}

// value returns the first of the names that is there and not null.
func (in object) value(names ...string) (name string, raw json.RawMessage) {
	for _, name := range names {
		if raw, found := in[name]; found && string(raw) != "null" {
			return name, raw
		}
	}
	return "", nil
}

// text returns the first of the names that is there, trimmed, or "".
func (in object) text(names ...string) (string, error) {
	name, raw := in.value(names...)
	if raw == nil {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("info.json: %s must be text, but is %s", name, jsonKind(raw))
	}
	return strings.TrimSpace(s), nil
}

func (in object) competitors(a content.Account) ([]string, error) {
	name, raw := in.value("competitors", "secondary_usernames")
	if raw == nil {
		return nil, nil
	}
	written, err := names(name, raw)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{strings.ToLower(a.Username): true}
	var list []string
	for _, w := range written {
		w = strings.TrimPrefix(strings.TrimSpace(w), "@")
		if w == "" {
			continue
		}
		handle, err := CheckUsername(a.Platform, w)
		if err != nil {
			return nil, fmt.Errorf("info.json: competitor: %w", err)
		}
		if folded := strings.ToLower(handle); !seen[folded] {
			seen[folded] = true
			list = append(list, handle)
		}
	}
	return list, nil
}

// names reads the three forms in which competitors are written.
func names(field string, raw json.RawMessage) ([]string, error) {
	var joined string
	if json.Unmarshal(raw, &joined) == nil {
		return strings.Split(joined, ","), nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("info.json: %s must be a list of usernames, but is %s", field, jsonKind(raw))
	}
	list := make([]string, 0, len(items))
	for i, item := range items {
		var name string
		var entry struct {
			Username *string `json:"username"`
		}
		switch {
		case json.Unmarshal(item, &name) == nil:
			list = append(list, name)
		case json.Unmarshal(item, &entry) == nil && entry.Username != nil:
			list = append(list, *entry.Username)
		default:
			return nil, fmt.Errorf("info.json: %s: entry %d must be a username, but is %s", field, i+1, jsonKind(item))
		}
	}
	return list, nil
}

// jsonKind says in words what a JSON value is.
func jsonKind(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
