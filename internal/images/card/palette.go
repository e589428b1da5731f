package card

import (
	"crypto/sha256"
	"image/color"
)

// palette is a card's colours. Strong, quiet and bright are for words on paper:
// each contrasts with it by at least 4.5 to 1 (WCAG 2.2, success criterion 1.4.3).
type palette struct {
	paper, soft, accent   color.RGBA // the page and the pattern on it
	strong, quiet, bright color.RGBA // words
}

// palettes lists the colours that a card may have.
func palettes() []palette {
	return []palette{
		of(0xF5EFE6, 0xE6D3BC, 0xC8572D, 0x211C17, 0x665D50, 0xA8431F), // terracotta on cream
		of(0x12312B, 0x24504A, 0xE3B564, 0xF4EFE2, 0xAFC4B8, 0xE9C27C), // brass on pine
		of(0x171D31, 0x2B3554, 0xF0775B, 0xF3F4F9, 0xABB4CE, 0xF79A83), // coral on midnight
		of(0xE9EFF5, 0xC6D8EA, 0x2C69B0, 0x15222F, 0x4D6072, 0x24599A), // blue on mist
		of(0xF8EBE8, 0xEDC9C4, 0xB23A48, 0x34191C, 0x7A5356, 0xA2303E), // claret on blush
		of(0x2A1B34, 0x48305A, 0xE8A3BC, 0xF7F0F7, 0xC2AECC, 0xEDB2C8), // rose on plum
		of(0xE9EDE0, 0xC9D6B6, 0x55793A, 0x1E2718, 0x54614A, 0x45682C), // moss on lichen
		of(0xF3EAD8, 0xE4C98F, 0x1F4E79, 0x17263C, 0x5A6270, 0x1F4E79), // navy on sand
		of(0x1D1D1F, 0x3A3A3D, 0xDDB84F, 0xF6F3ED, 0xB5B1A9, 0xE4C468), // gold on charcoal
		of(0x0F3440, 0x1F5463, 0xF2A541, 0xEEF5F5, 0xA8C3CA, 0xF5B661), // amber on lagoon
		of(0xF1ECF6, 0xD6C8EA, 0x6A42B0, 0x241A33, 0x655877, 0x5F399F), // violet on lilac
		of(0x3B1420, 0x63283A, 0xF0B08A, 0xFBF0EA, 0xD6B1B0, 0xF4BC9B), // apricot on wine
	}
}

// of makes a palette from six 0xRRGGBB values in the order of its fields.
func of(values ...uint32) palette {
	var c [6]color.RGBA
	for i, v := range values {
		c[i] = color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xFF}
	}
	return palette{c[0], c[1], c[2], c[3], c[4], c[5]}
}

// coloursOf returns the account's colours, always the same ones.
func coloursOf(account string) palette {
	all := palettes()
	return all[int(sha256.Sum256([]byte(account))[0])%len(all)]
}

// of returns the colour of words in ink i.
func (p palette) of(i ink) color.RGBA {
	switch i {
	case quiet:
		return p.quiet
	case bright:
		return p.bright
	default:
		return p.strong
	}
}
