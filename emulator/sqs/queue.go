package sqs

import (
	"fmt"
	"time"

	"github.com/offloadhq/offload/internal/list"
)

// The limits of a standard queue.
// Source: Amazon SQS API Reference, ReceiveMessage and ChangeMessageVisibility.
const (
	maxInFlight   = 120_000
	maxVisibility = 12 * time.Hour
	purgeInterval = 60 * time.Second
)

// queue is the state of one standard queue. It has no clock, no lock and no
// goroutine: every method is told the time, and the same calls give the same
// results. What is due is settled at the start of each call, so nothing has to
// run between calls.
//
// A visible message stands in the line; a delayed one or one in flight stands
// on the visibility timeline; every message stands on the age timeline.
type queue struct {
	name, arn string
	serial    uint32
	settings  settings
	tags      map[string]string
	created   time.Time
	modified  time.Time
	purged    time.Time

	lastKey  uint64
	byKey    map[uint64]*message
	line     list.List[*message]
	hidden   timeline
	ages     timeline
	inFlight int
	limit    int // of messages in flight
}

func newQueue(name, arn string, serial uint32, set settings, now time.Time) *queue {
	return &queue{
		name: name, arn: arn, serial: serial, settings: set,
		tags: map[string]string{}, created: now, modified: now,
		byKey:  map[uint64]*message{},
		hidden: timeline{kind: byVisibility},
		ages:   timeline{kind: byAge},
		limit:  maxInFlight,
	}
}

// counts are the three numbers of messages that GetQueueAttributes shows.
type counts struct{ visible, inFlight, delayed int }

func (q *queue) counts(now time.Time) counts {
	q.settle(now)
	return counts{q.line.Len(), q.inFlight, q.hidden.len() - q.inFlight}
}

// settle lets everything happen that was due by now: messages older than the
// retention period go, hidden ones whose time has come join the line.
func (q *queue) settle(now time.Time) {
	for m, at := q.ages.first(); m != nil && !at.Add(q.settings.retention).After(now); m, at = q.ages.first() {
		q.take(m)
	}
	for m, at := q.hidden.first(); m != nil && !at.After(now); m, at = q.hidden.first() {
		q.show(m)
	}
}

// nextVisible returns the instant at which the next hidden message becomes
// visible, and false if none is hidden.
func (q *queue) nextVisible() (time.Time, bool) {
	m, at := q.hidden.first()
	return at, m != nil
}

// ready reports whether a receive would look at a message now.
func (q *queue) ready(now time.Time) bool {
	q.settle(now)
	return q.line.Len() > 0 && q.inFlight < q.limit
}

// send stores a message. The size limit is the queue's own, so it is checked
// here and not with the rest of the message.
func (q *queue) send(now time.Time, id string, p parcel) error {
	if p.size > q.settings.maxSize {
		return oversize(q.settings.maxSize)
	}
	q.settle(now)
	delay := q.settings.delay
	if p.delay != nil {
		delay = *p.delay
	}
	m := &message{parcel: p, id: id, enqueued: now}
	q.enter(m)
	if delay > 0 {
		q.hide(m, delayed, now.Add(delay))
		return nil
	}
	q.line.PushBack(m, &m.node)
	return nil
}

// adopt stores a message that another queue dead-lettered. It keeps its id and
// its enqueue time, so its retention goes on from the first send.
func (q *queue) adopt(m *message, source string) {
	m.source = source
	m.receivesHere = 0
	q.enter(m)
	m.phase = visible
	q.line.PushBack(m, &m.node)
}

func (q *queue) enter(m *message) {
	q.lastKey++
	m.key = q.lastKey
	m.slots = [timelines]int{offTimeline, offTimeline}
	q.byKey[m.key] = m
	q.ages.add(m, m.enqueued)
}

// receive takes up to limit messages and hides them for d. Messages whose
// receive count would exceed maxReceive (0: no limit) are taken out of the
// queue and returned as dead instead.
func (q *queue) receive(now time.Time, limit int, d time.Duration, maxReceive int, nonce func() uint64) (got, dead []*message) {
	q.settle(now)
	for len(got) < limit && q.inFlight+len(got) < q.limit && q.line.Len() > 0 {
		m := q.line.First()
		if maxReceive > 0 && m.receivesHere >= maxReceive {
			q.take(m)
			dead = append(dead, m)
			continue
		}
		q.line.Remove(&m.node)
		got = append(got, m)
	}
	// Only now, or a visibility timeout of zero would give one message twice.
	for _, m := range got {
		m.receives++
		m.receivesHere++
		m.received = now
		m.nonce = nonce()
		if m.firstReceived.IsZero() {
			m.firstReceived = now
		}
		if d > 0 {
			q.hide(m, inFlight, now.Add(d))
		} else {
			m.phase = visible
			q.line.PushBack(m, &m.node)
		}
	}
	return got, dead
}

// unreceive undoes a receive whose result nobody got: the messages stand at
// the head of the line again, as if it had not happened.
func (q *queue) unreceive(now time.Time, receipts []receipt) {
	q.settle(now)
	for i := len(receipts) - 1; i >= 0; i-- {
		m := q.byKey[receipts[i].key]
		if m == nil || m.nonce != receipts[i].nonce {
			continue
		}
		if m.phase == inFlight {
			q.show(m)
		}
		q.line.Remove(&m.node)
		q.line.PushFront(m, &m.node)
		m.nonce = 0
		m.receives--
		m.receivesHere--
		if m.receives == 0 {
			m.firstReceived = time.Time{}
		}
	}
}

// remove deletes the message of the receipt. A stale receipt deletes nothing
// and is not an error; the latest one works even after its visibility timeout.
func (q *queue) remove(now time.Time, r receipt) {
	q.settle(now)
	if m := q.byKey[r.key]; m != nil && m.nonce == r.nonce {
		q.take(m)
	}
}

// changeVisibility hides the message of the receipt for d from now on, or
// shows it at once for zero. It may stay hidden 12 hours from its receive.
func (q *queue) changeVisibility(now time.Time, r receipt, d time.Duration) error {
	q.settle(now)
	m := q.byKey[r.key]
	if m == nil {
		return newError(codeInvalidParameterValue,
			"Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", r)
	}
	if m.nonce != r.nonce || m.phase != inFlight {
		return newError(codeMessageNotInflight, "The specified message isn't in flight.")
	}
	if now.Add(d).Sub(m.received) > maxVisibility {
		return newError(codeInvalidParameterValue,
			"Value %s for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]", seconds(d))
	}
	q.hidden.remove(m)
	q.hidden.add(m, now.Add(d)) // for zero the next look at the queue shows it
	return nil
}

// purge drops every message. One purge a minute is allowed.
func (q *queue) purge(now time.Time) error {
	if !q.purged.IsZero() && now.Sub(q.purged) < purgeInterval {
		return newError(codePurgeQueueInProgress, "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = now
	clear(q.byKey)
	q.line = list.List[*message]{}
	q.hidden.entries, q.ages.entries = nil, nil
	q.inFlight = 0
	return nil
}

// take removes m from the queue, wherever it stands.
func (q *queue) take(m *message) {
	if m.phase == visible {
		q.line.Remove(&m.node)
	} else {
		q.unhide(m)
	}
	q.ages.remove(m)
	delete(q.byKey, m.key)
}

// hide puts a message that stands nowhere on the visibility timeline.
func (q *queue) hide(m *message, p phase, until time.Time) {
	m.phase = p
	if p == inFlight {
		q.inFlight++
	}
	q.hidden.add(m, until)
}

func (q *queue) unhide(m *message) {
	if m.phase == inFlight {
		q.inFlight--
	}
	q.hidden.remove(m)
}

func (q *queue) show(m *message) {
	q.unhide(m)
	m.phase = visible
	q.line.PushBack(m, &m.node)
}

// seconds formats d as AWS does in its messages: a number of seconds.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%g", d.Seconds())
}
