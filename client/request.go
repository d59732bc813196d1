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
	ctx       context.Context //nolint:containedctx // of the attempt, for the time of it
	cancel    context.CancelFunc
	began     time.Time
	took      time.Duration // when it was good
	round     int           // of the breaker
	returned  bool          // the Sender has, in the ordinary way

	// Of the goroutine that runs it.
	step      step // the last that was begun
	called    time.Time
	results   []transport.Result // with err, the answer of the Sender
	err       error
	successor *request // takes its place when it is over

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

// step is a part of what is done for a request. Each may end the goroutine, which leaves the next ones to another.
type step uint8

const (
	announcing step = iota + 1
	sending
	telling
	settling
	leaving
)

// run makes requests as long as tasks wait, and ends. It owns its goroutine's place in the ledger.
func (r *route) run(q *request) {
	defer func() {
		if q != nil { // somebody else's code ended the goroutine: another goes on
			go r.run(q)
			return
		}
		r.ledger.exit()
	}()
	for q != nil {
		for q.step < leaving {
			q.step++ // what ends the goroutine is not done again
			r.do(q)
		}
		last := q
		q, last.successor = last.successor, nil // a Sender that keeps envelopes keeps their request
		last.free(r.forgetful)
	}
}

// do does one step of a request: it calls the Sender, between the hooks, and draws the conclusions.
func (r *route) do(q *request) {
	switch q.step {
	case announcing:
		q.ctx = r.watcher.send(q.ctx, r.sendingOf(q))
	case sending:
		q.called, q.err = time.Now(), errGoexit
		r.call(q)
	case telling:
		r.watcher.sent(q.ctx, r.sendingOf(q), q.results, q.err, q.called)
	case settling:
		r.settle(q, q.results, q.err)
	case leaving:
		waits := time.Now()
		runtime.Gosched() // callers that were let go fire again: let them board
		r.takeOver(q, time.Since(waits))
	}
}

// sendingOf is what hooks are told of a request.
func (r *route) sendingOf(q *request) Sending {
	return Sending{Class: r.class, Envelopes: q.envelopes, Retries: q.retries, Waiting: q.waiting}
}

// call calls the Sender. After a panic nobody knows what has left, so all entries are without a result.
func (r *route) call(q *request) {
	defer func() {
		if p := recover(); p != nil {
			q.err = panicked(r.sender, p)
			r.log.Error("sender panicked; its tasks will be sent again", "class", r.class, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	q.results, q.err = r.sender.Send(q.ctx, q.envelopes)
	q.returned = true
}

func panicked(s transport.Sender, p any) error {
	if err, ok := p.(error); ok {
		return fmt.Errorf("sender %T: panicked: %w", s, err)
	}
	return fmt.Errorf("sender %T: panicked: %v", s, p)
}
