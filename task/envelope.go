package task

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The attributes that Offload defines, and the version of the wire format that this build reads. See docs/wire.md.
const (
	attrAttempt     = "offloadattempt"
	attrHops        = "offloadhops"
	attrMaxAttempts = "offloadmaxattempts"
	attrTimeout     = "offloadtimeout"
	attrReader      = "offloadreader"

	attrTraceParent = "traceparent"
	attrTraceState  = "tracestate"

	// ReaderVersion is the newest value of the attribute offloadreader that this build understands.
	ReaderVersion = 2

	contentTypeJSON = "application/json"
)

// Envelope is the wire form of a task: a CloudEvents 1.0 event in structured JSON (docs/wire.md). It is immutable and
// may be shared between goroutines. [Task.Encode] and [Parse] make envelopes; the zero Envelope is empty.
type Envelope struct {
	id, name, source string
	class            string // in the memory of the host only
	time             time.Time
	body, data       []byte  // data is a part of body, or was read from the payload
	extras           *extras // constant, shared by copies; nil: none
}

// extras are what most envelopes do not have. They are apart so that an envelope is quickly copied.
type extras struct {
	contentType   string // "" stands for JSON
	expires       time.Time
	attempt, hops int
	maxAttempts   int
	timeout       time.Duration
	headers       []header
	payload       *Payload // what stands in the place of data
	rewrite       bool     // the body has attributes that another payload must replace

	// In the memory of the host only: the transport carries the delay.
	delay time.Duration
	since time.Time // what delay counts from; zero: the time of the envelope
}

var noExtras = &extras{}

// rest is for reading.
func (e *Envelope) rest() *extras {
	if e.extras == nil {
		return noExtras
	}
	return e.extras
}

// none reports that all of x has its zero value.
func (x *extras) none() bool {
	return x.contentType == "" && x.expires.IsZero() && x.attempt == 0 && x.hops == 0 && x.maxAttempts == 0 && x.timeout == 0 &&
		len(x.headers) == 0 && x.payload == nil && !x.rewrite && x.delay == 0 && x.since.IsZero()
}

// setExtras keeps a copy of x, if there is anything in it.
func (e *Envelope) setExtras(x *extras) {
	e.extras = nil
	if !x.none() {
		kept := *x
		e.extras = &kept
	}
}

// ID is the task id.
func (e Envelope) ID() string { return e.id }

// Name is the task name on the wire, the CloudEvents type.
func (e Envelope) Name() string { return e.name }

// Source names the firing service.
func (e Envelope) Source() string { return e.source }

// Time is when the task was fired, by the clock of the firing host.
func (e Envelope) Time() time.Time { return e.time }

// Expires is the time after which the task must not start; zero if it never expires.
func (e Envelope) Expires() time.Time { return e.rest().expires }

// Attempts is how often the task was tried before this envelope was sent: 0 unless a worker sent it on.
func (e Envelope) Attempts() int { return e.rest().attempt }

// Hops is how many tasks stand before this one in the chain of tasks that fired each other.
func (e Envelope) Hops() int { return e.rest().hops }

// MaxAttempts is what the firing asked for; 0 leaves it to the definition.
func (e Envelope) MaxAttempts() int { return e.rest().maxAttempts }

// Timeout is what the firing asked for; 0 leaves it to the definition.
func (e Envelope) Timeout() time.Duration { return e.rest().timeout }

// Headers returns the extension attributes that neither CloudEvents nor Offload gives another meaning, as text; nil if
// there are none. The map is the caller's.
func (e Envelope) Headers() map[string]string {
	headers := e.rest().headers
	if len(headers) == 0 {
		return nil
	}
	m := make(map[string]string, len(headers))
	for _, h := range headers {
		m[h.key] = h.value
	}
	return m
}

// Header returns one of [Envelope.Headers], "" if it is not there.
func (e Envelope) Header(key string) string {
	for _, h := range e.rest().headers {
		if h.key == key {
			return h.value
		}
	}
	return ""
}

// Class is the queue class to route by. It does not travel: an envelope that was parsed has class "".
func (e Envelope) Class() string { return e.class }

// Delay is how long after its firing the task may start. It does not travel in the body: an envelope that was parsed has
// delay 0. A transport holds the task back for what is left of it, [Envelope.DelayLeft].
func (e Envelope) Delay() time.Duration { return e.rest().delay }

// DelayLeft is what is left of Delay at the time now: it counts from the firing, or from what [Envelope.Again] was told,
// so that a task whose sending took several attempts starts no later for them. It is 0 to Delay, whatever the clock says.
func (e Envelope) DelayLeft(now time.Time) time.Duration {
	x := e.rest()
	if x.delay == 0 {
		return 0
	}
	since := x.since
	if since.IsZero() {
		since = e.time
	}
	return min(max(0, x.delay-now.Sub(since)), x.delay)
}

// Size is the length of the body in bytes.
func (e Envelope) Size() int { return len(e.body) }

// Body is the event as it travels. Do not change it.
func (e Envelope) Body() []byte { return e.body }

// Data is the encoded arguments, a part of the body; nil if there are none, or if they are elsewhere ([Envelope.Payload]).
// Do not change it.
func (e Envelope) Data() []byte { return e.data }

// Restore makes an envelope again from what a host kept of it: its body, and the class and the delay, which are not in the
// body. It keeps body, which must not change afterwards. A body that a newer version of this module wrote is restored too:
// the host that sends it need not understand it. Other errors match [ErrMalformed].
func Restore(body []byte, class string, delay time.Duration) (Envelope, error) {
	e, err := Parse(body)
	if err != nil && !errors.Is(err, ErrNewerEnvelope) {
		return Envelope{}, err
	}
	x := *e.rest()
	x.delay = delay
	e.class = class
	e.setExtras(&x)
	return e, nil
}

// Again returns the same task, to be sent once more by a worker after the given number of attempts, and to start delay
// after now. Attributes that this build does not know are kept.
func (e Envelope) Again(attempts int, delay time.Duration, now time.Time) (Envelope, error) {
	ms, err := members(e.body)
	if err != nil {
		return Envelope{}, fmt.Errorf("task %q: send again: %w: %w", e.name, ErrMalformed, err)
	}
	ms = slices.DeleteFunc(ms, func(m member) bool { return m.key == attrAttempt })
	at := max(0, len(ms)-1) // before the data, which the encoder writes last
	ms = slices.Insert(ms, at, member{attrAttempt, strconv.AppendInt(nil, int64(attempts), 10)})
	again, err := Parse(e.safe(appendMembers(make([]byte, 0, len(e.body)+len(attrAttempt)+16), ms)))
	x := *again.rest()
	x.delay, x.since = delay, now
	again.class = e.class
	again.setExtras(&x)
	return again, err
}

// Parse reads an envelope from the body of a message. It keeps body, which must not change afterwards. Unknown
// attributes are tolerated and kept. An error matches [ErrMalformed] (no JSON object, a required attribute missing or
// of a wrong type, a key that is doubled or differs from another or from a known one by case only) or
// [ErrNewerEnvelope]; with the latter the envelope returned has what could be read, its id and name at least.
func Parse(body []byte) (Envelope, error) {
	ms, err := members(body)
	if err != nil {
		return Envelope{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	e := Envelope{body: body}
	var x extras
	reader, version := 0, ""
	var wrong error // with the first attribute that cannot be read
	for _, m := range ms {
		switch m.key {
		case "specversion":
			err = m.text(&version)
		case attrReader:
			err = m.number(&reader)
			x.rewrite = true
		default:
			err = e.set(m, &x)
		}
		if err != nil && wrong == nil {
			wrong = fmt.Errorf("%q: %w", m.key, err)
		}
	}
	e.setExtras(&x)
	newer := reader > ReaderVersion
	if newer {
		wrong = nil // a newer version may write what this build cannot read
	}
	if wrong == nil {
		wrong = e.complete(version)
	}
	if wrong == nil && !newer {
		wrong = e.checkPayload()
	}
	if wrong != nil {
		return Envelope{}, fmt.Errorf("%w: %w", ErrMalformed, wrong)
	}
	if newer {
		return e, fmt.Errorf("task %q: %w: it asks for version %d, this build reads %d: update the worker", e.name, ErrNewerEnvelope, reader, ReaderVersion)
	}
	return e, nil
}

// set takes over one attribute.
func (e *Envelope) set(m member, x *extras) error {
	switch m.key {
	case "id":
		return m.text(&e.id)
	case "source":
		return m.text(&e.source)
	case "type":
		return m.text(&e.name)
	case "time":
		return m.time(&e.time)
	case "expirytime":
		return m.time(&x.expires)
	case "datacontenttype":
		err := m.text(&x.contentType)
		if x.contentType == contentTypeJSON {
			x.contentType = ""
		}
		return err
	case "data":
		e.data = m.value
	case attrRef, attrBase64, attrDigest, attrEncoding, attrLength:
		return x.setPayload(m)
	case attrAttempt:
		return m.number(&x.attempt)
	case attrHops:
		return m.number(&x.hops)
	case attrMaxAttempts:
		return m.number(&x.maxAttempts)
	case attrTimeout:
		var ms int
		err := m.number(&ms)
		x.timeout = time.Duration(ms) * time.Millisecond
		return err
	default:
		if reserved(m.key) {
			return nil // defined, and without a meaning here
		}
		m.header(&x.headers)
	}
	return nil
}

// complete judges the required attributes.
func (e *Envelope) complete(version string) error {
	if version != "1.0" {
		return fmt.Errorf(`"specversion" is %q, not "1.0": this is no CloudEvents 1.0 event`, version)
	}
	if err := checkID(e.id); err != nil {
		return fmt.Errorf(`"id": %w`, err)
	}
	if err := checkName(e.name); err != nil {
		return fmt.Errorf(`"type": %w`, err)
	}
	if e.source == "" {
		return fmt.Errorf(`"source" is missing or empty`)
	}
	return nil
}

var known = func() map[string]bool {
	m := map[string]bool{}
	for _, k := range []string{
		"specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "subject", "data", attrBase64,
		"expirytime", "partitionkey", attrRef, attrDigest, attrEncoding, attrLength,
		attrAttempt, attrHops, attrMaxAttempts, attrTimeout, attrReader,
	} {
		m[k] = true
	}
	return m
}()

// reserved reports the keys that no header may have: those with a meaning, and Offload's whole prefix.
func reserved(key string) bool {
	return known[key] || len(key) >= 7 && key[:7] == "offload"
}

func (m member) text(into *string) error {
	if len(m.value) == 0 || m.value[0] != '"' {
		return fmt.Errorf("must be a string, not %s", m.value)
	}
	*into = unquote(m.value)
	return nil
}

func (m member) number(into *int) error {
	n, err := strconv.ParseInt(string(m.value), 10, 32) // the CloudEvents type Integer is signed 32 bit
	if err != nil || n < 0 {
		return fmt.Errorf("must be a whole number from 0 to 2147483647, not %s", m.value)
	}
	*into = int(n)
	return nil
}

func (m member) time(into *time.Time) error {
	var s string
	if err := m.text(&s); err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("must be an RFC 3339 time, not %q", s)
	}
	*into = t.UTC()
	return nil
}

// header keeps text as it is and other simple values as they are written; null means absent (CloudEvents JSON format,
// "Handling of null").
func (m member) header(into *[]header) {
	value := string(m.value)
	switch m.value[0] {
	case 'n':
		return
	case '"':
		value = unquote(m.value)
	case '{', '[':
		return // no CloudEvents type: tolerated, not shown
	}
	*into = append(*into, header{m.key, value})
}
