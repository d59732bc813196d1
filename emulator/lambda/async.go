package lambda

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Waits after an asynchronous event was throttled or the service failed ("How Lambda handles errors and retries with
// asynchronous invocation": from 1 second after the first attempt to a maximum of 5 minutes).
const (
	defaultThrottleWait = time.Second
	maxThrottleWait     = 5 * time.Minute
)

// A destination that fails is tried this often, one second apart.
const deliveries = 3

// asyncEvent is an accepted asynchronous invocation. It belongs to its queue, and while it runs to its goroutine.
type asyncEvent struct {
	id           string
	qualifier    string
	qualifiedARN string // with $LATEST, if there is no other qualifier
	trace        string
	payload      []byte
	config       AsyncConfig // filled

	accepted  time.Time
	due       time.Time // of the next attempt
	runs      int       // of the function, all failed
	throttles int       // in a row
	last      *Response // of the last run
}

func (e *asyncEvent) expires() time.Time { return e.accepted.Add(e.config.MaxAge) }

// verdict is what becomes of an event after an attempt.
type verdict struct {
	retry time.Time // if not zero: when it is looked at again
	fail  condition // if not "": it has failed for good
}

// judge counts an attempt and decides. A retry is never later than the end of the event's age, at which it fails.
func (q *asyncQueue) judge(e *asyncEvent, r Response, err error, now time.Time) verdict {
	var wait time.Duration
	switch {
	case err != nil: // throttled, or the service failed: the function did not run
		e.throttles++
		wait = doubling(q.throttleWait, maxThrottleWait, e.throttles)
	case r.FunctionError == "":
		return verdict{}
	default:
		e.runs++
		e.throttles = 0
		e.last = &r
		if e.runs > *e.config.MaxRetries {
			return verdict{fail: retriesExhausted}
		}
		wait = q.delays[min(e.runs, len(q.delays))-1]
	}
	retry := now.Add(wait)
	if x := e.expires(); x.Before(retry) {
		retry = x
	}
	return verdict{retry: retry}
}

// asyncQueue holds the asynchronous events of one function, in memory. Events run in the order in which they are due,
// and at most as many at once as the function has processes.
type asyncQueue struct {
	invoke   func(context.Context, *asyncEvent) (Response, error)
	deliver  func(ctx context.Context, arn string, record []byte) error
	parallel int // 0: no event can ever run, so each fails at once ("reserved concurrency to zero")
	delays   []time.Duration
	// throttleWait is the wait after the first throttle, and doubles with each.
	throttleWait time.Duration
	log          *slog.Logger
	name         string // of the function

	wake    chan struct{} // has room for one
	running sync.WaitGroup

	mu      sync.Mutex
	waiting eventHeap
	active  int // events that run or are being delivered
	closed  bool
}

func newAsyncQueue(name string, parallel int, o *Options, invoke func(context.Context, *asyncEvent) (Response, error)) *asyncQueue {
	return &asyncQueue{
		invoke: invoke, deliver: o.Deliver, parallel: parallel, delays: o.RetryDelays, throttleWait: o.timing.ThrottleWait, log: o.Logger, name: name,
		wake: make(chan struct{}, 1),
	}
}

// add accepts an event, unless the queue is closed.
func (q *asyncQueue) add(e *asyncEvent) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	heap.Push(&q.waiting, e)
	q.mu.Unlock()
	q.nudge()
	return true
}

// pending is the number of events that have not ended.
func (q *asyncQueue) pending() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) + q.active
}

// run runs events until ctx ends. Then it waits for the ones that run, and leaves the rest where it is.
func (q *asyncQueue) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(q.startDue(ctx))
		select {
		case <-ctx.Done():
			q.mu.Lock()
			q.closed = true
			q.mu.Unlock()
			q.running.Wait()
			return
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// startDue starts what is due and may run, and returns how long nothing else can happen by itself.
func (q *asyncQueue) startDue(ctx context.Context) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for len(q.waiting) > 0 && q.active < max(q.parallel, 1) {
		if d := q.waiting[0].due.Sub(now); d > 0 {
			return d
		}
		e := heap.Pop(&q.waiting).(*asyncEvent)
		q.active++
		q.running.Go(func() { q.attempt(ctx, e) })
	}
	return time.Hour
}

// attempt runs an event once, or ends it.
func (q *asyncQueue) attempt(ctx context.Context, e *asyncEvent) {
	v := verdict{}
	switch {
	case q.parallel == 0:
		v.fail = retriesExhausted
	case !time.Now().Before(e.expires()):
		v.fail = ageExceeded
	default:
		r, err := q.invoke(ctx, e)
		v = q.judge(e, r, err, time.Now())
		if errors.Is(err, ErrClosed) {
			v = verdict{retry: e.due} // it is still to be done, and run counts it as such
		}
	}
	if v.fail != "" {
		q.fail(ctx, e, v.fail)
	}
	q.mu.Lock()
	q.active--
	if !v.retry.IsZero() {
		e.due = v.retry
		heap.Push(&q.waiting, e)
	}
	q.mu.Unlock()
	q.nudge()
}

// fail sends the record of an event to its destination.
func (q *asyncQueue) fail(ctx context.Context, e *asyncEvent, c condition) {
	attrs := []any{"function", q.name, "requestId", e.id, "condition", string(c), "runs", e.runs}
	if e.config.OnFailure == "" {
		q.log.Error("lambda: asynchronous event has failed for good and is gone: the function has no OnFailure destination", attrs...)
		return
	}
	record, err := newRecord(e, c, time.Now())
	for try := 1; err == nil; try++ {
		if err = q.deliver(context.WithoutCancel(ctx), e.config.OnFailure, record); err == nil {
			return
		}
		if try == deliveries || !sleep(ctx, time.Second) {
			break
		}
		err = nil
	}
	q.log.Error("lambda: asynchronous event has failed for good, and its destination does not take it",
		append(attrs, "destination", e.config.OnFailure, "record", string(record), "error", err)...)
}

func (q *asyncQueue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// sleep waits for d or the end of ctx, and says whether d has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// eventHeap orders events by when they are due, and those that are due together by age.
type eventHeap []*asyncEvent

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if c := h[i].due.Compare(h[j].due); c != 0 {
		return c < 0
	}
	return h[i].accepted.Before(h[j].accepted)
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(e any)   { *h = append(*h, e.(*asyncEvent)) }
func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
