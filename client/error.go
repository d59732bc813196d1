package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/offloadhq/offload/task"
)

// Errors to match with errors.Is.
var (
	// ErrNotSent says that the transport does not have the task and will not get it: nothing left the host, or every
	// attempt was refused for certain, and no more is sent. Firing it again is safe.
	ErrNotSent = errors.New("task is not sent")
	// ErrUnconfirmed says that the transport may have the task: an attempt has no answer yet, or ended without one.
	// From Fire it means that sending goes on (see [Options].SendTimeout and OnResult), in OnResult and [CloseError] that
	// it has ended. Fire such a task again only with task.ID of its receipt.
	ErrUnconfirmed = errors.New("task is unconfirmed")
	// ErrBufferFull says that MaxPending or MaxPendingBytes is reached. Answer 503 and let the caller come back.
	ErrBufferFull = errors.New("buffer is full")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("client is closed")
	// ErrNoRoute says that no Sender serves the task's queue class. Add it to [Options].Routes.
	ErrNoRoute = errors.New("queue class has no route")
	// ErrNoDefault says that SetDefault was not called, or with nil. Call it at start.
	ErrNoDefault = errors.New("there is no default client")
)

// Error is why a task is not known to be delivered. It matches its Fact and whatever Err matches, such as
// [task.ErrInvalid], the error of a context, or a [*transport.Error].
type Error struct {
	ID       string // the task id
	Name     string // the task name
	Attempts int    // how often it was handed to the transport
	Fact     error  // ErrNotSent or ErrUnconfirmed
	Ended    bool   // no more will be sent; always true with ErrNotSent
	Err      error  // the cause
}

// Error names the task, the fact, what to do, and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "task %q (id %s): ", e.Name, e.ID)
	switch {
	case e.Fact != ErrUnconfirmed: //nolint:errorlint // the field holds the sentinel itself
		b.WriteString("not sent")
	case e.Ended:
		b.WriteString("unconfirmed: it may have arrived; fire it again only with task.ID of this id")
	default:
		b.WriteString("unconfirmed: sending goes on and its end goes to OnResult; fire it again only with task.ID of this id")
	}
	if e.Attempts > 0 {
		fmt.Fprintf(&b, " (attempts: %d)", e.Attempts)
	}
	cause := e.Err
	if invalid, ok := cause.(*task.InvalidError); ok { //nolint:errorlint // only the outermost repeats the name
		cause = invalid.Err
	}
	fmt.Fprintf(&b, ": %v", cause)
	return b.String()
}

// Unwrap returns the fact and the cause.
func (e *Error) Unwrap() []error { return []error{e.Fact, e.Err} }

// BatchError is what [Client.FireBatch] returns when a task of the batch failed. It matches whatever the error of one
// of them matches; to judge task by task read the receipts.
type BatchError struct {
	Tasks  int       // how many tasks the batch had
	Failed []Receipt // those with an error, in order
}

// Error counts the failures and tells the first.
func (e *BatchError) Error() string {
	return fmt.Sprintf("batch: %d of %d tasks failed, see the receipts; the first: %v", len(e.Failed), e.Tasks, e.Failed[0].Err)
}

// Unwrap returns the errors of the failed tasks.
func (e *BatchError) Unwrap() []error { return receiptErrors(e.Failed) }

// CloseError is what [Client.Close] returns when accepted tasks were not delivered, or OnResult did not return. It matches whatever
// the error of one of them matches, and Err.
type CloseError struct {
	// Undelivered are the tasks that ended undelivered after Close was called, each with its id, name, error and Envelope,
	// so that a caller can save it; except those whose caller was still waiting and was told another reason (a refusal, or
	// its own context). With ErrUnconfirmed a task may have arrived nevertheless.
	Undelivered []Receipt
	// Err is the error of the context that cut the draining short; nil if the draining came to its end.
	Err error
}

// Error counts the tasks and tells the first.
func (e *CloseError) Error() string {
	s := "close:"
	if n := len(e.Undelivered); n > 0 {
		s += fmt.Sprintf(" undelivered tasks: %d, the first: %v", n, e.Undelivered[0].Err)
	} else {
		s += " no task is lost, but OnResult has not returned"
	}
	if e.Err != nil {
		s += fmt.Sprintf("; draining was cut short: %v", e.Err)
	}
	return s
}

// Unwrap returns Err and the errors of the tasks.
func (e *CloseError) Unwrap() []error {
	errs := receiptErrors(e.Undelivered)
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

func receiptErrors(receipts []Receipt) []error {
	errs := make([]error, len(receipts))
	for i, r := range receipts {
		errs[i] = r.Err
	}
	return errs
}
