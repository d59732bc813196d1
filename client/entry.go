package client

import (
	"context"
	"time"

	"github.com/offloadhq/offload/task"
)

// place is where an entry is on its way.
type place uint8

const (
	ready   place = iota // in the line for the next request
	resting              // waits until it may be tried again
	flying               // in a request
	ended
)

// entry is one accepted task from its acceptance to its end.
type entry struct {
	envelope task.Envelope
	fired    context.Context //nolint:containedctx // the caller's: only its values are used, for the request that the entry leads
	cohort   *cohort
	deadline time.Time     // no attempt starts after it
	answer   chan struct{} // closed when told is set for a caller that still waits

	// Guarded by the mutex of the route.
	place      place
	prev, next *entry    // in the line
	due        time.Time // when resting
	position   int       // among the resting
	attempts   int
	doubtful   bool    // an attempt may have arrived
	last       error   // of the last attempt
	answered   bool    // Fire has its answer, or is about to
	owed       bool    // Fire was told ErrUnconfirmed, so OnResult gets the end
	told       Receipt // the answer; read after answer is closed
	end        Receipt // set when the entry ends, and then constant
}

func (e *entry) receipt(err error) Receipt {
	return Receipt{ID: e.envelope.ID(), Name: e.envelope.Name(), Class: e.envelope.Class(), Attempts: e.attempts, Err: err}
}

// unconfirmed is what a caller is told while sending goes on.
func (e *entry) unconfirmed(cause error) *Error {
	return &Error{ID: e.envelope.ID(), Name: e.envelope.Name(), Attempts: e.attempts, Fact: ErrUnconfirmed, Err: cause}
}

// failure makes the error of an entry out of what is known of it.
func (e *entry) failure(cause error) *Error {
	err := &Error{ID: e.envelope.ID(), Name: e.envelope.Name(), Attempts: e.attempts, Fact: ErrNotSent, Ended: true, Err: cause}
	if e.doubtful {
		err.Fact = ErrUnconfirmed
	}
	return err
}
