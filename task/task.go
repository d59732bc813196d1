package task

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// Task is a definition with arguments, not yet fired. It is an ordinary value; the zero Task is refused when fired.
type Task struct {
	def  *definition
	args any
}

// Name is the task name; "" for the zero Task.
func (t Task) Name() string {
	if t.def == nil {
		return ""
	}
	return t.def.name
}

// Class is the queue class of the definition, which the option [Queue] of a firing may change; "" for the zero Task.
func (t Task) Class() string {
	if t.def == nil {
		return ""
	}
	return t.def.policy.Class
}

// Encode makes the wire form. It is what clients call; programs call Fire. id is the task id unless the option [ID]
// gives another; source is the CloudEvents source, a URI reference that names the firing service; now is the time of
// the firing.
//
// Arguments are encoded with encoding/json, without HTML escaping. What cannot be encoded (a channel, a function, NaN,
// a cycle, a MarshalJSON that fails or panics) is an error, never a panic. Every error is an [*InvalidError] and
// matches [ErrInvalid]; a chain of more than [MaxHops] tasks matches [ErrHops].
func (t Task) Encode(id, source string, now time.Time, opts ...FireOption) (Envelope, error) {
	if t.def == nil {
		return Envelope{}, &InvalidError{Err: errors.New("a zero task.Task: make tasks with Definition.With")}
	}
	x := encoders.Get().(*encoder)
	x.firing = firing{id: id, now: now, class: t.def.policy.Class, expires: t.def.policy.Expires}
	e, err := x.envelope(t, source, opts)
	if err != nil {
		// The encoder is not used again: a panic may have left it torn.
		return Envelope{}, &InvalidError{Name: t.def.name, ID: x.firing.id, Err: err}
	}
	if x.buf.Cap() <= maxPooled {
		encoders.Put(x)
	}
	return e, nil
}

// envelope applies the options and writes the event.
func (x *encoder) envelope(t Task, source string, opts []FireOption) (Envelope, error) {
	f := &x.firing
	for _, o := range opts {
		if o == nil {
			continue
		}
		if err := o.fire(f); err != nil {
			return Envelope{}, err
		}
	}
	f.carryTrace()
	if err := f.check(); err != nil {
		return Envelope{}, err
	}
	if source != x.source || source == "" {
		if err := checkSource(source); err != nil {
			return Envelope{}, err
		}
		x.source = source
	}
	e := Envelope{
		id: f.id, name: t.def.name, source: source, contentType: contentTypeJSON,
		time:  f.now.UTC().Truncate(time.Microsecond),
		class: f.class, delay: f.delay, since: f.now,
		maxAttempts: f.maxAttempts, timeout: f.timeout, hops: f.hops,
		headers: f.headers,
	}
	if f.expires > 0 {
		e.expires = e.time.Add(f.expires)
	}
	if err := x.write(&e, t.args); err != nil {
		return Envelope{}, fmt.Errorf("encode %T: %w", t.args, err)
	}
	return e, nil
}

// check judges what the options and the caller of Encode say together.
func (f *firing) check() error {
	if err := checkID(f.id); err != nil {
		return err
	}
	if f.hops > MaxHops {
		return fmt.Errorf("hop %d: %w: tasks have fired each other %d times in a row", f.hops, ErrHops, MaxHops)
	}
	if f.expires > 0 && f.delay >= f.expires {
		return fmt.Errorf("delay %v: not before the task expires, %v after its firing", f.delay, f.expires)
	}
	if f.now.Unix() < firstSecond || f.now.Add(f.expires).Unix() > lastSecond {
		return fmt.Errorf("time %v: RFC 3339 has the years 0 to 9999 only: check the clock of this host", f.now.UTC())
	}
	return nil
}

// The seconds that RFC 3339 can write: those of the years 0 to 9999.
var (
	firstSecond = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastSecond  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

// encoder is what one call of Encode needs and the next may use again: the options' notes and a buffer with the JSON
// encoder that writes into it.
type encoder struct {
	firing firing
	buf    bytes.Buffer
	json   *json.Encoder
	source string // the last one, which is right
	clock  clock
}

var encoders = sync.Pool{New: func() any {
	x := &encoder{}
	x.json = json.NewEncoder(&x.buf)
	x.json.SetEscapeHTML(false)
	return x
}}

// maxPooled keeps one huge task from pinning its buffer for ever.
const maxPooled = 64 << 10

// write fills body and data.
func (x *encoder) write(e *Envelope, args any) error {
	x.buf.Reset()
	x.buf.Write(e.appendAttributes(x.buf.AvailableBuffer(), &x.clock))
	x.buf.WriteString(`,"data":`)
	start := x.buf.Len()
	if err := x.encode(args); err != nil {
		return err
	}
	x.buf.Bytes()[x.buf.Len()-1] = '}' // in place of the newline that json.Encoder adds
	body := bytes.Clone(x.buf.Bytes())
	if data := body[start : len(body)-1]; !isQueueSafe(data) {
		body = append(append(body[:start:start], queueSafe(data)...), '}')
	}
	e.body, e.data = body, body[start:len(body)-1]
	return nil
}

func (x *encoder) encode(args any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError("MarshalJSON", r)
		}
	}()
	return x.json.Encode(args)
}

// isQueueSafe reports whether the JSON text b holds only characters that Amazon SQS accepts (SendMessage, MessageBody:
// #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF). JSON has no raw control characters, so
// U+FFFE, U+FFFF and invalid UTF-8 are all that is left to look for.
func isQueueSafe(b []byte) bool {
	const lead = 0xef // the first byte of both
	return utf8.Valid(b) && (bytes.IndexByte(b, lead) < 0 || !bytes.Contains(b, []byte("\ufffe")) && !bytes.Contains(b, []byte("\uffff")))
}

// queueSafe mends what isQueueSafe refuses: encoding/json writes U+FFFE and U+FFFF as they are, and here they become
// escapes; each run of invalid UTF-8, which a MarshalJSON can smuggle in, becomes one U+FFFD.
func queueSafe(b []byte) []byte {
	b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	b = bytes.ReplaceAll(b, []byte("\ufffe"), []byte(`\ufffe`))
	return bytes.ReplaceAll(b, []byte("\uffff"), []byte(`\uffff`))
}

func checkSource(source string) error {
	if source == "" {
		return errors.New(`source "": is empty`)
	}
	plain := true // a path of plain characters is a URI reference, and what most sources are
	for _, r := range source {
		if r <= 0x20 || r >= 0x7f || r == '"' || r == '\\' {
			return fmt.Errorf("source %q: is not a URI reference: holds %q", source, r)
		}
		plain = plain && (r == '/' || isPlain(byte(r)))
	}
	if plain {
		return nil
	}
	if _, err := url.Parse(source); err != nil {
		return fmt.Errorf("source %q: is not a URI reference: %w", source, err)
	}
	return nil
}

// appendAttributes writes the opening brace and every attribute but data. All values but headers are plain ASCII.
func (e *Envelope) appendAttributes(b []byte, c *clock) []byte {
	b = append(b, `{"specversion":"1.0"`...)
	b = appendString(b, "id", e.id)
	b = appendString(b, "source", e.source)
	b = appendString(b, "type", e.name)
	b = c.append(b, "time", e.time)
	b = appendString(b, "datacontenttype", e.contentType)
	if !e.expires.IsZero() {
		b = c.append(b, "expirytime", e.expires)
	}
	for _, h := range e.headers {
		b = append(b, ',', '"')
		b = append(b, h.key...)
		b = append(b, `":`...)
		b = appendJSON(b, h.value)
	}
	b = appendInt(b, attrHops, e.hops)
	b = appendInt(b, attrMaxAttempts, e.maxAttempts)
	return appendInt(b, attrTimeout, int(e.timeout/time.Millisecond))
}

func appendString(b []byte, key, plain string) []byte {
	b = append(append(append(b, `,"`...), key...), `":"`...)
	return append(append(b, plain...), '"')
}

// clock keeps the text of the last second that it wrote: most of the time the next is the same.
type clock struct {
	second int64
	text   []byte // up to the seconds, with the point; empty before the first
}

// append writes microseconds, always six digits. t is in UTC.
func (c *clock) append(b []byte, key string, t time.Time) []byte {
	if s := t.Unix(); s != c.second || len(c.text) == 0 {
		c.text = t.AppendFormat(c.text[:0], time.RFC3339)
		c.text[len(c.text)-1] = '.' // was the Z
		c.second = s
	}
	b = append(append(append(b, `,"`...), key...), `":"`...)
	b = append(b, c.text...)
	micros := t.Nanosecond() / int(time.Microsecond)
	for unit := 100_000; unit > 0; unit /= 10 {
		b = append(b, byte('0'+micros/unit%10))
	}
	return append(b, `Z"`...)
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
