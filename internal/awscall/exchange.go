package awscall

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/offloadhq/offload/internal/awserr"
)

// exchange is the memory of a request, for one call at a time.
type exchange struct {
	body   []byte
	reader bytes.Reader
	closer io.ReadCloser // around reader
	target []string      // the value of a header
	header http.Header
	draft  draft
}

// draft is a request with the headers that a signature must cover, and no more: the signer goes through all of them each time.
// That is the host, the content type and what begins with X-Amz-; the body is covered by its hash. (AWS Identity and Access
// Management User Guide, "Create a signed AWS API request"; names are in lower case where that saves the signer a copy.)
type draft struct {
	request http.Request
	url     url.URL // the signer writes to it
}

// Values of headers, which nobody writes to.
var (
	contentType = []string{"application/x-amz-json-1.0"}
	queryMode   = []string{"true"} // an error then carries its older code too
)

const (
	tokenHeader = "X-Amz-Security-Token" //nolint:gosec // the name of a header
	traceHeader = "X-Amzn-Trace-Id"
)

// newExchange returns one without a body.
func (c *Client) newExchange() *exchange {
	if x, ok := c.exchanges.Get().(*exchange); ok {
		return x
	}
	x := &exchange{target: make([]string, 1)}
	x.closer = io.NopCloser(&x.reader)
	x.header = http.Header{
		"Content-Type": contentType, "User-Agent": c.agent, "X-Amz-Target": x.target, "X-Amzn-Query-Mode": queryMode,
	}
	x.draft.url = *c.endpoint.URL
	x.draft.request = http.Request{
		Method: c.blank.Method, URL: &x.draft.url, Host: c.blank.Host,
		Header: http.Header{"content-type": contentType, "x-amz-target": x.target},
	}
	return x
}

// free lets the next call have an exchange, if nobody reads of it any more: the HTTP client is one that is known to have no use
// for a request that is written and answered.
func (c *Client) free(x *exchange, watch *awserr.Call) {
	if !c.reuses || !watch.Written() {
		return
	}
	if cap(x.body) > maxKept {
		x.body = nil
	}
	x.body = x.body[:0]
	delete(x.header, tokenHeader)
	delete(x.header, traceHeader)
	delete(x.draft.request.Header, tokenHeader)
	c.exchanges.Put(x)
}

// request builds the request. Its body is of a kind that net/http knows to be in memory: it then writes headers and body
// at once, and can send them again on another connection when an idle one turns out to be closed.
func (c *Client) request(ctx context.Context, watch *awserr.Call, target string, x *exchange) *http.Request {
	r := c.blank.WithContext(watch.Traced(ctx))
	x.target[0] = target
	if trace := InvocationTrace(ctx); trace != "" {
		x.header[traceHeader] = []string{headerText(trace)}
	}
	r.Header = x.header
	x.reader.Reset(x.body)
	r.Body, r.ContentLength = x.closer, int64(len(x.body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.body)), nil }
	return r
}
