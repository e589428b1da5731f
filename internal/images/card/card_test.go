package card

import (
	"errors"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/go-text/typesetting/shaping"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sample is a post of an invented brand.
func sample() Text {
	return Text{
		Account: "instagram/lumenskin", Seed: "campaign_next_post_1", Handle: "@lumenskin",
		Caption:  "Glow that lasts past midnight ✨ Our new serum is light, fast and made for every shade. Which one is yours? #glow",
		Hashtags: []string{"#glow", "skincare"}, Action: "Shop the shades",
	}
}

func compose1(t *testing.T, text Text) *Card {
	t.Helper()
	c, err := New(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACardSaysTheOperatorsWordsInOrder(t *testing.T) {
	type said struct {
		Role Role
		Text string
	}
	var got []said
	for _, b := range compose1(t, sample()).Boxes() {
		got = append(got, said{b.Role, strings.Join(b.Lines, " ")})
	}
	want := []said{
		{Headline, "Glow that lasts past midnight"},
		{Body, "Our new serum is light, fast and made for every shade. Which one is yours?"},
		{Hashtags, "#glow   #skincare"},
		{Action, "Shop the shades"},
		{Handle, "@lumenskin"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("boxes (-want +got):\n%s", diff)
	}
}

// checkPage reports words that leave the margins or touch one another.
func checkPage(t interface{ Fatalf(string, ...any) }, c *Card) {
	page := image.Rect(margin-1, c.rows*tile, Side-margin+1, Side-40)
	boxes := c.Boxes()
	for i, b := range boxes {
		if !b.Bounds.In(page) || len(b.Lines) == 0 {
			t.Fatalf("%s at %v leaves the page %v: %q", b.Role, b.Bounds, page, b.Lines)
		}
		for _, other := range boxes[i+1:] {
			if b.Bounds.Overlaps(other.Bounds) {
				t.Fatalf("%s at %v overlaps %s at %v", b.Role, b.Bounds, other.Role, other.Bounds)
			}
		}
	}
}

func TestNoTextOverflows(t *testing.T) {
	words := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z]{1,14}[,.!?:]?`),
		rapid.StringMatching(`[WMÅŽ]{1,60}`),
		rapid.StringMatching(`[а-яА-Я]{1,20}[.]?`),
		rapid.StringOfN(rapid.Rune(), 1, 12, -1),
		rapid.Just("\n"), rapid.Just("✨"), rapid.Just("https://example.com/x"),
	)
	long := func(n int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			s := []rune(strings.Join(rapid.SliceOfN(words, 0, n).Draw(t, "words"), " "))
			return string(s[:min(len(s), 2200)])
		})
	}
	rapid.Check(t, func(rt *rapid.T) {
		c, err := New(Text{
			Account: "instagram/a", Seed: "s", Handle: "@" + long(4).Draw(rt, "handle"), Headline: long(6).Draw(rt, "headline"),
			Caption: long(150).Draw(rt, "caption"), Hashtags: rapid.SliceOfN(long(2), 0, 6).Draw(rt, "tags"), Action: long(12).Draw(rt, "action"),
		})
		if errors.Is(err, ErrWithheld) {
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		checkPage(rt, c)
	})
}

func TestExtremeTextsFit(t *testing.T) {
	for name, caption := range map[string]string{
		"one word of 2200 letters": strings.Repeat("W", 2200),
		"2200 characters":          strings.Repeat("Lorem ipsum, ", 169),
		"one letter":               "A",
		"towers of marks":          "Z" + strings.Repeat("\u0338\u0321\u0322", 40) + "algo comes",
		"many lines":               strings.Repeat("Yes\n", 400),
	} {
		t.Run(name, func(t *testing.T) {
			text := sample()
			text.Caption = caption
			text.Action = strings.Repeat("Read all about it ", 20)
			text.Handle = "@" + strings.Repeat("w", 100)
			c := compose1(t, text)
			checkPage(t, c)
			if name == "2200 characters" && !strings.HasSuffix(strings.Join(c.Boxes()[1].Lines, " "), "…") {
				t.Errorf("a body that was cut does not say so: %q", c.Boxes()[1].Lines)
			}
		})
	}
}

func TestALongerTextGetsMoreRoomForWords(t *testing.T) {
	short, long := sample(), sample()
	short.Caption, long.Caption = "We launch tomorrow.", strings.Repeat("A sentence of some length stands here. ", 20)
	s, l := compose1(t, short), compose1(t, long)
	if s.rows <= l.rows || s.Boxes()[0].Size <= l.Boxes()[0].Size {
		t.Errorf("short text: %d rows, %v px; long text: %d rows, %v px", s.rows, s.Boxes()[0].Size, l.rows, l.Boxes()[0].Size)
	}
}

func TestScriptsThatCannotBeSetAreWithheldByName(t *testing.T) {
	for name, c := range map[string]struct{ caption, want string }{
		"Arabic":     {"مرحبا بالعالم", "Arabic"},
		"Hebrew":     {"שלום עולם", "Hebrew"},
		"Devanagari": {"नमस्ते दुनिया", "Devanagari"},
		"Han":        {"你好世界", "Han"},
		"in a tag":   {"Hello", "Thai"},
		"no words":   {"✨🔥🎉", "no words"},
		"nothing":    {"", "no words"},
	} {
		t.Run(name, func(t *testing.T) {
			text := Text{Caption: c.caption, Handle: "@x"}
			if c.want == "Thai" {
				text.Hashtags = []string{"สวัสดี"}
			}
			if _, err := New(text); !errors.Is(err, ErrWithheld) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New = %v, want ErrWithheld that names %q", err, c.want)
			}
		})
	}
}

func TestScriptsThatCanBeSetAreSet(t *testing.T) {
	for name, caption := range map[string]string{
		"Spanish": "¿Listos? ¡Mañana empieza!", "Russian": "Новая коллекция уже здесь", "Greek": "Καλημέρα σε όλους",
		"Armenian": "Նոր գրքեր ամեն շաբաթ", "Georgian": "ახალი წიგნები", "Vietnamese": "Sản phẩm mới đã có mặt", "Turkish": "Yeni ürünler İstanbul'da",
		"Polish": "Zażółć gęślą jaźń", "bold letters": "𝗕𝗼𝗹𝗱 𝘄𝗼𝗿𝗱𝘀", "arrow": "From A → B ★",
	} {
		t.Run(name, func(t *testing.T) {
			text := sample()
			text.Caption = caption
			c := compose1(t, text)
			for _, b := range c.blocks {
				for _, l := range b.lines {
					if slices.ContainsFunc(l.glyphs, func(g shaping.Glyph) bool { return g.GlyphID == 0 }) {
						t.Errorf("%q shows an empty box", l.text)
					}
				}
			}
		})
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(c color.RGBA) float64 {
	part := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
}

func contrast(a, b color.RGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestWordsContrastWithThePage(t *testing.T) {
	for i, p := range palettes() {
		for name, c := range map[string]color.RGBA{"strong": p.strong, "quiet": p.quiet, "bright": p.bright} {
			if got := contrast(p.paper, c); got < 4.5 {
				t.Errorf("palette %d: %s contrasts %.2f to 1, want 4.5", i, name, got)
			}
		}
	}
}

// inked reports whether a part of m holds a pixel of colour full, and how much of
// it is not paper.
func inked(m *image.RGBA, part image.Rectangle, paper, full color.RGBA) (found bool, share float64) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			found = found || m.RGBAAt(x, y) == full
			if m.RGBAAt(x, y) != paper {
				share++
			}
		}
	}
	return found, share / float64(part.Dx()*part.Dy())
}

func TestThePictureShowsWhatWasComposed(t *testing.T) {
	c := compose1(t, sample())
	m := c.Draw()
	if got, want := m.Bounds(), image.Rect(0, 0, Side, Side); got != want {
		t.Fatalf("picture is %v, want %v", got, want)
	}
	for i, b := range c.Boxes() {
		found, share := inked(m, b.Bounds, c.colours.paper, c.colours.of(c.blocks[i].ink))
		if !found || share < 0.05 || share > 0.7 {
			t.Errorf("%s: its colour was found: %v; %.0f %% of its box is inked", b.Role, found, 100*share)
		}
	}
	for y := c.rows * tile; y < Side; y++ {
		for x := range margin / 2 {
			if m.RGBAAt(x, y) != c.colours.paper || m.RGBAAt(Side-1-x, y) != c.colours.paper {
				t.Fatalf("ink in the margin at row %d", y)
			}
		}
	}
}

func TestTheSamePostIsAlwaysTheSamePicture(t *testing.T) {
	one, two := compose1(t, sample()).Draw(), compose1(t, sample()).Draw()
	if !slices.Equal(one.Pix, two.Pix) {
		t.Error("two drawings of one post differ")
	}
	other := sample()
	other.Seed = "campaign_next_post_2"
	if slices.Equal(one.Pix, compose1(t, other).Draw().Pix) {
		t.Error("two posts have the same pattern")
	}
}

func TestAnAccountKeepsItsColours(t *testing.T) {
	seen := map[palette]bool{}
	for _, account := range []string{"instagram/a", "instagram/b", "twitter/a", "twitter/orbit", "facebook/rio", "facebook/ararat"} {
		first := coloursOf(account)
		seen[first] = true
		if again := coloursOf(account); again != first {
			t.Fatal("colours change")
		}
	}
	if len(seen) < 3 {
		t.Errorf("six accounts share %d palettes", len(seen))
	}
}

func BenchmarkCard(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		c, err := New(sample())
		if err != nil {
			b.Fatal(err)
		}
		c.Draw()
	}
}
