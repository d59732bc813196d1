package plan

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/offloadhq/offload/bench/internal/engine"
	"github.com/offloadhq/offload/bench/internal/fakesqs"
	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// Order is what the process of one case is told.
type Order struct {
	Case   Case
	Server queue.Server
	Window time.Duration
	WarmUp time.Duration
}

// Run does what the order says. It is called in a process of its own.
func (o Order) Run(ctx context.Context) (measure.Sample, error) {
	switch o.Case.Kind {
	case Idle:
		return engine.Idle(ctx, o.Case.Subject, o.Server, o.Case.Tasks, o.Case.Pause)
	case Throughput:
		return engine.Throughput(ctx, o.Case.Subject, o.Server, o.WarmUp, o.Window)
	case Alone:
		return queue.Alone(ctx, o.Case.Subject, o.WarmUp, o.Window)
	case Load:
		return o.load(ctx)
	}
	return measure.Sample{}, errors.New("case: has no kind")
}

func (o Order) load(ctx context.Context) (sample measure.Sample, err error) {
	producer, err := queue.Open(ctx, o.Case.Subject, o.Server)
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, producer.Close(ctx)) }()
	l := measure.Load{Goroutines: o.Case.Goroutines, Window: o.WarmUp, Call: producer.Produce, Drain: producer.Drain}
	if p, ok := producer.(queue.Pacer); ok {
		l.Before = p.Pace
	}
	if warm := l.Run(ctx); warm.Failures > 0 {
		return sample, errors.New("warm-up: " + warm.Problem)
	}
	before, err := o.look(ctx)
	if err != nil {
		return sample, err
	}
	l.Window = o.Window
	sample = l.Run(ctx)
	after, err := o.look(ctx)
	if err != nil {
		return sample, err
	}
	sample.Requests = after.counts.Requests - before.counts.Requests
	sample.ServerCPU = -1
	if before.known && after.known {
		sample.ServerCPU = after.cpu - before.cpu
	}
	return sample, nil
}

// view is what the server has done so far.
type view struct {
	counts fakesqs.Counts
	cpu    time.Duration
	known  bool // cpu is
}

func (o Order) look(ctx context.Context) (v view, err error) {
	if o.Server.PID != 0 {
		v.cpu, v.known = measure.TreeCPU(o.Server.PID)
	}
	if !o.Server.CountsRequests() {
		return v, nil
	}
	var client *http.Client
	if client, err = queue.HTTPClient(o.Server); err != nil {
		return v, err
	}
	defer client.CloseIdleConnections()
	v.counts, err = fakesqs.ReadCounts(ctx, client, o.Server.Address)
	return v, err
}
