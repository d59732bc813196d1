package task

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// The attributes of an envelope whose data is not in it as JSON. See docs/wire.md, "Large payloads".
const (
	attrRef      = "dataref"
	attrBase64   = "data_base64"
	attrDigest   = "offloaddigest"
	attrEncoding = "offloadencoding"
	attrLength   = "offloadlength"

	// payloadReader is the oldest reader that knows them.
	payloadReader = 2
)

// Gzip is the only [Payload].Encoding: RFC 1952, one member, nothing after it.
const Gzip = "gzip"

// Payload says where the data of an envelope is, and in which form, when it does not stand in the body as JSON: in a
// claim-check store, or in the body and compressed. Package transport/claimcheck makes payloads and reads them.
type Payload struct {
	// Ref is the key of the stored bytes, the attribute dataref; "" when they are Inline. It comes from a message:
	// whoever follows it must know first that it leads nowhere but to the payload of this task.
	Ref string
	// Digest is the SHA-256 of the stored bytes in lower-case hexadecimal; "" when they are Inline.
	Digest string
	// Inline is the encoded data, when it is in the body (data_base64). Do not change it.
	Inline []byte
	// Encoding is [Gzip], or "" for data as it is.
	Encoding string
	// Length is that of the data, decoded, in bytes. It too is what a message says.
	Length int
}

// Payload returns where the data is, and true, if it is not in the body as JSON; [Envelope.Data] is nil then.
func (e Envelope) Payload() (Payload, bool) {
	p := e.rest().payload
	if p == nil || p.Ref == "" && p.Inline == nil || e.data != nil {
		return Payload{}, false
	}
	return *p, true
}

// WithPayload returns the same task with p in the place of its data: every other attribute, the class and the delay are
// kept, and a worker that does not know payloads keeps the message for one that does. It refuses a payload that is neither
// or both of Ref and Inline.
func (e Envelope) WithPayload(p Payload) (Envelope, error) {
	if (p.Ref == "") == (p.Inline == nil) || p.Length < 0 {
		return Envelope{}, fmt.Errorf("task %q: a payload is stored or inline, not %d bytes stored as %q and %d inline", e.name, p.Length, p.Ref, len(p.Inline))
	}
	body, err := e.head(len(p.Inline)*4/3 + 256)
	if err != nil {
		return Envelope{}, err
	}
	if p.Ref != "" {
		body = append(appendJSON(append(body, `,"`+attrRef+`":`...), p.Ref), `,"`+attrDigest+`":`...)
		body = appendJSON(body, p.Digest)
	}
	if p.Encoding != "" {
		body = appendJSON(append(body, `,"`+attrEncoding+`":`...), p.Encoding)
	}
	body = strconv.AppendInt(append(body, `,"`+attrLength+`":`...), int64(p.Length), 10)
	body = appendInt(body, attrReader, payloadReader)
	if p.Inline != nil {
		body = base64.StdEncoding.AppendEncode(append(body, `,"`+attrBase64+`":"`...), p.Inline)
		body = append(body, '"')
	}
	x := *e.rest()
	x.payload, x.rewrite = &p, true
	e.body, e.data = append(body, '}'), nil
	e.setExtras(&x)
	return e, nil
}

// WithData returns the envelope with data that was read from its payload. The body stays as it is, so that what is sent on
// or kept as a dead letter is as small as what came. data must be JSON, and must not change afterwards.
func (e Envelope) WithData(data []byte) Envelope {
	e.data = data
	return e
}

// head returns the body up to the end of its attributes, without the data and all that tells of a payload, and without the
// closing brace. It is a copy with room for more.
func (e Envelope) head(room int) ([]byte, error) {
	const before = `,"data":`
	if at := len(e.body) - 1 - len(e.data) - len(before); !e.rest().rewrite && len(e.data) > 0 && at > 0 &&
		&e.data[0] == &e.body[at+len(before)] && bytes.HasPrefix(e.body[at:], []byte(before)) {
		return e.safe(append(make([]byte, 0, at+room), e.body[:at]...)), nil
	}
	ms, err := members(e.body)
	if err != nil {
		return nil, fmt.Errorf("task %q: take the data out: %w: %w", e.name, ErrMalformed, err)
	}
	ms = slices.DeleteFunc(ms, func(m member) bool {
		switch m.key {
		case "data", attrRef, attrBase64, attrDigest, attrEncoding, attrLength, attrReader:
			return true
		}
		return false
	})
	body := appendMembers(make([]byte, 0, room+512), ms)
	return e.safe(body[:len(body)-1]), nil
}

// safe mends what a queue refuses, in an event that came by another road.
func (e Envelope) safe(text []byte) []byte {
	if isQueueSafe(text) {
		return text
	}
	return queueSafe(text)
}

// setPayload takes over one attribute of a payload. null means absent.
func (x *extras) setPayload(m member) error {
	x.rewrite = true
	if m.value[0] == 'n' {
		return nil
	}
	if x.payload == nil {
		x.payload = &Payload{}
	}
	p := x.payload
	switch m.key {
	case attrRef:
		return m.text(&p.Ref)
	case attrDigest:
		return m.text(&p.Digest)
	case attrEncoding:
		return m.text(&p.Encoding)
	case attrLength:
		return m.number(&p.Length)
	}
	var text string
	if err := m.text(&text); err != nil {
		return err
	}
	inline, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	p.Inline = append([]byte{}, inline...) // not nil, however short
	return nil
}

// checkPayload judges what the attributes say together. What a stored payload says of itself is judged by who follows it.
func (e *Envelope) checkPayload() error {
	p := e.rest().payload
	switch {
	case p == nil:
		return nil
	case p.Inline != nil && e.data != nil:
		return errors.New(`"data" and "data_base64" stand there both`)
	case p.Inline != nil && p.Ref != "":
		return errors.New(`"dataref" and "data_base64" stand there both`)
	case p.Inline != nil && p.Encoding == "":
		return errors.New(`"data_base64": binary data is not supported`)
	case p.Encoding != "" && p.Encoding != Gzip:
		return fmt.Errorf(`"offloadencoding": is %q: %q is known`, p.Encoding, Gzip)
	case p.Encoding != "" && e.data != nil:
		return errors.New(`"offloadencoding": "data" has none`)
	}
	return nil
}
