package lambda

import (
	"encoding/json"
	"time"
)

// condition is why an asynchronous event has failed for good.
type condition string

const (
	retriesExhausted condition = "RetriesExhausted"
	ageExceeded      condition = "EventAgeExceeded"
)

// record is what an OnFailure destination gets ("Capturing records of Lambda asynchronous invocations"). What the
// function would have said is not there if it never ran.
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string    `json:"requestId"`
	FunctionARN            string    `json:"functionArn"` // always qualified
	Condition              condition `json:"condition"`
	ApproximateInvokeCount int       `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError"`
}

// newRecord is the record of e. It is encoded here, so that a payload goes into it as it is.
func newRecord(e *asyncEvent, c condition, now time.Time) ([]byte, error) {
	r := record{
		Version:   "1.0",
		Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{
			RequestID: e.id, FunctionARN: e.qualifiedARN, Condition: c, ApproximateInvokeCount: e.runs,
		},
		RequestPayload: asJSON(e.payload),
	}
	if e.last != nil {
		r.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: e.last.ExecutedVersion, FunctionError: e.last.FunctionError}
		r.ResponsePayload = asJSON(e.last.Payload)
	}
	return json.Marshal(r)
}

// asJSON is b if it is JSON, else b as a JSON string.
func asJSON(b []byte) json.RawMessage {
	if json.Valid(b) {
		return b
	}
	s, _ := json.Marshal(string(b)) // a string can always be encoded
	return s
}
