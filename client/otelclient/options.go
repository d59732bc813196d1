package otelclient

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/offloadhq/offload/client"
)

// ScopeName is the instrumentation scope of all spans and metrics.
const ScopeName = "github.com/offloadhq/offload/client/otelclient"

// Options changes what [Hooks] and [Register] do. The zero value of each field is its default.
type Options struct {
	// TracerProvider makes the tracer. Default: the global one, also if it is set later.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the meter. Default: the global one, also if it is set later.
	MeterProvider metric.MeterProvider

	// ClientID tells clients apart: messaging.client.id on spans and on the client's own metrics. Default: none.
	ClientID string

	// NoCreateSpans leaves the create spans out, which are one for each task. Tasks then carry the context of the caller's
	// span, and the send spans link to that. The metrics stay.
	NoCreateSpans bool

	// Hooks are the program's own. Each is called after that of this package, with the context that it made; options from
	// their Create win.
	Hooks client.Hooks
}

func (o *Options) fill() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	return c
}

func (o *Options) tracer() trace.Tracer {
	return o.TracerProvider.Tracer(ScopeName, trace.WithSchemaURL(semconv.SchemaURL))
}

func (o *Options) meter() metric.Meter {
	return o.MeterProvider.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL))
}
