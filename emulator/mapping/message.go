package mapping

import (
	"context"
	"errors"
	"time"
)

// Message is one received message, as it goes into the event.
type Message struct {
	MessageID     string
	ReceiptHandle string // of this receive; [Queue.Delete] takes it
	Body          string
	MD5OfBody     string // lower-case hex

	// Attributes are the system attributes by AWS's names: SenderId, SentTimestamp, ApproximateReceiveCount,
	// ApproximateFirstReceiveTimestamp, and where there is one AWSTraceHeader, MessageGroupId, MessageDeduplicationId,
	// SequenceNumber, DeadLetterQueueSourceArn. They are passed on as they are.
	Attributes map[string]string

	// MessageAttributes are the sender's, and MD5OfMessageAttributes their digest ("" if there are none).
	MessageAttributes      map[string]Attribute
	MD5OfMessageAttributes string
}

// Attribute is a message attribute. DataType is String, Number or Binary, each with an optional ".custom" ending; the
// value of a Binary is in BinaryValue, of the others in StringValue.
type Attribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte
}

// Queue is what a mapping needs of a queue. It is called from several goroutines at once.
type Queue interface {
	// Receive returns at most max messages (1 to 10). It waits up to wait for the first one, returns as soon as there is
	// one, and returns none and no error when wait has passed. It must return promptly when ctx ends.
	Receive(ctx context.Context, max int, wait time.Duration) ([]Message, error)
	// Delete deletes at most 10 messages. A receipt that is no longer valid is not an error.
	Delete(ctx context.Context, receipts []string) error
	// VisibilityTimeout is how long a message received now stays hidden.
	VisibilityTimeout() time.Duration
}

// Invoker is what a mapping needs of a function: a synchronous invocation. It is called from several goroutines at once.
type Invoker interface {
	// Invoke runs the function with payload, which it must not change, and returns its answer. functionError is "" when
	// the function returned, else what the X-Amz-Function-Error header says, and response is then the error object. err
	// means that the function did not run; it is [ErrThrottled], by errors.Is, when there was no free concurrency.
	Invoke(ctx context.Context, payload []byte) (response []byte, functionError string, err error)
}

// ErrThrottled is what an [Invoker] returns when the function is at its concurrency limit.
var ErrThrottled = errors.New("function is throttled")
