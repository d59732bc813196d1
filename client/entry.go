package client

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/internal/list"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// place is where an entry is on its way.
type place uint8

const (
	ready   place = iota // in the line for the next request
	resting              // waits until it may be tried again
	flying               // in a request
	ended
)

// taskOverhead is what an accepted task counts besides its body, in bytes: about 500 for its entry, and the rest for the
// garbage collector, which lets the heap grow beyond what is in use.
const taskOverhead = 1280

// entry is one accepted task from its acceptance to its end.
type entry struct {
	envelope task.Envelope
	room     []byte // memory for the body of the next task
	route    *route
	ref      journal.Ref     // of its record; zero outside the mode Journaled
	fired    context.Context //nolint:containedctx // the caller's: only its values are used, for the request that the entry leads
	cohort   *cohort
	deadline time.Time     // no attempt starts after it; zero: none
	answer   chan struct{} // closed when told is set for a caller that still waits; nil if none does

	// Guarded by the mutex of the route.
	place    place
	doubtful bool              // an attempt may have arrived
	answered bool              // Fire has its answer, or is about to; in the mode Buffered from the start
	owed     bool              // the end is news to whoever fired, so OnResult gets it
	node     list.Node[*entry] // in the line
	due      time.Time         // when resting
	position int               // among the resting
	attempts int
	failures int    // attempts that may have failed for the company they were in
	last     error  // of the last attempt
	told     answer // for Fire; read after the channel is closed
	end      answer // set when the entry ends, and then constant
}

var entries = sync.Pool{New: func() any { return new(entry) }}

// newEntry returns an empty one.
func newEntry() *entry { return entries.Get().(*entry) }

// maxRoom keeps large bodies from pinning their memory: with an entry it is about taskOverhead, so what is counted for a small
// task suffices for one in such memory too.
const maxRoom = 1 << 10

// free lets the next task have the memory of an entry, which nobody holds any more; and that of its body, if nobody holds that
// either. Of several attempts one may have been that of a Sender which was taken down, and has not returned.
func (e *entry) free() {
	var room []byte
	if body := e.envelope.Body(); e.route.forgets && e.attempts == 1 && cap(body) <= maxRoom {
		room = body[:0]
	}
	*e = entry{room: room}
	entries.Put(e)
}

// collect is the receipt of an entry whose answer has come. The route has let go of one that was delivered, and so does the
// caller.
func (e *entry) collect() Receipt {
	r := e.receipt(e.told)
	if r.Err == nil {
		e.free()
	}
	return r
}

// answer is what a receipt has besides the facts of the task.
type answer struct {
	messageID string
	attempts  int
	err       *Error
}

// weight is what the entry counts against the bound of bytes.
func weight(e *task.Envelope) int { return e.Size() + taskOverhead }

// unboundedCompany is the company in a request of a transport without a bound of items.
const unboundedCompany = 1024

// company is the most entries that a request with e should have: half as many after every second failure.
func (e *entry) company(limits transport.Limits) int {
	if e.failures < 2 {
		return math.MaxInt
	}
	most := limits.Items
	if most <= 0 {
		most = unboundedCompany
	}
	return max(1, most>>(e.failures/2))
}

// stays reports that the task has not ended for good: it is in the journal, and will be sent by whoever opens that next.
func (e *entry) stays() bool {
	return !e.ref.IsZero() && e.end.err != nil && errors.Is(e.end.err, ErrClosed)
}

func (e *entry) receipt(a answer) Receipt {
	r := Receipt{ID: e.envelope.ID(), Name: e.envelope.Name(), Class: e.envelope.Class(), MessageID: a.messageID, Attempts: a.attempts}
	if a.err != nil {
		envelope := e.envelope
		r.Err, r.Envelope = a.err, &envelope
	}
	return r
}

// unconfirmed is what a caller is told while sending goes on.
func (e *entry) unconfirmed(cause error) answer {
	return answer{attempts: e.attempts, err: &Error{
		ID: e.envelope.ID(), Name: e.envelope.Name(), Attempts: e.attempts, Fact: ErrUnconfirmed, Err: cause,
	}}
}

// failure makes the answer of an entry that ends undelivered out of what is known of it.
func (e *entry) failure(cause error) answer {
	err := &Error{ID: e.envelope.ID(), Name: e.envelope.Name(), Attempts: e.attempts, Fact: ErrNotSent, Ended: true, Err: cause}
	if e.doubtful {
		err.Fact = ErrUnconfirmed
	}
	return answer{attempts: e.attempts, err: err}
}

// detach lets go of the caller's context, with whatever hangs on it, when nobody waits any more and the task may have
// to wait for long.
func (e *entry) detach() {
	if e.answered {
		e.fired = context.Background()
	}
}
