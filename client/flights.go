package client

import (
	"time"

	"github.com/offloadhq/offload/internal/list"
)

const (
	// eager is how many requests a route opens without waiting for a full one.
	eager = 2
	// A request is late after four times what requests usually take, within these bounds; and after firstPatience as
	// long as none has come back.
	minPatience   = 25 * time.Millisecond
	maxPatience   = time.Second
	firstPatience = 250 * time.Millisecond
)

// flights holds the requests in flight, in the order of their start.
type flights struct {
	list.List[*request]
	load  Amount        // of the entries whose place is flying
	usual time.Duration // what a request takes: a moving average of the good ones; 0 before the first
}

func (f *flights) add(q *request) {
	f.PushBack(q, &q.node)
	f.load = f.load.plus(Amount{len(q.entries), q.bytes})
}

// land takes an entry whose place is to change out of the load.
func (f *flights) land(e *entry) { f.load = f.load.plus(Amount{-1, -e.envelope.Size()}) }

// took takes over how long a good request was on its way.
func (f *flights) took(d time.Duration) {
	if f.usual == 0 {
		f.usual = d
		return
	}
	f.usual += (d - f.usual) / 8
}

// idleAt is when a task that waits may go although no full request waits: at once (the zero time) while fewer than two
// requests are in flight, else when the second-youngest of them is late. So requests that hang hold up nobody for long.
func (f *flights) idleAt() time.Time {
	if f.Len() < eager {
		return time.Time{}
	}
	patience := firstPatience
	if f.usual > 0 {
		patience = min(max(4*f.usual, minPatience), maxPatience)
	}
	return f.Last().node.Prev().began.Add(patience)
}
