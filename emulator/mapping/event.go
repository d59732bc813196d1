package mapping

import (
	"bytes"
	"encoding/json"
	"time"
)

// maxPayload is the most bytes of an event: the limit of a synchronous invocation, metadata and JSON escapes included.
// (AWS Lambda Developer Guide, "Lambda quotas" and "Using Lambda with Amazon SQS": 6 MB.)
const maxPayload = 6 << 20

const (
	eventOpen  = `{"Records":[`
	eventClose = `]}`
)

// record is one message in the event (AWS Lambda Developer Guide, "Example Amazon SQS message event").
type record struct {
	MessageID              string               `json:"messageId"`
	ReceiptHandle          string               `json:"receiptHandle"`
	Body                   string               `json:"body"`
	Attributes             map[string]string    `json:"attributes"`
	MessageAttributes      map[string]attribute `json:"messageAttributes"`
	MD5OfMessageAttributes string               `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody              string               `json:"md5OfBody"`
	EventSource            string               `json:"eventSource"`
	EventSourceARN         string               `json:"eventSourceARN"`
	AWSRegion              string               `json:"awsRegion"`
}

type attribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// held is a received message that has not been settled.
type held struct {
	id, receipt string
	record      []byte    // as it stands in the event
	expires     time.Time // when the queue shows it again
}

func (m *Mapping) encode(msg *Message, expires time.Time) (held, error) {
	r := record{
		MessageID: msg.MessageID, ReceiptHandle: msg.ReceiptHandle, Body: msg.Body,
		Attributes: msg.Attributes, MessageAttributes: make(map[string]attribute, len(msg.MessageAttributes)),
		MD5OfMessageAttributes: msg.MD5OfMessageAttributes, MD5OfBody: msg.MD5OfBody,
		EventSource: "aws:sqs", EventSourceARN: m.o.QueueARN, AWSRegion: m.region,
	}
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	for name, a := range msg.MessageAttributes {
		v := attribute{DataType: a.DataType, StringListValues: []string{}, BinaryListValues: [][]byte{}}
		if a.BinaryValue != nil {
			v.BinaryValue = a.BinaryValue
		} else {
			v.StringValue = &a.StringValue
		}
		r.MessageAttributes[name] = v
	}
	var b bytes.Buffer
	b.Grow(len(msg.Body) + len(msg.Body)/8 + 1024)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // Lambda writes < > & as they are, and each escape would count toward the 6 MB
	if err := e.Encode(r); err != nil {
		return held{}, err
	}
	return held{id: msg.MessageID, receipt: msg.ReceiptHandle, record: bytes.TrimSuffix(b.Bytes(), []byte("\n")), expires: expires}, nil
}

// batch is what one invocation gets.
type batch struct {
	messages []held
	size     int       // of the payload
	opened   time.Time // when its first message was received
}

// add takes h if the event stays within limit bytes. The first message is always taken: nothing smaller can be sent.
func (b *batch) add(h held, limit int, now time.Time) bool {
	size := b.size + len(h.record) + len(",")
	if len(b.messages) == 0 {
		b.opened = now
		size = len(eventOpen) + len(h.record) + len(eventClose)
	} else if size > limit {
		return false
	}
	b.messages, b.size = append(b.messages, h), size
	return true
}

func (b *batch) payload() []byte {
	p := make([]byte, 0, b.size)
	p = append(p, eventOpen...)
	for i := range b.messages {
		if i > 0 {
			p = append(p, ',')
		}
		p = append(p, b.messages[i].record...)
	}
	return append(p, eventClose...)
}

func (b *batch) ids() map[string]bool {
	ids := make(map[string]bool, len(b.messages))
	for i := range b.messages {
		ids[b.messages[i].id] = true
	}
	return ids
}

// expires is when the first of its messages is shown again.
func (b *batch) expires() time.Time {
	first := b.messages[0].expires
	for _, h := range b.messages[1:] {
		if h.expires.Before(first) {
			first = h.expires
		}
	}
	return first
}
