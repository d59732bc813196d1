package worker

import (
	"context"
	"time"
)

// budget is how an invocation spends its last seconds. The zero budget has no deadline.
type budget struct {
	cancel time.Time // contexts of handlers end, nothing more is started
	stuck  time.Time // who still runs is given up
	flush  time.Time // Flush must have ended
	settle time.Time // the Settler must have ended
}

// What Flush and the Settler get at most, however far the deadline is.
const (
	maxFlush  = 30 * time.Second
	maxSettle = 10 * time.Second
)

// newBudget divides the time up to the deadline. The margin is 5 % of what remains, at least the given one, and at
// most half of what remains: a function with a timeout of one second must be able to do something.
func newBudget(now, deadline time.Time, margin time.Duration) budget {
	remains := max(deadline.Sub(now), 0)
	m := min(max(margin, remains/20), remains/2)
	return budget{
		cancel: deadline.Add(-m),
		stuck:  deadline.Add(-m / 10 * 6),
		flush:  deadline.Add(-m / 10 * 3),
		settle: deadline.Add(-m / 10),
	}
}

// detached returns a context with the values of ctx, that the cancellation of ctx does not reach. It ends after limit,
// or at the given time if that is sooner and not zero.
func detached(ctx context.Context, limit time.Duration, end time.Time) (context.Context, context.CancelFunc) {
	last := time.Now().Add(limit)
	if !end.IsZero() && end.Before(last) {
		last = end
	}
	return context.WithDeadline(context.WithoutCancel(ctx), last)
}
