package client

import (
	"context"
	"fmt"
	"time"

	"github.com/offloadhq/offload/task"
)

// FireBatch fires many tasks, of any kinds and classes, and waits as [Client.Fire] does, once for all. It returns one
// receipt for each task, in order, each with its own Err; a task that fails leaves the others alone. The error is nil
// only if every task was acknowledged, else a [*BatchError].
//
// The options hold for every task. An id names one task: with [task.ID] and more than one task everything is refused.
func (c *Client) FireBatch(ctx context.Context, tasks []task.Task, opts ...task.FireOption) ([]Receipt, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	opts = causedBy(ctx, opts)
	now := time.Now()
	receipts := make([]Receipt, len(tasks))
	envelopes := make([]task.Envelope, len(tasks))
	seen := make(map[string]struct{}, len(tasks))
	for i, t := range tasks {
		envelopes[i], receipts[i] = c.prepare(ctx, t, now, opts)
		seen[receipts[i].ID] = struct{}{}
	}
	if len(seen) < len(tasks) {
		return c.refuseAll(receipts)
	}
	entries := make([]*entry, len(tasks)) // nil: refused
	shares := make(map[*route][]*entry, 1)
	for i, envelope := range envelopes {
		if receipts[i].Err != nil {
			continue
		}
		if entries[i], receipts[i] = c.admit(ctx, envelope, now); entries[i] != nil {
			r := c.routes[receipts[i].Class]
			shares[r] = append(shares[r], entries[i])
		}
	}
	for r, share := range shares {
		r.accept(now, share...)
	}
	if c.mode == Buffered {
		return receipts, batchError(receipts)
	}
	expired := make(chan time.Time)
	timer := time.AfterFunc(c.confirmTimeout, func() { close(expired) })
	defer timer.Stop()
	for i, e := range entries {
		if e != nil {
			receipts[i] = c.wait(ctx, expired, c.routes[receipts[i].Class], e)
		}
	}
	return receipts, batchError(receipts)
}

func (c *Client) refuseAll(receipts []Receipt) ([]Receipt, error) {
	for i, r := range receipts {
		if r.Err != nil {
			continue // refused already, for a reason of its own
		}
		receipts[i] = c.refuse(r, &task.InvalidError{
			Name: r.Name, ID: r.ID,
			Err: fmt.Errorf("the option task.ID names one task, and the batch has %d: fire them one by one", len(receipts)),
		})
	}
	return receipts, batchError(receipts)
}

func batchError(receipts []Receipt) error {
	var failed []Receipt
	for _, r := range receipts {
		if r.Err != nil {
			failed = append(failed, r)
		}
	}
	if failed == nil {
		return nil
	}
	return &BatchError{Tasks: len(receipts), Failed: failed}
}
