package client

import (
	"fmt"
	"slices"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// settle judges each entry of a request that has ended, and the request as a whole. The request has no entries any more
// then, although it is in flight until its place is taken over: one that has ended may be used again for another task.
func (r *route) settle(q *request, results []transport.Result, call error) {
	q.cancel()
	now := time.Now()
	r.mu.Lock()
	defer r.unlock()
	entries := q.entries
	q.entries = nil
	f, why := findingOf(len(entries), results, call)
	if r.aborted != nil {
		f = silent // it was cancelled
	}
	round := r.breaker.round
	r.breaker.end(q.round, f, q.began, now, r.width.most)
	tripped := r.breaker.round != round
	r.judgeHealth(f, why, tripped, now)
	if f == good {
		q.took = now.Sub(q.began)
		r.flights.took(q.took)
	}
	r.ended, r.told = q.endedRoom[:0], q.toldRoom[:0]
	var wait waits
	sure := f == good || r.breaker.blocked() // else a second look follows: credentials may be new by then
	for i, e := range entries {
		if e.place != flying {
			continue // Close gave it up
		}
		r.flights.land(e)
		r.settleEntry(e, resultOf(results, call, i), &wait, sure, now)
	}
	if tripped {
		r.pauseLine(now)
	}
	r.arm(now)
}

// settleEntry ends an entry or lets it rest. sure says that a refusal of every task is no passing one.
func (r *route) settleEntry(e *entry, result transport.Result, wait *waits, sure bool, now time.Time) {
	e.last = result.Err
	if result.Outcome != transport.Accepted && result.Outcome != transport.Rejected {
		e.doubtful = true
	}
	switch v := judge(result); {
	case v == delivered:
		r.finish(e, result.MessageID, nil)
	case v == refused:
		r.finish(e, "", &task.InvalidError{Name: e.envelope.Name(), ID: e.envelope.ID(), Err: result.Err})
	case v == blocked && sure && !e.answered && !e.doubtful:
		r.finish(e, "", result.Err)
	default:
		if transport.KindOf(result.Err) != transport.Throttled { // that is about the rate
			e.failures++
		}
		r.postpone(e, wait.after(e.attempts, e.failures), now)
		if v == blocked && sure {
			r.tell(e)
		}
	}
}

// pauseLine prepares what waits for a long pause: memory that is not needed goes, and callers need not wait in vain.
func (r *route) pauseLine(now time.Time) {
	for e, next := r.line.First(), (*entry)(nil); e != nil; e = next {
		next = e.node.Next()
		if r.pauseEntry(e) {
			r.line.remove(e)
			r.finish(e, "", r.blockage(now))
		}
	}
	for _, e := range slices.Clone(r.rest.entries) {
		if r.pauseEntry(e) {
			r.rest.remove(e)
			r.finish(e, "", r.blockage(now))
		}
	}
}

// pauseEntry reports that an entry is to end, because its caller waits in vain.
func (r *route) pauseEntry(e *entry) (ends bool) {
	e.detach()
	if e.answered || !r.breaker.blocked() {
		return false
	}
	if e.doubtful {
		r.tell(e)
		return false
	}
	return true
}

// postpone lets an entry rest before its next attempt, unless there will be none. In an outage that is the next probe: what
// waits longer would be late when the outage ends.
func (r *route) postpone(e *entry, wait time.Duration, now time.Time) {
	e.due = now.Add(wait)
	if r.breaker.open {
		e.due = r.breaker.until
	}
	switch {
	case r.aborted != nil:
		r.finish(e, "", withLast(r.aborted, e.last))
	case !e.deadline.IsZero() && !e.due.Before(e.deadline):
		r.finish(e, "", r.timedOut(e))
	default:
		e.detach()
		r.rest.push(e)
	}
}

// tell lets a caller go with what is known, while sending goes on.
func (r *route) tell(e *entry) {
	if e.answered {
		return
	}
	e.answered, e.owed = true, true
	e.told = e.unconfirmed(e.last)
	r.told = append(r.told, e)
}

// finish ends an entry: delivered if cause is nil.
func (r *route) finish(e *entry, messageID string, cause error) {
	e.place = ended
	if cause == nil {
		r.counts.accepted++
		e.end = answer{messageID: messageID, attempts: e.attempts}
	} else {
		e.end = e.failure(cause)
		switch {
		case e.stays():
			r.counts.kept++
		case e.doubtful:
			r.counts.unknown++
		default:
			r.counts.rejected++
		}
	}
	r.ended = append(r.ended, e)
	if e.answer == nil { // Fire has said that all is well
		e.owed = cause != nil && !e.stays()
		return
	}
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
		return e.receipt(e.told)
	case e.place == flying || e.doubtful:
		e.answered, e.owed = true, true
		return e.receipt(e.unconfirmed(withLast(cause, e.last)))
	case e.place == ready:
		r.line.remove(e)
	default:
		r.rest.remove(e)
	}
	last := e.last
	if last == nil && r.breaker.open {
		last = r.health.Err // the task itself was never tried
	}
	r.finish(e, "", withLast(cause, last))
	return e.receipt(e.told)
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
