package card

import (
	"crypto/sha256"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
)

// circle is the length of the control arms of a quarter circle drawn as a cubic curve.
const circle = 0.5522847498

// drawPattern lays rows of tiles over the top of the page: a few simple shapes,
// turned and coloured by chance that the seed decides.
func drawPattern(to *image.RGBA, p palette, seed string, rows int) {
	sum := sha256.Sum256([]byte(seed))
	dice := rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16]))) //nolint:gosec // Chance for the eye.
	shapes := shapes()
	dice.Shuffle(len(shapes), func(i, j int) { shapes[i], shapes[j] = shapes[j], shapes[i] })
	shapes = shapes[:4]
	grounds := []color.RGBA{p.soft, p.soft, p.soft, p.paper, p.paper, p.accent}
	previous, columns := -1, Side/tile
	for i := range rows * columns {
		area := image.Rect(0, 0, tile, tile).Add(image.Pt(i%columns*tile, i/columns*tile))
		ground := grounds[dice.IntN(len(grounds))]
		figures := []color.RGBA{p.accent, p.strong, p.paper}
		switch ground {
		case p.paper:
			figures = []color.RGBA{p.accent, p.soft, p.soft}
		case p.accent:
			figures = []color.RGBA{p.paper, p.strong, p.soft}
		}
		which := dice.IntN(len(shapes))
		if which == previous {
			which = (which + 1) % len(shapes)
		}
		previous = which
		draw.Draw(to, area, image.NewUniform(ground), image.Point{}, draw.Src)
		t := tilePen{newFill(area), dice.IntN(4)}
		shapes[which](t)
		t.paint(to, figures[dice.IntN(len(figures))])
	}
}

// shapes lists the shapes of tiles. Each draws in a unit square, turned by the pen.
func shapes() []func(tilePen) {
	return []func(tilePen){
		func(t tilePen) { t.sector(0, 0, 1) },                                                                    // a quarter circle
		func(t tilePen) { t.sector(0.5, 0, 0.5); t.turned(1).sector(0, 0.5, 0.5) },                               // half a circle on the left edge
		func(t tilePen) { t.disc(0.5, 0.5, 0.5) },                                                                // a circle
		func(t tilePen) { t.leaf() },                                                                             // two arcs from corner to corner
		func(t tilePen) { t.sector(0, 0, 1); t.hole(0, 0, 2.0/3); t.sector(0, 0, 1.0/3) },                        // rings about a corner
		func(t tilePen) { t.polygon(0, 0, 1, 0, 0, 1) },                                                          // half a square
		func(t tilePen) { t.disc(0.25, 0.25, 0.25); t.disc(0.75, 0.75, 0.25) },                                   // two dots
		func(t tilePen) { t.polygon(0, 0, 1, 0, 1, 0.25, 0, 0.25); t.polygon(0, 0.5, 1, 0.5, 1, 0.75, 0, 0.75) }, // stripes
		func(t tilePen) { t.disc(0.5, 0.5, 0.18) },                                                               // a dot
	}
}

// tilePen draws in the unit square of one tile, turned by quarter turns.
type tilePen struct {
	*fill
	quarters int
}

// turned returns the pen with further quarter turns.
func (t tilePen) turned(quarters int) tilePen { return tilePen{t.fill, t.quarters + quarters} }

// to places a point of the unit square on the page.
func (t tilePen) to(x, y float64) point {
	for range t.quarters % 4 {
		x, y = 1-y, x
	}
	return point{float64(t.area.Min.X) + x*tile, float64(t.area.Min.Y) + y*tile}
}

// polygon takes x and y of each corner in turn.
func (t tilePen) polygon(xy ...float64) {
	t.moveTo(t.to(xy[0], xy[1]))
	for i := 2; i < len(xy); i += 2 {
		t.lineTo(t.to(xy[i], xy[i+1]))
	}
	t.close()
}

// sector is the quarter circle of radius r to the lower right of x, y.
func (t tilePen) sector(x, y, r float64) {
	t.moveTo(t.to(x, y))
	t.lineTo(t.to(x+r, y))
	t.cubeTo(t.to(x+r, y+circle*r), t.to(x+circle*r, y+r), t.to(x, y+r))
	t.close()
}

// hole takes a sector out of the shapes drawn before: it runs the other way round.
func (t tilePen) hole(x, y, r float64) {
	t.moveTo(t.to(x, y))
	t.lineTo(t.to(x, y+r))
	t.cubeTo(t.to(x+circle*r, y+r), t.to(x+r, y+circle*r), t.to(x+r, y))
	t.close()
}

// disc is the circle about x, y.
func (t tilePen) disc(x, y, r float64) {
	k := circle * r
	t.moveTo(t.to(x+r, y))
	t.cubeTo(t.to(x+r, y+k), t.to(x+k, y+r), t.to(x, y+r))
	t.cubeTo(t.to(x-k, y+r), t.to(x-r, y+k), t.to(x-r, y))
	t.cubeTo(t.to(x-r, y-k), t.to(x-k, y-r), t.to(x, y-r))
	t.cubeTo(t.to(x+k, y-r), t.to(x+r, y-k), t.to(x+r, y))
	t.close()
}

// leaf is what two quarter circles about opposite corners have in common.
func (t tilePen) leaf() {
	t.moveTo(t.to(1, 0))
	t.cubeTo(t.to(1, circle), t.to(circle, 1), t.to(0, 1))
	t.cubeTo(t.to(0, 1-circle), t.to(1-circle, 0), t.to(1, 0))
	t.close()
}
