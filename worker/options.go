package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

// Defaults of [Options].
const (
	// DefaultConcurrency is how many records of one batch run at once.
	DefaultConcurrency = 10
	// DefaultMaxReceiveCount is the maxReceiveCount of the queues in the project's template.
	DefaultMaxReceiveCount = 15
	// DefaultMargin is the least time kept between the end of the handlers and the invocation's deadline.
	DefaultMargin = time.Second
)

// Options are what a Worker may be given. The zero value of each field is the documented default.
type Options struct {
	// Settler gives failed records their wait and stores dead letters. Nil: every record that is not done is reported
	// as failed, comes back by the queue's visibility timeout and ends by the queue's redrive policy. It is called at
	// most once per kind and invocation, after the handlers, with a context that the caller's cancellation does not
	// reach.
	Settler transport.Settler
	// Queue takes direct invocations that failed. Nil: their invocation fails, and Lambda's own retries apply.
	Queue transport.Sender
	// Payloads reads the data of tasks that were too large for their message, and must be given the store that the hosts
	// were given. It is asked when a task is about to run, within the task's timeout. Nil: data that was compressed into the
	// message is read, and a task whose data is stored fails with claimcheck.ErrNoStore, and is tried again.
	Payloads *claimcheck.Resolver
	// Flush is called when the handlers of an invocation have ended, before anything is acknowledged: give
	// client.Flush, so that what handlers fired does not stay in a process that is about to be frozen. If it fails, what
	// handlers fired may be lost, and nobody knows whose it was: every record of the invocation that was done counts as
	// failed with [ErrFlush] and runs again. Nil: nothing is called.
	Flush func(context.Context) error
	// Concurrency is how many records of one batch run at once; default [DefaultConcurrency]. Invocations that run
	// concurrently in one process have this many each.
	Concurrency int
	// MaxReceiveCount is that of the queue's redrive policy, after which the queue itself moves a message away;
	// default [DefaultMaxReceiveCount]. The worker dead-letters no later than that, so that the reason is kept.
	MaxReceiveCount int
	// Margin is the least time kept between the end of the handlers and the invocation's deadline; default
	// [DefaultMargin]. The margin is 5 % of the remaining time if that is more, and never more than half of it.
	Margin time.Duration
	// OnStuck is called for each record whose handler still ran at the end, before the answer is given. The process
	// holds a goroutine then that no one can stop, next to which the task may run again: end the process, but only
	// after the answer is out, else the records that are done come back too. It must not block.
	OnStuck func(Outcome)
	// OnOutcome is called once for each record of an invocation, in order, when all is settled. It must not block. It
	// may be called concurrently if invocations are.
	OnOutcome func(Outcome)
	// Logger gets what no handler sees: unknown names, dead letters, settlements that failed, stuck handlers. Default
	// slog.Default().
	Logger *slog.Logger
}

// fill returns a copy of o with the defaults in place, and every problem joined.
func (o *Options) fill(routes map[string]route) (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	var problems []error
	notNegative := func(name string, n int64) {
		if n < 0 {
			problems = append(problems, fmt.Errorf("worker option %s: is negative", name))
		}
	}
	notNegative("Concurrency", int64(c.Concurrency))
	notNegative("MaxReceiveCount", int64(c.MaxReceiveCount))
	notNegative("Margin", int64(c.Margin))
	if c.Concurrency == 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.MaxReceiveCount == 0 {
		c.MaxReceiveCount = DefaultMaxReceiveCount
	}
	if c.Margin == 0 {
		c.Margin = DefaultMargin
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Payloads == nil {
		c.Payloads, _ = claimcheck.NewResolver(nil, nil) // the defaults are right
	}
	if len(routes) == 0 {
		problems = append(problems, errors.New("worker mux: has no handler: register some with worker.Handle"))
	}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		if n := routes[name].policy.MaxAttempts; name == routes[name].name && c.MaxReceiveCount > 0 && n > c.MaxReceiveCount {
			problems = append(problems, fmt.Errorf("task %q: MaxAttempts(%d) is more than the queue's maxReceiveCount, %d: "+
				"lower it, or raise maxReceiveCount in the template and Options.MaxReceiveCount", name, n, c.MaxReceiveCount))
		}
	}
	return c, errors.Join(problems...)
}
