package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// place is where one account's objects lie (facts: the original's storage map).
type place struct {
	platform string
	user     string // escaped
}

func placeOf(a content.Account) place {
	return place{platform: segment(string(a.Platform)), user: segment(a.Username)}
}

// in returns section/platform/user/name.
func (p place) in(section, name string) string {
	return path.Join(section, p.platform, p.user, name)
}

func (p place) manifests() string          { return p.in("manifests", "") + "/" }
func (p place) manifest(run string) string { return p.in("manifests", run+".json") }

// own returns the key of what only this run writes.
func (p place) own(run, name string) string { return p.in("runs", path.Join(run, name)) }

func (p place) profile() string {
	return path.Join("ProfileInfo", p.platform, p.user+".json")
}

// longest is how many bytes a segment of a key may have; it leaves a bucket's
// limit of 255 some room for an ending.
const longest = 200

// segment returns name as one segment of a key. Letters, digits, '.', '_' and '-'
// stay as they are, everything else and a leading '.' becomes %XX by its UTF-8
// bytes, so that different names have different segments and none can leave its
// folder. What is too long is cut and ends in a hash of the whole name.
func segment(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(c) && (c != '.' || i > 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	switch s := b.String(); {
	case s == "":
		return "%"
	case len(s) > longest:
		sum := sha256.Sum256([]byte(name))
		return s[:longest-33] + "%" + hex.EncodeToString(sum[:16])
	default:
		return s
	}
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

func validRunID(id string) bool {
	if id == "" || len(id) > 128 || id[0] == '.' {
		return false
	}
	for i := range len(id) {
		if !plain(id[i]) {
			return false
		}
	}
	return true
}

// numbered returns the key of number n in a series such as
// recommendations/instagram/somebody/recommendation_.
func numbered(series string, n int) string { return series + strconv.Itoa(n) + ".json" }

// numberIn returns the n of a key of the series. More than nine digits are no
// number of ours but somebody's time stamp.
func numberIn(series, key string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(key, series)
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, ".json")
	if !ok || digits == "" || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
