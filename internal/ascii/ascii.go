// Package ascii looks for the first byte of a text that needs a closer look, eight bytes at a time, and escapes it in JSON.
package ascii

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The eight bytes are those of one number. A byte that is looked for has its highest bit set in the marks; a byte behind such
// a one may have it without reason.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// unusual marks what is no ASCII, or a control character below the space.
func unusual(x uint64) uint64 { return (x | (x - ' '*ones)) & highs }

// marked marks the bytes of x that are c, if x is ASCII.
func marked(x uint64, c byte) uint64 { return ((x ^ uint64(c)*ones) - ones) & highs }

// first is the place of the first byte that is marked.
func first(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// Printable returns how many bytes at the beginning of b are ASCII and no control characters (DEL counts as none).
func Printable(b []byte) int {
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		if marks := unusual(binary.LittleEndian.Uint64(b[i:])); marks != 0 {
			return i + first(marks)
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// Bare returns how many bytes at the beginning of b stand for themselves in a JSON string and are ASCII: what is Printable,
// up to a quotation mark or a backslash. (RFC 8259, section 7.)
func Bare(b []byte) int {
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if marks := unusual(x) | marked(x, '"') | marked(x, '\\'); marks != 0 {
			return i + first(marks)
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}
