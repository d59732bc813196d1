// Package otelclient is OpenTelemetry for the client: traces and metrics of what a client fires and sends, by the semantic
// conventions for messaging (version 1.43.0, status Development).
//
//	hooks, err := otelclient.Hooks(sender, routes, nil)
//	…
//	c, err := client.New(sender, &client.Options{Routes: routes, Hooks: hooks})
//	…
//	unregister, err := otelclient.Register(c, nil)
//	…
//	defer unregister() // after c.Close
//
// Neither blocks, starts a goroutine, or fails a task: whatever OpenTelemetry does, tasks are fired and sent. Only this
// package links OpenTelemetry's API, and nothing here links its SDK, which the program brings.
//
// Arguments of tasks never go into a span or a metric, and neither do the texts of errors, which may quote them.
//
// # Spans
//
// "create DESTINATION", kind PRODUCER: one for each task given to Fire or FireBatch, a child of the span in the caller's
// context, for as long as the call takes: in the mode Confirmed to the acknowledgement. In a handler whose context has
// no span it is a child of the trace that the task of the handler came with. Its status is an error when the receipt has one.
// There is none for a firing with a header traceparent of its own: it has a creation context already.
//
// "send DESTINATION", kind CLIENT: one for each call of Sender.Send, which is one SendMessageBatch or one Invoke, with a link to
// the creation context of each of its tasks. A retry is another one. It is a child of the creation span of its first task;
// of no span when that task waited so long that the client let go of its context. Its status is an error when at least one
// task was not accepted.
//
// DESTINATION is the name of the queue or the function, known from the Sender if it is [transport.Addressed].
//
// What travels with the task, as traceparent and tracestate (docs/wire.md), is the context of its create span; without create
// spans that of the caller's span. A header traceparent of the firing itself stays, and the send span links to that.
// Every retry carries the same. Baggage is not carried.
//
// The attributes of both:
//
//	messaging.system              aws_sqs, aws_lambda, memory; offload if the Sender does not say
//	messaging.destination.name    the queue or the function
//	messaging.operation.name      create or send
//	messaging.operation.type      create or send
//	messaging.client.id           Options.ClientID
//	messaging.message.id          of one task: the id that the transport gave it, as far as it is known when the span ends
//	server.address, server.port   of the endpoint
//	aws.sqs.queue.url             of a queue
//	faas.invoked_name, faas.invoked_provider, faas.invoked_region   of a function
//	error.type                    of a failure; see below
//	offload.task.id               of one task; also on each link
//	offload.task.name             of one task; also on each link
//	offload.queue.class           the queue class of the route, if it is not ""
//
// And of a send span only:
//
//	messaging.batch.message_count   how many tasks; if the transport takes several in a request
//	offload.send.retried            how many of them were sent before, if any
//	offload.send.failed             how many of them were not accepted, if any
//
// # Metrics of the conventions
//
//	messaging.client.operation.duration   histogram, s: of each create and send, as long as its span
//	messaging.client.sent.messages        counter, {message}: tasks in each send, by what became of them; a retry counts again
//
// Their attributes are messaging.system, messaging.destination.name, messaging.operation.name, messaging.operation.type,
// server.address, server.port and error.type. The conventions' buckets begin at 5 ms: a view can change them.
//
// # Metrics of the client
//
// [Register] adds what [client.Client.Stats] and [client.Client.Health] know, read when metrics are collected. All have the
// attribute messaging.client.id if Options.ClientID is set: give each client of a process its own.
//
//	offload.client.tasks.fired       counter, {task}: given to Fire and FireBatch
//	offload.client.tasks.refused     counter, {task}: refused at once, for whatever reason but a full buffer
//	offload.client.tasks.dropped     counter, {task}: refused at once by a full buffer
//	offload.client.tasks.ended       counter, {task}: by offload.outcome: accepted, rejected, unknown
//	offload.client.tasks.retried     counter, {task}: sent again
//	offload.client.requests.sent     counter, {request}: calls of Sender.Send
//	offload.client.tasks.waiting     up-down counter, {task}: taken on, and in no request
//	offload.client.tasks.in_flight   up-down counter, {task}: in a request
//	offload.client.bytes.waiting     up-down counter, By
//	offload.client.bytes.in_flight   up-down counter, By
//	offload.client.requests.open     up-down counter, {request}
//	offload.client.tasks.at_risk     up-down counter, {task}: lost if the process died now
//	offload.client.health            gauge: of the worst route: 0 healthy, 1 failing, 2 blocked
//
// # The values of error.type
//
// The code that the service answered ("QueueDoesNotExist"); else what kind of failure it was: transient, throttled,
// misconfigured, invalid, timeout, canceled, no_result (the answer does not name the task); of a Fire also too_large, delay,
// hops, buffer_full, closed, no_route, and not_sent or unconfirmed if nothing else is known; of a foreign Sender
// the Go type of its error.
package otelclient
