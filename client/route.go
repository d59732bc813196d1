package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// eager is how many requests a route opens without waiting for a full one.
const eager = 2

// route is the way of one queue class: a line of tasks, the requests in flight, and the tasks that rest before another
// try.
type route struct {
	class          string
	sender         transport.Sender
	limits         transport.Limits
	sendTimeout    time.Duration
	attemptTimeout time.Duration
	maxSenders     int
	log            *slog.Logger
	ledger         *ledger
	reporter       *reporter

	mu       sync.Mutex
	line     line
	rest     rest
	requests map[*request]struct{} // in flight; each has one goroutine
	timer    *time.Timer           // wakes the route for the first of rest; nil until needed
	aborted  error                 // why nothing is sent any more
	ended    []*entry              // to be handed on by unlock
	told     []*entry              // whose callers unlock lets go
}

// unlock ends a critical section and hands on what ended in it. The bounds are released before the callers know, so
// that a caller that has its answer finds its room free.
func (r *route) unlock() {
	ended, told := r.ended, r.told
	r.ended, r.told = nil, nil
	r.mu.Unlock()
	owed := r.ledger.end(ended, r.reporter.hook != nil)
	for _, e := range told {
		close(e.answer)
	}
	r.reporter.report(owed)
	for _, e := range ended {
		r.logLoss(e)
	}
}

// logLoss tells of a task that its firer believes to be on its way, where neither OnResult nor Close does.
func (r *route) logLoss(e *entry) {
	if e.owed && e.end.Err != nil && r.reporter.hook == nil && !errors.Is(e.end.Err, ErrClosed) {
		r.log.Error("task ended undelivered", "id", e.end.ID, "name", e.end.Name, "class", r.class,
			"bytes", e.envelope.Size(), "attempts", e.end.Attempts, "error", e.end.Err)
	}
}

// accept puts new entries in line and opens the requests that follow.
func (r *route) accept(entries ...*entry) {
	r.mu.Lock()
	defer r.unlock()
	for _, e := range entries {
		if r.aborted != nil {
			r.finish(e, "", r.aborted)
			continue
		}
		r.line.push(e)
	}
	r.dispatch()
}

// dispatch opens requests by the rule of natural batching: at once while fewer than two are in flight, beyond that
// when a full one waits.
func (r *route) dispatch() {
	for r.line.items > 0 && len(r.requests) < r.maxSenders && (len(r.requests) < eager || r.line.full(r.limits)) {
		ctx, q := r.next()
		if q == nil {
			return
		}
		r.ledger.enter()
		go r.run(ctx, q)
	}
}

// next takes what waits, as much as fits one request; nil if nothing does.
func (r *route) next() (context.Context, *request) {
	now := time.Now()
	for r.line.items > 0 {
		batch := slices.DeleteFunc(r.line.take(r.limits), func(e *entry) bool {
			late := !now.Before(e.deadline)
			if late {
				r.finish(e, "", r.timedOut(e))
			}
			return late
		})
		if len(batch) == 0 {
			continue
		}
		q := &request{entries: batch, envelopes: make([]task.Envelope, len(batch))}
		for i, e := range batch {
			e.place = flying
			e.attempts++
			q.envelopes[i] = e.envelope
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].fired), r.attemptTimeout)
		q.cancel = cancel
		r.requests[q] = struct{}{}
		return ctx, q
	}
	return nil, nil
}

// settle judges each entry of a request that has ended.
func (r *route) settle(q *request, results []transport.Result, call error) {
	q.cancel()
	r.mu.Lock()
	defer r.unlock()
	r.ended = make([]*entry, 0, len(q.entries))
	r.told = make([]*entry, 0, len(q.entries))
	var wait waits
	for i, e := range q.entries {
		if e.place != flying {
			continue // Close gave it up
		}
		result := resultOf(results, call, i)
		e.last = result.Err
		if result.Outcome != transport.Accepted && result.Outcome != transport.Rejected {
			e.doubtful = true
		}
		switch v := judge(result); {
		case v == delivered:
			r.finish(e, result.MessageID, nil)
		case v == refused:
			r.finish(e, "", &task.InvalidError{Name: e.envelope.Name(), ID: e.envelope.ID(), Err: result.Err})
		case v == blocked && !e.answered && !e.doubtful:
			r.finish(e, "", result.Err)
		default:
			if wait == nil {
				wait = waits{}
			}
			r.postpone(e, wait.after(e.attempts))
			if v == blocked {
				r.tell(e)
			}
		}
	}
	r.arm()
}

// takeOver gives a request that has ended its successor, in its place among those in flight; nil if nothing waits.
func (r *route) takeOver(q *request) (context.Context, *request) {
	r.mu.Lock()
	defer r.unlock()
	delete(r.requests, q)
	return r.next()
}

// postpone lets an entry rest before its next attempt, unless there will be none.
func (r *route) postpone(e *entry, wait time.Duration) {
	e.due = time.Now().Add(wait)
	switch {
	case r.aborted != nil:
		r.finish(e, "", withLast(r.aborted, e.last))
	case !e.due.Before(e.deadline):
		r.finish(e, "", r.timedOut(e))
	default:
		r.rest.push(e)
	}
}

// tell lets a caller go with what is known, while sending goes on.
func (r *route) tell(e *entry) {
	if e.answered {
		return
	}
	e.answered, e.owed = true, true
	e.told = e.receipt(e.unconfirmed(e.last))
	r.told = append(r.told, e)
}

// finish ends an entry: delivered if cause is nil.
func (r *route) finish(e *entry, messageID string, cause error) {
	e.place = ended
	var failure error
	if cause != nil {
		failure = e.failure(cause)
	}
	e.end = e.receipt(failure)
	e.end.MessageID = messageID
	r.ended = append(r.ended, e)
	if e.answered {
		return
	}
	e.answered, e.owed = true, cause != nil && e.doubtful
	e.told = e.end
	r.told = append(r.told, e)
}

// leave ends the wait of an entry's caller. An entry that no attempt has taken out of the process, as far as anyone can
// know, is taken back.
func (r *route) leave(e *entry, cause error) Receipt {
	r.mu.Lock()
	defer r.unlock()
	switch {
	case e.answered:
		return e.told
	case e.place == flying || e.doubtful:
		e.answered, e.owed = true, true
		return e.receipt(e.unconfirmed(withLast(cause, e.last)))
	case e.place == ready:
		r.line.remove(e)
	default:
		r.rest.remove(e)
		r.arm()
	}
	r.finish(e, "", withLast(cause, e.last))
	return e.told
}

// arm sets the timer to the first entry at rest.
func (r *route) arm() {
	first := r.rest.first()
	switch {
	case first == nil && r.timer == nil:
	case first == nil:
		r.timer.Stop()
	case r.timer == nil:
		r.timer = time.AfterFunc(time.Until(first.due), r.wake)
	default:
		r.timer.Reset(time.Until(first.due))
	}
}

// wake puts the entries that have rested enough in line.
func (r *route) wake() {
	r.mu.Lock()
	defer r.unlock()
	now := time.Now()
	for e := r.rest.first(); e != nil && !e.due.After(now); e = r.rest.first() {
		r.rest.remove(e)
		r.line.push(e)
	}
	r.arm()
	r.dispatch()
}

// abort ends every entry that is not in a request, and cancels the requests.
func (r *route) abort(cause error) {
	r.mu.Lock()
	defer r.unlock()
	r.aborted = cause
	for e := r.line.head; e != nil; e = r.line.head {
		r.line.remove(e)
		r.finish(e, "", withLast(cause, e.last))
	}
	for e := r.rest.first(); e != nil; e = r.rest.first() {
		r.rest.remove(e)
		r.finish(e, "", withLast(cause, e.last))
	}
	r.arm()
	for q := range r.requests {
		q.cancel()
	}
}

// abandon ends the entries whose requests do not come back.
func (r *route) abandon(cause error) {
	r.mu.Lock()
	defer r.unlock()
	for q := range r.requests {
		for _, e := range q.entries {
			if e.place == flying {
				e.doubtful = true
				r.finish(e, "", withLast(cause, e.last))
			}
		}
	}
}

func (r *route) timedOut(e *entry) error {
	return withLast(fmt.Errorf("not acknowledged within %v (Options.SendTimeout)", r.sendTimeout), e.last)
}

// withLast adds the error of the last attempt to why the waiting ended.
func withLast(cause, last error) error {
	if last == nil {
		return cause
	}
	return fmt.Errorf("%w; the last attempt: %w", cause, last)
}
