package awserr

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Call watches one call of an SDK client. It tells whether anything of the request may have reached the service: what
// certainly did not is not stored there. The zero Call is ready; use a new one for every call. A client that does not
// run [Call.Watch] or [Call.Begin] leaves it unobserved, and then nothing is claimed.
type Call struct {
	watched, asked, dialled atomic.Bool
	connected, written      atomic.Int32 // connections that were to take the request, and those that are done with it
	loan                    loan         // of credentials, which [Judge] drops when they are refused
}

// Begin starts the watch.
func (c *Call) Begin() { c.watched.Store(true) }

// Sending marks that the HTTP client is asked now.
func (c *Call) Sending() { c.asked.Store(true) }

// Traced returns the context for the request. Of net/http the trace in it says whether a connection was ever there to write
// on; a client that knows no trace counts as connected.
func (c *Call) Traced(ctx context.Context) context.Context {
	// One for each request: a connection looks at it as long as it likes.
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: c.dialling, GotConn: c.connecting, WroteRequest: c.wrote})
}

func (c *Call) dialling(string)                  { c.dialled.Store(true) }
func (c *Call) connecting(httptrace.GotConnInfo) { c.connected.Add(1) }
func (c *Call) wrote(httptrace.WroteRequestInfo) { c.written.Add(1) }

// Written reports that the HTTP client, which has returned, reads the body of the request no more: every connection that was
// to take it is done with it. Of a client that knows no trace nothing is claimed. An answer alone does not say so: one can
// come before the request is read.
func (c *Call) Written() bool {
	n := c.written.Load()
	return n > 0 && n == c.connected.Load()
}

// Watch begins the watch of a call of the SDK, and returns its HTTP client with the watch around it. Call it in the options
// function of the one call.
func (c *Call) Watch(next aws.HTTPClient) aws.HTTPClient {
	c.Begin()
	return watchedClient{next: next, call: c}
}

type watchedClient struct {
	next aws.HTTPClient
	call *Call
}

// Do marks how far the request comes.
//
// It also hides the WriterTo of the body. That of smithy-go answers io.EOF once it is closed, which it is when an answer
// begins; an answer that comes before net/http has seen the end of the body would then count as a failed write,
// and cost the connection.
func (w watchedClient) Do(r *http.Request) (*http.Response, error) {
	w.call.Sending()
	r = r.WithContext(w.call.Traced(r.Context()))
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.next.Do(r)
}

// unasked reports that the call ended before the HTTP client was asked: credentials, endpoint, signing.
func (c *Call) unasked() bool { return c.watched.Load() && !c.asked.Load() }

// NothingSent reports that, for certain, no byte of the request left this process.
func (c *Call) NothingSent() bool {
	return c.unasked() || c.watched.Load() && c.dialled.Load() && c.connected.Load() == 0
}

var _ aws.HTTPClient = watchedClient{}

// Ended says that ctx ended before anything was sent, or nil.
func Ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &said{text: "not sent: " + err.Error(), err: err}
	}
	return nil
}

// Within returns a context that ends with parent, and after d at the latest: parent itself, if it ends sooner by itself.
func Within(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := parent.Deadline(); ok && time.Until(end) <= d {
		return parent, func() {}
	}
	return context.WithTimeout(parent, d)
}
