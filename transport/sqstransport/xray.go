package sqstransport

import (
	"context"
	"strings"

	"github.com/offloadhq/offload/internal/awscall"
	"github.com/offloadhq/offload/task"
)

// traceHeader is the X-Ray header of a message: what traceparent says, in the words of AWS X-Ray. It is "" if the task
// has no valid traceparent.
//
// It is "" too in a Lambda function. There the request as a whole carries the header of the invocation, which holds for
// every message that has none of its own. That one has the lineage by which Lambda stops a chain of invocations
// ("Use Lambda recursive loop detection to prevent infinite loops"), and a header here would take its place.
func traceHeader(ctx context.Context, e *task.Envelope) string {
	parent := e.Header("traceparent")
	if parent == "" || awscall.InvocationTrace(ctx) != "" {
		return ""
	}
	return xray(parent)
}

// xray turns a traceparent (W3C Trace Context, "traceparent Header") into a tracing header (AWS X-Ray Developer Guide,
// "Tracing header" and "Trace ID format"). It is "" for what the former calls invalid.
func xray(traceparent string) string {
	const version, id, parent, flags, length = 0, 3, 36, 53, 55
	switch {
	case len(traceparent) < length, traceparent[id-1] != '-', traceparent[parent-1] != '-', traceparent[flags-1] != '-':
		return ""
	case !isHex(traceparent[version : id-1]), !isHex(traceparent[id : parent-1]), !isHex(traceparent[parent : flags-1]), !isHex(traceparent[flags:length]):
		return ""
	case isZero(traceparent[id : parent-1]), isZero(traceparent[parent : flags-1]):
		return ""
	}
	switch traceparent[version : id-1] {
	case "ff":
		return ""
	case "00":
		if len(traceparent) > length {
			return ""
		}
	default: // of a newer version, which may have more after another dash
		if len(traceparent) > length && traceparent[length] != '-' {
			return ""
		}
	}
	sampled := "0"
	if strings.IndexByte("13579bdf", traceparent[length-1]) >= 0 { // the lowest bit of the flags
		sampled = "1"
	}
	return "Root=1-" + traceparent[id:id+8] + "-" + traceparent[id+8:parent-1] + ";Parent=" + traceparent[parent:flags-1] + ";Sampled=" + sampled
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isZero(s string) bool {
	for i := range len(s) {
		if s[i] != '0' {
			return false
		}
	}
	return true
}
