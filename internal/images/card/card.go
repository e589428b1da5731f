// Package card sets a post's words as a designed picture: 1080×1080 pixels, with
// colours that belong to the account and an abstract pattern that belongs to the
// post. The same [Text] always gives the same picture.
//
// Only the operator's own words are set: nothing is added to them, and what does
// not fit ends in "…". Emoji, links and hashtags within the text are left out of
// the picture; they stay in the post. Words that the fonts cannot set properly are
// withheld ([ErrWithheld]) rather than drawn as empty boxes.
package card

import (
	"errors"
	"image"
	"strings"
)

// Side is the width and height of a card in pixels: the square that all three
// platforms show uncropped.
const Side = 1080

// ErrWithheld says that no honest picture can be made of a text: it has no
// words, or its script cannot be set with the fonts at hand. The error names which.
var ErrWithheld = errors.New("withheld")

// Text is what a card says.
type Text struct {
	Account  string   // decides the colours; platform/username
	Seed     string   // decides the pattern; the post's name
	Handle   string   // shown at the foot, as it is
	Headline string   // a few words; "" takes the caption's first sentence
	Caption  string   // the post's words
	Hashtags []string // with or without #
	Action   string   // the call to action, "" for none
}

// Role is what a box of words is for.
type Role string

// The roles, from the top of a card down.
const (
	Headline Role = "headline"
	Body     Role = "body"
	Hashtags Role = "hashtags"
	Action   Role = "action"
	Handle   Role = "handle"
)

// Box is one block of words and where it stands. Bounds is its type area: an
// accent on a capital may rise out of it by a tenth of Size, never into other words.
type Box struct {
	Role   Role
	Bounds image.Rectangle
	Lines  []string
	Size   float64 // of the type, in pixels
}

// Card is a composed picture, ready to be drawn.
type Card struct {
	colours palette
	seed    string
	rows    int // of the pattern at the top
	blocks  []block
}

// New composes t. It loads the fonts that t needs and keeps them only as long as
// the card lives. The only expected error is ErrWithheld.
func New(t Text) (*Card, error) {
	parts := t.parts()
	if !hasWords(parts.headline + parts.body) {
		return nil, withheld("there are no words to set")
	}
	faces, err := facesFor(parts.all())
	if err != nil {
		return nil, err
	}
	return compose(t, parts.coveredBy(faces), faces), nil
}

// Boxes returns the blocks of words from the top down.
func (c *Card) Boxes() []Box {
	boxes := make([]Box, len(c.blocks))
	for i, b := range c.blocks {
		boxes[i] = Box{Role: b.role, Bounds: b.bounds(), Size: b.style.size}
		for _, l := range b.lines {
			boxes[i].Lines = append(boxes[i].Lines, l.text)
		}
	}
	return boxes
}

// parts are a text's words as they are to be set.
type parts struct {
	headline, body, action, handle string
	hashtags                       []string
}

// parts cleans every field and divides the caption between headline and body.
func (t Text) parts() parts {
	p := parts{headline: line(clean(t.Headline)), action: line(clean(t.Action)), handle: line(clean(t.Handle))}
	caption := clean(t.Caption)
	if p.headline == "" {
		p.headline, p.body = firstSentence(caption)
	} else {
		p.body = line(caption)
		if rest, found := strings.CutPrefix(p.body, p.headline); found {
			p.body = strings.TrimLeft(rest, " .!?…։")
		}
	}
	for _, tag := range t.Hashtags {
		if tag = line(clean(strings.TrimLeft(strings.TrimSpace(tag), "#"))); hasWords(tag) {
			p.hashtags = append(p.hashtags, "#"+tag)
		}
	}
	return p
}

// all returns every word of p.
func (p parts) all() string {
	return strings.Join(append([]string{p.headline, p.body, p.action, p.handle}, p.hashtags...), " ")
}

// coveredBy drops the decorations (arrows, stars) that the faces have no glyph for.
func (p parts) coveredBy(f faces) parts {
	p.headline, p.body = f.covered(p.headline), f.covered(p.body)
	p.action, p.handle = f.covered(p.action), f.covered(p.handle)
	tags := make([]string, len(p.hashtags))
	for i, tag := range p.hashtags {
		tags[i] = f.covered(tag)
	}
	p.hashtags = tags
	return p
}
