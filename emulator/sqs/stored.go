package sqs

import "time"

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

	slots      [timelines]int
	prev, next *message
}

// line is the row of visible messages, a doubly linked list through the
// messages themselves.
type line struct {
	head, tail *message
	size       int
}

func (l *line) pushBack(m *message) {
	m.prev, m.next = l.tail, nil
	if l.tail == nil {
		l.head = m
	} else {
		l.tail.next = m
	}
	l.tail = m
	l.size++
}

func (l *line) pushFront(m *message) {
	m.prev, m.next = nil, l.head
	if l.head == nil {
		l.tail = m
	} else {
		l.head.prev = m
	}
	l.head = m
	l.size++
}

func (l *line) remove(m *message) {
	if m.prev == nil {
		l.head = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		l.tail = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.prev, m.next = nil, nil
	l.size--
}
