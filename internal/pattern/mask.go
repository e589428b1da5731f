package pattern

import (
	"cmp"
	"slices"
	"strings"
)

// MinSecret is the length in bytes below which a secret is not masked: what is
// shorter stands in too many places that are none.
const MinSecret = 4

const masked = "***"

// Mask replaces secrets in text. The nil Mask replaces nothing. It is safe for
// concurrent use.
type Mask struct {
	secrets []string
}

// NewMask returns a mask for the given values, nil when none is left of them.
// Those shorter than [MinSecret] are passed over. Of a value with several lines
// each line is a secret too, as a program prints them one by one.
func NewMask(values []string) *Mask {
	var m Mask
	for _, value := range values {
		for _, secret := range append(strings.Split(value, "\n"), value) {
			if secret = strings.TrimSpace(secret); len(secret) >= MinSecret && !slices.Contains(m.secrets, secret) {
				m.secrets = append(m.secrets, secret)
			}
		}
	}
	if len(m.secrets) == 0 {
		return nil
	}
	return &m
}

// Hide returns text with *** in place of each secret.
func (m *Mask) Hide(text string) string {
	if m == nil {
		return text
	}
	return replace(text, m.find(text))
}

// HideCut is Hide for text that was cut out of a longer one: what it begins or
// ends with is masked too if it is the end or the beginning of a secret, of at
// least [MinSecret] bytes.
func (m *Mask) HideCut(text string) string {
	if m == nil {
		return text
	}
	spans := m.find(text)
	for _, secret := range m.secrets {
		for n := min(len(secret)-1, len(text)); n >= MinSecret; n-- {
			if strings.HasPrefix(text, secret[len(secret)-n:]) {
				spans = append(spans, span{0, n})
				break
			}
		}
		for n := min(len(secret)-1, len(text)); n >= MinSecret; n-- {
			if strings.HasSuffix(text, secret[:n]) {
				spans = append(spans, span{len(text) - n, len(text)})
				break
			}
		}
	}
	return replace(text, spans)
}

// span is a part of a text that is a secret.
type span struct{ from, to int }

// find returns where secrets stand in text, also where they overlap.
func (m *Mask) find(text string) (spans []span) {
	for _, secret := range m.secrets {
		for from := 0; ; {
			at := strings.Index(text[from:], secret)
			if at < 0 {
				break
			}
			spans = append(spans, span{from + at, from + at + len(secret)})
			from += at + 1
		}
	}
	return spans
}

// replace puts the mask in place of the spans; those that touch are one.
func replace(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out strings.Builder
	end := 0
	for i, s := range spans {
		if i == 0 || s.from > end {
			out.WriteString(text[end:s.from])
			out.WriteString(masked)
		}
		end = max(end, s.to)
	}
	out.WriteString(text[end:])
	return out.String()
}
