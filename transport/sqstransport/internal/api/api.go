// Package api is what a sender and a settler ask of Amazon SQS, in no one's types but its own, so that neither links the
// SDK's client.
package api

import (
	"context"

	"github.com/offloadhq/offload/internal/awserr"
)

// The operations, by their names in the API.
const (
	SendMessageBatch             = "SendMessageBatch"
	ChangeMessageVisibilityBatch = "ChangeMessageVisibilityBatch"
)

// Queues calls Amazon SQS. Implementations make one attempt, have no digests checked, and are safe for concurrent use.
// The ids of entries are their places in the request, in decimal. An error is one that awserr.Judge can judge with
// the watch of the call.
type Queues interface {
	SendMessageBatch(ctx context.Context, queueURL string, messages []Message, watch *awserr.Call) (Answer, error)
	ChangeMessageVisibilityBatch(ctx context.Context, queueURL string, changes []Visibility, watch *awserr.Call) (Answer, error)
	Facts() Facts
}

// Facts are what can be known of a client without a call.
type Facts struct {
	Endpoint string // that the configuration names, "" if the region decides
	Region   string // "" if it is not known
	Problem  error  // why the client cannot be used, nil if it can
}

// Message is an entry of SendMessageBatch.
type Message struct {
	Body       []byte
	Delay      int32 // in seconds
	Attributes []Attribute
	Trace      string // the system attribute AWSTraceHeader, "" if there is none
}

// TraceAttribute is the one system attribute that a sender may set. It is free: it counts neither as one of the ten
// attributes nor toward the size (Amazon SQS API Reference, SendMessage, MessageSystemAttribute).
const TraceAttribute = "AWSTraceHeader"

// Attribute is a message attribute of type String.
type Attribute struct{ Name, Value string }

// Visibility is an entry of ChangeMessageVisibilityBatch.
type Visibility struct {
	Receipt string
	Timeout int32 // in seconds
}

// Answer is what either operation answers.
type Answer struct {
	Successful []Success
	Failed     []Failure
}

// Success names an entry that was done. What the answer does not have is "", or the zero Digest.
type Success struct {
	ID, MessageID string
	Digest        Digest
}

// Digest is the MD5 of a body in hexadecimal.
type Digest [32]byte

// NewDigest returns the digest that text is; the zero Digest, which no body has, if it is of another length.
func NewDigest[T string | []byte](text T) (d Digest) {
	if len(text) == len(d) {
		copy(d[:], text)
	}
	return d
}

// Failure names an entry that was not done.
type Failure struct {
	ID, Code, Message string
	SenderFault       bool
}
