package memtransport

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/offloadhq/offload/transport"
)

// Defaults of [Options].
const (
	DefaultName              = "memory"
	DefaultVisibilityTimeout = 30 * time.Second
	DefaultMaxReceives       = 15
	DefaultBatch             = 10
	DefaultConcurrency       = 8
)

// ErrNotInFlight says that a delivery is not in flight any more: it was acknowledged, or its time was over and another
// receive has had it since, or (for Retry) will.
var ErrNotInFlight = errors.New("the delivery is not in flight any more")

// Options changes a [Queue]. A field that is zero or less has its default.
type Options struct {
	// Name is the Source of every delivery. Default [DefaultName].
	Name string
	// VisibilityTimeout is how long a delivery is in flight before another receive may have it. Default
	// [DefaultVisibilityTimeout].
	VisibilityTimeout time.Duration
	// MaxReceives is how often a message is received; after that it becomes a dead letter with the reason
	// [RedriveReason]. Default [DefaultMaxReceives].
	MaxReceives int
	// Batch is how many deliveries [Queue.Consume] hands over at once, at most. Default [DefaultBatch].
	Batch int
	// Concurrency is how many batches [Queue.Consume] has running at once, at most. Default [DefaultConcurrency].
	Concurrency int
	// Limits is what Send takes. The default is that of Amazon SQS: 10 envelopes and 1 MiB a request, 15 minutes of
	// delay, bodies of 1 MiB less transport.MaxReasonBytes.
	Limits transport.Limits
}

func (o *Options) fill() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Name == "" {
		c.Name = DefaultName
	}
	if c.VisibilityTimeout <= 0 {
		c.VisibilityTimeout = DefaultVisibilityTimeout
	}
	if c.MaxReceives <= 0 {
		c.MaxReceives = DefaultMaxReceives
	}
	if c.Batch <= 0 {
		c.Batch = DefaultBatch
	}
	if c.Concurrency <= 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.Limits == (transport.Limits{}) {
		c.Limits = transport.Limits{Items: 10, BatchBytes: 1 << 20, MessageBytes: 1<<20 - transport.MaxReasonBytes, MaxDelay: 15 * time.Minute}
	}
	return c
}

// RedriveReason is the code of a dead letter that was received too often and never acknowledged. A worker that settles
// its deliveries never leaves one.
const RedriveReason = "max-receives"

// DeadLetter is a message that will not be tried again, and why.
type DeadLetter struct {
	MessageID string
	Body      []byte // do not change it
	Receives  int
	Reason    transport.Reason
}

// Counts is how many messages a queue holds.
type Counts struct {
	Ready    int // may be received now
	Delayed  int // not yet received, and held back
	InFlight int // received, and neither acknowledged nor due again
	Dead     int // dead letters
}

// Left is how many messages are neither acknowledged nor dead letters.
func (c Counts) Left() int { return c.Ready + c.Delayed + c.InFlight }

// Queue is a transport.Sender, a transport.Settler and what feeds a worker. Its methods are safe for concurrent use.
type Queue struct {
	opts   Options
	target string

	mu       sync.Mutex
	messages schedule            // guarded by mu: every message, the one that is due first on top
	inFlight map[string]*message // guarded by mu: by receipt
	dead     []DeadLetter        // guarded by mu
	ids      int                 // guarded by mu: the last number given to a message or a receipt
	changed  chan struct{}       // guarded by mu: closed, and replaced, when a message may be due earlier than before
}

var (
	_ transport.Sender    = (*Queue)(nil)
	_ transport.Addressed = (*Queue)(nil)
	_ transport.Settler   = (*Queue)(nil)
)

// New makes an empty queue. It starts no goroutine and needs no closing.
func New(opts *Options) *Queue {
	c := opts.fill()
	return &Queue{
		opts:     c,
		target:   fmt.Sprintf("queue %q", c.Name),
		inFlight: map[string]*message{},
		changed:  make(chan struct{}),
	}
}

// message is one message, in flight when it has a receipt.
type message struct {
	id       string
	number   int
	body     []byte
	receives int
	receipt  string
	due      time.Time // when it may be received
	at       int       // its place in the schedule
}

func (q *Queue) nextID(kind string) string { // with mu held
	q.ids++
	return kind + strconv.Itoa(q.ids)
}

func (q *Queue) put(body []byte, due time.Time) string { // with mu held
	m := &message{id: q.nextID("m"), body: body, due: due}
	m.number = q.ids
	heap.Push(&q.messages, m)
	q.wake()
	return m.id
}

func (q *Queue) wake() { // with mu held
	close(q.changed)
	q.changed = make(chan struct{})
}

// Receive takes up to max deliveries and holds them for the visibility timeout. It blocks until there is at least one,
// or until ctx ends, whose error it then returns. Each delivery must be acknowledged with [Queue.Ack], or it is due
// again. The attributes of a delivery are nil.
func (q *Queue) Receive(ctx context.Context, max int) ([]transport.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%s: receive: %w", q.target, err)
		}
		ds, wait, changed := q.take(time.Now(), max)
		if len(ds) > 0 || max <= 0 {
			return ds, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// idle is how long Receive sleeps on an empty queue; whatever is sent wakes it.
const idle = time.Hour

// take receives what is due now. If nothing is, it returns how long until something will be, and a channel that is closed
// when that changes.
func (q *Queue) take(now time.Time, max int) ([]transport.Delivery, time.Duration, <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ds []transport.Delivery
	for len(ds) < max && len(q.messages) > 0 && !q.messages[0].due.After(now) {
		m := q.messages[0]
		delete(q.inFlight, m.receipt)
		if m.receives >= q.opts.MaxReceives {
			q.remove(m)
			q.dead = append(q.dead, DeadLetter{m.id, m.body, m.receives, transport.Reason{
				Code: RedriveReason, Attempt: m.receives, Source: q.opts.Name,
				Message: fmt.Sprintf("received %d times and never acknowledged", m.receives),
			}})
			continue
		}
		m.receives++
		m.receipt = q.nextID("r")
		m.due = now.Add(q.opts.VisibilityTimeout)
		q.messages.fix(m)
		q.inFlight[m.receipt] = m
		ds = append(ds, transport.Delivery{
			Source: q.opts.Name, MessageID: m.id, Receipt: m.receipt,
			Body: slices.Clone(m.body), Receives: m.receives,
		})
	}
	wait := idle
	if len(q.messages) > 0 {
		wait = q.messages[0].due.Sub(now)
	}
	return ds, wait, q.changed
}

func (q *Queue) remove(m *message) { // with mu held
	heap.Remove(&q.messages, m.at)
	delete(q.inFlight, m.receipt)
}

// held finds the message of a delivery that no other receive has had since.
func (q *Queue) held(d transport.Delivery) (*message, error) { // with mu held
	if d.Source != q.opts.Name {
		return nil, fmt.Errorf("%s: message %q: comes from %q, not from here", q.target, d.MessageID, d.Source)
	}
	m := q.inFlight[d.Receipt]
	if m == nil {
		return nil, fmt.Errorf("%s: message %q: %w", q.target, d.MessageID, ErrNotInFlight)
	}
	return m, nil
}

// Ack deletes deliveries that are done. The error joins those of the deliveries that are not in flight any more
// ([ErrNotInFlight]); the others are deleted all the same.
func (q *Queue) Ack(ds ...transport.Delivery) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	var problems []error
	for _, d := range ds {
		m, err := q.held(d)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		q.remove(m)
	}
	return errors.Join(problems...)
}

// DeadLetters returns the dead letters, the oldest first. The slice is the caller's.
func (q *Queue) DeadLetters() []DeadLetter {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.dead)
}

// Counts says how many messages the queue holds, and in which state.
func (q *Queue) Counts() Counts {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	c := Counts{Dead: len(q.dead)}
	for _, m := range q.messages {
		switch {
		case !m.due.After(now):
			c.Ready++
		case m.receipt != "":
			c.InFlight++
		default:
			c.Delayed++
		}
	}
	return c
}

// Len is how many messages are neither acknowledged nor dead letters.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}
