// Package workertest runs one task through the real executor.
//
// A test of a handler that calls the function itself proves little: decoding, middleware, the timeout, panics and the
// retry policy are the worker's. [Run] encodes the task as a client does, delivers it and tells what became of it:
//
//	mux := worker.NewMux()
//	worker.Handle(mux, Welcome, handlers.Welcome)
//	result := workertest.Run(t, mux, Welcome.With(WelcomeArgs{UserID: 7}), nil)
//	if result.State != worker.Done { t.Fatal(result.Err) }
//
// Nothing leaves the process and nothing waits: a retry is told, not made.
package workertest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

// Defaults of [Options].
const (
	// TaskID is the id of the task unless an option task.ID gives another.
	TaskID = "workertest"
	// Source is the queue that the task seems to come from.
	Source = "workertest"
)

// Options change how [Run] delivers the task. A nil *Options is all defaults.
type Options struct {
	Fire    []task.FireOption           // as given to client.Fire
	Attempt int                         // the attempt that this is; default 1
	Direct  bool                        // deliver as a direct invocation instead of from a queue
	Remains time.Duration               // time up to the invocation's deadline, the worker's margin in it; default: no deadline
	Flush   func(context.Context) error // as in worker.Options
	Logger  *slog.Logger                // default: none
}

// Result is what became of the task.
type Result struct {
	worker.Outcome                   // State, Err, Delay, Reason and more
	DeadLetter     *transport.Reason // what went beside the dead letter; nil if there is none
	SentOn         *task.Envelope    // what a failed direct invocation left for its queue; nil if nothing
}

// Run makes one attempt at tk with the handlers of m and returns its outcome. It fails the test at once if the task
// cannot be encoded or the worker cannot be made. It blocks until the handler returns.
func Run(t testing.TB, m *worker.Mux, tk task.Task, opts *Options) Result {
	t.Helper()
	var o Options
	if opts != nil {
		o = *opts
	}
	ctx := t.Context()
	if o.Remains > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Remains)
		defer cancel()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Attempt = max(o.Attempt, 1)
	envelope, err := tk.Encode(TaskID, "/workertest", time.Now(), o.Fire...)
	if err != nil {
		t.Fatalf("workertest: %v", err)
	}
	d := transport.Delivery{Source: Source, MessageID: "message-1", Receipt: "receipt-1", Body: envelope.Body(), Receives: o.Attempt}
	if o.Direct {
		d = transport.Delivery{Body: envelope.Body(), Receives: o.Attempt}
	}
	var rec recorder
	w, err := worker.New(m, &worker.Options{Settler: &rec, Queue: &rec, Flush: o.Flush, Logger: o.Logger})
	if err != nil {
		t.Fatalf("workertest: %v", err)
	}
	return Result{
		Outcome:    w.Process(ctx, []transport.Delivery{d})[0],
		DeadLetter: rec.reason,
		SentOn:     rec.envelope,
	}
}

// recorder is a Settler and a Sender that accept everything. The worker calls them from one goroutine at a time when there is
// one record.
type recorder struct {
	reason   *transport.Reason
	envelope *task.Envelope
}

func (r *recorder) Retry(context.Context, []transport.Delivery, []time.Duration) []error { return nil }

func (r *recorder) DeadLetter(_ context.Context, _ []transport.Delivery, why []transport.Reason) []error {
	r.reason = &why[0]
	return nil
}

func (r *recorder) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	r.envelope = &batch[0]
	return []transport.Result{{Outcome: transport.Accepted, MessageID: "message-2"}}, nil
}

// Limits are those of Amazon SQS, as far as a worker looks at them.
func (r *recorder) Limits() transport.Limits { return transport.Limits{MaxDelay: 15 * time.Minute} }
