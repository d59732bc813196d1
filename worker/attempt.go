package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/offloadhq/offload/internal/backoff"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

// Errors that an Outcome's Err may match, and the causes (context.Cause) with which a handler's context ends.
var (
	// ErrDeadline is the cause when the invocation is near its deadline.
	ErrDeadline = errors.New("the invocation is near its deadline")
	// ErrTimeout is the cause when the attempt has used up the task's own timeout (task.Timeout).
	ErrTimeout = errors.New("the attempt has used up its timeout")
	// ErrUnknownName says that no handler has the task's name. It is retried, because a newer worker may have one.
	ErrUnknownName = errors.New("no handler has this name")
	// ErrFlush says that Options.Flush failed after a handler had returned nil.
	ErrFlush = errors.New("flush of what the handlers fired")
)

// plan is what is to be done about a record.
type plan uint8

const (
	leave plan = iota // report it as failed, change nothing
	acknowledge
	retry
	bury
)

// record is one delivery and what is known of it so far.
type record struct {
	Outcome
	delivery    transport.Delivery
	envelope    task.Envelope
	policy      task.Policy
	maxAttempts int
	plan        plan
	due         time.Time // of the next attempt
	refused     string    // the transport.Reason… code under which the worker itself refused to start it, else ""
	started     bool      // the handler was called
}

func newRecord(d transport.Delivery) record {
	return record{Outcome: Outcome{MessageID: d.MessageID, Source: d.Source}, delivery: d}
}

// direct reports a record that has no queue to go back to.
func (r *record) direct() bool { return r.delivery.Source == "" }

// read parses the body and notes what it says. An error matches task.ErrMalformed or task.ErrNewerEnvelope.
func (r *record) read() error {
	e, err := task.Parse(r.delivery.Body)
	r.envelope = e
	r.ID, r.Name = e.ID(), e.Name()
	r.Attempt = e.Attempts() + max(r.delivery.Receives, 1)
	return err
}

// run makes one attempt at a record, in the calling goroutine, and plans what comes next. It returns the record through done
// even if the goroutine is ended under it.
func (w *Worker) run(ctx context.Context, r record, done func(record)) {
	err := ErrGoexit
	defer func() { done(r) }()
	defer func() {
		if r.plan == acknowledge {
			return
		}
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
		w.fail(&r, err)
	}()
	if err = w.attempt(ctx, &r); err == nil {
		r.plan = acknowledge
	}
}

// attempt reads the record and runs its handler.
func (w *Worker) attempt(ctx context.Context, r *record) error {
	r.maxAttempts = w.options.MaxReceiveCount
	if err := r.read(); err != nil {
		r.refused = transport.ReasonMalformed
		if errors.Is(err, task.ErrNewerEnvelope) {
			r.refused = transport.ReasonNewer
		}
		return err
	}
	route, ok := w.routes[r.Name]
	if !ok {
		r.refused = transport.ReasonUnknown
		w.logUnknown(ctx, r)
		return fmt.Errorf("task %q: %w: register a handler with worker.Handle, or deploy the worker that has it", r.Name, ErrUnknownName)
	}
	r.policy = route.policy
	r.maxAttempts = min(cmp.Or(r.envelope.MaxAttempts(), route.policy.MaxAttempts), w.options.MaxReceiveCount)
	if expires := r.envelope.Expires(); !expires.IsZero() && time.Now().After(expires) {
		r.refused = transport.ReasonExpired
		return fmt.Errorf("task %q: expired at %s, before this attempt", r.Name, expires.Format(time.RFC3339))
	}
	return w.call(ctx, r, route.handler)
}

// call reads the payload, if the data is elsewhere, and runs the handler with its context.
func (w *Worker) call(ctx context.Context, r *record, h Handler) error {
	if d := cmp.Or(r.envelope.Timeout(), r.policy.Timeout); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, ErrTimeout)
		defer cancel()
	}
	e := &r.envelope
	if _, elsewhere := e.Payload(); elsewhere {
		resolved, release, err := w.options.Payloads.Resolve(ctx, *e)
		defer release()
		if err != nil {
			if errors.Is(err, claimcheck.ErrNotFound) {
				r.refused = transport.ReasonMissing
			}
			return withCause(ctx, err)
		}
		e = &resolved
	}
	ctx = context.WithValue(ctx, envelopeKey{}, e)
	ctx = task.WithInfo(ctx, task.Info{
		ID: e.ID(), Name: e.Name(), Source: e.Source(), Attempt: r.Attempt, MaxAttempts: r.maxAttempts,
		FiredAt: e.Time(), Expires: e.Expires(), Hops: e.Hops(), Headers: e.Headers(),
	})
	start := time.Now()
	r.started = true
	if !e.Time().IsZero() {
		r.Waited = start.Sub(e.Time())
	}
	defer func() { r.Took = time.Since(start) }()
	err := isolate(ctx, func(ctx context.Context) error { return h.Handle(ctx, r.delivery) })
	return withCause(ctx, err)
}

// withCause says why the context of a handler ended, if that is what the handler's error tells of.
func withCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err == nil || cause == nil || !errors.Is(err, ctx.Err()) || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// fail notes the error of an attempt and plans what comes next. Errors and policies are the program's own code: a
// panic in one of their methods leaves the record to the queue.
func (w *Worker) fail(r *record, err error) {
	r.Err, r.plan = err, leave
	defer func() {
		if p := recover(); p != nil {
			r.Err, r.plan = newPanicError(p), leave
		}
	}()
	last := r.Attempt >= r.maxAttempts || !r.direct() && r.delivery.Receives >= w.options.MaxReceiveCount ||
		r.refused == transport.ReasonMissing && r.Attempt >= missingAttempts
	if code := reasonFor(r.refused, err, last); code != "" {
		r.Reason, r.plan = code, bury
		return
	}
	ceiling := task.Exponential(task.DefaultBackoffBase, task.DefaultBackoffCeiling)
	if r.policy.Backoff != nil {
		ceiling = r.policy.Backoff
	}
	r.Delay = waitFor(err, ceiling(r.Attempt))
	r.due = time.Now().Add(r.Delay)
	r.plan = retry
}

// missingAttempts is how often a payload is looked for that is not there. It was stored before its message was sent, so waiting
// for it is vain, unless the worker reads a copy of the store that is behind, or another store by mistake.
const missingAttempts = 3

// reasonFor is the code under which a failed attempt makes its task a dead letter, "" if it is to be tried again. A
// task that no newer worker can help is refused at once; one that a newer worker may know, or whose payload may appear, is
// kept to the end.
func reasonFor(refused string, err error, last bool) string {
	switch refused {
	case transport.ReasonMalformed, transport.ReasonExpired:
		return refused
	case transport.ReasonUnknown, transport.ReasonNewer, transport.ReasonMissing:
		if last {
			return refused
		}
		return ""
	}
	switch {
	case task.IsPermanent(err):
		return transport.ReasonPermanent
	case last:
		return transport.ReasonExhausted
	}
	return ""
}

// waitFor is the time up to the next attempt: what the error asks for, else a draw from 0 to the ceiling; never more
// than a queue can hold a message.
func waitFor(err error, ceiling time.Duration) time.Duration {
	if d, ok := task.RetryDelay(err); ok {
		return min(d, transport.MaxHold)
	}
	return backoff.FullJitter(min(ceiling, transport.MaxHold))
}

// reason is what goes beside a dead letter.
func (r *record) reason() transport.Reason {
	return transport.Reason{
		Code: r.Reason, Message: strings.TrimSpace(fmt.Sprint(r.Err)), Stack: stackOf(r.Err),
		TaskID: r.ID, Name: r.Name, Attempt: r.Attempt, Source: r.Source,
	}
}
