package client

import "container/heap"

// rest holds the entries that wait until they may be tried again, the next one first.
type rest struct {
	entries restHeap
	bytes   int
}

func (r *rest) push(e *entry) {
	e.place = resting
	r.bytes += e.envelope.Size()
	heap.Push(&r.entries, e)
}

func (r *rest) remove(e *entry) {
	r.bytes -= e.envelope.Size()
	heap.Remove(&r.entries, e.position)
}

func (r *rest) first() *entry {
	if len(r.entries) == 0 {
		return nil
	}
	return r.entries[0]
}

type restHeap []*entry

func (h restHeap) Len() int { return len(h) }

func (h restHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h restHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].position, h[j].position = i, j
}

func (h *restHeap) Push(x any) {
	e := x.(*entry)
	e.position = len(*h)
	*h = append(*h, e)
}

func (h *restHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
