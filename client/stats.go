package client

import "sync/atomic"

// Amount is a number of tasks, and the bytes of their bodies.
type Amount struct {
	Tasks int
	Bytes int
}

func (a Amount) plus(b Amount) Amount { return Amount{a.Tasks + b.Tasks, a.Bytes + b.Bytes} }

// Stats are what a client has done since New, and what it holds now. While nothing is in progress,
// Fired = Refused + Dropped + Accepted + Rejected + Unknown + Waiting.Tasks + InFlight.Tasks; while calls run, the
// numbers may differ by those.
type Stats struct {
	Mode Mode
	// Bound is the most that is lost when this process dies without Close (SIGKILL, out of memory, power): nothing in the
	// mode Confirmed; in the mode Buffered what the buffer holds, by Options.MaxPending and MaxPendingBytes, which counts
	// what is in flight too. AtRisk tells how much it would be now.
	Bound Amount

	Waiting  Amount // accepted, and in no request
	InFlight Amount // in a request now
	Open     int    // requests in flight

	Fired    uint64 // tasks given to Fire and FireBatch
	Refused  uint64 // of these, refused at once for whatever reason but a full buffer
	Dropped  uint64 // refused at once with ErrBufferFull
	Accepted uint64 // ended: the transport has them
	Rejected uint64 // ended undelivered, with ErrNotSent
	Unknown  uint64 // ended undelivered as far as is known, with ErrUnconfirmed

	Requests uint64 // calls of Sender.Send
	Retried  uint64 // tasks in a request that were in one before
}

// AtRisk is what would be lost if this process died now: what waits and what is in flight in the mode Buffered, nothing in
// the mode Confirmed, where no Fire has said that all is well.
func (s Stats) AtRisk() Amount {
	if s.Mode == Confirmed {
		return Amount{}
	}
	return s.Waiting.plus(s.InFlight)
}

// Stats returns the numbers of all routes together. It never blocks for long.
func (c *Client) Stats() Stats {
	s := Stats{Mode: c.mode}
	if c.mode == Buffered {
		s.Bound = Amount{Tasks: c.ledger.maxTasks, Bytes: c.ledger.maxBytes}
	}
	for _, r := range c.routes {
		r.addTo(&s)
	}
	s.Refused, s.Dropped, s.Fired = c.intake.refused.Load(), c.intake.dropped.Load(), c.intake.fired.Load()
	return s
}

// intake counts what Fire is given.
type intake struct{ fired, refused, dropped atomic.Uint64 }

// counts are those of one route. Guarded by its mutex.
type counts struct {
	accepted, rejected, unknown uint64
	retried, requests           uint64
}

func (r *route) addTo(s *Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Waiting = s.Waiting.plus(Amount{r.line.items, r.line.bytes}).plus(Amount{len(r.rest.entries), r.rest.bytes})
	s.InFlight = s.InFlight.plus(r.flights.load)
	s.Open += r.flights.n
	s.Accepted += r.counts.accepted
	s.Rejected += r.counts.rejected
	s.Unknown += r.counts.unknown
	s.Requests += r.counts.requests
	s.Retried += r.counts.retried
}
