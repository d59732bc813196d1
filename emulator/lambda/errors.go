package lambda

import (
	"errors"
	"fmt"
	"net/http"
)

// The kinds of error that an invocation is refused with, for errors.Is. The facts are in [*Error].
var (
	ErrNotFound  = errors.New("function or qualifier does not exist")
	ErrThrottled = errors.New("function is at its concurrency limit")
	ErrTooLarge  = errors.New("payload is too large")
	ErrInvalid   = errors.New("request is not valid")
	ErrService   = errors.New("service failed")
	ErrClosed    = errors.New("emulator is closed")
)

// Error is an error of the Invoke API, as AWS writes it (AWS Lambda API Reference, "Invoke", "Errors"). The function did
// not run. It unwraps to one of the kinds above.
type Error struct {
	Code    string // ResourceNotFoundException and so on: the X-Amzn-ErrorType header
	Status  int    // HTTP
	Reason  string // of a TooManyRequestsException, else ""
	Message string
	kind    error
}

// Error returns the message, with the code.
func (e *Error) Error() string { return fmt.Sprintf("lambda: %s: %s", e.Code, e.Message) }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.kind }

func errNotFound(format string, args ...any) *Error {
	return &Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: fmt.Sprintf(format, args...), kind: ErrNotFound}
}

func errInvalidParameter(format string, args ...any) *Error {
	return &Error{Code: "InvalidParameterValueException", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...), kind: ErrInvalid}
}

func errInvalidContent(cause error) *Error {
	return &Error{
		Code: "InvalidRequestContentException", Status: http.StatusBadRequest, kind: ErrInvalid,
		Message: "Could not parse request body into json: " + cause.Error(),
	}
}

func errTooLarge(limit int) *Error {
	return &Error{
		Code: "RequestTooLargeException", Status: http.StatusRequestEntityTooLarge, kind: ErrTooLarge,
		Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit),
	}
}

func errThrottled(reserved bool) *Error {
	e := &Error{
		Code: "TooManyRequestsException", Status: http.StatusTooManyRequests, kind: ErrThrottled,
		Reason: "ConcurrentInvocationLimitExceeded", Message: "Rate Exceeded.",
	}
	if reserved {
		e.Reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
	}
	return e
}

func errService(kind, cause error) *Error {
	return &Error{Code: "ServiceException", Status: http.StatusInternalServerError, Message: cause.Error(), kind: kind}
}
