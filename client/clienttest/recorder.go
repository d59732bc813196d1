package clienttest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// QueueLimits are those of an Amazon SQS standard queue (SQS Developer Guide, "Amazon SQS message quotas"), less the
// room that a dead letter's reason needs.
var QueueLimits = transport.Limits{
	Items:        10,
	BatchBytes:   1 << 20,
	MessageBytes: 1<<20 - transport.MaxReasonBytes,
	MaxDelay:     15 * time.Minute,
}

// Recorder is a transport.Sender in memory. It accepts and keeps every envelope, unless told otherwise. It is safe for
// concurrent use. Make one with [NewRecorder] or [New].
type Recorder struct {
	limits transport.Limits
	client *client.Client // to be waited for by assertions; nil if its Fire waits by itself

	mu       sync.Mutex
	calls    int
	failures []error // of the next calls; nil accepts
	respond  Responder
	accepted []task.Envelope
}

// Responder answers a call of Send in place of the Recorder. call counts from 1. The Recorder keeps the envelopes whose
// result is transport.Accepted. A Responder may block, heed ctx, panic, or give fewer results than envelopes.
type Responder func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error)

// NewRecorder returns a Recorder with the given limits, for a client with options of its own.
func NewRecorder(limits transport.Limits) *Recorder { return &Recorder{limits: limits} }

// Limits returns what NewRecorder was given.
func (r *Recorder) Limits() transport.Limits { return r.limits }

// Send records the batch, or fails as told.
func (r *Recorder) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	r.mu.Lock()
	r.calls++
	call, respond := r.calls, r.respond
	var failure error
	if len(r.failures) > 0 {
		failure, r.failures = r.failures[0], r.failures[1:]
	}
	r.mu.Unlock()

	if failure != nil {
		results := make([]transport.Result, len(batch))
		for i := range results {
			results[i] = transport.Result{Outcome: transport.Rejected, Err: failure}
		}
		return results, failure
	}
	if respond == nil {
		respond = Accept
	}
	results, err := respond(ctx, call, batch)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range batch {
		if transport.ResultAt(results, i).Outcome == transport.Accepted {
			r.accepted = append(r.accepted, e)
		}
	}
	return results, err
}

// Accept is the [Responder] that accepts every envelope.
func Accept(_ context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	for i, e := range batch {
		results[i] = transport.Result{Outcome: transport.Accepted, MessageID: "recorded-" + e.ID()}
	}
	return results, nil
}

// FailNext makes the next calls of Send refuse every envelope, each with the error of its turn; a nil error lets that
// call succeed. What follows depends on transport.KindOf(err): the client tries again after transient errors, which
// plain errors are, and gives up after those of kind Invalid. Those of kind Misconfigured end the wait of a Confirmed Fire
// when the next call, within 200 ms, meets one too, and a Buffered task is tried again. It adds to what was asked before.
func (r *Recorder) FailNext(errs ...error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, errs...)
}

// Respond lets f answer the calls that FailNext does not; nil goes back to accepting.
func (r *Recorder) Respond(f Responder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.respond = f
}

// Calls returns how often Send was called.
func (r *Recorder) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// Envelopes returns what was accepted so far, in order; in the mode client.Buffered call Flush first. A task that the client
// had to send again may stand in it twice.
func (r *Recorder) Envelopes() []task.Envelope {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.accepted)
}

// Reset forgets the envelopes, the count of calls, and what FailNext and Respond asked for.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls, r.failures, r.respond, r.accepted = 0, nil, nil, nil
}
