package sqs

import (
	"time"

	"github.com/offloadhq/offload/internal/list"
)

// phase is where a stored message stands between its send and its delete.
type phase uint8

const (
	visible  phase = iota // waits in the line
	delayed               // sent, not yet visible for the first time
	inFlight              // received, neither deleted nor visible again
)

// message is one stored message. Its content never changes after the send;
// the rest belongs to the queue that holds it.
type message struct {
	parcel
	id            string
	source        string // ARN of the queue that dead-lettered it, or ""
	enqueued      time.Time
	firstReceived time.Time
	received      time.Time // the last receive: the 12 hours count from here
	receives      int       // across all queues, as ApproximateReceiveCount is
	receivesHere  int       // in this queue only: what maxReceiveCount is compared with

	key   uint64 // place of arrival in this queue; the receipt handle carries it
	nonce uint64 // changes with each receive: a handle with another one is stale
	phase phase

	slots [timelines]int
	node  list.Node[*message] // in the line of visible messages
}
