package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/offloadhq/offload/internal/backoff"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// errNoAnswer stands for an error that a Settler left out.
var errNoAnswer = errors.New("the settler gave no answer for this delivery")

// flush sends what the handlers fired. If that fails, a record that was done is not: what it fired may be lost.
func (w *Worker) flush(ctx context.Context, records []record, until budget) {
	ran := false
	for i := range records {
		ran = ran || records[i].started
	}
	if w.options.Flush == nil || !ran {
		return
	}
	ctx, cancel := detached(ctx, maxFlush, until.flush)
	defer cancel()
	err := guard(func() error { return w.options.Flush(ctx) })
	if err == nil {
		return
	}
	err = fmt.Errorf("%w: %w", ErrFlush, err)
	for i := range records {
		if r := &records[i]; r.plan == acknowledge {
			w.fail(r, err)
		}
	}
}

// settle carries out the plans: one call of the Settler for each kind, and one send for each failed direct invocation.
func (w *Worker) settle(ctx context.Context, records []record, until budget) {
	var retries, burials, direct []*record
	for i := range records {
		r := &records[i]
		switch {
		case r.plan == acknowledge:
			r.State = Done
		case r.plan == bury && w.options.Settler != nil:
			burials = append(burials, r)
		case r.plan == retry && r.direct():
			direct = append(direct, r)
		case r.plan == retry && w.options.Settler != nil:
			retries = append(retries, r)
		}
	}
	if len(retries)+len(burials)+len(direct) == 0 {
		return
	}
	ctx, cancel := detached(ctx, maxSettle, until.settle)
	defer cancel()
	ended := make(chan struct{})
	go func() { // side by side, so that a slow one of the two does not use up the other's time
		defer close(ended)
		w.retry(ctx, retries)
	}()
	w.bury(ctx, burials)
	w.sendOn(ctx, direct)
	<-ended
}

// retry gives each record back to its queue for the time that its plan says.
func (w *Worker) retry(ctx context.Context, records []*record) {
	if len(records) == 0 {
		return
	}
	now := time.Now()
	after := make([]time.Duration, len(records))
	for i, r := range records {
		after[i] = max(r.due.Sub(now), 0) // a record that was returned has no due time
	}
	errs := settled(len(records), func() []error {
		return w.options.Settler.Retry(ctx, deliveries(records), after)
	})
	for i, r := range records {
		switch {
		case errs[i] != nil:
			r.SettleErr = errs[i]
			w.log(ctx, r, "task comes back by the visibility timeout: its wait could not be set", errs[i])
		case r.State != Returned:
			r.State = Retry
		}
	}
}

// bury stores each record in the dead-letter queue.
func (w *Worker) bury(ctx context.Context, records []*record) {
	if len(records) == 0 {
		return
	}
	why := make([]transport.Reason, len(records))
	for i, r := range records {
		why[i] = r.reason()
	}
	errs := settled(len(records), func() []error {
		return w.options.Settler.DeadLetter(ctx, deliveries(records), why)
	})
	for i, r := range records {
		if errs[i] != nil {
			r.SettleErr = errs[i]
			w.log(ctx, r, "task could not be stored as a dead letter and is tried again", errs[i])
			continue
		}
		r.State = DeadLettered
		w.log(ctx, r, "task dead-lettered", r.Err)
	}
}

// settled calls a Settler and returns n errors, whatever it returned or did.
func settled(n int, call func() []error) []error {
	var answer []error
	failed := guard(func() error { answer = call(); return nil })
	errs := make([]error, n)
	for i := range errs {
		switch {
		case failed != nil:
			errs[i] = failed
		case i < len(answer):
			errs[i] = answer[i]
		case answer != nil:
			errs[i] = errNoAnswer
		}
	}
	return errs
}

// sendOn gives each failed direct invocation to its queue. No other attempt is near, so what may pass by itself is
// tried three times.
func (w *Worker) sendOn(ctx context.Context, records []*record) {
	for _, r := range records {
		if w.options.Queue == nil {
			continue
		}
		err := guard(func() error { return w.sendOne(ctx, r) })
		if err != nil {
			r.SettleErr = err
			w.log(ctx, r, "task could not be sent on to its queue: the invocation fails", err)
			continue
		}
		r.State = SentOn
	}
}

func (w *Worker) sendOne(ctx context.Context, r *record) error {
	r.Delay = min(r.Delay, w.options.Queue.Limits().MaxDelay)
	again, err := r.envelope.Again(r.Attempt, r.Delay, time.Now())
	if err != nil && !errors.Is(err, task.ErrNewerEnvelope) { // the queue keeps it for a newer worker
		return err
	}
	const tries = 3
	for n := 1; ; n++ {
		results, _ := w.options.Queue.Send(ctx, []task.Envelope{again})
		result := transport.ResultAt(results, 0)
		if result.Outcome == transport.Accepted {
			return nil
		}
		if kind := transport.KindOf(result.Err); n == tries || kind == transport.Invalid || kind == transport.Misconfigured {
			return fmt.Errorf("task %q: send on to its queue: %w", r.Name, result.Err)
		}
		pause := time.NewTimer(backoff.FullJitter(50 * time.Millisecond << n))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("task %q: send on to its queue: %w: %w", r.Name, context.Cause(ctx), result.Err)
		}
	}
}

func deliveries(records []*record) []transport.Delivery {
	ds := make([]transport.Delivery, len(records))
	for i, r := range records {
		ds[i] = r.delivery
	}
	return ds
}
