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
	entries := make([]*entry, len(tasks)) // nil: refused
	seen := make(map[string]struct{}, len(tasks))
	for i, t := range tasks {
		entries[i], receipts[i] = c.prepare(ctx, t, now, opts)
		seen[receipts[i].ID] = struct{}{}
	}
	if len(seen) < len(tasks) {
		return c.refuseAll(entries, receipts)
	}
	for r, share := range c.share(entries, receipts) {
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
			receipts[i] = c.wait(ctx, expired, c.routes[e.envelope.Class()], e)
		}
	}
	return receipts, batchError(receipts)
}

// share admits the entries and sorts them by route. Those that are refused become nil, with their receipt set.
func (c *Client) share(entries []*entry, receipts []Receipt) map[*route][]*entry {
	shares := make(map[*route][]*entry, 1)
	for i, e := range entries {
		if e == nil {
			continue
		}
		if receipts[i] = c.admit(e); receipts[i].Err != nil {
			entries[i] = nil
			continue
		}
		r := c.routes[e.envelope.Class()]
		shares[r] = append(shares[r], e)
	}
	return shares
}

func (c *Client) refuseAll(entries []*entry, receipts []Receipt) ([]Receipt, error) {
	for i, r := range receipts {
		if entries[i] == nil {
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
