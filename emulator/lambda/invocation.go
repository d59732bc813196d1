package lambda

import (
	"encoding/json"
	"fmt"
	"time"
)

// The limits of a payload ("Lambda quotas"; the response may have 100 bytes more than the request, as the service's own
// message says).
const (
	maxSyncRequest  = 6 << 20
	maxAsyncRequest = 1 << 20
	maxResponse     = 6<<20 + 100
)

// unhandled is the only value of X-Amz-Function-Error that OS-only runtimes give, for errors that a handler returns too.
const unhandled = "Unhandled"

// invocation is one run of a function.
type invocation struct {
	id       string
	arn      string // as invoked: with the qualifier, if any
	version  string
	trace    string
	kind     Kind
	payload  []byte
	wantTail bool

	done chan answer // buffered: the sandbox never waits for the caller

	// Owned by the sandbox:
	given  time.Time // when the process got it
	ended  time.Time // when it answered or ended
	result *result   // nil until then
	told   bool      // done has its answer
}

// answer is what the caller gets.
type answer struct {
	response Response
	err      error
}

// result is how an invocation ended.
type result struct {
	outcome   Outcome
	payload   []byte
	errorType string
}

// errorResult is a result in the words of Lambda: the function said nothing.
func errorResult(o Outcome, errorType, message string) *result {
	payload, _ := json.Marshal(struct {
		Type    string `json:"errorType,omitempty"`
		Message string `json:"errorMessage"`
	}{errorType, message})
	return &result{outcome: o, payload: payload, errorType: errorType}
}

// timeoutResult has no errorType, as Lambda's has none.
func timeoutResult(id string, now time.Time, timeout time.Duration) *result {
	r := errorResult(TimedOut, "", fmt.Sprintf("%s %s Task timed out after %.2f seconds",
		now.UTC().Format("2006-01-02T15:04:05.000Z"), id, timeout.Seconds()))
	r.errorType = "Sandbox.Timedout"
	return r
}

func exitResult(o Outcome, errorType, id, how string) *result {
	return errorResult(o, errorType, "RequestId: "+id+" Error: "+how)
}

// reportedResult is what the function itself has said, by an error of its own making.
func reportedResult(o Outcome, payload []byte) *result {
	var body struct {
		Type string `json:"errorType"`
	}
	_ = json.Unmarshal(payload, &body) // an error of another shape has no type
	return &result{outcome: o, payload: payload, errorType: body.Type}
}

func tooLargeResult() *result {
	return errorResult(Failed, "Function.ResponseSizeTooLarge",
		fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))
}

func (r *result) functionError() string {
	if r.outcome == Succeeded {
		return ""
	}
	return unhandled
}
