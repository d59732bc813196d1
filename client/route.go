package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/offloadhq/offload/transport"
)

// route is the way of one queue class: a line of tasks, the requests in flight, and the tasks that rest before another
// try.
type route struct {
	class          string
	sender         transport.Sender
	limits         transport.Limits
	forgetful      bool // nobody holds the envelopes of a request whose Sender has returned
	forgets        bool // nor the bodies of tasks that were delivered
	sendTimeout    time.Duration
	attemptTimeout time.Duration
	log            *slog.Logger
	ledger         *ledger
	reporter       *reporter
	watcher        *watcher
	journaled      *journaled // nil outside the mode Journaled

	mu      sync.Mutex
	line    line
	rest    rest
	flights flights // each has one goroutine
	width   width
	breaker breaker
	health  Health
	counts  counts
	timer   *time.Timer // runs wake; nil until needed
	wakeAt  time.Time   // when it does; zero: it is not set
	aborted error       // why nothing is sent any more
	ended   []*entry    // to be handed on by unlock
	told    []*entry    // whose callers unlock lets go
	news    []news      // of the health, to be told by unlock, in order
	telling bool        // a goroutine is telling them
}

// unlock ends a critical section and hands on what ended in it, whatever hooks do to the goroutine.
func (r *route) unlock() {
	ended, told := r.ended, r.told
	r.ended, r.told = nil, nil
	tells := len(r.news) > 0 && !r.telling
	r.telling = r.telling || tells
	r.mu.Unlock()
	if len(ended) > 0 || len(told) > 0 {
		defer r.release(ended, told)
		defer r.journaled.settle(ended)
		defer r.tellEnds(ended)
	}
	if tells {
		r.tellHealth()
	}
}

// tellEnds tells, and logs, what became of tasks. What is logged is logged before Flush sees the end.
func (r *route) tellEnds(ended []*entry) {
	debugging := len(ended) > 0 && r.log.Enabled(context.Background(), slog.LevelDebug)
	if !debugging && r.watcher.hooks.Ended == nil && !slices.ContainsFunc(ended, r.loses) {
		return
	}
	each(len(ended), func(i int) {
		e := ended[i]
		receipt := e.receipt(e.end)
		defer func() { r.watcher.ended(receipt, time.Since(e.envelope.Time())) }()
		r.logLoss(e)
		if debugging {
			r.log.Debug("task ended", "task", receipt, "bytes", e.envelope.Size())
		}
	})
}

// release hands on what was told. The bounds are released before the callers know, so that a caller that is told here finds its
// room free. From then on a delivered entry is its caller's, who lets the next task have it.
func (r *route) release(ended, told []*entry) {
	owed := r.ledger.end(ended, r.reporter.hook != nil)
	for _, e := range told {
		close(e.answer)
	}
	r.reporter.report(owed)
	if len(ended) > 0 {
		r.journaled.wake()
	}
}

// loses reports that a task was lost that its firer believes to be on its way, and neither OnResult nor Close tells it.
func (r *route) loses(e *entry) bool {
	return e.end.err != nil && e.owed && r.reporter.hook == nil && !errors.Is(e.end.err, ErrClosed)
}

func (r *route) logLoss(e *entry) {
	if err := e.end.err; r.loses(e) {
		r.log.Error("task ended undelivered", "id", err.ID, "name", err.Name, "class", r.class,
			"bytes", e.envelope.Size(), "attempts", err.Attempts, "error", err)
	}
}

// thinLine is what the slowest line that a request is given time for takes in a second, in bytes.
const thinLine = 128 << 10

// accept puts new entries in line and opens the requests that follow. It returns false if nothing is sent any more: the
// entries have ended, and their receipts tell it to whoever fires.
func (r *route) accept(now time.Time, entries ...*entry) (open bool) {
	r.mu.Lock()
	defer r.unlock()
	for _, e := range entries {
		switch {
		case r.aborted != nil:
			r.finish(e, "", r.aborted)
			e.owed = false
		case !e.answered && r.breaker.blocked() && !r.breaker.allows(now):
			r.finish(e, "", r.blockage(now))
		default:
			if r.breaker.open {
				e.detach()
			}
			r.line.push(e)
		}
	}
	r.dispatch(now)
	return r.aborted == nil
}

// blockage is why no caller need wait now.
func (r *route) blockage(now time.Time) error {
	return fmt.Errorf("class %q takes nothing since %s, and the next probe is in %v: %w",
		r.class, r.health.Since.Format(time.RFC3339), r.breaker.until.Sub(now).Round(time.Second), r.health.Err)
}

// dispatch opens as many requests as may be.
func (r *route) dispatch(now time.Time) {
	for r.mayOpen(now) {
		q := r.next(now)
		if q == nil {
			break
		}
		r.ledger.enter()
		go r.run(q)
	}
	r.arm(now)
}

// mayOpen is the rule of natural batching, for a new request and for the successor of one that has ended: at once while
// fewer than two are in flight, beyond that when a full one waits, and nobody waits for a processor.
func (r *route) mayOpen(now time.Time) bool {
	n := r.flights.Len()
	return r.line.Len() > 0 && n < r.width.most && r.breaker.allows(now) &&
		(n < eager || n < r.width.now && r.line.full(r.limits) || !now.Before(r.flights.idleAt()))
}

// next takes what waits, as much as fits one request; nil if nothing does.
func (r *route) next(now time.Time) *request {
	q := newRequest()
	for r.line.Len() > 0 {
		batch := slices.DeleteFunc(r.line.take(q.entryRoom[:0], r.limits, r.breaker.open), func(e *entry) bool {
			late := !e.deadline.IsZero() && !now.Before(e.deadline)
			if late {
				r.finish(e, "", r.timedOut(e))
			}
			return late
		})
		if len(batch) == 0 {
			continue
		}
		q.entries, q.envelopes, q.began, q.round = batch, q.envelopeRoom[:0], now, r.breaker.start()
		for _, e := range batch {
			e.place = flying
			if e.attempts++; e.attempts > 1 {
				q.retries++
			}
			q.envelopes = append(q.envelopes, e.envelope)
			q.bytes += e.envelope.Size()
		}
		q.ctx, q.cancel = context.WithTimeout(context.WithoutCancel(batch[0].fired), r.timeout(q.bytes))
		r.flights.add(q)
		r.counts.requests++
		r.counts.retried += uint64(q.retries)
		q.waiting = r.line.Len()
		return q
	}
	requests.Put(q)
	return nil
}

// timeout is how long a request with bodies of so many bytes may take.
func (r *route) timeout(bytes int) time.Duration {
	return r.attemptTimeout + time.Duration(bytes/thinLine)*time.Second
}

// takeOver gives a request that has ended its successor, in its place among those in flight, unless there is to be none.
// waited is how long its goroutine has just waited for a processor.
func (r *route) takeOver(q *request, waited time.Duration) {
	now := time.Now()
	r.mu.Lock()
	defer r.unlock()
	if q.took > 0 {
		r.width.learn(r.flights.Len(), q.took, waited)
	}
	r.flights.Remove(&q.node)
	if r.mayOpen(now) {
		q.successor = r.next(now)
	}
	r.dispatch(now)
}

// arm makes sure that wake runs when the next thing is due. A timer that is set for an earlier time is left alone: it
// finds out, and under load it is then hardly ever set.
func (r *route) arm(now time.Time) {
	due, some := r.nextDue()
	if !some || !r.wakeAt.IsZero() && !due.Before(r.wakeAt) {
		return
	}
	r.wakeAt = due
	if r.timer == nil {
		r.timer = time.AfterFunc(due.Sub(now), r.wake)
		return
	}
	r.timer.Reset(due.Sub(now))
}

// nextDue is when something may happen that no task and no answer sets off.
func (r *route) nextDue() (due time.Time, some bool) {
	if first := r.rest.first(); first != nil {
		due, some = first.due, true
	}
	if r.line.Len() == 0 || r.flights.Len() >= r.width.most || r.breaker.window > 0 && r.breaker.flying >= r.breaker.window {
		return due, some
	}
	at := r.flights.idleAt()
	if r.breaker.window > 0 && r.breaker.until.After(at) {
		at = r.breaker.until
	}
	if !some || at.Before(due) {
		due, some = at, true
	}
	return due, some
}

// wake puts the entries that have rested enough in line.
func (r *route) wake() {
	r.mu.Lock()
	defer r.unlock()
	now := time.Now()
	r.wakeAt = time.Time{}
	for e := r.rest.first(); e != nil && !e.due.After(now); e = r.rest.first() {
		r.rest.remove(e)
		r.line.push(e)
	}
	r.dispatch(now)
}

// hurry sends a probe at once, instead of after the pause: the client is closing, and this may be the last chance.
func (r *route) hurry() {
	now := time.Now()
	r.mu.Lock()
	defer r.unlock()
	r.breaker.until = time.Time{}
	for e := r.rest.first(); e != nil; e = r.rest.first() {
		r.rest.remove(e)
		r.line.push(e)
	}
	r.dispatch(now)
}

// abort ends every entry that is not in a request, and cancels the requests.
func (r *route) abort(cause error) {
	r.mu.Lock()
	defer r.unlock()
	r.aborted = cause
	for e := r.line.First(); e != nil; e = r.line.First() {
		r.line.remove(e)
		r.finish(e, "", withLast(cause, e.last))
	}
	for e := r.rest.first(); e != nil; e = r.rest.first() {
		r.rest.remove(e)
		r.finish(e, "", withLast(cause, e.last))
	}
	for q := r.flights.First(); q != nil; q = q.node.Next() {
		q.cancel()
	}
}

// abandon ends the entries whose requests do not come back.
func (r *route) abandon(cause error) {
	r.mu.Lock()
	defer r.unlock()
	for q := r.flights.First(); q != nil; q = q.node.Next() {
		for _, e := range q.entries {
			if e.place == flying {
				e.doubtful = true
				r.flights.land(e)
				r.finish(e, "", withLast(cause, e.last))
			}
		}
	}
}
