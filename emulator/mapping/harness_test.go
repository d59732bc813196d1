package mapping_test

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS's digest
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/emulator/mapping"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const arn = "arn:aws:sqs:eu-west-1:000000000000:orders"

// queue is a queue with visibility and receive counts, in a bubble.
type queue struct {
	visibility time.Duration

	mu       sync.Mutex
	messages []*stored
	changed  chan struct{} // closed at a send, and made again
	receives int           // calls of Receive
	err      error         // of Receive
	delErr   error
}

type stored struct {
	mapping.Message
	hidden   time.Time
	receives int
}

func newQueue(visibility time.Duration) *queue {
	return &queue{visibility: visibility, changed: make(chan struct{})}
}

// send puts a message with the body into the queue and returns its id.
func (q *queue) send(body string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := fmt.Sprintf("m%d", len(q.messages))
	sum := md5.Sum([]byte(body)) //nolint:gosec // SQS's digest
	q.messages = append(q.messages, &stored{Message: mapping.Message{
		MessageID: id, Body: body, MD5OfBody: hex.EncodeToString(sum[:]), Attributes: map[string]string{"SenderId": "me"},
	}})
	close(q.changed)
	q.changed = make(chan struct{})
	return id
}

func (q *queue) sendMany(n int) {
	for i := range n {
		q.send(strconv.Itoa(i))
	}
}

func (q *queue) Receive(ctx context.Context, limit int, wait time.Duration) ([]mapping.Message, error) {
	if limit < 1 || limit > 10 || wait < 0 || wait > 20*time.Second {
		panic(fmt.Sprintf("Receive(%d, %v)", limit, wait))
	}
	q.mu.Lock()
	q.receives++
	q.mu.Unlock()
	end := time.Now().Add(wait)
	for {
		q.mu.Lock()
		got, next, changed, err := q.take(limit), q.nextVisible(), q.changed, q.err
		q.mu.Unlock()
		left := time.Until(end)
		if err != nil || len(got) > 0 || left <= 0 {
			return got, err
		}
		t := time.NewTimer(min(left, next))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		case <-t.C:
		case <-changed:
			t.Stop()
		}
	}
}

func (q *queue) take(limit int) (got []mapping.Message) {
	now := time.Now()
	for _, m := range q.messages {
		if len(got) == limit {
			break
		}
		if m == nil || m.hidden.After(now) {
			continue
		}
		m.hidden = now.Add(q.visibility)
		m.receives++
		c := m.Message
		c.ReceiptHandle = fmt.Sprintf("%s/%d", m.MessageID, m.receives)
		c.Attributes = map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives), "SenderId": "me"}
		got = append(got, c)
	}
	return got
}

func (q *queue) nextVisible() time.Duration {
	next := time.Hour
	for _, m := range q.messages {
		if m != nil {
			next = min(next, max(time.Until(m.hidden), time.Nanosecond))
		}
	}
	return next
}

func (q *queue) Delete(_ context.Context, receipts []string) error {
	if len(receipts) < 1 || len(receipts) > 10 {
		panic(fmt.Sprintf("Delete of %d", len(receipts)))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.delErr != nil {
		return q.delErr
	}
	for i, m := range q.messages {
		if m != nil && slices.Contains(receipts, fmt.Sprintf("%s/%d", m.MessageID, m.receives)) {
			q.messages[i] = nil
		}
	}
	return nil
}

func (q *queue) VisibilityTimeout() time.Duration { return q.visibility }

// calls are the calls of Receive.
func (q *queue) calls() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.receives
}

// left are the ids in the queue.
func (q *queue) left() (ids []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if m != nil {
			ids = append(ids, m.MessageID)
		}
	}
	return ids
}

// mostReceives is the highest receive count of a message in the queue.
func (q *queue) mostReceives() (most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if m != nil {
			most = max(most, m.receives)
		}
	}
	return most
}

// function is a function with a concurrency limit.
type function struct {
	handle func(ids []string) (response, functionError string)
	limit  int           // 0: none
	takes  time.Duration // each invocation

	mu       sync.Mutex
	start    time.Time
	running  int
	most     int
	batches  [][]string // ids
	payloads [][]byte
	at       []time.Duration
	throttle int
}

func newFunction(handle func(ids []string) (string, string)) *function {
	if handle == nil {
		handle = func([]string) (string, string) { return "", "" }
	}
	return &function{handle: handle, start: time.Now()}
}

func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, string, error) {
	var e struct {
		Records []struct {
			ID string `json:"messageId"`
		}
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		panic(err)
	}
	var ids []string
	for _, r := range e.Records {
		ids = append(ids, r.ID)
	}
	f.mu.Lock()
	if f.limit > 0 && f.running >= f.limit {
		f.throttle++
		f.mu.Unlock()
		return nil, "", fmt.Errorf("rate exceeded: %w", mapping.ErrThrottled)
	}
	f.running++
	f.most = max(f.most, f.running)
	f.batches, f.payloads, f.at = append(f.batches, ids), append(f.payloads, payload), append(f.at, time.Since(f.start))
	f.mu.Unlock()
	f.mu.Lock()
	takes := f.takes
	f.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	response, functionError := f.handle(ids)
	f.mu.Lock()
	f.running--
	f.mu.Unlock()
	return []byte(response), functionError, nil
}

// seen is what a function has seen so far.
type seen struct {
	most, throttle int
	batches        [][]string
	payloads       [][]byte
	at             []time.Duration
}

func (f *function) seen() seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return seen{f.most, f.throttle, slices.Clone(f.batches), slices.Clone(f.payloads), slices.Clone(f.at)}
}

func (f *function) calls() int { return len(f.seen().batches) }

func (s seen) sizes() (sizes []int) {
	for _, b := range s.batches {
		sizes = append(sizes, len(b))
	}
	return sizes
}

// rig is a mapping that runs in a bubble until the test ends.
type rig struct {
	stop func()

	mu      sync.Mutex
	batches []mapping.Batch
}

func start(t *testing.T, q mapping.Queue, f mapping.Invoker, o mapping.Options) *rig {
	t.Helper()
	r := &rig{}
	if o.QueueARN == "" {
		o.QueueARN = arn
	}
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	o.OnBatch = func(b mapping.Batch) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.batches = append(r.batches, b)
	}
	m, err := mapping.New(q, f, &o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(r.stop)
	synctest.Wait()
	return r
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) first() mapping.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.batches[0]
}

func (r *rig) outcomes() (all []mapping.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.batches {
		all = append(all, b.Outcome)
	}
	return all
}

var errQueue = errors.New("queue does not exist")
