package sqstransport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

func TestNothingThatListensIsRejected(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	_ = l.Close()
	results, _ := newSender(t, client(base), base+"/000000000000/work", nil).Send(t.Context(), envelopes(t, 1))
	if e := is(t, results[0], rejected, transient); !strings.Contains(e.Hint, "nothing listens there") || !errors.Is(e, syscall.ECONNREFUSED) {
		t.Errorf("error %v", e)
	}
}

func TestCertificateThatIsNotTrustedIsRejected(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	results, _ := newSender(t, client(server.URL), server.URL+"/000000000000/work", nil).Send(t.Context(), envelopes(t, 1))
	if e := is(t, results[0], rejected, misconfigured); !strings.Contains(e.Hint, "certificate is not trusted") {
		t.Errorf("error %v", e)
	}
}

func TestEndpointThatSpeaksNoTLSIsRejected(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	base := strings.Replace(server.URL, "http:", "https:", 1)
	results, _ := newSender(t, client(base), base+"/000000000000/work", nil).Send(t.Context(), envelopes(t, 1))
	if e := is(t, results[0], rejected, misconfigured); !strings.Contains(e.Hint, "does not speak TLS") {
		t.Errorf("error %v", e)
	}
}

// TestErrorsOfTheNetwork gives the errors of net/http by hand, for a client that has no trace.
func TestErrorsOfTheNetwork(t *testing.T) {
	dial := func(err error) error { return &url.Error{Op: "Post", Err: &net.OpError{Op: "dial", Err: err}} }
	for name, c := range map[string]struct {
		err     error
		outcome transport.Outcome
		kind    transport.Kind
		hint    string
	}{
		"no such host":      {dial(&net.DNSError{Name: "sqs.nowhere-1.amazonaws.com", IsNotFound: true}), rejected, misconfigured, `there is no host "sqs.nowhere-1.amazonaws.com"`},
		"DNS is down":       {dial(&net.DNSError{Name: "sqs", IsTimeout: true}), rejected, transient, ""},
		"no route":          {dial(syscall.EHOSTUNREACH), rejected, transient, ""},
		"reset":             {&url.Error{Op: "Post", Err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}, unknown, transient, ""},
		"broken pipe":       {&url.Error{Op: "Post", Err: &net.OpError{Op: "write", Err: syscall.EPIPE}}, unknown, transient, ""},
		"end of file":       {&url.Error{Op: "Post", Err: io.EOF}, unknown, transient, ""},
		"cut off":           {io.ErrUnexpectedEOF, unknown, transient, ""},
		"no one knows what": {errors.New("new"), unknown, transient, ""},
	} {
		s := sender(t, func(*http.Request) (*http.Response, error) { return nil, c.err })
		results, err := s.Send(t.Context(), envelopes(t, 2))
		for _, r := range results {
			e := is(t, r, c.outcome, c.kind)
			if !strings.Contains(e.Hint, c.hint) || (c.hint == "") != (e.Hint == "") || !errors.Is(e, c.err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestContextThatEndsWhileDiallingIsRejected(t *testing.T) {
	server := make(chan struct{}) // that never answers
	ctx, cancel := context.WithCancel(t.Context())
	api := sqstransport.NewClient(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, func(o *awssqs.Options) {
		o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			cancel()
			<-server
			return nil, io.EOF
		}}}
	})
	results, _ := newSender(t, api, queueURL, nil).Send(ctx, envelopes(t, 1))
	close(server)
	if e := is(t, results[0], rejected, transient); !errors.Is(e, context.Canceled) {
		t.Errorf("error %v", e)
	}
}

func TestContextThatEndsWhileWaitingIsUnknown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := over(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		readBatch(t, r)
		cancel()
		<-r.Context().Done()
	}), nil)
	results, err := s.Send(ctx, envelopes(t, 1))
	if e := is(t, results[0], unknown, transient); !errors.Is(e, context.Canceled) || err.Error() != e.Target+": context canceled" {
		t.Errorf("error %v", e)
	}
}

// provider gives credentials, or the error.
type provider struct {
	err   error
	asked atomic.Int32
}

func (p *provider) Retrieve(context.Context) (aws.Credentials, error) {
	p.asked.Add(1)
	return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, p.err
}

func TestCredentialsThatCannotBeLoadedAreRejected(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		kind transport.Kind
		hint string
	}{
		"none there":              {errors.New("no EC2 IMDS role found"), misconfigured, "no credentials could be loaded"},
		"refused by their source": {&smithy.GenericAPIError{Code: "AccessDenied"}, misconfigured, "no credentials could be loaded"},
		"throttled":               {&smithy.GenericAPIError{Code: "Throttling"}, throttled, ""},
		"slow":                    {&net.DNSError{IsTimeout: true}, transient, ""},
	} {
		requests := 0
		api := sdk(doFunc(func(*http.Request) (*http.Response, error) { requests++; return nil, io.EOF }), endpoint)
		api = awssqs.New(api.Options(), func(o *awssqs.Options) { o.Credentials = aws.NewCredentialsCache(&provider{err: c.err}) })
		results, _ := newSender(t, api, queueURL, nil).Send(t.Context(), envelopes(t, 1))
		if e := is(t, results[0], rejected, c.kind); !strings.Contains(e.Hint, c.hint) || requests != 0 {
			t.Errorf("%s: %d requests, error %v", name, requests, e)
		}
	}
}

func TestA8_RefusedCredentialsAreLoadedAgain(t *testing.T) {
	for code, want := range map[string]int32{"ExpiredTokenException": 3, "InvalidClientTokenId": 3, "SignatureDoesNotMatch": 3, "AccessDenied": 1, "QueueDoesNotExist": 1} {
		var p provider
		api := sdk(doFunc(func(*http.Request) (*http.Response, error) { return answer(403, `{"__type":"`+code+`"}`), nil }), endpoint)
		api = awssqs.New(api.Options(), func(o *awssqs.Options) { o.Credentials = aws.NewCredentialsCache(&p) })
		for range 3 {
			results, _ := newSender(t, api, queueURL, nil).Send(t.Context(), envelopes(t, 1))
			is(t, results[0], rejected, misconfigured)
		}
		if got := p.asked.Load(); got != want {
			t.Errorf("%s: credentials were loaded %d times in 3 calls, want %d", code, got, want)
		}
	}
}

// TestB3_ConnectionsAreKeptForManySenders counts connections: one sender needs one, and 64 at once no more than 64 in
// all their rounds. The SDK's own pool keeps ten and dials again for the others.
func TestB3_ConnectionsAreKeptForManySenders(t *testing.T) {
	const senders, rounds = 64, 8
	var dialled atomic.Int32
	var round sync.WaitGroup
	meet := newBarrier(senders) // all senders of a round are in flight together
	inner := serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := inner(r)
		if err != nil {
			t.Error(err)
			return
		}
		meet.wait(r.Context())
		_, _ = io.Copy(w, answer.Body)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dialled.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	s := newSender(t, client(server.URL), server.URL+"/000000000000/work", nil)
	for range rounds {
		for range senders {
			round.Go(func() {
				if _, err := s.Send(t.Context(), envelopes(t, 1)); err != nil {
					t.Error(err)
				}
			})
		}
		round.Wait()
	}
	if n := dialled.Load(); n > senders {
		t.Errorf("%d connections for %d senders", n, senders)
	}
}

func TestIdleConnectionsAndCertificates(t *testing.T) {
	api := sqstransport.NewClient(aws.Config{Region: "eu-west-1"})
	h, ok := api.Options().HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		t.Fatalf("the HTTP client is a %T", api.Options().HTTPClient)
	}
	if timeout := h.GetDialer().Timeout; timeout > 5*time.Second {
		t.Errorf("dialling may take %v", timeout)
	}
	tr := h.GetTransport()
	if tr.MaxIdleConnsPerHost < 128 || tr.MaxConnsPerHost != 0 || tr.IdleConnTimeout >= time.Minute || tr.TLSHandshakeTimeout > 5*time.Second || tr.Proxy == nil {
		t.Errorf("the pool is %+v", tr)
	}
	ca := x509.NewCertPool()
	api = sqstransport.NewClient(aws.Config{Region: "eu-west-1", HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12}
	})})
	if got := api.Options().HTTPClient.(*awshttp.BuildableClient).GetTransport(); got.TLSClientConfig.RootCAs != ca || got.MaxIdleConnsPerHost < 128 {
		t.Error("the certificates of the configuration are lost, as AWS_CA_BUNDLE sets them")
	}
	own := doFunc(nil)
	api = sqstransport.NewClient(aws.Config{Region: "eu-west-1", HTTPClient: own}, func(o *awssqs.Options) { o.Region = "eu-north-1" })
	if _, kept := api.Options().HTTPClient.(doFunc); !kept || api.Options().Region != "eu-north-1" {
		t.Error("an HTTP client or an option of the caller is not used")
	}
}

// barrier lets n callers go when all are there.
type barrier struct {
	mu    sync.Mutex
	n     int
	there int           // guarded by mu
	open  chan struct{} // guarded by mu
}

func newBarrier(n int) *barrier { return &barrier{n: n, open: make(chan struct{})} }

func (b *barrier) wait(ctx context.Context) {
	b.mu.Lock()
	open := b.open
	if b.there++; b.there == b.n {
		b.there, b.open = 0, make(chan struct{})
		close(open)
	}
	b.mu.Unlock()
	select {
	case <-open:
	case <-ctx.Done():
	}
}
