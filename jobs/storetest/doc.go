// Package storetest is the conformance suite every jobs.Store passes.
//
// A store's test calls [Stores] with a harness: how to make an empty store, and how to see what a reader of it sees. The
// suite holds the sentences of jobs.Store against the store. It is itself tested with stores that are broken in one way
// each.
package storetest
