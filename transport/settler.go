package transport

import (
	"context"
	"time"
)

// Delivery is an envelope that has arrived, not yet parsed.
type Delivery struct {
	// Source is the queue it came from (for Amazon SQS the queue's ARN); "" for a direct invocation, which has no
	// queue and cannot be given back.
	Source string
	// MessageID is the transport's id of this message. Deduplicate by the task id, never by this.
	MessageID string
	// Receipt is what the transport needs to settle this delivery; it differs with every receive.
	Receipt string
	// Body is the message as it came.
	Body []byte
	// Receives is how often the message was received, this time included; at least 1.
	Receives int
	// Attributes are the transport's own facts about the message (for Amazon SQS the system attributes). May be nil.
	Attributes map[string]string
}

// MaxHold is the longest time that [Settler].Retry may be asked for. Amazon SQS allows 12 hours from each receive
// (ChangeMessageVisibility); an hour of it is left to the handler.
const MaxHold = 11 * time.Hour

// Settler decides about deliveries that were not done. Implementations are safe for concurrent use.
//
// Both methods return one error per delivery, in order; a nil slice means that all went well. They block until the
// transport has answered or ctx ends.
type Settler interface {
	// Retry makes each delivery visible again after its wait, which is 0 to [MaxHold]; a transport may round it up to
	// its resolution. The delivery must also be reported as failed. An error means that the queue's own visibility
	// timeout holds instead; nothing is lost.
	Retry(ctx context.Context, d []Delivery, after []time.Duration) []error

	// DeadLetter stores each delivery, body unchanged, in the dead-letter queue of its source with the reason beside
	// it. Nil means stored: only then may the delivery be acknowledged. On an error it must be reported as failed.
	DeadLetter(ctx context.Context, d []Delivery, why []Reason) []error
}
