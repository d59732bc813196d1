// Package task is what a task is: Definition, Task, Envelope, Policy, outcome errors. Standard library and an id generator only.
//
// A program declares each kind of task once, as a value that binds a name, an argument type and defaults:
//
//	var Welcome = task.Define[WelcomeArgs]("email.welcome", task.MaxAttempts(5))
//
// The web host binds arguments and fires; the worker handles the same definition:
//
//	client.Fire(ctx, Welcome.With(WelcomeArgs{UserID: 7}))       // package client
//	worker.Handle(mux, Welcome, func(ctx context.Context, a WelcomeArgs) error { … }) // package worker
//
// A task changes shape three times and no more: [Task] (definition and arguments, in memory), [Envelope] (the wire
// form, a CloudEvents 1.0 event in JSON), and a delivery (an envelope that has arrived, package transport). Generics
// stand at the two edges, [Definition.With] and [Definition.Decode]; all that lies between moves bytes.
//
// Everything here is a value without hidden state: definitions, tasks and envelopes may be shared between goroutines.
package task
