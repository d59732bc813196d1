// Package client is the thin client on the web host: Fire, FireBatch, Flush, Close.
//
// A [Client] turns tasks into envelopes and hands them to a [transport.Sender]. [Client.Fire] waits until the
// transport has acknowledged the task (the mode is called Confirmed): a nil error means that the task survives the
// death of this process. The price is one round trip, which all tasks in flight share.
//
//	c, err := client.New(sender, nil)
//	…
//	receipt, err := c.Fire(ctx, Welcome.With(WelcomeArgs{UserID: 7}))
//
// # Errors
//
// Every error of Fire is an [*Error] and matches exactly one of two facts:
//
//   - [ErrNotSent]: the transport does not have the task, and nothing more will be sent. Firing it again is safe.
//   - [ErrUnconfirmed]: it may have it, or may still get it: an attempt is on its way, or one ended without an answer.
//     Sending goes on for [Options].SendTimeout and its end goes to [Options].OnResult. Fire it again only with
//     task.ID(receipt.ID), so that whoever deduplicates sees one task.
//
// Beside the fact it matches its cause: [task.ErrInvalid] (with [task.ErrTooLarge], [task.ErrDelay], [task.ErrHops]),
// [ErrBufferFull], [ErrClosed], [ErrNoRoute], the error of the caller's context, or that of the transport. A web API
// answers 400 to task.ErrInvalid and 503 with Retry-After to the rest.
//
// # Batches
//
// There is no linger and no batch setting. A task goes out at once while fewer than two requests are in flight on its
// route. Beyond that tasks gather: each request that ends takes what waits, up to the [transport.Limits], and another
// one opens only when a full request waits, up to [Options].MaxSenders. Tasks leave in the order of their firing, those
// to be tried again at the end of the line when their wait is over; no order of arrival is promised.
//
// # Retries
//
// An entry is judged alone; its batch mates are not sent again. What was refused for the moment, or has no answer, is
// sent again with the same id after a full-jitter exponential wait (50 ms, doubled up to 5 s). A waiting task holds no
// request and no other task. What the transport calls invalid is never sent again. A set-up that refuses everything
// (credentials, a missing queue) ends the wait of a caller at once; a task whose caller has gone is tried on.
//
// # The caller's context
//
// It bounds the wait only. Sends run on a context that is never cancelled by it and has a timeout of its own
// ([Options].AttemptTimeout). A request carries many tasks and one context: its values (a trace, say) are those of the
// context with which the first task of the request was fired.
//
// In a handler, where the context carries a [task.Info], Fire adds [task.CausedBy] by itself.
package client
