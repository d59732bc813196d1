package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// Client fires tasks. Make one with [New] at start, share it, and [Client.Close] it at the end, after the server that
// uses it. All methods are safe for concurrent use. An idle client has no goroutine.
type Client struct {
	mode           Mode
	source         string
	confirmTimeout time.Duration
	sendTimeout    time.Duration
	routes         map[string]*route // constant
	standard       *route            // that of class ""
	classes        []string          // of the routes, sorted
	ledger         *ledger
	intake         intake
	onDrop         func(Receipt)
	watcher        *watcher
	journaled      *journaled // nil outside the mode Journaled
	timers         sync.Pool  // of stopped timers, for Fire's wait
}

// New makes a client that sends tasks of class "" through s and those of the other classes through [Options].Routes. opts may
// be nil. It sends nothing and starts no goroutine, unless tasks wait in the journal of the mode Journaled. Every problem with
// the arguments is returned, joined. The Senders stay the caller's: the client does not close them.
func New(s transport.Sender, opts *Options) (*Client, error) {
	o, err := opts.fill(s)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	l := newLedger(o.MaxPending, o.MaxPendingBytes)
	c := &Client{
		mode: o.Mode, source: o.Source, confirmTimeout: o.ConfirmTimeout, sendTimeout: o.SendTimeout,
		routes: make(map[string]*route, len(o.Routes)), ledger: l, onDrop: o.OnDrop, watcher: &watcher{o.Hooks, o.Logger},
	}
	c.timers.New = func() any {
		timer := time.NewTimer(time.Hour)
		timer.Stop()
		return timer
	}
	if o.Mode == Journaled {
		c.journaled = newJournaled(o.Journal, c, o.Logger)
	}
	p := &reporter{hook: o.OnResult, ledger: l, log: o.Logger, journaled: c.journaled}
	for class, sender := range o.Routes {
		forgetful := o.forgetful(sender)
		c.routes[class] = &route{
			class: class, sender: sender, limits: sender.Limits(), forgetful: forgetful, forgets: forgetful && o.Mode != Journaled,
			sendTimeout: o.SendTimeout, attemptTimeout: o.AttemptTimeout, width: newWidth(o.MaxSenders),
			log: o.Logger, ledger: l, reporter: p, watcher: c.watcher, journaled: c.journaled,
			health: Health{Class: class},
		}
	}
	c.standard = c.routes[""]
	c.classes = slices.Sorted(maps.Keys(c.routes))
	c.journaled.start()
	return c, nil
}

// Fire encodes the task and hands it to the transport. In the mode [Confirmed] it waits until the transport has acknowledged
// the task: nil means that it has. The wait ends early when ctx ends or after ConfirmTimeout; the error then says by
// [ErrNotSent] or [ErrUnconfirmed] what is known. In the mode [Buffered] it never waits: nil means that the task is in the
// buffer, and what becomes of it, OnResult tells if that is bad, and Close. Whatever can be refused is refused before any
// wait: arguments that cannot be encoded, a task that is too large or delayed too long for its route, a class without route, a
// closed client, a full buffer, a context that has ended. The receipt has the task's id in every case. See the package comment
// for the errors.
//
// The arguments are read before Fire returns and never after. The end of ctx does not stop a task that was accepted.
func (c *Client) Fire(ctx context.Context, t task.Task, opts ...task.FireOption) (receipt Receipt, err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	now := time.Now()
	id := task.NewID(now)
	ctx, opts = c.watcher.create(ctx, t, id, now, opts)
	c.fire(ctx, t, id, now, opts, &receipt)
	c.watcher.created(ctx, receipt, now)
	return receipt, receipt.Err
}

func (c *Client) fire(ctx context.Context, t task.Task, id string, now time.Time, opts []task.FireOption, receipt *Receipt) {
	e := c.prepare(ctx, t, id, now, causedBy(ctx, opts), receipt)
	if e == nil {
		return
	}
	c.intake.fired.Add(1)
	if e = c.admit(ctx, e, now, receipt); e == nil {
		c.tellDrop(*receipt)
		return
	}
	open := e.route.accept(now, e)
	if c.mode != Confirmed {
		if !open && c.mode == Buffered { // the journal has it
			*receipt = e.receipt(e.end)
		}
		return
	}
	timer := c.timers.Get().(*time.Timer)
	timer.Reset(c.confirmTimeout)
	*receipt = c.wait(ctx, timer.C, e)
	timer.Stop()
	c.timers.Put(timer)
}

// causedBy adds, inside a handler, where the firing comes from. What the caller set itself wins.
func causedBy(ctx context.Context, opts []task.FireOption) []task.FireOption {
	info, ok := task.InfoFromContext(ctx)
	if !ok {
		return opts
	}
	return append(opts[:len(opts):len(opts)], task.CausedBy(info))
}

// prepare encodes the task and checks it against its route. If the task is refused the entry is nil, and the receipt has an
// error; else it is still to be counted as fired.
func (c *Client) prepare(ctx context.Context, t task.Task, id string, now time.Time, opts []task.FireOption, receipt *Receipt) *entry {
	var e *entry
	cause := c.unwilling(ctx)
	if cause == nil {
		e = newEntry()
		cause = t.EncodeInto(&e.envelope, e.room, id, c.source, now, opts...)
	}
	if cause != nil { // there is no envelope
		f := t.Firing(id, now, opts...)
		*receipt = c.refuse(Receipt{ID: f.ID, Name: f.Name, Class: f.Class}, cause)
		return nil
	}
	receipt.ID, receipt.Name, receipt.Class = e.envelope.ID(), e.envelope.Name(), e.envelope.Class()
	e.route = c.route(receipt.Class)
	if cause := c.misfit(e.route, &e.envelope); cause != nil {
		*receipt = c.refuse(*receipt, cause)
		return nil
	}
	return e
}

// route returns that of a class, nil if there is none.
func (c *Client) route(class string) *route {
	if class == "" {
		return c.standard
	}
	return c.routes[class]
}

// refuse counts a task that is not taken on.
func (c *Client) refuse(r Receipt, cause error) Receipt {
	c.intake.fired.Add(1)
	c.intake.refused.Add(1)
	r, _ = refuse(r, cause)
	return r
}

// unwilling is why a task is refused whatever it is.
func (c *Client) unwilling(ctx context.Context) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if c.ledger.shut.Load() {
		return ErrClosed
	}
	return nil
}

// misfit is why the route cannot take the envelope. The route is nil if there is none.
func (c *Client) misfit(r *route, e *task.Envelope) error {
	if r == nil {
		return noRoute(e.Class())
	}
	var err error
	switch limit := r.limits.MessageBytes; {
	case limit > 0 && e.Size() > limit:
		err = fmt.Errorf("encoded to %d bytes, and class %q takes %d: put a claim check in front of its Sender (package claimcheck), or send a reference: %w", e.Size(), r.class, limit, task.ErrTooLarge)
	case weight(e) > c.ledger.maxBytes:
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

// admit takes the task on, within the bounds. The entry is nil if it is not in memory: then the receipt has an error, and
// tellDrop is still to be called, or the task waits in the journal.
func (c *Client) admit(ctx context.Context, e *entry, now time.Time, receipt *Receipt) *entry {
	if c.journaled != nil {
		return c.journaled.admit(ctx, e, now, receipt)
	}
	if err := c.ledger.admit(e, 1); err != nil {
		*receipt = c.notAdmitted(&e.envelope, err)
		return nil
	}
	return c.begin(ctx, e, now)
}

// notAdmitted counts a task that is valid, and refused nevertheless. The receipt keeps the envelope.
func (c *Client) notAdmitted(envelope *task.Envelope, err error) Receipt {
	receipt, _ := refuse(Receipt{ID: envelope.ID(), Name: envelope.Name(), Class: envelope.Class()}, err)
	kept := *envelope
	receipt.Envelope = &kept
	if errors.Is(err, ErrBufferFull) {
		c.intake.dropped.Add(1)
	} else {
		c.intake.refused.Add(1)
	}
	return receipt
}

// begin prepares an entry for its route.
func (c *Client) begin(ctx context.Context, e *entry, now time.Time) *entry {
	e.fired = ctx
	if c.sendTimeout > 0 {
		e.deadline = now.Add(c.sendTimeout)
	}
	if c.mode == Confirmed {
		e.answer = make(chan struct{})
	}
	e.answered = e.answer == nil
	return e
}

// tellDrop calls Options.OnDrop if the buffer was full.
func (c *Client) tellDrop(r Receipt) {
	if c.onDrop == nil || !errors.Is(r.Err, ErrBufferFull) {
		return
	}
	callFor(c.watcher.log, "Options.OnDrop", r.ID, r.Name, func() { c.onDrop(r) })
}

// wait gives what became of the entry, or what is known when the caller's patience ends.
func (c *Client) wait(ctx context.Context, timeout <-chan time.Time, e *entry) Receipt {
	select {
	case <-e.answer:
		return e.collect()
	default:
	}
	select {
	case <-e.answer:
		return e.collect()
	case <-ctx.Done():
		return e.route.leave(e, contextError(ctx))
	case <-timeout:
		return e.route.leave(e, fmt.Errorf("no answer within %v (Options.ConfirmTimeout)", c.confirmTimeout))
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
