package claimcheck

import (
	"context"
	"fmt"
	"sync"
)

// budget shares out an amount of memory, first come first served, so that a large payload is not overtaken for ever by
// small ones.
type budget struct {
	mu    sync.Mutex
	free  int       // guarded by mu
	queue []*waiter // the first is next; guarded by mu
}

type waiter struct {
	amount int
	ready  chan struct{} // closed when the amount is the waiter's
}

func newBudget(amount int) *budget { return &budget{free: amount} }

// take waits for an amount, which must not be more than the whole, and returns the function that gives it back; calling
// that again does nothing.
func (b *budget) take(ctx context.Context, amount int) (release func(), err error) {
	release = sync.OnceFunc(func() { b.put(amount) })
	b.mu.Lock()
	if len(b.queue) == 0 && b.free >= amount {
		b.free -= amount
		b.mu.Unlock()
		return release, nil
	}
	w := &waiter{amount, make(chan struct{})}
	b.queue = append(b.queue, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		return release, nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.ready: // both came at once
		return release, nil
	default:
	}
	b.leave(w)
	return nil, fmt.Errorf("waiting for %d bytes of memory for payloads (ResolverOptions.MaxMemory): %w", amount, context.Cause(ctx))
}

func (b *budget) put(amount int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += amount
	b.serve()
}

// serve lets go as many waiters as there is memory for. The mutex is held.
func (b *budget) serve() {
	for len(b.queue) > 0 && b.queue[0].amount <= b.free {
		b.free -= b.queue[0].amount
		close(b.queue[0].ready)
		b.queue = b.queue[1:]
	}
}

// leave takes a waiter out: the one behind it may fit. The mutex is held.
func (b *budget) leave(w *waiter) {
	for i, other := range b.queue {
		if other == w {
			b.queue = append(b.queue[:i:i], b.queue[i+1:]...)
			break
		}
	}
	b.serve()
}
