package memtransport

import (
	"context"
	"sync"

	"github.com/offloadhq/offload/transport"
)

// Consume receives until ctx ends and calls handle with batches of up to Options.Batch deliveries, in up to
// Options.Concurrency goroutines at once. handle answers which of its deliveries to acknowledge, in order; what it
// leaves out (a short or nil answer too) stays in flight until its visibility timeout, or until the wait that Retry
// gave it. The context of handle ends with ctx, and when the visibility timeout of its batch has passed.
//
// Consume blocks until ctx has ended and every call of handle has returned, and then returns the error of ctx. A
// delivery is handled only while a goroutine is free: nothing waits in flight.
func (q *Queue) Consume(ctx context.Context, handle func(ctx context.Context, ds []transport.Delivery) (acked []bool)) error {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, q.opts.Concurrency)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		ds, err := q.Receive(ctx, q.opts.Batch)
		if err != nil {
			return ctx.Err()
		}
		running.Go(func() {
			defer func() { <-slots }()
			q.run(ctx, ds, handle)
		})
	}
}

func (q *Queue) run(ctx context.Context, ds []transport.Delivery, handle func(context.Context, []transport.Delivery) []bool) {
	ctx, cancel := context.WithTimeout(ctx, q.opts.VisibilityTimeout)
	defer cancel()
	acked := handle(ctx, ds)
	done := make([]transport.Delivery, 0, len(ds))
	for i, d := range ds {
		if i < len(acked) && acked[i] {
			done = append(done, d)
		}
	}
	_ = q.Ack(done...) // one that was too late is delivered again, as in every queue
}
