package otelclient

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/offloadhq/offload/client"
)

// Register adds the metrics of the client itself, read from its Stats and Health whenever metrics are collected. opts may
// be nil; TracerProvider, NoCreateSpans and Hooks mean nothing here. unregister ends it, and lets go of the client; call it
// after Close, whose last tasks then count. A client is registered once.
func Register(c *client.Client, opts *Options) (unregister func() error, err error) {
	if c == nil {
		return nil, errors.New("otelclient: the client is nil: give that of client.New")
	}
	o := opts.fill()
	var own []attribute.KeyValue
	if o.ClientID != "" {
		own = append(own, semconv.MessagingClientID(o.ClientID))
	}
	g, err := newGauges(o.meter(), own)
	if err != nil {
		return nil, fmt.Errorf("otelclient: %w", err)
	}
	registration, err := o.meter().RegisterCallback(func(_ context.Context, to metric.Observer) error {
		s := c.Stats()
		for _, one := range g.stats {
			to.ObserveInt64(one.of, one.read(s), one.attrs)
		}
		to.ObserveInt64(g.health, int64(c.Health().State), metric.WithAttributes(own...))
		return nil
	}, g.observed()...)
	if err != nil {
		return nil, fmt.Errorf("otelclient: %w", err)
	}
	return registration.Unregister, nil
}

// gauges are the instruments of one client.
type gauges struct {
	stats  []gauge
	health metric.Int64Observable
}

// gauge is an instrument, and where its value is.
type gauge struct {
	of    metric.Int64Observable
	attrs metric.MeasurementOption
	read  func(client.Stats) int64
}

func (g *gauges) observed() []metric.Observable {
	all := []metric.Observable{g.health}
	for _, one := range g.stats {
		all = append(all, one.of)
	}
	return all
}

func newGauges(meter metric.Meter, own []attribute.KeyValue) (*gauges, error) {
	g := &gauges{}
	var problems []error
	add := func(of metric.Int64Observable, err error, read func(client.Stats) int64, more ...attribute.KeyValue) {
		problems = append(problems, err)
		g.stats = append(g.stats, gauge{of, metric.WithAttributes(append(own[:len(own):len(own)], more...)...), read})
	}
	counter := func(name, unit, description string, read func(client.Stats) uint64) {
		of, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		add(of, err, func(s client.Stats) int64 { return int64(read(s)) }) //nolint:gosec // no process counts that far
	}
	level := func(name, unit, description string, read func(client.Stats) int) {
		of, err := meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		add(of, err, func(s client.Stats) int64 { return int64(read(s)) })
	}
	counter("offload.client.tasks.fired", "{task}", "Tasks given to Fire and FireBatch.", func(s client.Stats) uint64 { return s.Fired })
	counter("offload.client.tasks.refused", "{task}", "Tasks refused at once, for whatever reason but a full buffer.", func(s client.Stats) uint64 { return s.Refused })
	counter("offload.client.tasks.dropped", "{task}", "Tasks refused at once by a full buffer.", func(s client.Stats) uint64 { return s.Dropped })
	counter("offload.client.tasks.retried", "{task}", "Tasks sent again.", func(s client.Stats) uint64 { return s.Retried })
	counter("offload.client.requests.sent", "{request}", "Calls of the transport.", func(s client.Stats) uint64 { return s.Requests })
	level("offload.client.tasks.waiting", "{task}", "Tasks taken on, and in no request.", func(s client.Stats) int { return s.Waiting.Tasks })
	level("offload.client.tasks.in_flight", "{task}", "Tasks in a request.", func(s client.Stats) int { return s.InFlight.Tasks })
	level("offload.client.bytes.waiting", "By", "Bytes of the tasks taken on, and in no request.", func(s client.Stats) int { return s.Waiting.Bytes })
	level("offload.client.bytes.in_flight", "By", "Bytes of the tasks in a request.", func(s client.Stats) int { return s.InFlight.Bytes })
	level("offload.client.requests.open", "{request}", "Requests without an answer yet.", func(s client.Stats) int { return s.Open })
	level("offload.client.tasks.at_risk", "{task}", "Tasks lost if the process died now.", func(s client.Stats) int { return s.AtRisk().Tasks })
	ended, err := meter.Int64ObservableCounter("offload.client.tasks.ended", metric.WithUnit("{task}"), metric.WithDescription("Tasks whose end is known."))
	add(ended, err, func(s client.Stats) int64 { return int64(s.Accepted) }, outcome.String("accepted")) //nolint:gosec // as above
	add(ended, nil, func(s client.Stats) int64 { return int64(s.Rejected) }, outcome.String("rejected")) //nolint:gosec // as above
	add(ended, nil, func(s client.Stats) int64 { return int64(s.Unknown) }, outcome.String("unknown"))   //nolint:gosec // as above
	g.health, err = meter.Int64ObservableGauge("offload.client.health", metric.WithDescription("The state of the worst route: 0 healthy, 1 failing, 2 blocked."))
	return g, errors.Join(append(problems, err)...)
}
