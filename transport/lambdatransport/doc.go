// Package lambdatransport carries envelopes straight to a Lambda function, as asynchronous invocations.
//
// It is the road of low latency and of weaker promises: Lambda keeps no visible queue, takes no delay, tries an event
// at most three times by itself, and may drop events when it cannot keep up (AWS Lambda Developer Guide, "Invoking a
// function asynchronously"). A worker sends what fails on to a queue. There is no Settler here: an event has no
// queue to go back to.
package lambdatransport
