package card

import (
	"image"
	"image/color"
	"image/draw"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/vector"
)

// arrowRoom is what the arrow after the action takes, with the space before it.
const arrowRoom = 46

// Draw returns the card as a picture of Side×Side pixels.
func (c *Card) Draw() *image.RGBA {
	to := image.NewRGBA(image.Rect(0, 0, Side, Side))
	draw.Draw(to, to.Bounds(), image.NewUniform(c.colours.paper), image.Point{}, draw.Src)
	drawPattern(to, c.colours, c.seed, c.rows)
	rule := image.Rect(margin, Side-foot, Side-margin, Side-foot+2)
	draw.Draw(to, rule, image.NewUniform(c.colours.soft), image.Point{}, draw.Src)
	for _, b := range c.blocks {
		for i, l := range b.lines {
			drawLine(to, l, b.style.size, point{b.left, b.baseline(i)}, c.colours.of(b.ink))
		}
		if b.role == Action {
			end := len(b.lines) - 1
			drawArrow(to, point{b.left + b.lines[end].width + 16, b.baseline(end)}, c.colours.of(b.ink))
		}
	}
	return to
}

// point is a place on the page, in pixels from the upper left corner.
type point struct{ x, y float64 }

// fill is a shape in the making, over the area of the page that it may touch.
type fill struct {
	raster *vector.Rasterizer
	area   image.Rectangle
}

func newFill(area image.Rectangle) *fill {
	return &fill{vector.NewRasterizer(area.Dx(), area.Dy()), area}
}

// at converts a place on the page to the rasterizer's coordinates.
func (f *fill) at(p point) (x, y float32) {
	return float32(p.x - float64(f.area.Min.X)), float32(p.y - float64(f.area.Min.Y))
}

func (f *fill) moveTo(p point) { f.raster.MoveTo(f.at(p)) }
func (f *fill) lineTo(p point) { f.raster.LineTo(f.at(p)) }
func (f *fill) close()         { f.raster.ClosePath() }

func (f *fill) quadTo(a, p point) {
	ax, ay := f.at(a)
	x, y := f.at(p)
	f.raster.QuadTo(ax, ay, x, y)
}

func (f *fill) cubeTo(a, b, p point) {
	ax, ay := f.at(a)
	bx, by := f.at(b)
	x, y := f.at(p)
	f.raster.CubeTo(ax, ay, bx, by, x, y)
}

// paint draws the shape.
func (f *fill) paint(to draw.Image, c color.Color) {
	f.raster.Draw(to, f.area, image.NewUniform(c), image.Point{})
}

// drawLine draws a set line with its first dot at start.
func drawLine(to *image.RGBA, l set, size float64, start point, c color.Color) {
	area := image.Rect(int(start.x-size), int(start.y-1.3*size), int(start.x+l.width+size), int(start.y+0.6*size))
	f := newFill(area.Intersect(to.Bounds()))
	scale := size / float64(l.face.Upem())
	dot := start
	for _, g := range l.glyphs {
		origin := point{dot.x + float64(g.XOffset)/64, dot.y - float64(g.YOffset)/64}
		if outline, ok := l.face.GlyphData(g.GlyphID).(font.GlyphOutline); ok {
			f.glyph(outline, origin, scale)
		}
		dot.x += float64(g.Advance) / 64
	}
	f.paint(to, c)
}

// glyph adds a glyph's outline, given in font units with y upward.
func (f *fill) glyph(outline font.GlyphOutline, origin point, scale float64) {
	place := func(p opentype.SegmentPoint) point {
		return point{origin.x + float64(p.X)*scale, origin.y - float64(p.Y)*scale}
	}
	open := false
	for _, s := range outline.Segments {
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if open {
				f.close()
			}
			f.moveTo(place(s.Args[0]))
			open = true
		case opentype.SegmentOpLineTo:
			f.lineTo(place(s.Args[0]))
		case opentype.SegmentOpQuadTo:
			f.quadTo(place(s.Args[0]), place(s.Args[1]))
		case opentype.SegmentOpCubeTo:
			f.cubeTo(place(s.Args[0]), place(s.Args[1]), place(s.Args[2]))
		}
	}
	if open {
		f.close()
	}
}

// drawArrow draws the arrow that follows the action, on the line's middle.
func drawArrow(to *image.RGBA, at point, c color.Color) {
	f := newFill(image.Rect(int(at.x)-2, int(at.y)-34, int(at.x)+34, int(at.y)+10).Intersect(to.Bounds()))
	y := at.y - 11
	polygon := func(points ...point) {
		f.moveTo(points[0])
		for _, p := range points[1:] {
			f.lineTo(p)
		}
		f.close()
	}
	polygon(point{at.x, y - 1.5}, point{at.x + 26, y - 1.5}, point{at.x + 26, y + 1.5}, point{at.x, y + 1.5})
	polygon(point{at.x + 16, y - 11.1}, point{at.x + 18.1, y - 13.2}, point{at.x + 30, y - 1.3}, point{at.x + 30, y + 1.3},
		point{at.x + 18.1, y + 13.2}, point{at.x + 16, y + 11.1}, point{at.x + 27.1, y})
	f.paint(to, c)
}
