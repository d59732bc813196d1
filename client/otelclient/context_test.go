package otelclient_test

import (
	"testing"

	"github.com/offloadhq/offload/task"
)

// TestTheCreationContextOfTheCallerStays: the conventions ask for no create span beside it.
func TestTheCreationContextOfTheCallerStays(t *testing.T) {
	r := newRig(t, nil)
	const own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx, caller := r.tracer.Start(t.Context(), "request")
	defer caller.End()
	if _, err := r.client.Fire(ctx, welcome.With(secret), task.Header("traceparent", own), task.Header("tracestate", "a=b")); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if all := r.called("create tasks"); len(all) != 0 {
		t.Errorf("%d create spans", len(all))
	}
	if got := r.points("messaging.client.operation.duration"); len(got) != 2 {
		t.Errorf("durations %v, want those of create and of send", got)
	}
	if parent := r.one("send tasks").Parent.SpanID(); parent != caller.SpanContext().SpanID() {
		t.Errorf("the send span is a child of %v, not of the caller's span", parent)
	}
	if e := r.tasks.Envelopes()[0]; e.Header("traceparent") != own || e.Header("tracestate") != "a=b" {
		t.Errorf("the task carries %v", e.Headers())
	}
	links := r.one("send tasks").Links
	if len(links) != 1 || traceparent(links[0].SpanContext) != own || links[0].SpanContext.TraceState().String() != "a=b" || !links[0].SpanContext.IsRemote() {
		t.Errorf("the send span links to %+v", links)
	}
}

func TestABrokenHeaderOfTheFiringBreaksNothing(t *testing.T) {
	r := newRig(t, nil)
	if _, err := r.client.Fire(t.Context(), welcome.With(secret), task.Header("traceparent", "broken")); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if e := r.tasks.Envelopes()[0]; e.Header("traceparent") != "broken" {
		t.Errorf("the task carries %v", e.Headers())
	}
	if links := r.one("send tasks").Links; len(links) != 0 {
		t.Errorf("the send span links to %+v", links)
	}
}

// TestAHandlersFiringGoesOnWithTheTrace: of the handler's span if there is one, else of its task.
func TestAHandlersFiringGoesOnWithTheTrace(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	handler := task.WithInfo(t.Context(), task.Info{Hops: 1, Headers: map[string]string{"traceparent": parent, "tracestate": "a=b"}})

	r := newRig(t, nil)
	if _, err := r.client.Fire(handler, welcome.With(secret)); err != nil {
		t.Fatal(err)
	}
	create := r.one("create tasks")
	if traceparent(create.Parent) != parent || !create.Parent.IsRemote() {
		t.Errorf("the parent is %+v", create.Parent)
	}
	if e := r.tasks.Envelopes()[0]; e.Header("traceparent") != traceparent(create.SpanContext) || e.Header("tracestate") != "a=b" || e.Hops() != 2 {
		t.Errorf("the task carries %v", e.Headers())
	}

	r = newRig(t, nil)
	ctx, span := r.tracer.Start(handler, "handler")
	defer span.End()
	if _, err := r.client.Fire(ctx, welcome.With(secret)); err != nil {
		t.Fatal(err)
	}
	create = r.one("create tasks")
	if create.Parent.SpanID() != span.SpanContext().SpanID() {
		t.Errorf("the parent is %+v", create.Parent)
	}
	if e := r.tasks.Envelopes()[0]; e.Header("traceparent") != traceparent(create.SpanContext) || e.Header("tracestate") != "" {
		t.Errorf("the task carries %v: a tracestate of another trace", e.Headers())
	}
}
