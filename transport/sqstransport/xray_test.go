package sqstransport_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

const (
	traceID, spanID = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
	xrayTrace       = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled="
	lineage         = "Root=1-11111111-111111111111111111111111;Parent=2222222222222222;Sampled=0;Lineage=a87bd80c:1"
)

// traceparents maps each to the X-Ray header that its message has, "" for none.
var traceparents = map[string]string{
	"00-" + traceID + "-" + spanID + "-01":       xrayTrace + "1",
	"00-" + traceID + "-" + spanID + "-00":       xrayTrace + "0",
	"00-" + traceID + "-" + spanID + "-02":       xrayTrace + "0", // random trace id, not sampled
	"00-" + traceID + "-" + spanID + "-03":       xrayTrace + "1",
	"00-" + traceID + "-" + spanID + "-fe":       xrayTrace + "0",
	"00-" + traceID + "-" + spanID + "-ff":       xrayTrace + "1",
	"01-" + traceID + "-" + spanID + "-01":       xrayTrace + "1", // of a newer version
	"cc-" + traceID + "-" + spanID + "-01-and-x": xrayTrace + "1",

	"": "", "00": "", "x": "", strings.Repeat("-", 55): "", strings.Repeat("0", 55): "",
	"00-" + traceID + "-" + spanID + "-01-x":                           "", // of this version, and longer
	"cc-" + traceID + "-" + spanID + "-011":                            "",
	"ff-" + traceID + "-" + spanID + "-01":                             "",
	"0g-" + traceID + "-" + spanID + "-01":                             "",
	"00-" + traceID + "-" + spanID + "-0":                              "",
	"00-" + traceID + "-" + spanID + "-0x":                             "",
	"00-" + strings.ToUpper(traceID) + "-" + spanID + "-01":            "",
	"00-" + traceID + "-" + strings.ToUpper(spanID) + "-01":            "",
	"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01":             "",
	"00-" + traceID + "-" + strings.Repeat("0", 16) + "-01":            "",
	"00_" + traceID + "-" + spanID + "-01":                             "",
	"00-" + traceID + "_" + spanID + "-01":                             "",
	"00-" + traceID + "-" + spanID + "_01":                             "",
	"00-é" + traceID[2:] + "-" + spanID + "-01":                        "",
	"00-" + traceID + "-" + spanID + ";Sampled=1;Lineage=a:1":          "",
	"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8": "",
}

func TestTraceparentTravelsAsXRayHeaderToo(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		for traceparent, want := range traceparents {
			got := sendOver(t, k, envelope(t, traceparent, task.Header("traceparent", traceparent)))
			if header, there := got[traceparent]; header != want || !there {
				t.Errorf("traceparent %q: the message has the X-Ray header %q, want %q", traceparent, header, want)
			}
		}
		mixed := sendOver(t, k,
			envelope(t, "plain"), envelope(t, "traced", task.Trace("00-"+traceID+"-"+spanID+"-01", "a=b")), envelope(t, "state", task.Header("tracestate", "a=b")))
		if len(mixed) != 3 || mixed["plain"] != "" || mixed["traced"] != xrayTrace+"1" || mixed["state"] != "" {
			t.Errorf("in a batch: %q", mixed)
		}
	})
}

// sendOver sends a batch through a queue of the emulator and returns the X-Ray header of each message by its text.
func sendOver(t *testing.T, k kind, batch ...task.Envelope) map[string]string {
	t.Helper()
	server := httptest.NewServer(emulator(t))
	defer server.Close()
	q := queue{t, sdk(nil, server.URL), createQueue(t, sdk(nil, server.URL), "work", nil)}
	if _, err := newSender(t, k.client(config(nil, server.URL)), q.url, nil).Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	for _, m := range q.drain() {
		e, err := task.Parse([]byte(*m.Body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := echo.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		headers[text] = m.Attributes["AWSTraceHeader"]
	}
	return headers
}

// TestInLambdaTheLineageOfTheInvocationStays: a message that had an X-Ray header of its own would break the chain by
// which Lambda detects recursion.
func TestInLambdaTheLineageOfTheInvocationStays(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		traced := func() task.Envelope {
			return envelope(t, "x", task.Header("traceparent", "00-"+traceID+"-"+spanID+"-01"))
		}
		t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
		t.Setenv("_X_AMZN_TRACE_ID", lineage)
		if got := sendOver(t, k, traced())["x"]; got != lineage {
			t.Errorf("in an invocation the message has the X-Ray header %q, want that of the invocation, %q", got, lineage)
		}
		t.Setenv("_X_AMZN_TRACE_ID", "") // while a function starts
		if got := sendOver(t, k, traced())["x"]; got != xrayTrace+"1" {
			t.Errorf("without an invocation the message has the X-Ray header %q, want that of the task", got)
		}
	})
}

// TestC4_TheXRayHeaderDoesNotCount: a full request stays one request.
func TestC4_TheXRayHeaderDoesNotCount(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		trace := task.Header("traceparent", "00-"+traceID+"-"+spanID+"-01")
		rest := 1<<20 - transport.MaxReasonBytes - envelope(t, "", trace).Size()
		largest := envelope(t, strings.Repeat("x", rest), trace)
		filler := envelope(t, strings.Repeat("y", transport.MaxReasonBytes-envelope(t, "", trace).Size()), trace)
		if total := largest.Size() + filler.Size(); total != 1<<20 {
			t.Fatalf("the request has %d bytes", total)
		}
		service := emulator(t)
		requests := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++ // one at a time
			service.ServeHTTP(w, r)
		}))
		defer server.Close()
		url := createQueue(t, sdk(nil, server.URL), "work", nil)
		requests = 0
		if _, err := newSender(t, k.client(config(nil, server.URL)), url, &sqstransport.Options{}).Send(t.Context(), []task.Envelope{largest, filler}); err != nil || requests != 1 {
			t.Errorf("%d requests, %v", requests, err)
		}
	})
}
