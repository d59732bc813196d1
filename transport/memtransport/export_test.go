package memtransport

import (
	"slices"
	"time"
)

// Put stores a body that need not be an envelope.
func (q *Queue) Put(body []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(slices.Clone(body), time.Now())
}
