package awserr_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/transport"
)

func TestB5_SpellingsOfACodeAreOne(t *testing.T) {
	for code, want := range map[string]string{
		"RequestThrottled":                                     "RequestThrottled",
		"com.amazonaws.sqs#RequestThrottled":                   "RequestThrottled",
		"com.amazonaws.sqs#ThrottlingException":                "Throttling",
		"AWS.SimpleQueueService.NonExistentQueue":              "NonExistentQueue",
		"ThrottlingException:http://internal.amazon.com/coral": "Throttling",
		"KMS.ThrottlingException":                              "KmsThrottling",
		"KmsThrottled":                                         "KmsThrottled",
		"KMSDisabledException":                                 "KmsDisabled",
		"KMS.DisabledException":                                "KmsDisabled",
		"ServiceException":                                     "ServiceError",
		"Exception":                                            "Exception",
		"":                                                     "",
	} {
		if got := awserr.Canonical(code); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", code, got, want)
		}
	}
}

func TestOwnCodesComeBeforeTheCommonOnes(t *testing.T) {
	own := awserr.Table{"AccessDenied": {Kind: transport.Invalid}, "Mine": {Kind: transport.Throttled}}
	for code, want := range map[string]transport.Kind{
		"AccessDeniedException": transport.Invalid, "Mine": transport.Throttled, "ExpiredToken": transport.Misconfigured,
	} {
		if rule, known := own.Rule(code); !known || rule.Kind != want {
			t.Errorf("%s: %v, known %t", code, rule.Kind, known)
		}
	}
	if _, known := own.Rule("NeverHeardOf"); known {
		t.Error("an unknown code is known")
	}
}

func FuzzB5_AnyCode(f *testing.F) {
	for _, code := range []string{"", "#", ":", "a#b:c", "KMS.", "KMS", "Exception", "ServiceException", "AWS.SimpleQueueService."} {
		f.Add(code, 400)
	}
	f.Fuzz(func(t *testing.T, code string, status int) {
		if once := awserr.Canonical(code); strings.ContainsAny(once, "#:") {
			t.Errorf("Canonical(%q) = %q", code, once)
		}
		outcome, e := awserr.Judge(t.Context(), "queue", nil, &smithy.GenericAPIError{Code: code}, &awserr.Call{}, time.Second)
		if outcome == transport.Accepted || outcome == transport.Rejected && e.Kind == transport.Transient || e.Error() == "" {
			t.Errorf("%q without a status is %v and %v", code, outcome, e.Kind)
		}
	})
}

func TestCallKnowsWhatWasSent(t *testing.T) {
	post := func(t *testing.T, client *http.Client, url string) (*awserr.Call, error) {
		t.Helper()
		call := &awserr.Call{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := call.Watch(client).Do(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		return call, err
	}
	var unwatched awserr.Call
	if unwatched.NothingSent() {
		t.Error("a call that nobody watched claims that nothing was sent")
	}
	var unasked awserr.Call
	unasked.Watch(http.DefaultClient)
	if !unasked.NothingSent() {
		t.Error("the client was never asked, and something was sent")
	}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	if call, err := post(t, server.Client(), server.URL); err != nil || call.NothingSent() || !call.Written() {
		t.Errorf("an answered call: nothing sent %t, written %t, %v", call.NothingSent(), call.Written(), err)
	}
	server.Close()
	nobody := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, syscall.ECONNREFUSED // another program may have the port of the server by now
	}}}
	if call, err := post(t, nobody, server.URL); err == nil || !call.NothingSent() || call.Written() {
		t.Errorf("a refused connection: nothing sent %t, %v", call.NothingSent(), err)
	}
	blind := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, io.EOF })}
	if call, _ := post(t, blind, "http://127.0.0.1:9"); call.NothingSent() || call.Written() {
		t.Errorf("a client without a trace claims that nothing was sent, or all: %t, %t", call.NothingSent(), call.Written())
	}
}

// TestAnswerBeforeTheEndOfTheRequest has a server that answers what it has not read, and a body that no socket holds.
func TestAnswerBeforeTheEndOfTheRequest(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n") // and the one byte never
		<-t.Context().Done()
		_ = conn.Close()
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listener.Addr().String(), bytes.NewReader(make([]byte, 64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	call := &awserr.Call{}
	answer, err := call.Watch(&http.Client{Transport: &http.Transport{}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if call.Written() || call.NothingSent() {
		t.Errorf("an answer before the end of the request: written %t, nothing sent %t", call.Written(), call.NothingSent())
	}
	_ = answer.Body.Close()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// early is a body as smithy-go has them: once it is closed, its WriteTo answers io.EOF.
type early struct{ io.Reader }

func (early) Close() error                       { return nil }
func (early) WriteTo(io.Writer) (int64, error)   { return 0, io.EOF }
func (e early) Read(p []byte) (n int, err error) { return e.Reader.Read(p) }

func TestBodyIsWrittenByReadingIt(t *testing.T) {
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
	}))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, early{strings.NewReader("body")})
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 4
	answer, err := new(awserr.Call).Watch(server.Client()).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if body := <-got; body != "body" {
		t.Errorf("%q arrived", body)
	}
}

func TestJudgeKeepsTheChain(t *testing.T) {
	cause := &net.OpError{Op: "read", Err: io.EOF}
	err := &smithy.OperationError{ServiceID: "SQS", OperationName: "SendMessageBatch", Err: cause}
	outcome, e := awserr.Judge(t.Context(), `queue "x"`, nil, err, &awserr.Call{}, time.Second)
	if outcome != transport.Unknown || !errors.Is(e, cause) || e.Error() != `queue "x": `+cause.Error() {
		t.Errorf("%v: %v", outcome, e)
	}
	_, e = awserr.Judge(t.Context(), "x", nil, &smithy.OperationError{}, &awserr.Call{}, time.Second)
	if e.Error() == "" {
		t.Error("an operation error without a cause has no text")
	}
	_, e = awserr.Judge(t.Context(), "x", nil, context.DeadlineExceeded, &awserr.Call{}, 3*time.Second)
	if !errors.Is(e, context.DeadlineExceeded) || !strings.Contains(e.Error(), "no answer within 3s") {
		t.Errorf("a deadline of the call reads %v", e)
	}
	ended, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	_, e = awserr.Judge(ended, "x", nil, context.DeadlineExceeded, &awserr.Call{}, 3*time.Second)
	if e.Error() != "x: context deadline exceeded" {
		t.Errorf("a deadline of the caller reads %v", e)
	}
}
