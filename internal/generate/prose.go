package generate

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stagewatch/stagewatch/internal/content"
)

// prose writes numbers into sentences and keeps each as a figure, so that no
// number can stand in a text without the measurement behind it.
type prose struct{ figures []content.Figure }

func (p *prose) keep(f content.Figure) {
	if slices.Contains(p.figures, f) {
		return
	}
	p.figures = append(p.figures, f)
}

// count writes a number of things.
func (p *prose) count(name string, n int) string {
	p.keep(content.Figure{Name: name, Value: float64(n), Unit: "count", N: n})
	return grouped(float64(n))
}

// posts writes a number of posts with their noun.
func (p *prose) posts(name string, n int) string {
	return p.count(name, n) + " " + plural("post", n)
}

// some writes a number of things, none for 0.
func (p *prose) some(name string, n int) string {
	if p.count(name, n); n == 0 {
		return "none"
	}
	return grouped(float64(n))
}

// amount writes a measured value of so many posts.
func (p *prose) amount(name, unit string, value float64, n int) string {
	p.keep(content.Figure{Name: name, Value: value, Unit: unit, N: n})
	return grouped(value)
}

// times writes a ratio.
func (p *prose) times(name string, ratio float64, n int) string {
	p.keep(content.Figure{Name: name, Value: ratio, Unit: "ratio", N: n})
	return grouped(ratio) + "×"
}

// relation writes how much one value is of another: 1.6× as much, 36 % less.
func (p *prose) relation(name string, ratio float64, n int) string {
	p.keep(content.Figure{Name: name, Value: ratio, Unit: "ratio", N: n})
	if ratio >= 1 {
		return grouped(ratio) + "×"
	}
	return p.percent(name+", less than the other by", 1-ratio, n) + " less"
}

// percent writes a share.
func (p *prose) percent(name string, share float64, n int) string {
	p.keep(content.Figure{Name: name, Value: share, Unit: "share", N: n})
	return grouped(share*100) + " %"
}

// grouped writes a number with as many digits as can be read: from 100 on
// none after the point, else one, below 1 two that are not 0.
func grouped(v float64) string {
	digits := 1
	switch size := math.Abs(v); {
	case size >= 100:
		digits = 0
	case size >= 0.1 && size < 1:
		digits = 2
	case size > 0 && size < 0.1:
		digits = min(1-int(math.Floor(math.Log10(size))), 9)
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	whole, fraction, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}

// plural returns the noun for n things.
func plural(noun string, n int) string {
	switch {
	case n == 1:
		return noun
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay"):
		return strings.TrimSuffix(noun, "y") + "ies"
	}
	return noun + "s"
}

// either returns one of two words by number.
func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// list joins words as English does: a, b and c.
func list(words []string, last string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// upper returns text with its first letter in upper case.
func upper(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:]
}

func quoted(text string) string { return "“" + text + "”" }

func day(t time.Time) string { return t.Format("2 January 2006") }

// days writes a range of days as short as it can be read.
func days(first, last time.Time) string {
	switch {
	case first.IsZero():
		return ""
	case day(first) == day(last):
		return day(first)
	case first.Year() == last.Year() && first.Month() == last.Month():
		return strconv.Itoa(first.Day()) + "–" + day(last)
	case first.Year() == last.Year():
		return first.Format("2 January") + " – " + day(last)
	}
	return day(first) + " – " + day(last)
}

// pointer names one post so that a reader can find it.
func (p *prose) pointer(it *item) string {
	words := "the " + kindNoun(it.Kind, 1) + " without words"
	if text := opening(it.Text); text != "" {
		words = quoted(text)
	}
	if !it.local.IsZero() {
		words += " of " + day(it.local)
	}
	if it.judged {
		words += " (" + p.amount("engagement of post "+it.ID, "count", it.value, 1) + ")"
	}
	return words
}

func kindNoun(kind content.Kind, n int) string {
	switch kind {
	case content.Photo, content.Carousel, content.Video:
		return plural(string(kind), n)
	case content.Link:
		return plural("link-only post", n)
	default:
		return plural("text post", n)
	}
}
