package sqs

import (
	"slices"
	"time"
)

// owner is the state of a running service: the queues, and who waits for a
// message. Only the service's goroutine touches it.
type owner struct {
	registry *registry
	waits    []*waitList
}

// waitList is the row of receives that wait on one queue, the first first.
type waitList struct {
	queue   *queue
	waiters []*waiter
}

// waiter is a receive that waits. It is answered once.
type waiter struct {
	limit      int
	visibility *time.Duration
	answer     chan answer // holds one
}

type answer struct {
	messages []Message
	err      error
}

func (o *owner) wait(q *queue, w *waiter) {
	for _, l := range o.waits {
		if l.queue == q {
			l.waiters = append(l.waiters, w)
			return
		}
	}
	o.waits = append(o.waits, &waitList{q, []*waiter{w}})
}

// leave takes w out of the row; false if it was answered before.
func (o *owner) leave(q *queue, w *waiter) bool {
	for _, l := range o.waits {
		if i := slices.Index(l.waiters, w); l.queue == q && i >= 0 {
			l.waiters = slices.Delete(l.waiters, i, i+1)
			o.dropEmpty()
			return true
		}
	}
	return false
}

func (o *owner) dropEmpty() {
	o.waits = slices.DeleteFunc(o.waits, func(l *waitList) bool { return len(l.waiters) == 0 })
}

// serve answers every waiter for which there is a message, and returns the next
// instant at which there may be one without a command: when a hidden message of
// a queue that somebody waits on becomes visible.
func (o *owner) serve(now time.Time) (next time.Time, ok bool) {
	// A receive may dead-letter messages into a queue that was looked at
	// before, so look again until nothing moves.
	for moved := true; moved; {
		moved = false
		for _, l := range o.waits {
			for len(l.waiters) > 0 && l.queue.ready(now) {
				w := l.waiters[0]
				moved = true
				if got := o.registry.receive(now, l.queue, w.limit, w.visibility); len(got) > 0 {
					w.answer <- answer{messages: got}
					l.waiters = slices.Delete(l.waiters, 0, 1)
				}
			}
		}
	}
	o.dropEmpty()
	for _, l := range o.waits {
		if at, hidden := l.queue.nextVisible(); hidden && at.After(now) && (!ok || at.Before(next)) {
			next, ok = at, true
		}
	}
	return next, ok
}

// abandon answers everyone who waits on q with err.
func (o *owner) abandon(q *queue, err error) {
	for _, l := range o.waits {
		if l.queue != q {
			continue
		}
		for _, w := range l.waiters {
			w.answer <- answer{err: err}
		}
		l.waiters = nil
	}
	o.dropEmpty()
}

func (o *owner) closeAll() {
	for len(o.waits) > 0 {
		o.abandon(o.waits[0].queue, ErrClosed)
	}
}
