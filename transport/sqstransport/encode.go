package sqstransport

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// appendMessages appends the request of SendMessageBatch.
func appendMessages(b []byte, queueURL string, messages []api.Message) []byte {
	size := 0
	for _, m := range messages {
		size += len(m.Body)
	}
	b = slices.Grow(b, size+size/4+512) // quotation marks are a sixth of an envelope
	b = appendHead(b, queueURL)
	for i, m := range messages {
		b = appendID(b, i)
		b = append(b, `,"MessageBody":`...)
		b = appendString(b, m.Body)
		if m.Delay != 0 {
			b = append(b, `,"DelaySeconds":`...)
			b = strconv.AppendInt(b, int64(m.Delay), 10)
		}
		for j, a := range m.Attributes {
			if j == 0 {
				b = append(b, `,"MessageAttributes":{`...)
			} else {
				b = append(b, ',')
			}
			b = appendString(b, a.Name)
			b = append(b, `:{"DataType":"String","StringValue":`...)
			b = appendString(b, a.Value)
			b = append(b, '}')
		}
		if len(m.Attributes) > 0 {
			b = append(b, '}')
		}
		if m.Trace != "" {
			b = append(b, `,"MessageSystemAttributes":{"`+api.TraceAttribute+`":{"DataType":"String","StringValue":`...)
			b = appendString(b, m.Trace)
			b = append(b, "}}"...)
		}
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// appendChanges appends the request of ChangeMessageVisibilityBatch.
func appendChanges(b []byte, queueURL string, changes []api.Visibility) []byte {
	b = appendHead(b, queueURL)
	for i, v := range changes {
		b = appendID(b, i)
		b = append(b, `,"ReceiptHandle":`...)
		b = appendString(b, v.Receipt)
		b = append(b, `,"VisibilityTimeout":`...)
		b = strconv.AppendInt(b, int64(v.Timeout), 10)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func appendHead(b []byte, queueURL string) []byte {
	b = append(b, `{"QueueUrl":`...)
	b = appendString(b, queueURL)
	return append(b, `,"Entries":[`...)
}

// appendID begins an entry with its id, which is its place.
func appendID(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"Id":"`...)
	b = strconv.AppendInt(b, int64(i), 10)
	return append(b, '"')
}

// bare marks the ASCII characters that stand for themselves in a JSON string.
var bare = func() (t [utf8.RuneSelf]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendString appends s as a JSON string (RFC 8259, section 7). What is no UTF-8 becomes U+FFFD, as encoding/json has
// it; bodies were checked before.
func appendString[T string | []byte](b []byte, s T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := decodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += n
			continue
		}
		if !bare[c] {
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			from = i + 1
		}
		i++
	}
	return append(append(b, s[from:]...), '"')
}

func decodeRune[T string | []byte](s T) (rune, int) {
	var head [utf8.UTFMax]byte
	return utf8.DecodeRune(head[:copy(head[:], s)])
}
