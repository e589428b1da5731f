package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"strconv"
)

const (
	recordSeparator = 0x1E
	frameHead       = 8 + 1 + 16 + 1                  // crc and writer, and the blanks after them
	frameExtra      = 1 + frameHead + 20 + 1 + 20 + 2 // the most that a frame adds to a payload
)

var errFrame = errors.New("not a whole record")

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendFrame appends the framed record to buf. Again is the segment from
// which on it may stand already, 0 when it is new.
func appendFrame(buf []byte, writer, n, again uint64, payload []byte) []byte {
	const crcDigits = 8
	buf = append(buf, recordSeparator)
	crcAt := len(buf)
	buf = append(buf, "00000000 "...)
	bodyAt := len(buf)
	buf = appendHex(buf, writer, 16)
	buf = append(buf, ' ')
	buf = strconv.AppendUint(buf, n, 10)
	if again > 0 {
		buf = append(buf, '@')
		buf = strconv.AppendUint(buf, again, 10)
	}
	buf = append(buf, ' ')
	buf = append(buf, payload...)
	crc := crc32.Checksum(buf[bodyAt:], castagnoli())
	appendHex(buf[:crcAt], uint64(crc), crcDigits)
	return append(buf, '\n')
}

func appendHex(buf []byte, v uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		buf = append(buf, hex[v>>shift&0xf])
	}
	return buf
}

// parseFrame reads what stands between RS and LF. The record's place is left open.
func parseFrame(b []byte) (Record, error) {
	if len(b) < frameHead+2 || b[8] != ' ' || b[25] != ' ' {
		return Record{}, errFrame
	}
	crc, err := parseHex(b[:8])
	if err != nil || crc != uint64(crc32.Checksum(b[9:], castagnoli())) {
		return Record{}, errFrame
	}
	var r Record
	if r.Writer, err = parseHex(b[9:25]); err != nil {
		return Record{}, errFrame
	}
	end := bytes.IndexByte(b[frameHead:], ' ')
	if end < 0 {
		return Record{}, errFrame
	}
	number := b[frameHead : frameHead+end]
	r.Payload = b[frameHead+end+1:]
	if at := bytes.IndexByte(number, '@'); at >= 0 {
		if r.again, err = parseNumber(number[at+1:]); err != nil {
			return Record{}, errFrame
		}
		number = number[:at]
	}
	if r.N, err = parseNumber(number); err != nil || controlled(r.Payload) {
		return Record{}, errFrame
	}
	return r, nil
}

// controlled reports whether b holds a control character, one below 0x20. It
// looks at eight bytes at once, as every byte of a journal passes here: taking
// 0x20 from a smaller byte borrows, which sets its highest bit where it was clear.
func controlled(b []byte) bool {
	const blanks, highest = 0x2020202020202020, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		if (v-blanks)&^v&highest != 0 {
			return true
		}
	}
	for _, c := range b {
		if c < ' ' {
			return true
		}
	}
	return false
}

func parseHex(b []byte) (uint64, error) {
	var v uint64
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			v = v<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, errFrame
		}
	}
	return v, nil
}

// parseNumber reads a decimal number from 1, written in the one way it has.
func parseNumber(b []byte) (uint64, error) {
	if len(b) == 0 || b[0] == '0' {
		return 0, errFrame
	}
	var v uint64
	for _, c := range b {
		digit := uint64(c - '0')
		if digit > 9 || v > (math.MaxUint64-digit)/10 {
			return 0, errFrame
		}
		v = v*10 + digit
	}
	return v, nil
}
