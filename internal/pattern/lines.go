package pattern

import "bytes"

// maxLine is how much of a line is looked at, in bytes.
const maxLine = 16 << 10

const escape = 0x1b

// lines makes whole lines of output as it comes. A line ends with a newline or,
// as a progress bar's does, with a carriage return; empty lines are none. Of a
// line that is longer than maxLine the rest is passed over, and terminal escapes
// are taken out.
type lines struct {
	take func(line []byte, cut bool)

	part    []byte // of a line whose end has not come
	skip    bool   // the rest of the line is passed over
	cleaned []byte // lent to clean
}

// feed takes the next piece of output and gives every line that ends in it.
func (l *lines) feed(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.returns(p)
			return
		}
		l.returns(p[:end])
		l.end()
		p = p[end+1:]
	}
}

// returns takes a piece without newlines: a line, or some that overwrite one another.
func (l *lines) returns(p []byte) {
	for {
		end := bytes.IndexByte(p, '\r')
		if end < 0 {
			l.more(p)
			return
		}
		l.more(p[:end])
		l.end()
		p = p[end+1:]
	}
}

func (l *lines) more(p []byte) {
	if !l.skip {
		l.part = append(l.part, p[:min(len(p), maxLine-len(l.part))]...)
	}
}

// end gives the line that has come to its end. The last one, too, if it was
// never ended.
func (l *lines) end() {
	if line := l.clean(l.part); len(line) > 0 {
		l.take(line, len(l.part) == maxLine)
	}
	l.part, l.skip = l.part[:0], false
}

// gap says that output is missing here: neither the line before it nor the one
// after it is whole.
func (l *lines) gap() {
	l.part, l.skip = l.part[:0], true
}

// clean returns line without terminal escapes: colours, titles, links.
func (l *lines) clean(line []byte) []byte {
	at := bytes.IndexByte(line, escape)
	if at < 0 {
		return line
	}
	l.cleaned = l.cleaned[:0]
	for at >= 0 {
		l.cleaned = append(l.cleaned, line[:at]...)
		line = line[at+sequence(line[at:]):]
		at = bytes.IndexByte(line, escape)
	}
	l.cleaned = append(l.cleaned, line...)
	return l.cleaned
}

// sequence returns the length of the escape sequence that p begins with
// (ECMA-48): one that does not end takes what is left.
func sequence(p []byte) int {
	if len(p) == 1 {
		return 1
	}
	switch p[1] {
	case '[':
		return controlSequence(p)
	case ']', 'P', 'X', '^', '_':
		return controlString(p)
	}
	i := 1 // intermediate bytes, then a final one
	for i < len(p)-1 && p[i] >= ' ' && p[i] <= '/' {
		i++
	}
	return i + 1
}

// controlSequence has parameters, then one byte from @ to ~.
func controlSequence(p []byte) int {
	for i := 2; i < len(p); i++ {
		switch {
		case p[i] >= '@' && p[i] <= '~':
			return i + 1
		case p[i] < ' ' || p[i] > '?':
			return i
		}
	}
	return len(p)
}

// controlString goes up to BEL or ESC \.
func controlString(p []byte) int {
	for i := 2; i < len(p); i++ {
		if p[i] == '\a' {
			return i + 1
		}
		if p[i] == escape && i+1 < len(p) && p[i+1] == '\\' {
			return i + 2
		}
	}
	return len(p)
}
