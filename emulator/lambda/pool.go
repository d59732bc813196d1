package lambda

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// function is a function at work: its configuration, its sandboxes, its asynchronous events.
type function struct {
	Function
	arn   string    // unqualified
	added time.Time // to the service
	svc   *Service
	gate  gate
	queue *asyncQueue

	stopEvents func() // starts no more events of queue

	mu      sync.Mutex
	all     map[*sandbox]bool
	free    []*sandbox      // idle; the most recently used last
	live    int             // sandboxes that count toward the limit: all but those that make room for another
	waiters []chan struct{} // those who wait for a change, in order
	closed  bool
}

// dispatch gives inv to an idle sandbox, or to a new one. It does not wait: at the limit it returns ErrThrottled.
func (fn *function) dispatch(inv *invocation) error {
	for {
		s, err := fn.acquire(inv)
		if s == nil {
			return err
		}
		select {
		case s.assign <- inv:
			return nil
		case <-s.dead: // it ended while it was idle
		}
	}
}

// acquire returns an idle sandbox of inv's version, or starts a new one with inv and returns nil. At the limit an idle
// sandbox of another version makes room.
func (fn *function) acquire(inv *invocation) (*sandbox, error) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	if fn.closed {
		return nil, errService(ErrClosed, ErrClosed)
	}
	for i, s := range slices.Backward(fn.free) {
		if s.version == inv.version {
			fn.free = slices.Delete(fn.free, i, i+1)
			return s, nil
		}
	}
	var after *sandbox
	if fn.live >= fn.limit() {
		if len(fn.free) == 0 {
			return nil, errThrottled(fn.Reserved != nil)
		}
		after = fn.free[0]
		fn.free = slices.Delete(fn.free, 0, 1)
		close(after.quit)
		after.evicted = true
		fn.live--
	}
	s := &sandbox{
		fn: fn, version: inv.version, after: after,
		assign: make(chan *invocation), calls: make(chan call), quit: make(chan struct{}), dead: make(chan struct{}),
	}
	fn.all[s] = true
	fn.live++
	fn.svc.sandboxes.Go(func() { s.run(inv) })
	return nil, nil
}

// dispatchWhenFree is dispatch that waits for its turn at the limit, until ctx ends.
func (fn *function) dispatchWhenFree(ctx context.Context, inv *invocation) error {
	for {
		turn := fn.enqueue()
		err := fn.dispatch(inv)
		if !errors.Is(err, ErrThrottled) {
			fn.dequeue(turn)
			return err
		}
		select {
		case <-turn:
		case <-ctx.Done():
			fn.dequeue(turn)
			return err
		}
	}
}

func (fn *function) enqueue() chan struct{} {
	turn := make(chan struct{})
	fn.mu.Lock()
	defer fn.mu.Unlock()
	fn.waiters = append(fn.waiters, turn)
	return turn
}

// dequeue takes back a turn. One that has come already is passed on.
func (fn *function) dequeue(turn chan struct{}) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	if i := slices.Index(fn.waiters, turn); i >= 0 {
		fn.waiters = slices.Delete(fn.waiters, i, i+1)
		return
	}
	fn.wake()
}

// wake tells the first who waits that something has changed. Callers hold mu.
func (fn *function) wake() {
	if len(fn.waiters) > 0 {
		close(fn.waiters[0])
		fn.waiters = slices.Delete(fn.waiters, 0, 1)
	}
}

// idle says that s waits for an invocation.
func (fn *function) idle(s *sandbox) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	if !fn.closed {
		fn.free = append(fn.free, s)
		fn.wake()
	}
}

// unidle says that s will end.
func (fn *function) unidle(s *sandbox) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	if i := slices.Index(fn.free, s); i >= 0 {
		fn.free = slices.Delete(fn.free, i, i+1)
	}
}

// remove says that s has ended.
func (fn *function) remove(s *sandbox) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	delete(fn.all, s)
	if !s.evicted {
		fn.live--
	}
	fn.wake()
}

// close ends all sandboxes.
func (fn *function) close() {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	fn.closed = true
	fn.free = nil
	for s := range fn.all {
		if !s.evicted {
			close(s.quit)
		}
	}
	for len(fn.waiters) > 0 {
		fn.wake()
	}
}

// Starts that fail are held back, so that a function that dies in its init does not spin. AWS has no such wait.
const (
	firstStartWait = 100 * time.Millisecond
	maxStartWait   = 5 * time.Second
)

// gate holds starts back. Its zero value is open.
type gate struct {
	mu       sync.Mutex
	failures int // in a row
	opens    time.Time
}

// wait is how long a start must wait.
func (g *gate) wait(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opens.Sub(now)
}

// failed shuts the gate, for longer each time. Starts that ran side by side count as one.
func (g *gate) failed(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.opens) {
		return
	}
	g.failures++
	g.opens = now.Add(doubling(firstStartWait, maxStartWait, g.failures))
}

func (g *gate) succeeded() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures, g.opens = 0, time.Time{}
}

// doubling is first, 2·first, 4·first … for n = 1, 2, 3 …, and at most limit.
func doubling(first, limit time.Duration, n int) time.Duration {
	for ; n > 1 && first < limit; n-- {
		first *= 2
	}
	return min(first, limit)
}
