package otelclient

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

func (i *instruments) send(ctx context.Context, s client.Sending) context.Context {
	p := i.place(s.Class)
	o := &p.send
	attrs := make([]attribute.KeyValue, 0, len(o.own)+4)
	attrs = append(attrs, o.own...)
	if p.batches {
		attrs = append(attrs, semconv.MessagingBatchMessageCount(len(s.Envelopes)))
	}
	if len(s.Envelopes) == 1 {
		attrs = append(attrs, particularsOf(s.Envelopes[0])...)
	}
	if s.Retries > 0 {
		attrs = append(attrs, retried.Int(s.Retries))
	}
	ctx, span := i.tracer.Start(ctx, o.span, o.begin(trace.WithAttributes(attrs...), trace.WithLinks(links(s.Envelopes)...))...)
	return context.WithValue(ctx, sendKey{i}, span)
}

// links lead to the creation context of each task that has one.
func links(envelopes []task.Envelope) []trace.Link {
	all := make([]trace.Link, 0, len(envelopes))
	for _, e := range envelopes {
		parent := e.Header("traceparent")
		if parent == "" {
			continue
		}
		ctx := propagation.TraceContext{}.Extract(context.Background(), &w3c{parent, e.Header("tracestate")})
		if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
			all = append(all, trace.Link{SpanContext: sc, Attributes: particularsOf(e)})
		}
	}
	return all
}

func particularsOf(e task.Envelope) []attribute.KeyValue {
	return []attribute.KeyValue{taskID.String(e.ID()), taskName.String(e.Name())}
}

// finish ends a send. The results decide, as they do for the client.
func (i *instruments) finish(ctx context.Context, s client.Sending, results []transport.Result, _ error) {
	o := &i.place(s.Class).send
	fine, bad := count(results, len(s.Envelopes))
	kind := ""
	first := transport.FirstError(results, len(s.Envelopes))
	if first != nil {
		kind = errorType(first)
	}
	i.duration.Record(ctx, s.Took.Seconds(), o.measured(kind))
	if fine > 0 {
		i.sent.Add(ctx, fine, o.fine)
	}
	for kind, n := range bad {
		i.sent.Add(ctx, n, o.measured(kind))
	}
	span, _ := ctx.Value(sendKey{i}).(trace.Span)
	if span == nil {
		return
	}
	defer span.End()
	if !span.IsRecording() {
		return
	}
	if len(s.Envelopes) == 1 {
		if id := transport.ResultAt(results, 0).MessageID; id != "" {
			span.SetAttributes(semconv.MessagingMessageID(id))
		}
	}
	if first != nil {
		span.SetAttributes(semconv.ErrorTypeKey.String(kind), failed.Int64(int64(len(s.Envelopes))-fine))
		span.SetStatus(codes.Error, describe(first, kind))
	}
}

// count tells how many of n tasks were accepted, and how many not, by their error types.
func count(results []transport.Result, n int) (fine int64, bad map[string]int64) {
	for at := range n {
		r := transport.ResultAt(results, at)
		if r.Outcome == transport.Accepted {
			fine++
			continue
		}
		if bad == nil {
			bad = map[string]int64{}
		}
		bad[errorType(r.Err)]++
	}
	return fine, bad
}
