package memtransport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// Limits returns Options.Limits.
func (q *Queue) Limits() transport.Limits { return q.opts.Limits }

// Destination gives Options.Name.
func (q *Queue) Destination() transport.Destination {
	return transport.Destination{System: "memory", Name: q.opts.Name}
}

// Send stores each envelope that keeps the limits, and rejects the others as invalid. It never blocks; when ctx has
// ended it stores nothing and rejects all. No outcome is Unknown.
func (q *Queue) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, e := range batch {
		if err := ctx.Err(); err != nil {
			results[i] = q.reject(transport.Transient, fmt.Errorf("not sent: %w", err))
		} else if err := q.check(e); err != nil {
			results[i] = q.reject(transport.Invalid, fmt.Errorf("task %q, id %q: %w", e.Name(), e.ID(), err))
		} else {
			id := q.put(e.Body(), now.Add(e.DelayLeft(now)))
			results[i] = transport.Result{Outcome: transport.Accepted, MessageID: id}
		}
	}
	return results, transport.FirstError(results, len(batch))
}

func (q *Queue) reject(kind transport.Kind, err error) transport.Result {
	return transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Kind: kind, Target: q.target, Err: err}}
}

func (q *Queue) check(e task.Envelope) error {
	l := q.opts.Limits
	switch {
	case e.Size() == 0:
		return errors.New("an empty envelope")
	case l.MessageBytes > 0 && e.Size() > l.MessageBytes:
		return fmt.Errorf("%d bytes: more than %d", e.Size(), l.MessageBytes)
	case e.Delay() > l.MaxDelay:
		return fmt.Errorf("delay %v: more than %v", e.Delay(), l.MaxDelay)
	}
	return nil
}

// Retry makes each delivery due again after its wait, exactly, held between 0 and [transport.MaxHold].
func (q *Queue) Retry(ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	return each(ctx, len(ds), q.target, func(i int) error {
		m, err := q.held(ds[i])
		if err != nil {
			return err
		}
		if !m.due.After(now) {
			return fmt.Errorf("%s: message %q: %w", q.target, m.id, ErrNotInFlight)
		}
		if i >= len(after) {
			return fmt.Errorf("%s: message %q: no wait was given", q.target, m.id)
		}
		m.due = now.Add(min(max(after[i], 0), transport.MaxHold))
		q.messages.fix(m)
		q.wake()
		return nil
	})
}

// DeadLetter keeps each delivery, which comes from this queue or is a direct invocation, among the dead letters.
func (q *Queue) DeadLetter(ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return each(ctx, len(ds), q.target, func(i int) error {
		d := ds[i]
		if d.Source != q.opts.Name && d.Source != "" {
			return fmt.Errorf("%s: message %q: comes from %q, not from here", q.target, d.MessageID, d.Source)
		}
		if i >= len(why) {
			return fmt.Errorf("%s: message %q: no reason was given", q.target, d.MessageID)
		}
		q.dead = append(q.dead, DeadLetter{d.MessageID, slices.Clone(d.Body), d.Receives, why[i]})
		return nil
	})
}

// each runs do for every index unless ctx has ended, and returns the errors, nil if there are none.
func each(ctx context.Context, n int, target string, do func(int) error) []error {
	var errs []error
	for i := range n {
		err := ctx.Err()
		if err != nil {
			err = fmt.Errorf("%s: settle: %w", target, err)
		} else {
			err = do(i)
		}
		if err != nil {
			if errs == nil {
				errs = make([]error, n)
			}
			errs[i] = err
		}
	}
	return errs
}
