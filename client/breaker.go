package client

import (
	"time"

	"github.com/offloadhq/offload/internal/backoff"
	"github.com/offloadhq/offload/task"
)

const (
	// tripAfter is how many requests in a row must fail as a whole before a route pauses.
	tripAfter = 5
	// blockedProbe is the time between two probes of a set-up that refuses everything.
	blockedProbe = 30 * time.Second
	// secondLook is the longest wait after the first of such refusals: credentials may be new by then.
	secondLook = 200 * time.Millisecond
)

// pause is the longest wait before probe n.
var pause = task.Exponential(100*time.Millisecond, 4*time.Second)

// finding is what one request as a whole says about the transport.
type finding uint8

const (
	silent   finding = iota // nothing: every entry was refused as invalid
	good                    // at least one entry was accepted
	failing                 // no entry was accepted, and another try may help
	blocking                // no entry was accepted, and none will be until somebody mends the set-up
)

// breaker says when a route may send. After a row of failures it opens: nothing is sent but one probe at a time, after
// waits that grow. The first good request closes it, and the number of requests in flight grows from one again, by one for
// each that is good, so that a service which has just come back is not met by everything that waited.
//
// It is a state machine without a clock. The mutex of its route guards it.
type breaker struct {
	round    int       // counts the openings, so that answers to requests from before one are told apart
	failures int       // in a row
	probes   int       // in a row, failed
	refusals int       // in a row, of probes that were blocking
	open     bool      // no good answer since it opened
	until    time.Time // nothing is sent before
	window   int       // requests of this round that may be in flight; 0: any number
	flying   int       // requests of this round
}

// allows reports whether a request may start.
func (b *breaker) allows(now time.Time) bool {
	return b.window == 0 || b.flying < b.window && !now.Before(b.until)
}

// blocked reports that a second look has confirmed that everything is refused.
func (b *breaker) blocked() bool { return b.open && b.refusals > 1 }

// start notes a request. Its end is told with the round returned.
func (b *breaker) start() int {
	b.flying++
	return b.round
}

// end takes over what a request has found that began at the given time. most is where the growth of the window ends.
func (b *breaker) end(round int, f finding, began, now time.Time, most int) {
	current := round == b.round
	if current {
		b.flying--
	}
	switch f {
	case good:
		b.failures, b.probes, b.refusals, b.open, b.until = 0, 0, 0, false, time.Time{}
		if b.window > 0 && current {
			b.window++
		}
		if b.window > most {
			b.window = 0
		}
	case failing, blocking:
		if !current {
			return // it was on its way when the breaker opened, and says nothing new
		}
		b.failures++
		if b.open || f == blocking || b.failures >= tripAfter {
			b.trip(f, began, now)
		}
	}
}

// trip opens the breaker, or keeps it open after a failed probe. The pause counts from the start of the request: how long
// it hung is a part of it.
func (b *breaker) trip(f finding, began, now time.Time) {
	b.round++
	b.probes++
	b.open, b.window, b.flying = true, 1, 0
	wait := jitter(pause(b.probes))
	if f != blocking {
		b.refusals, b.until = 0, began.Add(wait)
		return
	}
	if b.refusals++; b.refusals > 1 {
		wait = blockedProbe
	} else {
		wait = jitter(secondLook)
	}
	b.until = now.Add(wait)
}

// jitter draws from the upper three quarters below ceiling: full jitter that keeps a distance.
func jitter(ceiling time.Duration) time.Duration {
	return ceiling/4 + backoff.FullJitter(ceiling-ceiling/4)
}
