package card

import "strings"

// wrap breaks text into lines no wider than width. A word that is wider than a
// whole line is broken between letters.
func (s *setter) wrap(text string, st style, width float64) []set {
	var lines []set
	var current set
	for _, word := range s.words(text, st, width) {
		candidate := word
		if current.text != "" {
			candidate = s.set(current.text+" "+word.text, st)
			if candidate.width > width {
				lines = append(lines, current)
				candidate = word
			}
		}
		current = candidate
	}
	if current.text != "" {
		lines = append(lines, current)
	}
	return lines
}

// words sets each word of text, in pieces where it is wider than width.
func (s *setter) words(text string, st style, width float64) []set {
	var words []set
	for word := range strings.FieldsFuncSeq(text, blank) {
		whole := s.set(word, st)
		for whole.width > width {
			n := s.longest([]rune(whole.text), st, width)
			runes := []rune(whole.text)
			words = append(words, s.set(string(runes[:n]), st))
			whole = s.set(string(runes[n:]), st)
		}
		words = append(words, whole)
	}
	return words
}

// longest returns how many of the first runes fit into width, at least one.
func (s *setter) longest(runes []rune, st style, width float64) int {
	low, high := 1, len(runes)
	for low < high {
		middle := (low + high + 1) / 2
		if s.set(string(runes[:middle]), st).width <= width {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// balance wraps text into as few lines as width allows, then narrows them as far
// as that number of lines lasts, so that no line is left with a single word.
func (s *setter) balance(text string, st style, width float64) []set {
	lines := s.wrap(text, st, width)
	if len(lines) < 2 {
		return lines
	}
	low, high := width/2, width
	for high-low > 4 {
		middle := (low + high) / 2
		if narrower := s.wrap(text, st, middle); len(narrower) == len(lines) {
			lines, high = narrower, middle
		} else {
			low = middle
		}
	}
	return lines
}

// cut keeps the first n lines and ends the last of them in "…" when that left words out.
func (s *setter) cut(lines []set, st style, width float64, n int) []set {
	if len(lines) <= n {
		return lines
	}
	if n <= 0 {
		return nil
	}
	kept := append([]set(nil), lines[:n]...)
	kept[n-1] = s.ellipsis(kept[n-1].text, st, width)
	return kept
}

// ellipsis ends text in "…", leaving out as many words, or letters of a single
// word, as width demands.
func (s *setter) ellipsis(text string, st style, width float64) set {
	for {
		short := s.set(strings.TrimRight(text, " .,;:–—…!?")+"…", st)
		if short.width <= width || text == "" {
			return short
		}
		if at := strings.LastIndexByte(text, ' '); at > 0 {
			text = text[:at]
		} else {
			runes := []rune(text)
			text = string(runes[:len(runes)-1])
		}
	}
}

// fit returns text on one line of at most width, ending in "…" when it is cut.
func (s *setter) fit(text string, st style, width float64) set {
	if whole := s.set(text, st); whole.width <= width {
		return whole
	}
	return s.ellipsis(text, st, width)
}
