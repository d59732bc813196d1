package awscall_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/offloadhq/offload/internal/awscall"
	"github.com/offloadhq/offload/internal/awserr"
)

// shifting gives other keys each time, every second time with a token. They have expired when they are given: no cache keeps them.
type shifting struct{ n atomic.Int32 }

func (s *shifting) Retrieve(context.Context) (aws.Credentials, error) {
	n := s.n.Add(1)
	c := aws.Credentials{AccessKeyID: fmt.Sprint("KEY", n), SecretAccessKey: "secret", CanExpire: true}
	if n%2 == 0 {
		c.SessionToken = fmt.Sprint("token", n)
	}
	return c, nil
}

func newClient(t *testing.T, address string, h aws.HTTPClient, provider aws.CredentialsProvider) *awscall.Client {
	t.Helper()
	c, err := awscall.New(aws.Config{Region: "us-east-1", BaseEndpoint: &address, Credentials: provider, HTTPClient: h}, awscall.Service{Name: "sqs", ID: "SQS"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func call(t *testing.T, c *awscall.Client, target, body string) error {
	t.Helper()
	return c.Call(t.Context(), target, func(b []byte) []byte { return append(b, body...) }, func([]byte) error { return nil }, &awserr.Call{})
}

// check wants a request to be that of call n, which differs from the one before by all that can differ.
func check(t *testing.T, n int, h http.Header, body string) {
	t.Helper()
	key, token, trace := fmt.Sprint("Credential=KEY", n, "/"), "", ""
	if n%2 == 0 {
		token, trace = fmt.Sprint("token", n), "Root=even"
	}
	signed := h.Get("Authorization")
	if h.Get("X-Amz-Target") != fmt.Sprint("T.", n) || !strings.Contains(signed, key) || h.Get("X-Amz-Security-Token") != token ||
		strings.Contains(signed, "x-amz-security-token") != (token != "") || h.Get("X-Amzn-Trace-Id") != trace || body != fmt.Sprint("body ", n) {
		t.Errorf("request %d is %v %q", n, h, body)
	}
}

// TestRequestsHaveNothingOfEachOther makes requests one after the other, so that each has the memory of the one before.
func TestRequestsHaveNothingOfEachOther(t *testing.T) {
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		check(t, n, r.Header, string(body))
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	c := newClient(t, server.URL, nil, &shifting{})
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
	for n = 1; n <= 20; n++ {
		t.Setenv("_X_AMZN_TRACE_ID", map[bool]string{true: "Root=even"}[n%2 == 0])
		if err := call(t, c, fmt.Sprint("T.", n), fmt.Sprint("body ", n)); err != nil {
			t.Fatal(err)
		}
	}
}

type doFunc func(*http.Request) (*http.Response, error)

func (f doFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestRequestsOfAnotherHTTPClientStay has a client that looks at its requests when they are long answered.
func TestRequestsOfAnotherHTTPClientStay(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	defer server.Close()
	var all []*http.Request
	c := newClient(t, server.URL, doFunc(func(r *http.Request) (*http.Response, error) {
		all = append(all, r)
		return server.Client().Do(r)
	}), &shifting{})
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
	for n := 1; n <= 20; n++ {
		t.Setenv("_X_AMZN_TRACE_ID", map[bool]string{true: "Root=even"}[n%2 == 0])
		if err := call(t, c, fmt.Sprint("T.", n), fmt.Sprint("body ", n)); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range all {
		text, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(text)
		check(t, i+1, r.Header, string(body))
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	err := call(t, newClient(t, server.URL, nil, aws.AnonymousCredentials{}), "T.Op", "body")
	if e, ok := errors.AsType[*awscall.Error](err); !ok || e.Status != http.StatusTemporaryRedirect {
		t.Errorf("got %v", err)
	}
}

// TestRequestsAreOfHTTP11 has a server that would rather speak HTTP/2, and a client that did before it was handed over.
func TestRequestsAreOfHTTP11(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/1.1" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("%s, %v", r.Proto, r.Header)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	own := server.Client().Transport.(*http.Transport)
	base := awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.TLSClientConfig = own.TLSClientConfig.Clone()
		tr.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
	})
	if err := call(t, newClient(t, server.URL, base, aws.AnonymousCredentials{}), "T.Op", "body"); err != nil {
		t.Error(err)
	}
}
