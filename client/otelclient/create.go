package otelclient

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
)

// createKey and sendKey are the keys of the spans of one instruments in contexts: the span that a context has as its
// current one may be another's.
type (
	createKey struct{ of *instruments }
	sendKey   struct{ of *instruments }
)

// creation is a create span, and where it thought that its task goes.
type creation struct {
	span trace.Span
	to   *place
}

func (i *instruments) create(ctx context.Context, f task.Firing) (context.Context, []task.FireOption) {
	ctx = continued(ctx)
	if f.Header("traceparent") != "" { // a creation context of the caller's own: no create span, and nothing to add
		return ctx, nil
	}
	if i.creates {
		c := &creation{to: i.place(f.Class)}
		o := &c.to.create
		ctx, c.span = i.tracer.Start(ctx, o.span, o.begin(trace.WithAttributes(taskID.String(f.ID), taskName.String(f.Name)))...)
		ctx = context.WithValue(ctx, createKey{i}, c)
	}
	var carried w3c
	propagation.TraceContext{}.Inject(ctx, &carried)
	if carried.parent == "" {
		return ctx, nil
	}
	return ctx, []task.FireOption{task.Trace(carried.parent, carried.state)}
}

// continued goes on with the trace of the task whose handler fires, if the handler itself is in none.
func continued(ctx context.Context) context.Context {
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	info, ok := task.InfoFromContext(ctx)
	if !ok {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, &w3c{info.Headers["traceparent"], info.Headers["tracestate"]})
}

func (i *instruments) created(ctx context.Context, r client.Receipt, took time.Duration) {
	p := i.place(r.Class)
	kind := ""
	if r.Err != nil {
		kind = errorType(r.Err)
	}
	c, _ := ctx.Value(createKey{i}).(*creation)
	i.duration.Record(ctx, took.Seconds(), p.create.measured(kind))
	if c == nil {
		return
	}
	defer c.span.End()
	if !c.span.IsRecording() {
		return
	}
	if p != c.to { // a hook of the program chose another queue
		c.span.SetName(p.create.span)
		c.span.SetAttributes(p.create.measure...)
	}
	c.span.SetAttributes(p.create.own...)
	if r.MessageID != "" {
		c.span.SetAttributes(semconv.MessagingMessageID(r.MessageID))
	}
	if r.Err != nil {
		c.span.SetAttributes(semconv.ErrorTypeKey.String(kind))
		c.span.SetStatus(codes.Error, describe(r.Err, kind))
	}
}

// w3c carries a trace context by the names of W3C Trace Context.
type w3c struct{ parent, state string }

// Get implements propagation.TextMapCarrier.
func (c *w3c) Get(key string) string {
	switch key {
	case "traceparent":
		return c.parent
	case "tracestate":
		return c.state
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (c *w3c) Set(key, value string) {
	switch key {
	case "traceparent":
		c.parent = value
	case "tracestate":
		c.state = value
	}
}

// Keys implements propagation.TextMapCarrier.
func (c *w3c) Keys() []string { return []string{"traceparent", "tracestate"} }
