package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// Client fires tasks. Make one with [New] at start, share it, and [Client.Close] it at the end, after the server that
// uses it. All methods are safe for concurrent use. An idle client has no goroutine.
type Client struct {
	source         string
	confirmTimeout time.Duration
	sendTimeout    time.Duration
	routes         map[string]*route // constant
	ledger         *ledger
	timers         sync.Pool // of stopped timers, for Fire's wait
}

// New makes a client that sends tasks of class "" through s and those of the other classes through [Options].Routes.
// opts may be nil. It sends nothing and starts no goroutine. Every problem with the arguments is returned, joined. The
// Senders stay the caller's: the client does not close them.
func New(s transport.Sender, opts *Options) (*Client, error) {
	o, err := opts.fill(s)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	l := newLedger(o.MaxPending, o.MaxPendingBytes)
	c := &Client{
		source: o.Source, confirmTimeout: o.ConfirmTimeout, sendTimeout: o.SendTimeout,
		routes: make(map[string]*route, len(o.Routes)), ledger: l,
	}
	c.timers.New = func() any {
		timer := time.NewTimer(time.Hour)
		timer.Stop()
		return timer
	}
	p := &reporter{hook: o.OnResult, ledger: l, log: o.Logger}
	for class, sender := range o.Routes {
		c.routes[class] = &route{
			class: class, sender: sender, limits: sender.Limits(),
			sendTimeout: o.SendTimeout, attemptTimeout: o.AttemptTimeout, maxSenders: o.MaxSenders,
			log: o.Logger, ledger: l, reporter: p,
			requests: map[*request]struct{}{},
		}
	}
	return c, nil
}

// Fire encodes the task, hands it to the transport and waits until the transport has acknowledged it: nil means that
// it has. The wait ends early when ctx ends or after ConfirmTimeout; the error then says by [ErrNotSent] or
// [ErrUnconfirmed] what is known. Whatever can be refused is refused before any wait: arguments that cannot be encoded,
// a task that is too large or delayed too long for its route, a class without route, a closed client, a full buffer,
// a context that has ended. The receipt has the task's id in every case. See the package comment for the errors.
//
// The arguments are read before Fire returns and never after. The end of ctx does not stop a task that was accepted.
func (c *Client) Fire(ctx context.Context, t task.Task, opts ...task.FireOption) (Receipt, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	e, receipt := c.prepare(ctx, t, time.Now(), causedBy(ctx, opts))
	if receipt.Err == nil {
		receipt = c.admit(ctx, e)
	}
	if receipt.Err != nil {
		return receipt, receipt.Err
	}
	r := c.routes[e.envelope.Class()]
	r.accept(e)
	timer := c.timers.Get().(*time.Timer)
	timer.Reset(c.confirmTimeout)
	receipt = c.wait(ctx, timer.C, r, e)
	timer.Stop()
	c.timers.Put(timer)
	return receipt, receipt.Err
}

// causedBy adds, inside a handler, where the firing comes from. What the caller set itself wins.
func causedBy(ctx context.Context, opts []task.FireOption) []task.FireOption {
	info, ok := task.InfoFromContext(ctx)
	if !ok {
		return opts
	}
	return append(opts[:len(opts):len(opts)], task.CausedBy(info))
}

// prepare encodes the task and checks it against its route. The receipt has an error if the task is refused.
func (c *Client) prepare(ctx context.Context, t task.Task, now time.Time, opts []task.FireOption) (*entry, Receipt) {
	receipt := Receipt{ID: task.NewID(now), Name: t.Name()}
	if cause := c.unwilling(ctx); cause != nil {
		receipt, _ = refuse(receipt, cause)
		return nil, receipt
	}
	envelope, err := t.Encode(receipt.ID, c.source, now, opts...)
	if err != nil {
		if invalid, ok := errors.AsType[*task.InvalidError](err); ok && invalid.ID != "" {
			receipt.ID = invalid.ID
		}
		receipt, _ = refuse(receipt, err)
		return nil, receipt
	}
	receipt.ID, receipt.Class = envelope.ID(), envelope.Class()
	if cause := c.misfit(envelope); cause != nil {
		receipt, _ = refuse(receipt, cause)
		return nil, receipt
	}
	return &entry{
		envelope: envelope,
		fired:    ctx,
		deadline: now.Add(c.sendTimeout),
		answer:   make(chan struct{}),
	}, receipt
}

// unwilling is why a task is refused whatever it is.
func (c *Client) unwilling(ctx context.Context) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if c.ledger.isClosed() {
		return ErrClosed
	}
	return nil
}

// misfit is why its route cannot take the envelope.
func (c *Client) misfit(e task.Envelope) error {
	r, ok := c.routes[e.Class()]
	if !ok {
		return noRoute(e.Class())
	}
	var err error
	switch limit := r.limits.MessageBytes; {
	case limit > 0 && e.Size() > limit:
		err = fmt.Errorf("encoded to %d bytes, and class %q takes %d: send a reference instead of the data: %w", e.Size(), r.class, limit, task.ErrTooLarge)
	case e.Size() > c.ledger.maxBytes:
		err = fmt.Errorf("encoded to %d bytes, and Options.MaxPendingBytes is %d: %w", e.Size(), c.ledger.maxBytes, task.ErrTooLarge)
	case e.Delay() > max(0, r.limits.MaxDelay):
		err = fmt.Errorf("delay %v, and class %q takes at most %v: %w", e.Delay(), r.class, r.limits.MaxDelay, task.ErrDelay)
	default:
		return nil
	}
	return &task.InvalidError{Name: e.Name(), ID: e.ID(), Err: err}
}

func noRoute(class string) error {
	return fmt.Errorf("class %q: give it a Sender in Options.Routes: %w", class, ErrNoRoute)
}

// admit takes the entry on, within the bounds.
func (c *Client) admit(ctx context.Context, e *entry) Receipt {
	cohort, err := c.ledger.admit(e.envelope)
	receipt := e.receipt(nil)
	if err != nil {
		receipt, _ = refuse(receipt, err)
		return receipt
	}
	e.cohort = cohort
	return receipt
}

// wait gives what became of the entry, or what is known when the caller's patience ends.
func (c *Client) wait(ctx context.Context, timeout <-chan time.Time, r *route, e *entry) Receipt {
	select {
	case <-e.answer:
		return e.told
	default:
	}
	select {
	case <-e.answer:
		return e.told
	case <-ctx.Done():
		return r.leave(e, contextError(ctx))
	case <-timeout:
		return r.leave(e, fmt.Errorf("no answer within %v (Options.ConfirmTimeout)", c.confirmTimeout))
	}
}

// contextError keeps both the error of a context and its cause recognisable.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause != nil && !errors.Is(cause, err) {
		return fmt.Errorf("the caller's context ended: %w: %w", err, cause)
	}
	return fmt.Errorf("the caller's context ended: %w", err)
}
