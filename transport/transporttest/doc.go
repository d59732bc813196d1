// Package transporttest is the conformance suite every sender and settler passes.
//
// A driver's test calls [Senders] and [Settlers] with a harness: how to make the driver with an empty destination, how
// to see what arrived, and, where the driver's world allows it, how to break it. The suite holds the sentences of
// package transport against the driver. It is itself tested with drivers that are broken in one way each.
package transporttest
