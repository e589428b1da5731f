package clean

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// record is one raw object, whose fields may be missing or of any type.
type record map[string]any

// decode reads JSON with its numbers as text, because ids exceed 2^53.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	d.UseNumber()
	var top any
	if err := d.Decode(&top); err != nil {
		return nil, fmt.Errorf("%w: it is not JSON: %w", ErrBroken, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: something follows the end of its JSON", ErrBroken)
	}
	return top, nil
}

func asRecord(v any) (record, bool) {
	o, isObject := v.(map[string]any)
	return o, isObject
}

// sub returns an object within r, empty when there is none.
func (r record) sub(field string) record {
	o, _ := asRecord(r[field])
	return o
}

func (r record) list(field string) []any {
	l, _ := r[field].([]any)
	return l
}

// text returns the first of the fields that holds text or a number.
func (r record) text(fields ...string) string {
	for _, field := range fields {
		switch v := r[field].(type) {
		case string:
			if v != "" {
				return v
			}
		case json.Number:
			return v.String()
		}
	}
	return ""
}

// texts returns the texts of a list.
func (r record) texts(field string) []string {
	var all []string
	for _, v := range r.list(field) {
		if s, isText := v.(string); isText {
			all = append(all, s)
		}
	}
	return all
}

// flag returns whether a field says true; known is whether it says anything.
func (r record) flag(fields ...string) (value, known bool) {
	for _, field := range fields {
		switch v := r[field].(type) {
		case bool:
			return v, true
		case string:
			if b, err := strconv.ParseBool(v); err == nil {
				return b, true
			}
		}
	}
	return false, false
}

// is returns whether one of the fields says true.
func (r record) is(fields ...string) bool {
	value, _ := r.flag(fields...)
	return value
}

// thousands matches a whole number with or without commas between thousands.
var thousands = regexp.MustCompile(`^(\d+|\d{1,3}(,\d{3})+)$`)

// count reads a count exactly: a whole number, or the text of one as in "1234" and
// "1,234". Null, a negative number (a hidden count), and a text that is no exact
// number, such as "1.2K", are unknown. fault says what was wrong, "" when nothing.
func (r record) count(fields ...string) (n *int64, fault string) {
	for _, field := range fields {
		v, there := r[field]
		if !there || v == nil {
			continue
		}
		written, isText := v.(string)
		if number, isNumber := v.(json.Number); isNumber {
			written = number.String()
		} else if written = strings.TrimSpace(written); !isText || !thousands.MatchString(written) {
			if strings.HasPrefix(written, "-") {
				return nil, "negative count taken as unknown"
			}
			return nil, "count that is no exact number taken as unknown"
		}
		return exact(strings.ReplaceAll(written, ",", ""))
	}
	return nil, ""
}

// exact reads the text of a whole number, which JSON may write as 12, 12.0 or 1.2e1.
func exact(written string) (n *int64, fault string) {
	if i, err := strconv.ParseInt(written, 10, 64); err == nil {
		if i < 0 {
			return nil, "negative count taken as unknown"
		}
		return &i, ""
	}
	f, err := strconv.ParseFloat(written, 64)
	switch {
	case err != nil, f != math.Trunc(f), f >= 1<<53:
		return nil, "count that is no exact number taken as unknown"
	case f < 0:
		return nil, "negative count taken as unknown"
	}
	i := int64(f)
	return &i, ""
}

// oldest is the day before which none of the platforms was there (Facebook opened
// on 4 February 2004); a date before it is a default, not a date.
func oldest() time.Time { return time.Date(2004, 2, 4, 0, 0, 0, 0, time.UTC) }

// moment reads a time that names its zone: RFC 3339, X's Ruby form, or seconds or
// milliseconds since 1970 as a number or its text. It is false for anything else;
// a time without a zone could be wrong by half a day.
func moment(v any) (time.Time, bool) {
	var written string
	switch v := v.(type) {
	case string:
		written = strings.TrimSpace(v)
	case json.Number:
		written = v.String()
	}
	t, read := parseMoment(written)
	if !read || t.Before(oldest()) {
		return time.Time{}, false
	}
	return t.UTC(), true
}

func parseMoment(written string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.RubyDate} {
		if t, err := time.Parse(layout, written); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(written, 10, 64)
	const inMilliseconds = 100_000_000_000 // As seconds this is the year 5138.
	switch {
	case err != nil:
		return time.Time{}, false
	case n >= inMilliseconds:
		return time.UnixMilli(n), true
	}
	return time.Unix(n, 0), true
}
