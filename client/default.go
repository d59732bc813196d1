package client

import (
	"context"
	"sync/atomic"

	"github.com/offloadhq/offload/task"
)

var standard atomic.Pointer[Client]

// SetDefault makes c the client that the package-level [Fire] uses; nil takes it away. Call it once, at start. Closing
// c stays the business of whoever made it. Safe for concurrent use.
func SetDefault(c *Client) { standard.Store(c) }

// Default returns the client given to [SetDefault], nil before that.
func Default() *Client { return standard.Load() }

// Fire is [Client.Fire] of the default client, for code that is far from where clients are made. Without a default
// client the error matches [ErrNoDefault] and [ErrNotSent].
func Fire(ctx context.Context, t task.Task, opts ...task.FireOption) (Receipt, error) {
	c := standard.Load()
	if c == nil {
		return refuse(Receipt{Name: t.Name()}, ErrNoDefault)
	}
	return c.Fire(ctx, t, opts...)
}

// refuse completes the receipt of a task of which nothing was sent.
func refuse(r Receipt, cause error) (Receipt, error) {
	r.Err = &Error{ID: r.ID, Name: r.Name, Fact: ErrNotSent, Ended: true, Err: cause}
	return r, r.Err
}
