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

// special marks what is unusual, a quotation mark or a backslash, and leaves other bits than the highest in the marks.
func special(x uint64) uint64 {
	return x | (x - ' '*ones) | ((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones)
}

// first is the place of the first byte that is marked.
func first(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// Printable returns how many bytes at the beginning of b are ASCII and no control characters (DEL counts as none).
func Printable(b []byte) int {
	i := 0
	for ; i+16 <= len(b); i += 16 {
		if unusual(binary.LittleEndian.Uint64(b[i:i+8]))|unusual(binary.LittleEndian.Uint64(b[i+8:i+16])) != 0 {
			break
		}
	}
	for ; i+8 <= len(b); i += 8 {
		if marks := unusual(binary.LittleEndian.Uint64(b[i : i+8])); marks != 0 {
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
	for ; i+16 <= len(b); i += 16 {
		if (special(binary.LittleEndian.Uint64(b[i:i+8]))|special(binary.LittleEndian.Uint64(b[i+8:i+16])))&highs != 0 {
			break
		}
	}
	for ; i+8 <= len(b); i += 8 {
		if marks := special(binary.LittleEndian.Uint64(b[i:i+8])) & highs; marks != 0 {
			return i + first(marks)
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}
