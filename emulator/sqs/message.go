package sqs

import (
	"strconv"
	"time"
)

// senderID stands for the caller: requests are not authenticated, so all
// senders are one user.
const senderID = "AIDAEMULATOR000000000"

// Message is a received message.
type Message struct {
	ID            string
	ReceiptHandle string // of this receive; Delete and ChangeVisibility take it
	Body          string
	BodyMD5       string // in hex

	// Attributes are the sender's. The map is shared: do not change it.
	Attributes map[string]MessageAttribute

	SentAt          time.Time // the first send; a dead-lettered message keeps it
	FirstReceivedAt time.Time
	Receives        int // this receive and all before it, over all queues

	TraceHeader         string // X-Ray header, or ""
	GroupID             string // message group, or ""
	DeadLetterSourceARN string // the queue that dead-lettered it, or ""
}

func (q *queue) export(m *message) Message {
	return Message{
		ID:                  m.id,
		ReceiptHandle:       receipt{q.serial, m.key, m.nonce}.String(),
		Body:                m.body,
		BodyMD5:             m.bodyMD5,
		Attributes:          m.attributes,
		SentAt:              m.enqueued,
		FirstReceivedAt:     m.firstReceived,
		Receives:            m.receives,
		TraceHeader:         m.trace,
		GroupID:             m.group,
		DeadLetterSourceARN: m.source,
	}
}

// systemAttributes lists the names of system attributes, in the order in which
// they are written.
var systemAttributes = []string{
	"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	traceAttribute, "MessageGroupId", "DeadLetterQueueSourceArn",
}

// systemAttribute returns the value of one of them, or "" if the message has
// none.
func (m *Message) systemAttribute(name string) string {
	switch name {
	case "SenderId":
		return senderID
	case "SentTimestamp":
		return strconv.FormatInt(m.SentAt.UnixMilli(), 10)
	case "ApproximateReceiveCount":
		return strconv.Itoa(m.Receives)
	case "ApproximateFirstReceiveTimestamp":
		return strconv.FormatInt(m.FirstReceivedAt.UnixMilli(), 10)
	case traceAttribute:
		return m.TraceHeader
	case "MessageGroupId":
		return m.GroupID
	case "DeadLetterQueueSourceArn":
		return m.DeadLetterSourceARN
	}
	return ""
}

// SystemAttributes returns what SQS knows of the message under AWS's names, as
// an event source mapping passes it on ("attributes" of a record): SenderId,
// SentTimestamp, ApproximateReceiveCount, ApproximateFirstReceiveTimestamp, and
// AWSTraceHeader, MessageGroupId, DeadLetterQueueSourceArn where there is one.
// Times are Unix milliseconds.
func (m *Message) SystemAttributes() map[string]string {
	all := make(map[string]string, len(systemAttributes))
	for _, name := range systemAttributes {
		if value := m.systemAttribute(name); value != "" {
			all[name] = value
		}
	}
	return all
}
