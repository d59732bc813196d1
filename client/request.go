package client

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
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
	ctx       context.Context //nolint:containedctx // of the attempt, on the way to the goroutine that makes it
	cancel    context.CancelFunc
	began     time.Time
	took      time.Duration // when it was good
	round     int           // of the breaker
	returned  bool          // the Sender has, in the ordinary way
	successor *request      // takes its place when it is over

	node list.Node[*request] // in flight; guarded by the mutex of the route

	// One allocation for a request of the usual size.
	entryRoom, endedRoom, toldRoom [usualItems]*entry
	envelopeRoom                   [usualItems]task.Envelope
}

var requests = sync.Pool{New: func() any { return new(request) }}

// newRequest returns an empty one.
func newRequest() *request { return requests.Get().(*request) }

// free lets the next request have the memory of one whose place is taken over. A Sender that is not forgetful may keep the
// envelopes, and so may what one has set off that was taken down.
func (q *request) free(forgetful bool) {
	if forgetful && q.returned {
		*q = request{}
		requests.Put(q)
	}
}

// usualItems is the most that Amazon SQS takes in a request.
const usualItems = 10

// errGoexit stands for the answer of a Sender that called runtime.Goexit.
var errGoexit = errors.New("the Sender ended its goroutine with runtime.Goexit")

// run makes requests as long as tasks wait, and ends. It owns its goroutine's place in the ledger.
func (r *route) run(q *request) {
	defer func() {
		if q = r.done(q); q != nil { // the code of others ended the goroutine: another goes on
			go r.run(q)
			return
		}
		r.ledger.exit()
	}()
	for q != nil {
		r.attempt(q)
		q = r.done(q)
	}
}

// attempt calls the Sender, between the hooks, and draws the conclusions. All but the first is deferred, in the reverse order, so
// that it is done whatever the code of others before it does to the goroutine.
func (r *route) attempt(q *request) {
	s := Sending{Class: r.class, Envelopes: q.envelopes, Retries: q.retries, Waiting: q.waiting}
	ctx, began, err := q.ctx, time.Now(), errGoexit
	var results []transport.Result
	defer r.handOver(q)
	defer func() { r.settle(q, results, err) }()
	defer func() { r.watcher.sent(ctx, s, results, err, began) }()
	defer func() {
		began = time.Now()
		results, err = r.call(ctx, q)
	}()
	ctx = r.watcher.send(ctx, s)
}

// handOver gives the place of a request to its successor.
func (r *route) handOver(q *request) {
	waits := time.Now()
	runtime.Gosched() // callers that were let go fire again: let them board
	r.takeOver(q, time.Since(waits))
}

// done lets go of a request, and returns its successor.
func (r *route) done(q *request) (successor *request) {
	if q == nil {
		return nil
	}
	successor, q.successor = q.successor, nil // a Sender that keeps envelopes keeps their request
	q.free(r.forgetful)
	return successor
}

// call calls the Sender. After a panic nobody knows what has left, so all entries are without a result.
func (r *route) call(ctx context.Context, q *request) (results []transport.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			results, err = nil, panicked(r.sender, p)
			r.log.Error("sender panicked; its tasks will be sent again", "class", r.class, "panic", p, "stack", string(debug.Stack()))
		} else if !q.returned {
			r.log.Error("sender ended its goroutine with runtime.Goexit; its tasks will be sent again", "class", r.class)
		}
	}()
	results, err = r.sender.Send(ctx, q.envelopes)
	q.returned = true
	return results, err
}

func panicked(s transport.Sender, p any) error {
	if err, ok := p.(error); ok {
		return fmt.Errorf("sender %T: panicked: %w", s, err)
	}
	return fmt.Errorf("sender %T: panicked: %v", s, p)
}
