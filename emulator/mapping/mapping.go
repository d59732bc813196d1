package mapping

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Mapping moves messages from a queue to a function. Make one with [New].
type Mapping struct {
	q      Queue
	inv    Invoker
	o      Options
	region string
}

// Outcome says how a batch ended.
type Outcome string

// The outcomes of a batch.
const (
	Succeeded Outcome = "succeeded" // all messages are done
	Partial   Outcome = "partial"   // the function named some, or all, of the messages as failed
	Malformed Outcome = "malformed" // the answer broke the rules of ReportBatchItemFailures: all messages failed
	Errored   Outcome = "errored"   // the function ended with an error or could not be invoked: all messages failed
	Throttled Outcome = "throttled" // the function was never free before the messages were due to be shown again: it did not run
)

// Batch tells of one batch that has ended.
type Batch struct {
	Mapping  string // its name
	Outcome  Outcome
	Received int           // messages in it
	Deleted  int           // messages that are done and deleted
	Failed   []string      // message ids that were left to the queue, in the order of the event
	Throttle int           // invocations that were throttled before the last one
	Start    time.Time     // of the first invocation
	Duration time.Duration // to the answer of the last invocation
	Err      error         // why it is Malformed, Errored or Throttled, or why a delete failed; else nil
}

// New makes a mapping from q to inv. Every problem of the options is returned, joined.
func New(q Queue, inv Invoker, opts *Options) (*Mapping, error) {
	if opts == nil {
		opts = &Options{}
	}
	o, err := opts.withDefaults()
	if q == nil {
		err = errors.Join(err, errors.New("queue is nil"))
	}
	if inv == nil {
		err = errors.Join(err, errors.New("invoker is nil"))
	}
	if err != nil {
		return nil, fmt.Errorf("event source mapping %q: %w", o.Name, err)
	}
	return &Mapping{q: q, inv: inv, o: o, region: strings.Split(o.QueueARN, ":")[3]}, nil
}

// Run receives and invokes until ctx ends, and then returns nil. It stops receiving at once when ctx ends; what it has
// received until then is still given to the function, once, and batches in flight are finished and settled: Run waits
// for them, so an invocation must end by itself. Call Run once at a time.
func (m *Mapping) Run(ctx context.Context) error {
	if m.o.Disabled {
		<-ctx.Done()
		return nil
	}
	f := newFleet(m.o.concurrency())
	f.start = func() {
		f.wg.Go(func() { m.poll(ctx, f) })
	}
	f.begin()
	for {
		select {
		case <-ctx.Done():
			f.wg.Wait()
			return nil
		case <-f.growth.C:
			f.grow()
		}
	}
}

func (m *Mapping) report(b Batch) {
	b.Mapping = m.o.Name
	if b.Err != nil {
		m.o.Logger.Warn("event source mapping: batch has problems", "mapping", b.Mapping, "outcome", string(b.Outcome),
			"received", b.Received, "deleted", b.Deleted, "error", b.Err)
	}
	if m.o.OnBatch != nil {
		m.o.OnBatch(b)
	}
}

// sleep waits for d or the end of ctx, and says whether d has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
