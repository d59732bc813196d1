package worker

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/offloadhq/offload/transport"
)

// Worker runs tasks. It is safe for concurrent use: invocations share nothing but the handlers.
type Worker struct {
	routes  map[string]route
	options Options

	mu      sync.Mutex
	unknown map[string]bool // names that were logged; guarded by mu
}

// New makes a Worker for the handlers of m. A nil opts means all defaults. It refuses, with every problem joined: a Mux
// without handlers, a definition whose MaxAttempts is more than Options.MaxReceiveCount (the queue would move the task
// away before its last attempt), and negative options. Without a Settler it warns, once, of what does not hold then.
func New(m *Mux, opts *Options) (*Worker, error) {
	var routes map[string]route
	if m != nil {
		routes = maps.Clone(m.routes)
	}
	o, err := opts.fill(routes)
	if err != nil {
		return nil, err
	}
	if o.Settler == nil {
		o.Logger.Warn("worker has no Settler: MaxAttempts, Backoff and Permanent do not hold; what fails comes back by the queue's " +
			"visibility timeout and ends by its redrive policy: set worker.Options.Settler")
	}
	return &Worker{routes: routes, options: o, unknown: map[string]bool{}}, nil
}

// Process runs the deliveries as one batch and returns one outcome for each, in their order. It blocks until every
// handler has returned (or is stuck, which needs a deadline on ctx), Flush has been called and the Settler has
// answered. What is not [Outcome.Acked] must be reported to the queue as failed, or simply not be deleted. When ctx ends,
// handlers' contexts end and nothing more is started. Bodies must not change afterwards.
//
// A delivery without a Source is a direct invocation; see [Worker.Invoke].
func (w *Worker) Process(ctx context.Context, ds []transport.Delivery) (outcomes []Outcome) {
	defer func() {
		if p := recover(); p != nil { // a fault of this package: nothing is acknowledged
			err := newPanicError(p)
			outcomes = make([]Outcome, len(ds))
			for i, d := range ds {
				outcomes[i] = Outcome{MessageID: d.MessageID, Source: d.Source, Err: err}
			}
			w.options.Logger.ErrorContext(ctx, "worker failed: nothing of the batch is acknowledged", "error", err, "stack", stackOf(err))
		}
	}()
	return w.process(ctx, ds)
}

func (w *Worker) process(ctx context.Context, ds []transport.Delivery) []Outcome {
	var until budget
	if deadline, ok := ctx.Deadline(); ok {
		until = newBudget(time.Now(), deadline, w.options.Margin)
	}
	b := newBatch(w, ds)
	b.run(ctx, until)
	w.flush(ctx, b.records, until)
	w.settle(ctx, b.records, until)
	outcomes := make([]Outcome, len(b.records))
	for i := range b.records {
		outcomes[i] = b.records[i].Outcome
		w.tell(ctx, &b.records[i])
	}
	return outcomes
}

// tell calls the hooks. A hook that panics must not cost the batch its answer.
func (w *Worker) tell(ctx context.Context, r *record) {
	if r.State == Stuck {
		w.log(ctx, r, "handler is stuck", r.Err)
	}
	err := guard(func() error {
		if r.State == Stuck && w.options.OnStuck != nil {
			w.options.OnStuck(r.Outcome)
		}
		if w.options.OnOutcome != nil {
			w.options.OnOutcome(r.Outcome)
		}
		return nil
	})
	if err != nil {
		w.log(ctx, r, "hook of the worker failed", err)
	}
}

// log writes an error that belongs to a task.
func (w *Worker) log(ctx context.Context, r *record, message string, err error) {
	attrs := []slog.Attr{
		slog.String("id", r.ID), slog.String("task", r.Name), slog.Int("attempt", r.Attempt),
		slog.String("message_id", r.MessageID), slog.Any("error", err),
	}
	if r.Reason != "" {
		attrs = append(attrs, slog.String("reason", r.Reason))
	}
	if stack := stackOf(r.Err); stack != "" {
		attrs = append(attrs, slog.String("stack", stack))
	}
	w.options.Logger.LogAttrs(ctx, slog.LevelError, message, attrs...)
}

// maxUnknown bounds the memory for names that were logged: names come from outside.
const maxUnknown = 1000

// logUnknown tells of a name without a handler, once.
func (w *Worker) logUnknown(ctx context.Context, r *record) {
	w.mu.Lock()
	seen := w.unknown[r.Name]
	if !seen && len(w.unknown) < maxUnknown {
		w.unknown[r.Name] = true
	}
	w.mu.Unlock()
	if !seen {
		w.log(ctx, r, "task has no handler here and is kept for a worker that has one; logged once a name", ErrUnknownName)
	}
}
