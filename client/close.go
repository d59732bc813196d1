package client

import (
	"context"
	"fmt"
	"time"
)

// closeGrace is how long Close waits, after its context, for Senders to heed that theirs has ended too.
const closeGrace = time.Second

// Flush waits until every task that was accepted before the call has ended, and been told to OnResult if that is owed.
// Nil says so; what became of a task, Fire or OnResult tells. When ctx ends first, its error is returned and nothing
// else changes. Tasks that are fired meanwhile do not prolong it, except in the mode Journaled, where it also waits until no
// task waits on the disk for room in memory; if those will not come, because the disk cannot be read or Close has left them to
// the journal, an error says so.
func (c *Client) Flush(ctx context.Context) error {
	if c.journaled != nil {
		return c.journaled.flush(ctx, c.flush)
	}
	return c.flush(ctx)
}

func (c *Client) flush(ctx context.Context) error {
	done := c.ledger.seal()
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("flush: %d tasks are pending: %w", c.ledger.pending(), ctx.Err())
	}
}

// Close stops the intake (Fire returns [ErrClosed]) and waits until every accepted task has ended. What waits for another
// try is tried at once. When ctx ends first, requests are cancelled, and each task that is left ends as [ErrNotSent] or
// [ErrUnconfirmed], to its caller too if that still waits. Close returns within a second of that, or sooner if the Senders
// do. Give ctx a deadline: except in the mode Confirmed a task may wait as long as an outage lasts.
//
// It returns nil if no task was cut short and none got lost that Fire had accepted (Buffered) or reported as unconfirmed
// (Confirmed), else a [*CloseError] that lists them, with what it takes to save them. So each accepted task is delivered, or
// returned here or by its Fire. Close may be called again and concurrently: every call waits for the end, the first
// context to end cuts the draining short for all, and all return the same.
//
// In the mode Journaled what is left when ctx ends is neither lost nor an error: it stays in the journal, the log says how
// much, and whoever opens the journal next sends it. Close the journal after the client.
func (c *Client) Close(ctx context.Context) error {
	c.ledger.close()
	select {
	case <-c.ledger.over:
		return c.ledger.result()
	default:
	}
	if ctx.Err() == nil {
		c.eachRoute((*route).hurry)
		c.journaled.wake()
	}
	defer c.journaled.tellKept()
	select {
	case <-c.ledger.over:
	case <-ctx.Done():
		c.cutShort(ctx.Err())
	}
	return c.ledger.result()
}

// cutShort ends the draining.
func (c *Client) cutShort(cause error) {
	c.ledger.cutShort(cause)
	cause = fmt.Errorf("%w: draining was cut short: %w", ErrClosed, cause)
	defer c.giveUp(cause)
	c.eachRoute(func(r *route) { r.abort(cause) })
}

// giveUp ends the draining once the requests, which are cancelled, have had the time to end.
func (c *Client) giveUp(cause error) {
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-c.ledger.over:
		return
	case <-grace.C:
	}
	defer c.ledger.abandon()
	c.eachRoute(func(r *route) { r.abandon(cause) })
}

func (c *Client) eachRoute(f func(*route)) {
	each(len(c.classes), func(i int) { f(c.routes[c.classes[i]]) })
}
