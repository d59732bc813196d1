package client

import "sync/atomic"

// Amount is a number of tasks, and the bytes of their bodies.
type Amount struct {
	Tasks int
	Bytes int
}

func (a Amount) plus(b Amount) Amount { return Amount{a.Tasks + b.Tasks, a.Bytes + b.Bytes} }

// Stats are what a client has done since New, and what it holds now. While nothing is in progress, Fired + Recovered =
// Refused + Dropped + Spilled + Accepted + Rejected + Unknown + Kept + Waiting.Tasks + InFlight.Tasks; while calls run, the
// numbers may differ by those.
type Stats struct {
	Mode Mode
	// Bound is the most that is lost when this process dies without Close (SIGKILL, out of memory; power): nothing in the
	// modes Confirmed and Journaled (but see journal.SyncInterval for the loss of power); in the mode Buffered what the buffer
	// holds, by Options.MaxPending and MaxPendingBytes, which counts what is in flight too. AtRisk tells how much it would be
	// now.
	Bound Amount

	Waiting  Amount // accepted, and in no request
	InFlight Amount // in a request now
	Open     int    // requests in flight
	Backlog  int    // Journaled: tasks on the disk that wait for room in memory

	Fired    uint64 // tasks given to Fire and FireBatch
	Refused  uint64 // of these, refused at once for whatever reason but a full buffer
	Dropped  uint64 // refused at once with ErrBufferFull
	Accepted uint64 // ended: the transport has them
	Rejected uint64 // ended undelivered, with ErrNotSent; Journaled: and records of the journal that are no task
	Unknown  uint64 // ended undelivered as far as is known, with ErrUnconfirmed

	Recovered uint64 // Journaled: tasks read back from the disk
	Spilled   uint64 // Journaled: tasks that Fire put on the disk only, because memory was full
	Kept      uint64 // Journaled: tasks that Close left to the journal

	Requests uint64 // calls of Sender.Send
	Retried  uint64 // tasks in a request that were in one before
}

// AtRisk is what would be lost if this process died now: what waits and what is in flight in the mode Buffered, nothing in
// the other modes.
func (s Stats) AtRisk() Amount {
	if s.Mode != Buffered {
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
	if c.journaled != nil {
		c.journaled.addTo(&s)
	}
	s.Refused, s.Dropped, s.Fired = c.intake.refused.Load(), c.intake.dropped.Load(), c.intake.fired.Load()
	return s
}

// intake counts what Fire is given.
type intake struct{ fired, refused, dropped atomic.Uint64 }

// counts are those of one route. Guarded by its mutex.
type counts struct {
	accepted, rejected, unknown uint64
	kept                        uint64
	retried, requests           uint64
}

func (r *route) addTo(s *Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Waiting = s.Waiting.plus(Amount{r.line.Len(), r.line.bytes}).plus(Amount{len(r.rest.entries), r.rest.bytes})
	s.InFlight = s.InFlight.plus(r.flights.load)
	s.Open += r.flights.Len()
	s.Accepted += r.counts.accepted
	s.Rejected += r.counts.rejected
	s.Unknown += r.counts.unknown
	s.Kept += r.counts.kept
	s.Requests += r.counts.requests
	s.Retried += r.counts.retried
}
