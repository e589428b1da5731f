package supervise

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTailBeginsWithALine(t *testing.T) {
	tests := map[string]struct {
		writes []string
		want   string
	}{
		"nothing":         {nil, ""},
		"all of it":       {[]string{"one\ntwo\n", "three"}, "one\ntwo\nthree"},
		"not UTF-8":       {[]string{"a\xffb"}, "a\uFFFDb"},
		"split character": {[]string{"\xe2\x82", "\xac"}, "€"},
		"half a line":     {[]string{strings.Repeat("x", tailSize) + "\nwhole\n", "last"}, "whole\nlast"},
		"one long line":   {[]string{strings.Repeat("x", 2*tailSize) + "\n"}, strings.Repeat("x", tailSize-1) + "\n"},
		"exactly full":    {[]string{strings.Repeat("y", tailSize)}, strings.Repeat("y", tailSize)},
		"cut in a rune":   {[]string{"x" + strings.Repeat("€", tailSize/3) + "zzz"}, strings.Repeat("€", tailSize/3-1) + "zzz"},
		"cut in four":     {[]string{strings.Repeat("😀", tailSize/4) + "z"}, strings.Repeat("😀", tailSize/4-1) + "z"},
		"bytes that grow": {[]string{strings.Repeat("a\xff", tailSize/2)}, strings.Repeat("a\uFFFD", tailSize/4)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var tail tail
			for _, w := range test.writes {
				tail.write([]byte(w))
			}
			if got := tail.String(); got != test.want {
				t.Errorf("String() = %d bytes %.60q, want %d bytes %.60q", len(got), got, len(test.want), test.want)
			}
		})
	}
}

func FuzzTailIsShortAndValid(f *testing.F) {
	f.Add([]byte("a\nb"), uint16(3), uint16(2))
	f.Add([]byte("\xff€\n"), uint16(9000), uint16(7))
	f.Fuzz(func(t *testing.T, piece []byte, times, split uint16) {
		all := bytes.Repeat(piece, min(int(times), 1<<16/(len(piece)+1)))
		var tail tail
		for rest := all; len(rest) > 0; {
			n := min(len(rest), int(split)+1)
			tail.write(rest[:n])
			rest = rest[n:]
		}
		got := tail.String()
		if len(got) > tailSize || !utf8.ValidString(got) || cap(tail.kept) > 4*tailSize {
			t.Fatalf("%d bytes, valid: %t, in %d", len(got), utf8.ValidString(got), cap(tail.kept))
		}
		if utf8.Valid(all) && !strings.HasSuffix(string(all), got) {
			t.Fatalf("%.50q is not the end", got)
		}
		if len(all) <= tailSize && utf8.Valid(all) && got != string(all) {
			t.Fatalf("%.50q is not all of %.50q", got, all)
		}
	})
}
