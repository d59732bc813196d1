package otelclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// buckets are those that the conventions ask for, in seconds.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

// Hooks makes what client.Options.Hooks takes: spans, trace context and metrics, as the package comment lists them. s and
// routes are those given to client.New; routes and opts may be nil. One result serves one client or many that have the
// same Senders. It is safe for concurrent use. The error is about a meter that refuses its instruments, or s.
func Hooks(s transport.Sender, routes map[string]transport.Sender, opts *Options) (client.Hooks, error) {
	if s == nil {
		return client.Hooks{}, errors.New("otelclient: the sender is nil: give the one that client.New gets")
	}
	o := opts.fill()
	meter := o.meter()
	duration, err := messagingconv.NewClientOperationDuration(meter, metric.WithExplicitBucketBoundaries(buckets...))
	sent, sentErr := messagingconv.NewClientSentMessages(meter)
	if err := errors.Join(err, sentErr); err != nil {
		return client.Hooks{}, fmt.Errorf("otelclient: %w", err)
	}
	i := &instruments{
		tracer: o.tracer(), duration: duration.Inst(), sent: sent.Inst(), creates: !o.NoCreateSpans,
		places: make(map[string]*place, 1+len(routes)), unknown: newPlace("", nil, o.ClientID),
	}
	for class, sender := range routes {
		i.places[class] = newPlace(class, sender, o.ClientID)
	}
	i.places[""] = newPlace("", s, o.ClientID)
	return join(client.Hooks{Create: i.create, Created: i.created, Send: i.send, Sent: i.finish}, o.Hooks), nil
}

// instruments are what the hooks write to.
type instruments struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	sent     metric.Int64Counter
	creates  bool
	places   map[string]*place // by queue class; constant
	unknown  *place            // for classes without a route
}

func (i *instruments) place(class string) *place {
	if p, ok := i.places[class]; ok {
		return p
	}
	return i.unknown
}

// join calls two hooks where there was one. The first is not held up by a panic of the second.
func join(a, b client.Hooks) client.Hooks {
	joined := a
	if b.Create != nil {
		joined.Create = func(ctx context.Context, f task.Firing) (context.Context, []task.FireOption) {
			ctx, opts := a.Create(ctx, f)
			own, more := b.Create(ctx, f)
			if own == nil {
				own = ctx
			}
			return own, append(opts[:len(opts):len(opts)], more...)
		}
	}
	if b.Created != nil {
		joined.Created = func(ctx context.Context, r client.Receipt, took time.Duration) {
			a.Created(ctx, r, took)
			b.Created(ctx, r, took)
		}
	}
	if b.Send != nil {
		joined.Send = func(ctx context.Context, s client.Sending) context.Context {
			ctx = a.Send(ctx, s)
			if own := b.Send(ctx, s); own != nil {
				return own
			}
			return ctx
		}
	}
	if b.Sent != nil {
		joined.Sent = func(ctx context.Context, s client.Sending, results []transport.Result, err error) {
			a.Sent(ctx, s, results, err)
			b.Sent(ctx, s, results, err)
		}
	}
	joined.Ended, joined.Health = b.Ended, b.Health
	return joined
}
