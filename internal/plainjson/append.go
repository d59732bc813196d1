package plainjson

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/offloadhq/offload/internal/ascii"
)

func appendBool(b []byte, v reflect.Value) []byte { return strconv.AppendBool(b, v.Bool()) }

func appendInt(b []byte, v reflect.Value) []byte { return strconv.AppendInt(b, v.Int(), 10) }

func appendUint(b []byte, v reflect.Value) []byte { return strconv.AppendUint(b, v.Uint(), 10) }

func appendFloat64(b []byte, v reflect.Value) []byte {
	f := v.Float()
	abs := math.Abs(f)
	return appendFloat(b, f, 64, abs != 0 && abs < 1e-6 || abs >= 1e21)
}

// appendFloat32 compares as float32: 1e-6 is another number there.
func appendFloat32(b []byte, v reflect.Value) []byte {
	f := v.Float()
	abs := float32(math.Abs(f))
	return appendFloat(b, f, 32, abs != 0 && abs < 1e-6 || abs >= 1e21)
}

// appendFloat writes as ECMAScript does, with an exponent for the far numbers only, and without a zero before it.
func appendFloat(b []byte, f float64, bits int, far bool) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	if !far {
		return strconv.AppendFloat(b, f, 'f', -1, bits)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, bits)
	if n := len(b); b[n-3] == '-' && b[n-2] == '0' { // 1e-07, and not 1e-105
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

func appendTime(b []byte, v reflect.Value) []byte {
	b, err := timeOf(v).AppendText(append(b, '"'))
	if err != nil {
		return nil
	}
	return append(b, '"')
}

func timeOf(v reflect.Value) time.Time {
	t, _ := reflect.TypeAssert[time.Time](v)
	return t
}

func appendBytes(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, "null"...)
	}
	b = base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes())
	return append(b, '"')
}

// appendElements writes an array, with the first comma as its bracket.
func appendElements(element appender, b []byte, v reflect.Value) []byte {
	n := v.Len()
	if n == 0 {
		return append(b, "[]"...)
	}
	start := len(b)
	for i := range n {
		if b = element(append(b, ','), v.Index(i)); b == nil {
			return nil
		}
	}
	b[start] = '['
	return append(b, ']')
}

// appendFields writes an object, with the first comma as its brace.
func appendFields(fields []field, b []byte, v reflect.Value) []byte {
	start := len(b)
	for i := range fields {
		f := &fields[i]
		fv := v.Field(f.index)
		if f.empty != nil && f.empty(fv) || f.zero != nil && f.zero(fv) {
			continue
		}
		if b = f.append(append(b, f.key...), fv); b == nil {
			return nil
		}
	}
	if len(b) == start {
		return append(b, "{}"...)
	}
	b[start] = '{'
	return append(b, '}')
}

// appendString copies s, and then looks at the copy: most strings stand for themselves.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := len(b)
	b = append(b, s...)
	if n := ascii.Bare(b[start:]); n < len(s) {
		if b = appendEscaped(b[:start+n], s[n:]); b == nil {
			return nil
		}
	}
	return append(b, '"')
}

// appendEscaped escapes what encoding/json does: what JSON demands, and the two line separators that JavaScript once did not
// take in a string.
func appendEscaped(b []byte, s string) []byte {
	start, i := 0, 0 // what lies between is still to be copied
	for i < len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				return nil
			}
			if r == '\u2028' || r == '\u2029' {
				b = append(append(append(b, s[start:i]...), `\u202`...), '8'+byte(r&1))
				start = i + size
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		default:
			b = ascii.AppendEscape(b, c)
		}
		i++
		start = i
		i += ascii.Bare([]byte(s[i:])) // the compiler does not copy what is only read
	}
	return append(b, s[start:]...)
}
