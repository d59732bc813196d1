package awscall

import (
	"io"
	"net/http"
	"sync"
)

// maxKept is the largest buffer that is kept for another request: a full batch of ordinary tasks, not one of a megabyte.
const maxKept = 128 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// buffer takes an empty buffer out of the pool.
func buffer() *[]byte { return buffers.Get().(*[]byte) }

func release(b *[]byte) {
	if cap(*b) <= maxKept {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}

// body lends one buffer to the readers of a request. An HTTP client may read a request's body after it has returned, until
// it closes it (net/http.RoundTripper), and may ask for the body again; the buffer goes back to the pool when the
// call is over and every reader is closed. A client that never closes one costs a buffer, no more.
type body struct {
	mu     sync.Mutex
	bytes  *[]byte // nil once it is back in the pool
	owners int     // the call and the readers
}

func lend(b *[]byte) *body { return &body{bytes: b, owners: 1} }

// reader returns the body from its beginning. It may be asked for as long as the call lasts.
func (b *body) reader() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes == nil {
		return nil, http.ErrBodyReadAfterClose
	}
	b.owners++
	return &bodyReader{body: b}, nil
}

// leave gives up one owner's share.
func (b *body) leave() {
	b.owners--
	if b.owners == 0 {
		release(b.bytes)
		b.bytes = nil
	}
}

// over ends the call's own share.
func (b *body) over() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leave()
}

type bodyReader struct {
	body   *body
	at     int  // guarded by body.mu
	closed bool // guarded by body.mu
}

func (r *bodyReader) Read(p []byte) (int, error) {
	r.body.mu.Lock()
	defer r.body.mu.Unlock()
	if r.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n := copy(p, (*r.body.bytes)[r.at:])
	if r.at += n; n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *bodyReader) Close() error {
	r.body.mu.Lock()
	defer r.body.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.body.leave()
	}
	return nil
}
