package mapping

import (
	"sync"
	"time"
)

// The scaling of a mapping: it starts with 5 concurrent batches and adds 300 a minute.
// (AWS Lambda Developer Guide, "Configuring scaling behavior for SQS event source mappings".)
const (
	startConcurrency = 5
	growthInterval   = time.Minute / 300
)

// After errors of the function AWS polls less, and does not say how much. Here the allowed concurrency is halved, and
// the poller that saw the n-th error in a row waits errorWait(n).
const (
	firstErrorWait = 100 * time.Millisecond
	maxErrorWait   = 5 * time.Second
)

func errorWait(n int) time.Duration { return doubling(firstErrorWait, maxErrorWait, n) }

// doubling is first, 2·first, 4·first … for n = 1, 2, 3 …, and at most limit. n ≤ 0 gives 0.
func doubling(first, limit time.Duration, n int) time.Duration {
	if n <= 0 {
		return 0
	}
	for ; n > 1 && first < limit; n-- {
		first *= 2
	}
	return min(first, limit)
}

// fleet decides how many pollers there are. One is at the queue, unless as many as are allowed have a batch: the one that
// leaves with a batch starts the next, and the one that comes back to find another there ends. So an idle queue has one
// long poll, a busy one has as many batches as are allowed, and no two pollers share what could fill one batch.
type fleet struct {
	most   int    // the cap on allowed, never passed
	start  func() // starts a poller; set before begin
	wg     sync.WaitGroup
	growth *time.Timer // armed while every allowed poller is busy

	mu      sync.Mutex
	allowed int // pollers that may be
	all     int // pollers that are
	waiting int // pollers at the queue
	errors  int // function errors in a row
}

func newFleet(most int) *fleet {
	f := &fleet{most: most, allowed: min(startConcurrency, most), growth: time.NewTimer(time.Hour)}
	f.growth.Stop()
	return f
}

func (f *fleet) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fill()
}

// fill starts a poller if none is at the queue and one more is allowed, or else waits for growth. Callers hold mu.
func (f *fleet) fill() {
	switch {
	case f.waiting > 0:
	case f.all < f.allowed:
		f.all++
		f.waiting++
		f.start()
	case f.allowed < f.most:
		f.growth.Reset(growthInterval)
	}
}

// grow allows one more poller if all are still busy, and not while the function fails.
func (f *fleet) grow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting == 0 && f.allowed < f.most && f.errors == 0 {
		f.allowed++
		f.fill()
	}
}

// leave says that a poller has a batch and is no longer at the queue.
func (f *fleet) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting--
	f.fill()
}

// rejoin says that a poller has finished its batch. If it is one too many, false is returned and it must end; not so
// one that carries messages, which would be lost to it until their visibility timeout.
func (f *fleet) rejoin(carries bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if (f.waiting > 0 || f.all > f.allowed) && !carries {
		f.all--
		return false
	}
	f.waiting++
	return true
}

// succeeded ends a row of errors.
func (f *fleet) succeeded() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors = 0
}

// failed counts a function error and returns how long its poller must stay away from the queue.
func (f *fleet) failed() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors++
	f.allowed = max(1, f.allowed/2)
	return errorWait(f.errors)
}
