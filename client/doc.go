// Package client is the thin client on the web host: Fire, FireBatch, Flush, Close.
//
// A [Client] turns tasks into envelopes and hands them to a [transport.Sender]. What a nil error from [Client.Fire] means is
// the client's [Mode]:
//
//   - [Confirmed], the default: the transport has acknowledged the task. It survives the death of this process. The price
//     is one round trip, which all tasks in flight share.
//   - [Buffered]: the task is encoded, checked, and in bounded memory. Fire never waits. If the process is killed, what
//     waits and what is in flight is lost: [Stats] has the bound, and how much it is now. A full buffer is an error
//     ([ErrBufferFull]), a counter and a hook (Options.OnDrop), never a wait and never silence.
//   - [Journaled]: the task is in a journal on the local disk (package journal). It survives the death of this process, and
//     with journal.SyncAlways a loss of power; the next process that opens the journal sends it. Fire waits for the disk:
//     one sync that all callers share, or microseconds with journal.SyncInterval. In an outage memory stays bounded, and
//     tasks gather on the disk until the journal is full, which is ErrBufferFull again.
//
// In short:
//
//	c, err := client.New(sender, nil)
//	…
//	receipt, err := c.Fire(ctx, Welcome.With(WelcomeArgs{UserID: 7}))
//
// # Errors
//
// Every error of Fire is an [*Error] and matches exactly one of two facts; in the mode Buffered it is always the first, in the
// mode Journaled the second only if the caller's context ended while the disk was busy:
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
// route. Beyond that tasks gather, and a request opens when a full one waits, by the [transport.Limits], up to
// [Options].MaxSenders at once: so requests are full under load, and their number follows the load. Fewer are in flight, and
// never less than eight for that reason, while requests of the client's own make each other wait for a processor: more would
// cost CPU and send nothing more. A request that takes four times as long as requests usually do counts no more: what hangs
// holds up nobody. Tasks leave in the order of their firing, those to be tried again at the end of the line when their wait
// is over; no order of arrival is promised.
//
// # Retries and outages
//
// An entry is judged alone; its batch mates are not sent again. What was refused for the moment, or has no answer, is
// sent again with the same id after a full-jitter exponential wait (50 ms, doubled up to 4 s). A waiting task holds no
// request and no other task. What the transport calls invalid is never sent again.
//
// Each route has a circuit breaker. After five requests in a row without an accepted task it sends nothing but one probe
// at a time: soon at most one a second, and at least one in 4 s. After a good one, requests grow again from one by one.
// A set-up that refuses everything (credentials, permissions, a missing queue) gets a second look within 200 ms, and then
// a probe every 30 s; from then on a caller is told at once, and a task whose caller has gone is tried on. [Client.Health]
// has the state, its cause, and what to do. A route that fails does not hold up the others.
//
// # The caller's context
//
// It bounds the wait only. Sends run on a context that is never cancelled by it and has a timeout of its own
// ([Options].AttemptTimeout). A request carries many tasks and one context: its values (a trace, say) are those of the
// context with which the first task of the request was fired. A task that waits through an outage with nobody waiting for
// it lets go of its context, so that memory stays bounded.
//
// # Seeing it
//
// [Client.Stats] counts everything, and tells what waits, what is in flight, and what a crash would cost. [Hooks] are for
// traces and for histograms. Logs have ids, names and sizes, never arguments; so has a [Receipt] that is logged.
//
// # In a handler
//
// In a handler, where the context carries a [task.Info], Fire adds [task.CausedBy] by itself.
package client
