package supervise

import (
	"bytes"
	"unicode/utf8"
)

// tailSize is how much of the end of the output an Exit carries.
const tailSize = 8 << 10

// tail keeps the end of what is written to it, in at most three times tailSize.
type tail struct {
	kept []byte
	cut  bool // there was more before
}

func (t *tail) write(p []byte) {
	if len(p) > tailSize {
		t.cut, p = true, p[len(p)-tailSize:]
	}
	if len(t.kept)+len(p) > 2*tailSize {
		keep := t.kept[max(0, len(t.kept)-tailSize):]
		t.cut = true
		t.kept = t.kept[:copy(t.kept, keep)]
	}
	t.kept = append(t.kept, p...)
}

// String begins with a whole line if it can, and has valid UTF-8 only: what is
// not comes out as U+FFFD.
func (t *tail) String() string {
	text, cut := last(t.kept, t.cut)
	text, cut = last(bytes.ToValidUTF8(text, []byte("\uFFFD")), cut)
	if i := bytes.IndexByte(text, '\n'); cut && i >= 0 && i < len(text)-1 {
		text = text[i+1:]
	}
	return string(text)
}

// last is the end of b, from the beginning of a character on if b was cut.
func last(b []byte, cut bool) ([]byte, bool) {
	if len(b) > tailSize {
		b, cut = b[len(b)-tailSize:], true
	}
	for i := 0; cut && i < min(len(b), utf8.UTFMax); i++ {
		if utf8.RuneStart(b[i]) {
			return b[i:], cut
		}
	}
	return b, cut
}
