package lambdatransport_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

const endpoint = "http://127.0.0.1:9"

// function is the Invoke API of one function, as an HTTP client and as a handler. It can be broken.
type function struct {
	tb   testing.TB
	name string

	mu     sync.Mutex
	events []transporttest.Arrival // guarded by mu
	lose   bool                    // guarded by mu: the next answer is lost
	refuse bool                    // guarded by mu: the next request is throttled
	held   chan struct{}           // guarded by mu: no request gets through before it is closed
}

// ServeHTTP answers as Lambda does (AWS Lambda API Reference, Invoke).
func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, err := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/2015-03-31/functions/"), "/invocations"))
	if err != nil || name != f.name || r.Method != http.MethodPost || r.Header.Get("X-Amz-Invocation-Type") != "Event" {
		f.tb.Errorf("called %s %s with the type %q", r.Method, r.URL, r.Header.Get("X-Amz-Invocation-Type"))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.tb.Error(err)
	}
	if len(body) > 1<<20 {
		w.Header().Set("X-Amzn-ErrorType", "RequestTooLargeException")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, transporttest.Arrival{Body: body})
	w.Header().Set("X-Amzn-Requestid", "request-1")
	w.WriteHeader(http.StatusAccepted)
}

func (f *function) Do(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	lose, refuse, held := f.lose, f.refuse, f.held
	f.lose, f.refuse = false, false
	f.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if refuse {
		return failure(429, "TooManyRequestsException"), nil
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if lose {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

func (f *function) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *function) arrived() []transporttest.Arrival {
	f.mu.Lock()
	defer f.mu.Unlock()
	events := f.events
	f.events = nil
	return events
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// failure is an error as Lambda's REST API writes it.
func failure(status int, code string) *http.Response {
	r := answer(status, `{"Type":"User","Message":"the message"}`)
	r.Header.Set("X-Amzn-Errortype", code)
	return r
}

// doFunc is an HTTP client that is a function.
type doFunc func(r *http.Request) (*http.Response, error)

func (f doFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// sdk makes a client with the SDK's own retries, which a Sender must switch off for its calls.
func sdk(h aws.HTTPClient, base string) *lambda.Client {
	return lambda.New(lambda.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(base),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   h,
	})
}

func newSender(tb testing.TB, api lambdatransport.API, name string, opts *lambdatransport.Options) *lambdatransport.Sender {
	tb.Helper()
	s, err := lambdatransport.New(api, name, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func sender(tb testing.TB, do doFunc) *lambdatransport.Sender {
	tb.Helper()
	return newSender(tb, sdk(do, endpoint), "work", nil)
}

var echo = task.Define[string]("echo")

func envelope(tb testing.TB, text string) task.Envelope {
	tb.Helper()
	e, err := echo.With(text).Encode(task.NewID(time.Now()), "/test", time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func envelopes(tb testing.TB, n int) []task.Envelope {
	tb.Helper()
	batch := make([]task.Envelope, n)
	for i := range batch {
		batch[i] = envelope(tb, "one")
	}
	return batch
}
