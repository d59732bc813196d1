package client

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/offloadhq/offload/internal/list"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// request is one call of Sender.Send.
type request struct {
	entries   []*entry        // until it is settled; guarded by the mutex of the route
	envelopes []task.Envelope // the Sender's to keep
	bytes     int             // of their bodies
	retries   int             // how many were sent before
	waiting   int             // how many entries waited behind it
	cancel    context.CancelFunc
	began     time.Time
	round     int // of the breaker

	node list.Node[*request] // in flight; guarded by the mutex of the route

	// One allocation for a request of the usual size.
	entryRoom, endedRoom, toldRoom [usualItems]*entry
	envelopeRoom                   [usualItems]task.Envelope
}

// usualItems is the most that Amazon SQS takes in a request.
const usualItems = 10

// errGoexit stands for the answer of a Sender that called runtime.Goexit.
var errGoexit = errors.New("the Sender ended its goroutine with runtime.Goexit")

// run makes requests as long as tasks wait, and ends. It owns its goroutine's place in the ledger.
func (r *route) run(ctx context.Context, q *request) {
	defer func() {
		if q != nil { // the Sender took the goroutine down: the tasks go on without it
			r.settle(q, nil, errGoexit)
			if ctx, q = r.takeOver(q); q != nil {
				go r.run(ctx, q)
				return
			}
		}
		r.ledger.exit()
	}()
	for q != nil {
		results, err := r.send(ctx, q)
		r.settle(q, results, err)
		runtime.Gosched() // callers that were let go fire again: let them board
		ctx, q = r.takeOver(q)
	}
}

// send calls the Sender, between the hooks.
func (r *route) send(ctx context.Context, q *request) ([]transport.Result, error) {
	s := Sending{Class: r.class, Envelopes: q.envelopes, Retries: q.retries, Waiting: q.waiting}
	ctx = r.watcher.send(ctx, s)
	began := time.Now()
	results, err := r.call(ctx, q.envelopes)
	r.watcher.sent(ctx, s, results, err, began)
	return results, err
}

// call calls the Sender. After a panic nobody knows what has left, so all entries are without a result.
func (r *route) call(ctx context.Context, batch []task.Envelope) (results []transport.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("sender panicked; its tasks will be sent again", "class", r.class, "panic", p, "stack", string(debug.Stack()))
			results, err = nil, panicked(r.sender, p)
		}
	}()
	return r.sender.Send(ctx, batch)
}

func panicked(s transport.Sender, p any) error {
	if err, ok := p.(error); ok {
		return fmt.Errorf("sender %T: panicked: %w", s, err)
	}
	return fmt.Errorf("sender %T: panicked: %v", s, p)
}
