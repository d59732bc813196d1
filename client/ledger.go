package client

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// ledger counts what the client has taken on, for all routes: it keeps the bounds, and knows when nothing is left.
type ledger struct {
	maxTasks, maxBytes int
	more               func() bool // tasks are still to come back from the disk
	shut               atomic.Bool
	over               chan struct{} // closed when a closed client has nothing left, or gave up on the rest

	mu          sync.Mutex
	closed      bool     // no more tasks are taken; shut is the same without the lock
	tasks       int      // accepted and not ended
	bytes       int      // of their bodies, and taskOverhead for each
	goroutines  int      // of senders and of the reporter
	cohort      *cohort  // of the tasks accepted now
	undelivered []*entry // what Close will return
	finished    bool     // over is closed
	cut         error    // the error of the context that cut the draining short
	unreported  int      // tasks whose end OnResult has not taken when over is closed
}

// cohort is the tasks accepted between two calls of Flush. It is over when its tasks have ended and the one before it
// is over. Guarded by the ledger's mutex.
type cohort struct {
	open   int // tasks not ended, and one for the cohort before while that is not over
	sealed bool
	next   *cohort       // set with sealed
	done   chan struct{} // closed when over
}

func newCohort() *cohort { return &cohort{done: make(chan struct{})} }

func (k *cohort) leave(n int) {
	for k.open -= n; k.open == 0 && k.sealed; k = k.next {
		close(k.done)
		k.next.open--
	}
}

func newLedger(maxTasks, maxBytes int) *ledger {
	return &ledger{maxTasks: maxTasks, maxBytes: maxBytes, over: make(chan struct{}), cohort: newCohort(), more: func() bool { return false }}
}

// admit takes a task on, if the share of the bounds has room: 1 for all, 2 for the half. It never waits.
func (l *ledger) admit(e *entry, share int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case l.tasks >= l.maxTasks/share:
		return fmt.Errorf("%d tasks are pending, and Options.MaxPending is %d: try again later: %w", l.tasks, l.maxTasks, ErrBufferFull)
	case weight(&e.envelope) > l.maxBytes/share-l.bytes:
		return fmt.Errorf("%d bytes are pending, and Options.MaxPendingBytes is %d: try again later: %w", l.bytes, l.maxBytes, ErrBufferFull)
	}
	l.take(e)
	return nil
}

// room is how much may be admitted, in tasks and in bytes of weight.
func (l *ledger) room() (tasks, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.maxTasks - l.tasks, l.maxBytes - l.bytes
}

// recover takes on a task that comes back from the journal, whatever the bounds: whoever asks has asked for room before.
func (l *ledger) recover(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.take(e)
}

// cancel takes an admission back.
func (l *ledger) cancel(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tasks--
	l.bytes -= weight(&e.envelope)
	e.cohort.leave(1)
	l.check()
}

func (l *ledger) take(e *entry) {
	l.tasks++
	l.bytes += weight(&e.envelope)
	l.cohort.open++
	e.cohort = l.cohort
}

// end takes over entries that have ended and releases them, except those whose end the reporter has still to tell, which
// it returns. For Close it keeps the receipts of what Close cut short, and of what got lost after Fire had returned.
func (l *ledger) end(ended []*entry, reports bool) (owed []*entry) {
	if len(ended) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range ended {
		if l.closed && !l.finished && e.end.err != nil && !e.stays() && (e.owed || errors.Is(e.end.err, ErrClosed)) {
			l.undelivered = append(l.undelivered, e)
		}
		if reports && e.owed {
			owed = append(owed, e)
			continue
		}
		l.release(e)
	}
	l.check()
	return owed
}

// settle releases an entry whose end was told.
func (l *ledger) settle(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(e)
	l.check()
}

func (l *ledger) release(e *entry) {
	l.tasks--
	l.bytes -= weight(&e.envelope)
	e.cohort.leave(1)
	if e.answer == nil && e.end.err == nil { // delivered, and Fire did not wait for it: nobody holds it
		e.free()
	}
}

func (l *ledger) enter() {
	l.mu.Lock()
	l.goroutines++
	l.mu.Unlock()
}

// enterUnlessOver is enter, unless nothing is waited for any more.
func (l *ledger) enterUnlessOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.finished {
		return false
	}
	l.goroutines++
	return true
}

func (l *ledger) exit() {
	l.mu.Lock()
	l.goroutines--
	l.check()
	l.mu.Unlock()
}

func (l *ledger) check() {
	if l.closed && l.tasks == 0 && l.goroutines == 0 && (l.cut != nil || !l.more()) {
		l.finish()
	}
}

func (l *ledger) finish() {
	if !l.finished {
		l.finished = true
		close(l.over)
	}
}

// seal starts a new cohort and returns what closes when all tasks accepted before have ended.
func (l *ledger) seal() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.cohort
	l.cohort = newCohort()
	l.cohort.open = 1 // until the old one is over
	old.sealed, old.next = true, l.cohort
	old.leave(0)
	return old.done
}

// pending tells how much is left, for messages.
func (l *ledger) pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tasks
}

func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.shut.Store(true)
	l.check()
}

// isCut reports that the draining was ended by a context.
func (l *ledger) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut != nil
}

// isOver reports that nothing comes from the journal any more: the draining has ended, or is being cut short.
func (l *ledger) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finished || l.cut != nil
}

// cutShort records that the draining was ended by a context.
func (l *ledger) cutShort(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.finished {
		l.cut = cause
	}
	l.check()
}

// abandon ends the waiting for what does not come back.
func (l *ledger) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unreported = l.tasks
	l.finish()
}

// result is what Close returns. It does not change once over is closed.
func (l *ledger) result() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.undelivered) == 0 && l.unreported == 0 {
		return nil
	}
	err := &CloseError{Undelivered: make([]Receipt, len(l.undelivered)), Err: l.cut}
	for i, e := range l.undelivered {
		err.Undelivered[i] = e.receipt(e.end)
	}
	return err
}
