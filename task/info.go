package task

import (
	"context"
	"time"
)

// MaxHops is the longest chain of tasks that fire each other. It keeps a task that fires itself from running, and
// costing, for ever.
const MaxHops = 100

// Info is what a handler may know of the task it runs.
type Info struct {
	ID          string            // minted in Fire, the same through every retry and copy: the key to deduplicate by
	Name        string            // the name on the wire, which may be an alias of the definition's
	Source      string            // the service that fired it
	Attempt     int               // this attempt, 1 is the first
	MaxAttempts int               // the attempt after which the task goes to the dead-letter queue
	FiredAt     time.Time         // by the clock of the firing host
	Expires     time.Time         // not to be started after this; zero: never expires
	Hops        int               // how many tasks stand before this one in the chain of tasks that fired each other
	Headers     map[string]string // extension attributes ([Header]); do not change
}

type infoKey struct{}

// WithInfo returns a context that carries info. Workers call it; tests of handlers may.
func WithInfo(ctx context.Context, info Info) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// InfoFromContext returns the Info of the task that the context belongs to; false outside a handler.
func InfoFromContext(ctx context.Context) (Info, bool) {
	info, ok := ctx.Value(infoKey{}).(Info)
	return info, ok
}
