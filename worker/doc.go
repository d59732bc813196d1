// Package worker is what a handler runs inside: Mux, middleware, batches, retries, deadlines, once-only, checkpoints.
//
// A program registers one function for each kind of task and gives the worker to its runtime:
//
//	mux := worker.NewMux(worker.Logging(nil))
//	worker.Handle(mux, Welcome, func(ctx context.Context, a WelcomeArgs) error { … })
//	w, err := worker.New(mux, &worker.Options{Settler: settler, Queue: queue, Flush: client.Flush})
//	lambda.Start(w) // package github.com/aws/aws-lambda-go/lambda
//
// # What a handler's answer means
//
//	nil                        done: the record is acknowledged
//	an error                   retried after the policy's backoff, with full jitter
//	task.RetryAfter(err, d)    retried after d instead
//	task.Permanent(err)        moved to the dead-letter queue now, with the reason
//	a panic, runtime.Goexit    as an error; the stack goes with it
//
// The last attempt that fails moves the task to the dead-letter queue. Nothing is dropped: a record is acknowledged
// only when it is done, stored as a dead letter, or (a direct invocation) accepted by its queue. Whatever else goes
// wrong leaves it with the queue, which delivers it again.
//
// # What is promised
//
// A task is run at least once. The queue may deliver it twice, and a worker that dies takes its acknowledgements with
// it, so a handler may see a task again, with the same task.Info.ID: that is the key to deduplicate by. The records of
// a batch are independent: what happens to one leaves the others as they are. What no library can catch ends the
// process and all records in it: os.Exit, log.Fatal, a panic in a goroutine that was not started by [Go], a fatal error of the Go
// runtime, a kill for lack of memory. Their batch comes back after the queue's visibility timeout, and a record that does it every time
// ends in the dead-letter queue by the queue's own redrive.
//
// # Large payloads
//
// Data that was too large for its message is read from where the host has put it ([Options].Payloads), before the handler
// is called; the delivery that middleware sees, what is retried and what is kept as a dead letter is the small message. A
// message that names anything but the payload of its own task is a dead letter, with nothing read (reason "permanent"); a payload
// that is not there is one after three attempts ("payload-missing"); a store that cannot be asked is an error like any other.
//
// # Deadlines
//
// With a deadline D on the context, and a margin m of 5 % of the remaining time, at least [Options].Margin and at most
// half of it:
//
//	├── handlers run ──────────┤ D−m     contexts end with ErrDeadline; nothing more is started
//	                           ├──┤ D−0.6m  who still runs is stuck
//	                              ├──┤ D−0.3m  Flush
//	                                 ├─┤ D−0.1m  the Settler; then the answer
//
// Without a deadline there is no margin, and no handler is ever stuck: Process waits for as long as they take.
//
// The package knows no queue service: bytes go in and out of [Worker.Invoke], deliveries in and out of
// [Worker.Process].
package worker
