package pattern

import (
	"regexp/syntax"
	"strings"
)

// literal returns the longest text that stands in every line that re matches,
// nil when none is known. Looking for it first is many times cheaper than the
// expression, and nearly all lines lack it.
func literal(re *syntax.Regexp) []byte {
	switch re.Op {
	case syntax.OpLiteral:
		text := string(re.Rune)
		// Other cases match too; U+FFFD matches bytes that are no UTF-8.
		if re.Flags&syntax.FoldCase != 0 || strings.ContainsRune(text, '\uFFFD') {
			return nil
		}
		return []byte(text)
	case syntax.OpCapture, syntax.OpPlus:
		return literal(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return literal(re.Sub[0])
		}
	case syntax.OpConcat:
		var longest []byte
		for _, sub := range re.Sub {
			if found := literal(sub); len(found) > len(longest) {
				longest = found
			}
		}
		return longest
	default: // what matches different texts, or none
	}
	return nil
}
