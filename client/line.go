package client

import (
	"github.com/offloadhq/offload/internal/list"
	"github.com/offloadhq/offload/internal/pack"
	"github.com/offloadhq/offload/transport"
)

// line holds the entries that wait for the next request, first come first served. Entries leave from its head, and from
// anywhere when their caller gives up; each of these takes constant time.
type line struct {
	list.List[*entry]
	bytes int
}

func (l *line) push(e *entry) {
	e.place = ready
	l.PushBack(e, &e.node)
	l.bytes += e.envelope.Size()
}

func (l *line) remove(e *entry) {
	l.Remove(&e.node)
	l.bytes -= e.envelope.Size()
}

// full reports whether a request of all that a transport takes could be made.
func (l *line) full(limits transport.Limits) bool {
	return limits.Items > 0 && l.Len() >= limits.Items || limits.BatchBytes > 0 && l.bytes >= limits.BatchBytes
}

// take removes the next request's entries: from the head, or from the first that was never tried. The latter is for
// probes, so that tasks which break every request they are in cannot hold up the others. For the same reason entries that
// failed again and again go in smaller and smaller company, and in the end alone.
// It appends to batch, which is empty.
func (l *line) take(batch []*entry, limits transport.Limits, fresh bool) []*entry {
	most := l.Len()
	if limits.Items > 0 {
		most = min(most, limits.Items)
	}
	first := l.First()
	for e := l.First(); fresh && e != nil; e = e.node.Next() {
		if e.attempts == 0 {
			first = e
			break
		}
	}
	if first != nil {
		most = min(most, first.company(limits))
	}
	for e, bytes := first, 0; e != nil && len(batch) < most; e = e.node.Next() {
		if first.attempts == 0 && e.attempts > 0 && fresh || len(batch) >= e.company(limits) {
			break
		}
		batch = append(batch, e)
		if bytes += e.envelope.Size(); limits.BatchBytes > 0 && bytes > limits.BatchBytes {
			break // this one is too many already
		}
	}
	size := func(e *entry) int { return e.envelope.Size() }
	batch = batch[:pack.Prefix(batch, size, limits.Items, limits.BatchBytes)]
	for _, e := range batch {
		l.remove(e)
	}
	return batch
}
