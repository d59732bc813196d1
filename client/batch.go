package client

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	now := time.Now()
	b := batch{ctxs: make([]context.Context, len(tasks)), receipts: make([]Receipt, len(tasks))}
	c.fireBatch(ctx, &b, tasks, now, opts)
	each(len(tasks), func(i int) { c.watcher.created(b.ctxs[i], b.receipts[i], now) })
	return b.receipts, batchError(b.receipts)
}

// batch is what FireBatch keeps of each task.
type batch struct {
	ctxs     []context.Context //nolint:containedctx // one a task, for the time of the call
	receipts []Receipt
}

func (c *Client) fireBatch(ctx context.Context, b *batch, tasks []task.Task, now time.Time, opts []task.FireOption) {
	entries := make([]*entry, len(tasks)) // nil: refused
	seen := make(map[string]struct{}, len(tasks))
	for i, t := range tasks {
		id := task.NewID(now)
		own, all := c.watcher.create(ctx, t, id, now, opts)
		b.ctxs[i] = own
		entries[i] = c.prepare(own, t, id, now, causedBy(own, all), &b.receipts[i])
		seen[b.receipts[i].ID] = struct{}{}
	}
	if len(seen) < len(tasks) {
		c.refuseAll(b.receipts)
		return
	}
	for _, e := range entries {
		if e != nil {
			c.intake.fired.Add(1)
		}
	}
	c.admitAll(b, entries, now)
	c.acceptAll(entries, b.receipts, now)
	if c.mode == Confirmed {
		c.waitAll(ctx, entries, b.receipts)
	}
}

// admitAll admits the tasks of a batch, and sets those that are not in memory to nil.
func (c *Client) admitAll(b *batch, entries []*entry, now time.Time) {
	if c.journaled != nil {
		c.journaled.admitAll(b, entries, now)
		return
	}
	for i, e := range entries {
		if e != nil {
			entries[i] = c.admit(b.ctxs[i], e, now, &b.receipts[i])
		}
	}
}

// acceptAll hands each route its entries of a batch, and then tells of those that were dropped.
func (c *Client) acceptAll(entries []*entry, receipts []Receipt, now time.Time) {
	shares := make(map[*route][]int, 1)
	var dropped []int
	for i, e := range entries {
		if e != nil {
			shares[e.route] = append(shares[e.route], i)
		} else if receipts[i].Err != nil {
			dropped = append(dropped, i)
		}
	}
	defer each(len(dropped), func(i int) { c.tellDrop(receipts[dropped[i]]) })
	routes := slices.Collect(maps.Keys(shares))
	each(len(routes), func(i int) { c.acceptShare(routes[i], shares[routes[i]], entries, receipts, now) })
}

// acceptShare hands a route its entries of a batch. It sets the receipts where nobody waits for the answer of a route that
// Close has ended meanwhile.
func (c *Client) acceptShare(r *route, share []int, entries []*entry, receipts []Receipt, now time.Time) {
	own := make([]*entry, len(share))
	for n, i := range share {
		own[n] = entries[i]
	}
	if r.accept(now, own...) || c.mode != Buffered {
		return
	}
	for _, i := range share {
		receipts[i] = entries[i].receipt(entries[i].end)
	}
}

// waitAll waits once for all entries and sets their receipts.
func (c *Client) waitAll(ctx context.Context, entries []*entry, receipts []Receipt) {
	expired := make(chan time.Time)
	timer := time.AfterFunc(c.confirmTimeout, func() { close(expired) })
	defer timer.Stop()
	each(len(entries), func(i int) {
		if e := entries[i]; e != nil {
			receipts[i] = c.wait(ctx, expired, e)
		}
	})
}

func (c *Client) refuseAll(receipts []Receipt) {
	for i, r := range receipts {
		if r.Err != nil {
			continue // refused already, for a reason of its own
		}
		receipts[i] = c.refuse(r, &task.InvalidError{
			Name: r.Name, ID: r.ID,
			Err: fmt.Errorf("the option task.ID names one task, and the batch has %d: fire them one by one", len(receipts)),
		})
	}
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
