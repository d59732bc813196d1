package worker

import (
	"fmt"
	"time"
)

// State is what became of a delivery.
type State uint8

// The states. The zero value is the careful one.
const (
	// Failed: it ran, or could not be read, and comes back by the queue's own visibility timeout; because there is no
	// Settler, or because the Settler or the queue failed (Outcome.SettleErr).
	Failed State = iota
	// Done: the handler returned nil, and what it fired is on its way.
	Done
	// Retry: it comes back after Outcome.Delay.
	Retry
	// SentOn: a direct invocation failed and its queue has it now; it comes back from there after Outcome.Delay.
	SentOn
	// DeadLettered: it is stored in the dead-letter queue, with Outcome.Reason.
	DeadLettered
	// Returned: it was not started, for lack of time or because an earlier record of its ordered group failed.
	Returned
	// Stuck: its handler was still running at the end of the invocation. Its visibility was left alone, so that the
	// next attempt does not start sooner than it must.
	Stuck
)

var stateNames = [...]string{"failed", "done", "retry", "sent on", "dead-lettered", "returned", "stuck"}

// String returns the state in lower case: "done", "dead-lettered".
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Outcome is what became of one delivery in one invocation.
type Outcome struct {
	MessageID string // the transport's
	Source    string // the queue; "" for a direct invocation
	ID        string // the task's; "" if the body could not be read
	Name      string // the task's, as it travelled; "" if the body could not be read
	Attempt   int    // 1 is the first; counts receives, so attempts that died with their worker are in it
	State     State
	Err       error         // why the attempt failed; nil exactly if the state is Done
	Reason    string        // the transport.Reason… code if the task was to be dead-lettered, else ""
	Delay     time.Duration // the wait from the failure to the next attempt, in the states Retry and SentOn
	SettleErr error         // what the Settler or the queue answered if what was planned could not be done
	Waited    time.Duration // from the firing, by the clock of the host, to the start of this attempt; 0 if it did not start
	Took      time.Duration // how long the handler ran; 0 if it was not called, or is stuck
}

// Acked reports whether the delivery is to be acknowledged (deleted). All others must be reported as failed.
func (o Outcome) Acked() bool {
	return o.State == Done || o.State == DeadLettered || o.State == SentOn
}

// Acked returns [Outcome.Acked] of each: the form that pollers want, as in
//
//	queue.Consume(ctx, func(ctx context.Context, ds []transport.Delivery) []bool { return worker.Acked(w.Process(ctx, ds)) })
func Acked(outcomes []Outcome) []bool {
	acked := make([]bool, len(outcomes))
	for i, o := range outcomes {
		acked[i] = o.Acked()
	}
	return acked
}
