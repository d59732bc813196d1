package otelclient_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/otelclient"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// sink accepts everything at once.
type sink struct{ results []transport.Result }

func (sink) Limits() transport.Limits { return transport.Limits{Items: 10, BatchBytes: 1 << 20} }

func (s sink) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	return s.results[:len(batch)], nil
}

// discard is an exporter without a cost.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }

// BenchmarkFire compares Fire in the mode Buffered without hooks, with providers that do nothing, with the SDK when it samples
// nothing, and when it samples all.
func BenchmarkFire(b *testing.B) {
	sdk := func(s sdktrace.Sampler) trace.TracerProvider {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithSyncer(discard{}))
	}
	meter := func() metric.MeterProvider {
		return sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	}
	for _, c := range []struct {
		name string
		opts *otelclient.Options
	}{
		{"off", nil},
		{"noop", &otelclient.Options{TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: noopmetric.NewMeterProvider()}},
		{"metrics", &otelclient.Options{TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: meter()}},
		{"unsampled", &otelclient.Options{TracerProvider: sdk(sdktrace.NeverSample()), MeterProvider: meter()}},
		{"sampled", &otelclient.Options{TracerProvider: sdk(sdktrace.AlwaysSample()), MeterProvider: meter()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := sink{results: make([]transport.Result, 10)}
			for i := range s.results {
				s.results[i] = transport.Result{Outcome: transport.Accepted, MessageID: "m"}
			}
			o := client.Options{Source: "bench", Mode: client.Buffered, MaxPending: 1 << 20, MaxPendingBytes: 1 << 40}
			if c.opts != nil {
				var err error
				if o.Hooks, err = otelclient.Hooks(s, nil, c.opts); err != nil {
					b.Fatal(err)
				}
			}
			f, err := client.New(s, &o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Fire(b.Context(), welcome.With(secret)); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			if err := f.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
