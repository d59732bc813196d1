package ascii

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// AppendString appends s as a JSON string (RFC 8259, section 7). What is no UTF-8 becomes U+FFFD, as encoding/json has it.
func AppendString(b, s []byte) []byte {
	b = append(b, '"')
	for len(s) > 0 {
		var n int
		b, n = appendWords(b, s[:min(len(s), 4096)])
		s = s[n:]
		for one := true; len(s) > 0 && (one || len(s) < 8); one = false {
			b, n = appendOne(b, s)
			s = s[n:]
		}
	}
	return append(b, '"')
}

// appendWords appends the beginning of s, eight bytes at a time, and returns how many it took: it ends before what needs a
// closer look than a quotation mark or a backslash, and before the last bytes.
func appendWords(b, s []byte) (out []byte, taken int) {
	b = slices.Grow(b, 2*len(s)+8)
	to, n, i := b[:cap(b)], len(b), 0
	for i+8 <= len(s) {
		x := binary.LittleEndian.Uint64(s[i : i+8])
		binary.LittleEndian.PutUint64(to[n:n+8], x) // whatever follows the first mark is written again
		marks := special(x) & highs
		if marks == 0 {
			i, n = i+8, n+8
			continue
		}
		k := first(marks)
		i, n = i+k, n+k
		c := s[i]
		if c != '"' && c != '\\' {
			break
		}
		to[n], to[n+1] = '\\', c
		i, n = i+1, n+2
	}
	return to[:n], i
}

// appendOne appends the first character of s, and returns its length there.
func appendOne(b, s []byte) (out []byte, taken int) {
	switch c := s[0]; {
	case c >= utf8.RuneSelf:
		r, size := utf8.DecodeRune(s)
		return utf8.AppendRune(b, r), size
	case c < ' ' || c == '"' || c == '\\':
		return AppendEscape(b, c), 1
	default:
		return append(b, c), 1
	}
}
