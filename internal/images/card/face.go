package card

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"eliasnaur.com/font/roboto/robotobold"
	"eliasnaur.com/font/roboto/robotomedium"
	"eliasnaur.com/font/roboto/robotoregular"
	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansbold"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// weight is how heavy a face is.
type weight int

const (
	regular weight = iota
	medium
	bold
)

// faces is one type family in the weights that a card uses.
type faces [3]*font.Face

// facesFor returns the family that sets all of s: Roboto, or DejaVu where Roboto
// lacks the script. One card is set in one family.
func facesFor(s string) (faces, error) {
	if err := settable(s); err != nil {
		return faces{}, err
	}
	var first rune
	for _, family := range [][3][]byte{
		{robotoregular.TTF, robotomedium.TTF, robotobold.TTF},
		{dejavusans.TTF, dejavusans.TTF, dejavusansbold.TTF},
	} {
		f, err := load(family)
		if err != nil {
			return faces{}, err
		}
		missing, ok := f.lacks(s)
		if ok {
			return f, nil
		}
		first = missing
	}
	return faces{}, withheld("the fonts have no glyph for %q (U+%04X, %s script)", first, first, script(first))
}

// load parses a family's weights.
func load(family [3][]byte) (f faces, err error) {
	for i, data := range family {
		if f[i], err = font.ParseTTF(bytes.NewReader(data)); err != nil {
			return faces{}, fmt.Errorf("read font: %w", err)
		}
	}
	return f, nil
}

// settable returns ErrWithheld when s holds a script that runs from right to
// left or whose letters join or reorder: line breaking and setting here are
// made for scripts that stand letter beside letter.
func settable(s string) error {
	for _, r := range s {
		if !unicode.In(r, unicode.Latin, unicode.Common, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Georgian, unicode.Inherited) {
			return withheld("the %s script (%q, U+%04X) cannot be set with the fonts at hand", script(r), r, r)
		}
	}
	return nil
}

// script returns the Unicode name of the script of r.
func script(r rune) string {
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "unknown"
}

// lacks returns the first rune of s that f cannot show and that may not be left out.
func (f faces) lacks(s string) (missing rune, ok bool) {
	for _, r := range s {
		if !f.has(r) && !unicode.Is(unicode.S, r) {
			return r, false
		}
	}
	return 0, true
}

// has reports whether every weight has a glyph for r.
func (f faces) has(r rune) bool {
	return !slices.ContainsFunc(f[:], func(face *font.Face) bool {
		_, found := face.NominalGlyph(r)
		return !found
	})
}

// covered leaves the symbols that f lacks out of s.
func (f faces) covered(s string) string {
	return strings.Join(strings.FieldsFunc(strings.Map(func(r rune) rune {
		if f.has(r) {
			return r
		}
		return -1
	}, s), blank), " ")
}

// style is how a block is set.
type style struct {
	weight   weight
	size     float64 // pixels
	leading  float64 // from baseline to baseline, in sizes
	tracking float64 // between letters, in sizes
}

// set is a line of type.
type set struct {
	text   string
	glyphs []shaping.Glyph
	face   *font.Face
	width  float64 // pixels from the first dot to the last
}

// setter sets lines in one family.
type setter struct {
	faces  faces
	shaper shaping.HarfbuzzShaper
}

// set shapes text as one line, however long.
func (s *setter) set(text string, st style) set {
	runes := []rune(text)
	face := s.faces[st.weight]
	out := s.shaper.Shape(shaping.Input{
		Text: runes, RunEnd: len(runes), Direction: di.DirectionLTR, Face: face,
		Size: fixed.Int26_6(st.size * 64), Script: language.Latin, Language: "en",
	})
	out.AddLetterSpacing(fixed.Int26_6(st.size*st.tracking*64), true, true)
	return set{text: text, glyphs: out.Glyphs, face: face, width: float64(out.Advance) / 64}
}
