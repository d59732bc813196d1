package sqs

import "github.com/offloadhq/offload/internal/ascii"

// appendField appends a member of an object, with a comma unless it is the
// first, and nothing if the value is empty: an empty member is left out.
func appendField(out []byte, name, value string) []byte {
	if value == "" {
		return out
	}
	return ascii.AppendString(appendName(out, name), []byte(value))
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
