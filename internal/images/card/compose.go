package card

import (
	"image"
	"math"
	"slices"
	"strings"
)

// Measures of the page, in pixels.
const (
	margin      = 84
	column      = Side - 2*margin
	tile        = 180 // of the pattern; six fill the width
	belowTiles  = 72  // from the pattern to the headline
	belowBlock  = 32  // between blocks of words
	foot        = 150 // from the rule over the handle to the lower edge
	aboveFoot   = 40
	footGap     = 64 // between the handle and the action
	longestBody = 900
)

// block is a box of words with its place and colour.
type block struct {
	role  Role
	style style
	lines []set
	left  float64
	top   float64
	ink   ink
}

// ink says which of the palette's colours a block has.
type ink int

const (
	strong ink = iota
	quiet
	bright
)

// height is what the block takes up of the page.
func (b block) height() float64 {
	return float64(len(b.lines)) * b.style.size * b.style.leading
}

// baseline returns the y of line i's baseline: ascenders and descenders share
// what the leading leaves beyond the size of the type.
func (b block) baseline(i int) float64 {
	pitch := b.style.size * b.style.leading
	return b.top + float64(i)*pitch + (pitch+0.71*b.style.size)/2
}

// width is that of the widest line.
func (b block) width() (widest float64) {
	for _, l := range b.lines {
		widest = max(widest, l.width)
	}
	return widest
}

func (b block) bounds() image.Rectangle {
	return image.Rect(int(b.left), int(b.top), int(math.Ceil(b.left+b.width())), int(math.Ceil(b.top+b.height())))
}

// proposal is a division of the page: how many rows of pattern and how large a
// headline, and within which limits words may fill the rest.
type proposal struct {
	rows  int     // of tiles
	size  float64 // of the headline
	head  int     // most lines of headline
	body  int     // most lines of body
	whole bool    // only when no word of the body is left out
}

// proposals lists divisions of the page from the most generous down.
func proposals() []proposal {
	var all []proposal
	add := func(p proposal, sizes ...float64) {
		for _, p.size = range sizes {
			all = append(all, p)
		}
	}
	add(proposal{rows: 3, head: 3, body: 3, whole: true}, 112, 104, 96, 88)
	add(proposal{rows: 2, head: 4, body: 4, whole: true}, 96, 88, 80, 72, 64)
	add(proposal{rows: 1, head: 5, body: 8, whole: true}, 80, 72, 64, 58)
	add(proposal{rows: 1, head: 4, body: 8}, 72, 64, 58)
	add(proposal{rows: 1, head: 6, body: 8}, 52)
	return all
}

// leastBody is the fewest lines to which a proposal may cut the body.
const leastBody = 2

// compose places p on the page by the first proposal that fits. The last one
// always does: it cuts the headline too.
func compose(t Text, p parts, f faces) *Card {
	s := &setter{faces: f}
	card := &Card{colours: coloursOf(t.Account), seed: t.Seed}
	footer, bottom := s.footer(p)
	tags := s.hashtags(p.hashtags)
	copyStyle := style{weight: regular, size: 36, leading: 1.42}
	words := s.balance(first(p.body, longestBody), copyStyle, column)
	list := proposals()
	for i, plan := range list {
		headStyle := style{weight: bold, size: plan.size, leading: 1.1, tracking: -0.018}
		title := s.balance(p.headline, headStyle, column)
		last := i == len(list)-1
		if len(title) > plan.head && !last {
			continue
		}
		head := block{role: Headline, style: headStyle, lines: s.cut(title, headStyle, column, plan.head)}
		body := block{role: Body, style: copyStyle, lines: words, ink: quiet}
		top := float64(plan.rows*tile + belowTiles)
		room := bottom - stack(blocks(head, body, tags), top) + body.height()
		n := min(int(room/(copyStyle.size*copyStyle.leading)), plan.body)
		if n < len(words) && (plan.whole || n < leastBody) && !last {
			continue
		}
		body.lines = s.cut(words, copyStyle, column, n)
		page := blocks(head, body, tags)
		if stack(page, top) <= bottom || last {
			card.rows, card.blocks = plan.rows, append(page, footer...)
			break
		}
	}
	return card
}

// blocks returns those of all that have lines.
func blocks(all ...block) []block {
	return slices.DeleteFunc(all, func(b block) bool { return len(b.lines) == 0 })
}

// stack places blocks one under another from top and returns where they end.
func stack(blocks []block, top float64) float64 {
	for i := range blocks {
		if i > 0 {
			top += belowBlock
		}
		blocks[i].left, blocks[i].top = margin, top
		top += blocks[i].height()
	}
	return top
}

// first returns at most n runes of s; the line cutter ends them in "…" where it
// shows them to the last.
func first(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(n, len(runes))])
}

// hashtags sets as many whole hashtags as fit into one line.
func (s *setter) hashtags(tags []string) block {
	b := block{role: Hashtags, style: style{weight: medium, size: 30, leading: 1.45}, ink: bright}
	for n := len(tags); n > 0; n-- {
		if all := s.set(strings.Join(tags[:n], "   "), b.style); all.width <= column {
			b.lines = []set{all}
			break
		}
	}
	return b
}

// footer sets the handle and, beside it where there is room, else above the rule,
// the action. It also returns the lowest y that the words above may reach.
func (s *setter) footer(p parts) (blocks []block, bottom float64) {
	st := style{weight: medium, size: 32, leading: 1.4}
	at := float64(Side - foot + 42)
	handle := block{role: Handle, style: st, left: margin, top: at, ink: strong}
	if p.handle != "" {
		handle.lines = []set{s.fit(p.handle, st, column)}
	}
	bottom = Side - foot - aboveFoot
	if p.action != "" {
		action := block{role: Action, style: st, top: at, ink: bright, lines: []set{s.set(p.action, st)}}
		if action.width()+footGap+arrowRoom+handle.width() <= column {
			action.left = Side - margin - arrowRoom - action.width()
		} else {
			action.left = margin
			action.lines = s.cut(s.balance(p.action, st, column-arrowRoom), st, column-arrowRoom, 2)
			action.top = Side - foot - aboveFoot + 8 - action.height()
			bottom = action.top - belowBlock
		}
		blocks = append(blocks, action)
	}
	if len(handle.lines) > 0 {
		blocks = append(blocks, handle)
	}
	slices.SortStableFunc(blocks, func(a, b block) int { return int(a.top - b.top) })
	return blocks, bottom
}
