package report

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/stagewatch/stagewatch/internal/content"
)

// whole returns n with thousands separators.
func whole(n int64) string { return humanize.Comma(n) }

// number returns v as a person would say it: whole from 100 on, at most two
// decimals below.
func number(v float64) string {
	if math.Abs(v) >= 100 {
		return humanize.Comma(int64(math.Round(v)))
	}
	s := strconv.FormatFloat(v, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// short returns v for an axis: 12k, 3.4M.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "B"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.size && v >= 1e4 {
			return strings.TrimSuffix(strconv.FormatFloat(v/unit.size, 'f', 1, 64), ".0") + unit.name
		}
	}
	return number(v)
}

// plural returns "1 post" or "3 posts".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return whole(int64(n)) + " " + one + "s"
}

// moment returns a post's time in the account's time zone.
func moment(t time.Time, where *time.Location) string {
	if t.IsZero() {
		return "no date"
	}
	return t.In(where).Format("2 Jan 2006, 15:04")
}

func day(t time.Time, where *time.Location) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.In(where).Format("2 Jan 2006")
}

// weekday returns the short name of a day of the analysis, in which Monday is 0.
func weekday(n int) string { return time.Weekday((n + 1) % 7).String()[:3] }

// webLink returns raw if it is an absolute http or https address, else "".
func webLink(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return u.String()
}

// excerpt returns the first n runes of s, cut at a word where there is one near.
func excerpt(s string, n int) string {
	s = strings.TrimSpace(s)
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	cut := string(runes[:n])
	if at := strings.LastIndexAny(cut, " \n"); at > len(cut)*3/4 {
		cut = cut[:at]
	}
	return strings.TrimRight(cut, " \n.,;:") + " …"
}

// languageTag returns a language for a lang attribute, "" when it is none.
func languageTag(code string) string {
	if code == "" || code == content.NoWords || code == content.UnknownLanguage {
		return ""
	}
	tag, err := language.Parse(code)
	if err != nil {
		return ""
	}
	return tag.String()
}

// languageName returns a language's English name.
func languageName(code string) string {
	switch code {
	case content.NoWords:
		return "no words"
	case content.UnknownLanguage, "":
		return "not told"
	}
	tag, err := language.Parse(code)
	if err != nil {
		return code
	}
	if name := display.English.Languages().Name(tag); name != "" {
		return name
	}
	return code
}
