package awscall

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/internal/jsonscan"
)

// maxAnswer bounds what is read of an answer. Those of batches are a few kilobytes.
const maxAnswer = 256 << 10

// Error is an answer that is no success, or that cannot be read. It has the methods by which the SDK's errors are told
// apart.
type Error struct {
	Status    int
	Code      string // the service's error code, "" if the answer has none
	Message   string
	RequestID string
	// Corrected says that the request was signed by a wrong clock, and that the next one will not be.
	Corrected bool
	err       error
}

var _ smithy.APIError = (*Error)(nil)

func (e *Error) Error() string {
	switch {
	case e.err != nil:
		return fmt.Sprintf("HTTP %d: %v", e.Status, e.err)
	case e.Message != "":
		return e.Message
	}
	return fmt.Sprintf("HTTP %d: the answer has no message", e.Status)
}

// Unwrap returns what was wrong with the answer itself.
func (e *Error) Unwrap() error { return e.err }

// ErrorCode returns Code.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage returns Message.
func (e *Error) ErrorMessage() string { return e.Message }

// ErrorFault says whose fault it was, by the status.
func (e *Error) ErrorFault() smithy.ErrorFault {
	if e.Status >= 500 {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}

// HTTPStatusCode returns Status.
func (e *Error) HTTPStatusCode() int { return e.Status }

// ServiceRequestID returns RequestID.
func (e *Error) ServiceRequestID() string { return e.RequestID }

// ClockCorrected returns Corrected.
func (e *Error) ClockCorrected() bool { return e.Corrected }

// readAll reads the answer into b, to its end, so that the connection can be used again.
func readAll(r io.Reader, b []byte) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			if len(b) > maxAnswer {
				return b, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
			}
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// refusal reads an answer that is no success. The code stands in a header of the query protocol, which Amazon SQS also
// spoke, in a header of its own, or in the text. (Smithy, "AWS JSON 1.0 protocol" and "AWS query compatible".)
func refusal(r *http.Response, text []byte) *Error {
	e := &Error{Status: r.StatusCode, RequestID: r.Header.Get("X-Amzn-Requestid")}
	var typ, code string
	c := jsonscan.New(text)
	err := c.Object(func(key []byte) (err error) {
		if c.Peek() != '"' {
			return c.Skip()
		}
		switch string(key) {
		case "__type":
			typ, err = c.String()
		case "code", "Code":
			code, err = c.String()
		case "message", "Message":
			e.Message, err = c.String()
		default:
			err = c.Skip()
		}
		return err
	})
	query, _, _ := strings.Cut(r.Header.Get("X-Amzn-Query-Error"), ";")
	for _, found := range []string{query, r.Header.Get("X-Amzn-Errortype"), typ, code} {
		found, _, _ = strings.Cut(found, ":")
		if e.Code = found[strings.LastIndexByte(found, '#')+1:]; e.Code != "" {
			break
		}
	}
	if err == nil && !c.End() {
		err = errors.New("something follows its end")
	}
	if err != nil && e.Code == "" {
		e.Message = ""
		e.err = fmt.Errorf("the answer is none of the service: %.60q", text)
	}
	return e
}
