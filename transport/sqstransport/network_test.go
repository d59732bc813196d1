package sqstransport_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

const endpoint = "http://127.0.0.1:9"

// network is an HTTP client whose other end is a handler in this process. It runs in a synctest bubble, and can be broken.
type network struct {
	handler http.Handler

	mu       sync.Mutex
	lose     bool          // guarded by mu: the next answer is lost
	refuse   bool          // guarded by mu: the next request is throttled
	held     chan struct{} // guarded by mu: no request gets through before it is closed
	requests int           // guarded by mu
}

func (n *network) Do(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	lose, refuse, held := n.lose, n.refuse, n.held
	n.lose, n.refuse = false, false
	n.requests++
	n.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if refuse {
		return answer(400, `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}`), nil
	}
	r.Host = r.URL.Host // as a server sees it
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	if lose {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

func (n *network) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// doFunc is an HTTP client that is a function.
type doFunc func(r *http.Request) (*http.Response, error)

func (f doFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

func newSender(tb testing.TB, c *sqstransport.Client, url string, opts *sqstransport.Options) *sqstransport.Sender {
	tb.Helper()
	s, err := sqstransport.New(c, url, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

const queueURL = endpoint + "/000000000000/work"

// emulator starts an SQS service in this process, and makes queues in it.
func emulator(tb testing.TB) *sqs.Service {
	tb.Helper()
	service, err := sqs.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = service.Close() })
	return service
}

func createQueue(tb testing.TB, api *awssqs.Client, name string, attributes map[string]string) string {
	tb.Helper()
	out, err := api.CreateQueue(tb.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		tb.Fatal(err)
	}
	return *out.QueueUrl
}

var echo = task.Define[string]("echo")

func envelopes(tb testing.TB, n int, opts ...task.FireOption) []task.Envelope {
	tb.Helper()
	batch := make([]task.Envelope, n)
	for i := range batch {
		batch[i] = envelope(tb, fmt.Sprint("number ", i), opts...)
	}
	return batch
}

func envelope(tb testing.TB, text string, opts ...task.FireOption) task.Envelope {
	tb.Helper()
	e, err := echo.With(text).Encode(task.NewID(time.Now()), "/test", time.Now(), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func sized(tb testing.TB, n int) task.Envelope {
	tb.Helper()
	return envelope(tb, strings.Repeat("x", n-envelope(tb, "").Size()))
}

// is asks for an outcome, a kind and an error of the right shape.
func is(tb testing.TB, r transport.Result, outcome transport.Outcome, kind transport.Kind) *transport.Error {
	tb.Helper()
	var e *transport.Error
	if r.Outcome != outcome || (outcome != transport.Accepted) != errors.As(r.Err, &e) || outcome != transport.Accepted && e.Kind != kind {
		tb.Errorf("%v and %v (%v), want %v and %v", r.Outcome, transport.KindOf(r.Err), r.Err, outcome, kind)
	}
	if e == nil {
		return &transport.Error{}
	}
	return e
}
