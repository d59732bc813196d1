package task

import (
	"encoding/binary"
	"math/bits"
)

// isJSONText is json.Valid, many times as fast: it keeps its place in a register, and steps over strings eight bytes at a
// time. (RFC 8259; encoding/json takes bytes in strings that are no UTF-8, and nests 10,000 deep.)
func isJSONText(b []byte) bool {
	end := valueEnd(b, 0, 0)
	return end > 0 && space(b, end) == len(b)
}

const maxNesting = 10_000

// Each …End below is where something ends that begins at b[i], or behind white space there: the index behind it. It is 0
// if there is no such thing.

// space is the index of the first byte from i on that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// byteEnd is that of one byte.
func byteEnd(b []byte, i int, c byte) int {
	if i = space(b, i); i < len(b) && b[i] == c {
		return i + 1
	}
	return 0
}

func valueEnd(b []byte, i, depth int) int {
	if i = space(b, i); i >= len(b) {
		return 0
	}
	switch c := b[i]; c {
	case '"':
		return textEnd(b, i)
	case '{':
		if depth < maxNesting {
			return objectEnd(b, i, depth+1)
		}
	case '[':
		if depth < maxNesting {
			return arrayEnd(b, i, depth+1)
		}
	case 't':
		return literalEnd(b, i, "true")
	case 'f':
		return literalEnd(b, i, "false")
	case 'n':
		return literalEnd(b, i, "null")
	default:
		if c == '-' || isDigit(c) {
			return numberEnd(b, i)
		}
	}
	return 0
}

// objectEnd is that of one whose brace is b[i].
func objectEnd(b []byte, i, depth int) int {
	if end := byteEnd(b, i+1, '}'); end > 0 {
		return end
	}
	for {
		i = space(b, i+1)
		if i >= len(b) || b[i] != '"' {
			return 0
		}
		if i = textEnd(b, i); i == 0 {
			return 0
		}
		if i = byteEnd(b, i, ':'); i == 0 {
			return 0
		}
		if i = valueEnd(b, i, depth); i == 0 {
			return 0
		}
		if i = space(b, i); i >= len(b) || b[i] != ',' {
			return byteEnd(b, i, '}')
		}
	}
}

// arrayEnd is that of one whose bracket is b[i].
func arrayEnd(b []byte, i, depth int) int {
	if end := byteEnd(b, i+1, ']'); end > 0 {
		return end
	}
	for {
		if i = valueEnd(b, i+1, depth); i == 0 {
			return 0
		}
		if i = space(b, i); i >= len(b) || b[i] != ',' {
			return byteEnd(b, i, ']')
		}
	}
}

func literalEnd(b []byte, i int, s string) int {
	if end := i + len(s); end <= len(b) && string(b[i:end]) == s {
		return end
	}
	return 0
}

// numberEnd is that of one that begins with b[i], a digit or a minus sign.
func numberEnd(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = digitsEnd(b, i); i == 0 {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		if i = digitsEnd(b, i+1); i == 0 {
			return 0
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return digitsEnd(b, i)
	}
	return i
}

// digitsEnd is that of one digit or more.
func digitsEnd(b []byte, i int) int {
	first := i
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	if i == first {
		return 0
	}
	return i
}

// textEnd is that of a string whose first quotation mark is b[i].
func textEnd(b []byte, i int) int {
	for i++; ; {
		i = bareEnd(b, i)
		if i >= len(b) {
			return 0
		}
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			n := escape(b[i:])
			if n == 0 {
				return 0
			}
			i += n
		default:
			return 0 // a control character
		}
	}
}

// escape is the length of the escape that b begins with, 0 if it is none.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) && isHex(b[5]) {
			return 6
		}
	}
	return 0
}

// bareEnd is the index of the first byte from i on that is a control character, a quotation mark or a backslash.
func bareEnd(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		// The highest bit of each byte that is looked for, and perhaps of some behind it. With their second bits turned the
		// quotation mark, and no other character, joins those below '!'.
		if marks := (((x ^ 2*ones) - '!'*ones) | ((x ^ '\\'*ones) - ones)) &^ x & highs; marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
