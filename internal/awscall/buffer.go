package awscall

import "sync"

// buffers keeps the memory of answers for the next call.
type buffers struct{ pool sync.Pool }

var answers buffers

// maxKept keeps one huge body from pinning its memory.
const maxKept = 64 << 10

// get returns an empty buffer, which put takes back.
func (p *buffers) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	return new([]byte)
}

func (p *buffers) put(b *[]byte) {
	if cap(*b) <= maxKept {
		*b = (*b)[:0]
		p.pool.Put(b)
	}
}
