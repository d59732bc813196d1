// Package jobs is this deployment's definitions (what the API imports); one folder each for the handlers: analytics, webhook, thumbnail, export.
//
// A web host binds arguments to a definition and fires the task; it never imports a handler, so none of what a handler
// needs (image decoders, an HTTP client, a store) is linked into it:
//
//	event := jobs.Event{Name: "signup", At: time.Now()}
//	if err := event.Validate(); err != nil { … } // answer 400
//	receipt, err := client.Fire(ctx, jobs.Analytics.With(event))
//
// The function binds each definition to its handler:
//
//	worker.Handle(mux, jobs.Analytics, analytics.New(store).Handle)
//
// Every type of arguments has a Validate method, the one place that says what is acceptable. The API calls it and
// answers 400; the handler calls it again, by [Begin], and an error there is permanent, because a task may come from
// an older or a foreign host.
//
// Handlers that keep something write it through a [Store], under a key made from the task id. A task that runs twice
// therefore writes the same object twice, and the second time changes nothing.
package jobs
