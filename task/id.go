package task

import (
	"bufio"
	"crypto/rand"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// ids mints ULIDs: 26 characters that sort by time and are unique without coordination. The entropy comes from
// crypto/rand, read in blocks, and is raised by a random step within a millisecond, so that ids of one process sort in
// the order of their minting.
var ids = struct {
	sync.Mutex
	entropy *ulid.MonotonicEntropy // guarded by Mutex
	last    uint64                 // guarded by Mutex: the newest millisecond used
}{entropy: ulid.Monotonic(bufio.NewReaderSize(rand.Reader, 4096), 0)}

// NewID mints a task id: a ULID (26 characters of 0–9 and A–Z) of the given time. Ids of one process sort in the order
// of their minting, also when the clock steps back. Safe for concurrent use.
func NewID(now time.Time) string {
	ids.Lock()
	defer ids.Unlock()
	ids.last = max(ids.last, uint64(min(max(now.UnixMilli(), 0), 1<<47)))
	id, err := ulid.New(ids.last, ids.entropy)
	for err != nil { // the random part of this millisecond is used up; crypto/rand itself never fails
		ids.last++
		id, err = ulid.New(ids.last, ids.entropy)
	}
	return id.String()
}
