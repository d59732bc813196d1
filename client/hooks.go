package client

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// Hooks are told what a client does, for traces and metrics. Any of them may be nil. They are called while the client
// works and hold it up, so they must not block; those that say so run in the goroutine of Fire, the others in those of
// the client, several at a time. They may call Stats and Health. A panic in one is recovered and logged, and the task goes
// on. So it does after runtime.Goexit (t.FailNow, say), which is logged too: it ends the goroutine of the client, or the caller
// of Fire, FireBatch or Close, and nothing else. Totals need no hook: read [Client.Stats].
//
// The arguments of tasks are in the envelopes that hooks see. Do not log those: log ids, names and sizes.
type Hooks struct {
	// Create is called for each task at the start of its firing, in the goroutine of Fire: where a trace begins. f is what the
	// task and the caller's options say: its id, its queue class, and its headers, "traceparent" for one. The context
	// returned, which must come from ctx, goes on with the task: its values reach Created, and Send if the task is the first
	// of its request. The options returned are applied before the caller's own, which win: task.Header with "traceparent" puts
	// the trace into the envelope.
	Create func(ctx context.Context, f task.Firing) (context.Context, []task.FireOption)
	// Created is called for each task when its Fire is about to return, in the same goroutine, with the context from
	// Create, what Fire returns, and how long that took. r has the task's id, name and class, whatever became of it. It is not
	// called where Fire does not return, because Create, Ended or Options.OnDrop has ended its goroutine with runtime.Goexit.
	Created func(ctx context.Context, r Receipt, took time.Duration)
	// Send is called before each call of Sender.Send, which gets the context returned. That must come from ctx, which has
	// the deadline of the attempt and the values of the context of its first task.
	Send func(ctx context.Context, s Sending) context.Context
	// Sent is called after it, with what it returned: results as transport.ResultAt reads them. s.Took is set.
	Sent func(ctx context.Context, s Sending, results []transport.Result, err error)
	// Ended is called once for each task that was taken on, when it has ended: delivered if r.Err is nil. age is the time
	// since it was fired. It may run in the goroutine of Fire, before Created, where the wait ends or nothing is sent any
	// more, and in that of Close.
	Ended func(r Receipt, age time.Duration)
	// Health is called when the state of a route changes, and with every failed probe of a route that is Blocked; for one
	// route in the order of the changes, one call at a time. It may come a moment after the Fire that a change lets go.
	Health func(h Health)
}

// Sending is one call of Sender.Send.
type Sending struct {
	Class     string          // the queue class of the route
	Envelopes []task.Envelope // do not change
	Retries   int             // how many of them were sent before
	Waiting   int             // tasks that wait behind this request
	Took      time.Duration   // in Sent: how long the call took
}

// watcher calls the hooks that there are.
type watcher struct {
	hooks Hooks
	log   *slog.Logger
}

func (w *watcher) create(ctx context.Context, t task.Task, id string, now time.Time, opts []task.FireOption) (made context.Context, all []task.FireOption) {
	made, all = ctx, opts
	if w.hooks.Create == nil {
		return made, all
	}
	call(w.log, "Options.Hooks.Create", func() {
		own, more := w.hooks.Create(ctx, t.Firing(id, now, opts...))
		if own != nil {
			made = own
		}
		if len(more) > 0 {
			all = slices.Concat(more, opts)
		}
	})
	return made, all
}

func (w *watcher) created(ctx context.Context, r Receipt, began time.Time) {
	if w.hooks.Created != nil {
		call(w.log, "Options.Hooks.Created", func() { w.hooks.Created(ctx, r, time.Since(began)) })
	}
}

func (w *watcher) send(ctx context.Context, s Sending) (made context.Context) {
	made = ctx
	if w.hooks.Send == nil {
		return made
	}
	call(w.log, "Options.Hooks.Send", func() {
		if own := w.hooks.Send(ctx, s); own != nil {
			made = own
		}
	})
	return made
}

func (w *watcher) sent(ctx context.Context, s Sending, results []transport.Result, err error, began time.Time) {
	if w.hooks.Sent != nil {
		s.Took = time.Since(began)
		call(w.log, "Options.Hooks.Sent", func() { w.hooks.Sent(ctx, s, results, err) })
	}
}

func (w *watcher) ended(r Receipt, age time.Duration) {
	if w.hooks.Ended != nil {
		call(w.log, "Options.Hooks.Ended", func() { w.hooks.Ended(r, max(0, age)) })
	}
}

func (w *watcher) health(h Health) {
	if w.hooks.Health != nil {
		call(w.log, "Options.Hooks.Health", func() { w.hooks.Health(h) })
	}
}
