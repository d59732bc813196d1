package task

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// encoder is what one call of Encode needs and the next may use again: the options' notes, the body in the making, and the
// JSON encoder with the buffer that it writes into.
type encoder struct {
	firing firing
	text   []byte
	buf    bytes.Buffer
	json   *json.Encoder
	clock  clock

	// The last source, which is right, the last name, and the event between the values of its id and its time, which both make.
	source, name string
	middle       []byte
}

var encoders = sync.Pool{New: func() any {
	x := &encoder{}
	x.json = json.NewEncoder(&x.buf)
	x.json.SetEscapeHTML(false)
	return x
}}

// maxPooled keeps one huge task from pinning its buffer for ever.
const maxPooled = 64 << 10

// from prepares for events of this source and name. It checks the source.
func (x *encoder) from(source, name string) error {
	if source == x.source && name == x.name && source != "" {
		return nil
	}
	if err := checkSource(source); err != nil {
		return err
	}
	x.source, x.name = source, name
	x.middle = append(append(x.middle[:0], `","source":"`...), source...)
	x.middle = append(append(append(x.middle, `","type":"`...), name...), `","time":"`...)
	return nil
}

// write makes the body, in the memory of room if it has enough.
func (x *encoder) write(room []byte, fired time.Time, more *extras, t Task) (body, data []byte, err error) {
	b := append(x.text[:0], `{"specversion":"1.0","id":"`...)
	b = append(append(b, x.firing.id...), x.middle...)
	b = append(x.clock.append(b, fired), `","datacontenttype":"`+contentTypeJSON+`"`...)
	if more != nil {
		b = more.append(b, &x.clock)
	}
	b = append(b, `,"data":`...)
	start := len(b)
	if b, err = x.encode(b, t); err != nil {
		return nil, nil, err
	}
	if data := b[start:]; !isQueueSafe(data) {
		b = append(b[:start], queueSafe(data)...)
	}
	x.text = append(b, '}')
	body = append(room[:0], x.text...)
	return body, body[start : len(body)-1], nil
}

// encode appends the arguments.
func (x *encoder) encode(b []byte, t Task) (out []byte, err error) {
	method := "MarshalJSON"
	defer func() {
		if r := recover(); r != nil {
			err = panicError(method, r)
		}
	}()
	own, ok := t.args.(JSONAppender)
	if !ok {
		if e := t.def.encoder(); e != nil {
			if b, ok := e.Append(b, reflect.ValueOf(t.args)); ok {
				return b, nil
			}
		}
		return x.standard(b, t.args)
	}
	method = "AppendJSON"
	data, err := own.AppendJSON(b[len(b):])
	if err != nil {
		return nil, fmt.Errorf("AppendJSON: %w", err)
	}
	if !isJSONText(data) {
		return nil, errors.New("AppendJSON wrote what is not JSON: " + excerpt(data))
	}
	return append(b, data...), nil
}

// standard appends what encoding/json makes of the arguments.
func (x *encoder) standard(b []byte, args any) ([]byte, error) {
	x.buf.Reset()
	if err := x.json.Encode(args); err != nil {
		return nil, err
	}
	return append(b, x.buf.Bytes()[:x.buf.Len()-1]...), nil // without the newline
}

// isQueueSafe reports whether the JSON text b holds only characters that Amazon SQS accepts (SendMessage, MessageBody:
// #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF). JSON has no raw control characters, so
// U+FFFE, U+FFFF and invalid UTF-8 are all that is left to look for.
func isQueueSafe(b []byte) bool {
	if isASCII(b) {
		return true
	}
	const lead = 0xef // the first byte of both
	return utf8.Valid(b) && (bytes.IndexByte(b, lead) < 0 || !bytes.Contains(b, []byte("\ufffe")) && !bytes.Contains(b, []byte("\uffff")))
}

// isASCII looks at the highest bits of many bytes at once.
func isASCII(b []byte) bool {
	const highs = 0x8080808080808080
	for ; len(b) >= 32; b = b[32:] {
		if (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[8:])|binary.LittleEndian.Uint64(b[16:])|binary.LittleEndian.Uint64(b[24:]))&highs != 0 {
			return false
		}
	}
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&highs != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// queueSafe mends what isQueueSafe refuses: encoding/json writes U+FFFE and U+FFFF as they are, and here they become
// escapes; each run of invalid UTF-8, which a MarshalJSON can smuggle in, becomes one U+FFFD.
func queueSafe(b []byte) []byte {
	b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	b = bytes.ReplaceAll(b, []byte("\ufffe"), []byte(`\ufffe`))
	return bytes.ReplaceAll(b, []byte("\uffff"), []byte(`\uffff`))
}

// append writes the attributes that x makes.
func (x *extras) append(b []byte, c *clock) []byte {
	if !x.expires.IsZero() {
		b = append(c.append(append(b, `,"expirytime":"`...), x.expires), '"')
	}
	for _, h := range x.headers {
		b = append(b, ',', '"')
		b = append(b, h.key...)
		b = append(b, `":`...)
		b = appendJSON(b, h.value)
	}
	b = appendInt(b, attrHops, x.hops)
	b = appendInt(b, attrMaxAttempts, x.maxAttempts)
	return appendInt(b, attrTimeout, int(x.timeout/time.Millisecond))
}

// clock keeps the text of the last second that it wrote: most of the time the next is the same.
type clock struct {
	second int64
	text   []byte // up to the seconds, with the point; empty before the first
}

// append writes t, which is in UTC, with microseconds, always six digits.
func (c *clock) append(b []byte, t time.Time) []byte {
	if s := t.Unix(); s != c.second || len(c.text) == 0 {
		c.text = t.AppendFormat(c.text[:0], time.RFC3339)
		c.text[len(c.text)-1] = '.' // was the Z
		c.second = s
	}
	rest := [...]byte{'0', '0', '0', '0', '0', '0', 'Z'}
	micros := t.Nanosecond() / int(time.Microsecond)
	for i := len(rest) - 2; i >= 0; i-- {
		rest[i] += byte(micros % 10)
		micros /= 10
	}
	return append(append(b, c.text...), rest[:]...)
}

// appendInt leaves zero out: it is the default of every integer attribute.
func appendInt(b []byte, key string, n int) []byte {
	if n == 0 {
		return b
	}
	b = append(append(append(b, `,"`...), key...), `":`...)
	return strconv.AppendInt(b, int64(n), 10)
}

func appendJSON(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always encodes
	return append(b, quoted...)
}
