package sqstransport

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// Text is read eight bytes at a time, as the bytes of one number: a byte that needs a look has its highest bit set in what
// these functions return. A byte behind such a one may have it without need.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// unusual marks what is no ASCII, or a control character.
func unusual(x uint64) uint64 { return (x | (x - ' '*ones)) & highs }

// marked marks the bytes of x that are c, if x is ASCII.
func marked(x uint64, c byte) uint64 { return ((x ^ uint64(c)*ones) - ones) & highs }

// first is the place of the first byte that is marked.
func first(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// checkText finds what SQS takes in no message: everything but #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD |
// #x10000 to #x10FFFF (SendMessage, MessageBody).
func checkText(body []byte) error {
	for i := 0; i < len(body); {
		if len(body)-i >= 8 {
			marks := unusual(binary.LittleEndian.Uint64(body[i:]))
			if marks == 0 {
				i += 8
				continue
			}
			i += first(marks)
		}
		c := body[i]
		if c >= 0x20 && c < utf8.RuneSelf || c == '\t' || c == '\n' || c == '\r' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && n == 1 {
			return fmt.Errorf("byte %d: is not UTF-8", i)
		}
		if r < 0x20 || r == 0xfffe || r == 0xffff {
			return fmt.Errorf("byte %d: the character %U, which Amazon SQS does not take", i, r)
		}
		i += n
	}
	return nil
}

// appendString appends s as a JSON string (RFC 8259, section 7). What is no UTF-8 becomes U+FFFD, as encoding/json has
// it; bodies were checked before.
func appendString(b, s []byte) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		if len(s)-i >= 8 {
			x := binary.LittleEndian.Uint64(s[i:])
			marks := unusual(x) | marked(x, '"') | marked(x, '\\')
			if marks == 0 {
				i += 8
				continue
			}
			i += first(marks)
		}
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += n
			continue
		case c < ' ' || c == '"' || c == '\\':
			b = appendEscape(append(b, s[from:i]...), c)
			from = i + 1
		}
		i++
	}
	return append(append(b, s[from:]...), '"')
}

// appendEscape appends what stands for c, which cannot stand for itself.
func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
