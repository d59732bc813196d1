package otelclient

import (
	"net"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/offloadhq/offload/transport"
)

// The attributes of Offload's own.
const (
	taskID     = attribute.Key("offload.task.id")
	taskName   = attribute.Key("offload.task.name")
	queueClass = attribute.Key("offload.queue.class")
	retried    = attribute.Key("offload.send.retried")
	failed     = attribute.Key("offload.send.failed")
	outcome    = attribute.Key("offload.outcome")
)

// place is the destination of one route, with everything that can be made ready.
type place struct {
	create, send operation
	batches      bool // a request may carry several tasks
}

// operation is what is done with a place.
type operation struct {
	span    string // its name
	start   []trace.SpanStartOption
	own     []attribute.KeyValue     // of its spans only
	measure []attribute.KeyValue     // of its spans and its metrics
	fine    metric.MeasurementOption // the same, of a measurement without an error
}

func newPlace(class string, s transport.Sender, clientID string) *place {
	d := transport.Destination{System: "offload"}
	if known, ok := s.(transport.Addressed); ok {
		d = known.Destination()
	}
	common := []attribute.KeyValue{semconv.MessagingSystemKey.String(d.System)}
	if d.Name != "" {
		common = append(common, semconv.MessagingDestinationName(d.Name))
	}
	common = append(common, serverOf(d.Server)...)
	own := particulars(d)
	if clientID != "" {
		own = append(own, semconv.MessagingClientID(clientID))
	}
	if class != "" {
		own = append(own, queueClass.String(class))
	}
	return &place{
		create:  newOperation(semconv.MessagingOperationTypeCreate, trace.SpanKindProducer, d.Name, common, own),
		send:    newOperation(semconv.MessagingOperationTypeSend, trace.SpanKindClient, d.Name, common, own),
		batches: s == nil || s.Limits().Items != 1,
	}
}

// newOperation names an operation like its type: the transports' own names for it say no more.
func newOperation(typed attribute.KeyValue, kind trace.SpanKind, destination string, common, own []attribute.KeyValue) operation {
	name := typed.Value.AsString()
	o := operation{span: name, own: own, measure: append(slices.Clone(common), semconv.MessagingOperationName(name), typed)}
	if destination != "" {
		o.span += " " + destination
	}
	o.start = []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(o.measure...)}
	o.fine = metric.WithAttributeSet(attribute.NewSet(slices.Clone(o.measure)...))
	return o
}

// begin gives the options of a span that begins: what samplers judge by, and more.
func (o *operation) begin(more ...trace.SpanStartOption) []trace.SpanStartOption {
	return append(o.start[:len(o.start):len(o.start)], more...)
}

// measured gives the attributes of a measurement. errorType is "" if all is well.
func (o *operation) measured(errorType string) metric.MeasurementOption {
	if errorType == "" {
		return o.fine
	}
	return metric.WithAttributeSet(attribute.NewSet(append(slices.Clone(o.measure), semconv.ErrorTypeKey.String(errorType))...))
}

func serverOf(server string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(server)
	if n, numErr := strconv.Atoi(port); err == nil && numErr == nil {
		return []attribute.KeyValue{semconv.ServerAddress(host), semconv.ServerPort(n)}
	}
	if server == "" {
		return nil
	}
	return []attribute.KeyValue{semconv.ServerAddress(server)}
}

// particulars are the attributes of one transport only.
func particulars(d transport.Destination) (attrs []attribute.KeyValue) {
	switch d.System {
	case "aws_sqs":
		attrs = append(attrs, semconv.AWSSQSQueueURL(d.URL))
	case "aws_lambda":
		attrs = append(attrs, semconv.FaaSInvokedName(d.Name), semconv.FaaSInvokedProviderAWS)
		if d.Region != "" {
			attrs = append(attrs, semconv.FaaSInvokedRegion(d.Region))
		}
	}
	return attrs
}
