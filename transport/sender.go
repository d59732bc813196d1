package transport

import (
	"context"
	"fmt"
	"time"

	"github.com/offloadhq/offload/task"
)

// Sender takes envelopes out of the process. Implementations are safe for concurrent use: the client calls Send from
// as many goroutines as it has requests in flight.
type Sender interface {
	// Send makes one attempt to deliver each envelope and blocks until it knows, or until ctx ends. It makes no
	// retries of its own; whoever calls decides by the results. It takes any number of envelopes and makes as many
	// requests as [Limits] asks for. An envelope with a delay is held back for what is left of it when its request is
	// made ([task.Envelope.DelayLeft]), so that an attempt which comes late starts no task later.
	//
	// The results align with the batch. A missing result (a short or nil slice) reads as [Unknown]; see [ResultAt].
	// The error is nil exactly when every envelope was accepted; else it is the first result's that was not.
	Send(ctx context.Context, batch []task.Envelope) ([]Result, error)

	// Limits says what fits. It is constant for the life of the Sender.
	Limits() Limits
}

// Forgetful is a [Sender] that keeps nothing of a batch: once Send has returned, neither it nor anything that it has set off
// reads the slice, an envelope of it, or a body. What an envelope gives as a string may be kept. A client then uses the memory
// again, which saves an allocation a task. Nothing asks that a Sender be Forgetful.
type Forgetful interface {
	// Forgets returns the Sender that promises it. A client compares: a type that embeds a Forgetful Sender and keeps
	// envelopes itself has promised nothing.
	Forgets() Sender
}

// Limits is what one transport can take. A zero field means no limit, except MaxDelay, where zero means no delay.
type Limits struct {
	Items        int           // envelopes in a request
	BatchBytes   int           // bytes of all bodies in a request
	MessageBytes int           // bytes of one body; leaves room for what a worker adds to a dead letter
	MaxDelay     time.Duration // the longest delay of one envelope, counted from its firing
	Ordered      bool          // envelopes of one group stay in order
}

// Outcome is the fact that a send established about one envelope.
type Outcome uint8

// The three outcomes. The zero value is Unknown, so that what nobody answered for is never taken for done.
const (
	Unknown  Outcome = iota // it may be stored or not: send it again, with the same id
	Accepted                // the transport has stored it durably
	Rejected                // it is not stored, for certain; Result.Err tells whether another try makes sense
)

// String returns "unknown", "accepted" or "rejected".
func (o Outcome) String() string {
	switch o {
	case Unknown:
		return "unknown"
	case Accepted:
		return "accepted"
	case Rejected:
		return "rejected"
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// Result is what became of one envelope.
type Result struct {
	Outcome   Outcome
	MessageID string // the transport's own id, for logs; a second copy of a task has another one
	Err       error  // nil exactly when Accepted; see [KindOf]
}

// ResultAt returns result i, or an Unknown one if the Sender gave none.
func ResultAt(results []Result, i int) Result {
	if i < len(results) {
		r := results[i]
		if r.Outcome != Accepted && r.Err == nil {
			r.Err = ErrNoResult
		}
		return r
	}
	return Result{Err: ErrNoResult}
}

// FirstError returns the error that goes with results: that of the first envelope that was not accepted, nil if all n
// were. Senders return it.
func FirstError(results []Result, n int) error {
	for i := range n {
		if r := ResultAt(results, i); r.Outcome != Accepted {
			return r.Err
		}
	}
	return nil
}
