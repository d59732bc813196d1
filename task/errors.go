package task

import (
	"errors"
	"fmt"
	"time"
)

// Errors that a firing may match with errors.Is.
var (
	// ErrInvalid matches every refusal that is the fault of the task or its options: firing it again unchanged
	// fails again. An API answers 400 to it.
	ErrInvalid = errors.New("task is invalid")
	// ErrTooLarge says that the encoded task does not fit its transport. It is also ErrInvalid.
	ErrTooLarge = errors.New("task is too large")
	// ErrDelay says that the transport cannot delay a task that long. It is also ErrInvalid.
	ErrDelay = errors.New("delay is too long")
	// ErrHops says that the task stands at the end of a chain of more than [MaxHops] tasks that fired each other.
	// It is also ErrInvalid.
	ErrHops = errors.New("too many hops")
	// ErrMalformed says that bytes are no envelope, or one that its own rules forbid.
	ErrMalformed = errors.New("envelope is malformed")
	// ErrNewerEnvelope says that an envelope needs a newer reader than this build. Keep it for one.
	ErrNewerEnvelope = errors.New("envelope needs a newer reader")
)

// InvalidError carries the facts of a refusal. It matches [ErrInvalid] and whatever Err matches.
type InvalidError struct {
	Name string // the task name
	ID   string // the task id, "" when none was minted yet
	Err  error  // what is wrong
}

// Error names the task and what is wrong with it.
func (e *InvalidError) Error() string { return fmt.Sprintf("task %q: %v", e.Name, e.Err) }

// Unwrap returns Err.
func (e *InvalidError) Unwrap() error { return e.Err }

// Is makes every InvalidError match [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks a handler's error as one that no retry will mend: the worker moves the task to the dead-letter queue
// now, with the error as the reason. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err, or an error that it wraps, was marked by [Permanent].
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

type retryAfterError struct {
	err   error
	after time.Duration
}

func (e *retryAfterError) Error() string { return e.err.Error() }
func (e *retryAfterError) Unwrap() error { return e.err }

// RetryAfter marks a handler's error with the earliest time of the next attempt: d from now, instead of the backoff
// of the policy. It still counts as an attempt. A negative d counts as 0; the worker holds a task at most 11 hours.
// RetryAfter(nil, d) is nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryAfterError{err, max(d, 0)}
}

// RetryDelay returns the wait that [RetryAfter] put on err or on an error that it wraps.
func RetryDelay(err error) (d time.Duration, ok bool) {
	var r *retryAfterError
	if !errors.As(err, &r) {
		return 0, false
	}
	return r.after, true
}
