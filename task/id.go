package task

import (
	"bufio"
	"crypto/rand"
	"strings"
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
	id      ulid.ULID              // guarded by Mutex: the newest id
	block   strings.Builder        // guarded by Mutex: the text of the newest ids, one after the other
}{entropy: ulid.Monotonic(bufio.NewReaderSize(rand.Reader, 4096), 0)}

// idsInBlock is how many ids share one allocation. Whoever keeps an id keeps its block: 416 bytes.
const idsInBlock = 16

// maxIDTime is far in the future (the year 6429), and leaves room below ulid.MaxTime for stepping on.
const maxIDTime = 1 << 47

// NewID mints a task id: a ULID (26 characters of 0–9 and A–Z) of the given time, or of the nearest one that a ULID
// can hold (1970 to 6429). Ids of one process sort in the order of their minting, also when the clock steps back. Safe
// for concurrent use.
func NewID(now time.Time) string {
	ids.Lock()
	defer ids.Unlock()
	ids.last = max(ids.last, uint64(min(max(now.UnixMilli(), 0), maxIDTime)))
	for ids.entropy.MonotonicRead(ids.last, ids.id[6:]) != nil {
		ids.last++ // the random part of this millisecond is used up; crypto/rand itself never fails
	}
	_ = ids.id.SetTime(ids.last) // cannot fail below ulid.MaxTime
	var text [ulid.EncodedSize]byte
	_ = ids.id.MarshalTextTo(text[:]) // cannot fail: the length is right
	if ids.block.Cap()-ids.block.Len() < len(text) {
		ids.block.Reset()
		ids.block.Grow(idsInBlock * len(text))
	}
	ids.block.Write(text[:])
	block := ids.block.String()
	return block[len(block)-len(text):]
}
