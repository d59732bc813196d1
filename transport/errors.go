package transport

import (
	"errors"
	"fmt"
)

// ErrNoResult says that a transport's answer does not mention an envelope.
var ErrNoResult = errors.New("transport gave no result for the task")

// Kind says what to do after an error.
type Kind uint8

// The kinds of errors. The zero value is the careful one: try again.
const (
	// Transient errors pass by themselves: the network, a timeout, a server error. Try again with backoff.
	Transient Kind = iota
	// Throttled means that the service asks to slow down. Try again with backoff.
	Throttled
	// Misconfigured errors stay until somebody mends the set-up: credentials, permissions, a queue or function that
	// does not exist, a disabled key. Every task is refused alike. Probe slowly, tell loudly.
	Misconfigured
	// Invalid means that this one envelope will never be accepted, and others may. Do not send it again.
	Invalid
)

// String returns "transient", "throttled", "misconfigured" or "invalid".
func (k Kind) String() string {
	switch k {
	case Transient:
		return "transient"
	case Throttled:
		return "throttled"
	case Misconfigured:
		return "misconfigured"
	case Invalid:
		return "invalid"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Error is a classified failure of a transport.
type Error struct {
	Kind   Kind
	Code   string // the service's error code, "" when there was no answer
	Target string // the queue or function, as configured
	Hint   string // what to do next, "" when trying again is all
	// Alone means that the failure is about this one envelope, whatever its kind: it says nothing of the transport, and others
	// may be accepted. A payload that could not be stored is such a failure.
	Alone bool
	Err   error
}

// Error reads: queue "…": CODE: message (what to do).
func (e *Error) Error() string {
	s := e.Target + ": "
	if e.Code != "" {
		s += e.Code + ": "
	}
	s += fmt.Sprint(e.Err)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err: that of the first [*Error] in its chain, else [Transient].
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Transient
}
