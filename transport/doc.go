// Package transport is how envelopes travel: the Sender seam (out) and the Settler seam (what becomes of a delivery).
//
// A [Sender] takes encoded tasks to a queue or a function and tells of each what became of it. A [Settler] gives a
// delivery that failed its next try, or its place among the dead letters. Drivers live in the folders below; every
// driver passes the suite in package transporttest. The interfaces are small so that a driver is small: batching,
// retries and back-pressure are the client's; attempts, deadlines and backoff are the worker's.
package transport
