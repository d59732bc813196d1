package sqs

import "github.com/offloadhq/offload/internal/ascii"

// appendString appends s as a JSON string. Valid UTF-8 comes out as it is; the
// texts of messages are valid, as sending checks it.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[start:i]...)
		start = i + 1
		out = ascii.AppendEscape(out, c)
	}
	out = append(out, s[start:]...)
	return append(out, '"')
}

// appendField appends a member of an object, with a comma unless it is the
// first, and nothing if the value is empty: an empty member is left out.
func appendField(out []byte, name, value string) []byte {
	if value == "" {
		return out
	}
	return appendString(appendName(out, name), value)
}

// appendName appends the name of a member, which needs no escapes.
func appendName(out []byte, name string) []byte {
	out = appendComma(out)
	out = append(out, '"')
	out = append(out, name...)
	return append(out, '"', ':')
}

// appendComma separates from what stands before in the same object or array.
func appendComma(out []byte) []byte {
	if last := out[len(out)-1]; last != '{' && last != '[' {
		out = append(out, ',')
	}
	return out
}
