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
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/offloadhq/offload/internal/memnet"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/awssdk"
)

func TestNothingThatListensIsRejected(t *testing.T) { each(t, testNothingThatListensIsRejected) }

func testNothingThatListensIsRejected(t *testing.T, k kind) {
	address, release, err := memnet.Nobody()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	base := "http://" + address
	results, _ := newSender(t, k.client(config(nil, base)), base+"/000000000000/work", nil).Send(t.Context(), envelopes(t, 1))
	if e := is(t, results[0], rejected, transient); !strings.Contains(e.Hint, "nothing listens there") || !errors.Is(e, syscall.ECONNREFUSED) {
		t.Errorf("error %v", e)
	}
}

func TestCertificateThatIsNotTrustedIsRejected(t *testing.T) {
	each(t, testCertificateThatIsNotTrustedIsRejected)
}

func testCertificateThatIsNotTrustedIsRejected(t *testing.T, k kind) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	results, _ := newSender(t, k.client(config(nil, server.URL)), server.URL+"/000000000000/work", nil).Send(t.Context(), envelopes(t, 1))
	if e := is(t, results[0], rejected, misconfigured); !strings.Contains(e.Hint, "certificate is not trusted") {
		t.Errorf("error %v", e)
	}
}

func TestEndpointThatSpeaksNoTLSIsRejected(t *testing.T) {
	each(t, testEndpointThatSpeaksNoTLSIsRejected)
}

func testEndpointThatSpeaksNoTLSIsRejected(t *testing.T, k kind) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	base := strings.Replace(server.URL, "http:", "https:", 1)
	results, _ := newSender(t, k.client(config(nil, base)), base+"/000000000000/work", nil).Send(t.Context(), envelopes(t, 1))
	if e := is(t, results[0], rejected, misconfigured); !strings.Contains(e.Hint, "does not speak TLS") {
		t.Errorf("error %v", e)
	}
}

// TestErrorsOfTheNetwork gives the errors of net/http by hand, for a client that has no trace.
func TestErrorsOfTheNetwork(t *testing.T) { each(t, testErrorsOfTheNetwork) }

func testErrorsOfTheNetwork(t *testing.T, k kind) {
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
		s := k.sender(t, func(*http.Request) (*http.Response, error) { return nil, c.err })
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
	each(t, testContextThatEndsWhileDiallingIsRejected)
}

func testContextThatEndsWhileDiallingIsRejected(t *testing.T, k kind) {
	server := make(chan struct{}) // that never answers
	ctx, cancel := context.WithCancel(t.Context())
	dialling := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		cancel()
		<-server
		return nil, io.EOF
	}}}
	results, _ := newSender(t, k.client(config(dialling, endpoint)), queueURL, nil).Send(ctx, envelopes(t, 1))
	close(server)
	if e := is(t, results[0], rejected, transient); !errors.Is(e, context.Canceled) {
		t.Errorf("error %v", e)
	}
}

func TestContextThatEndsWhileWaitingIsUnknown(t *testing.T) {
	each(t, testContextThatEndsWhileWaitingIsUnknown)
}

func testContextThatEndsWhileWaitingIsUnknown(t *testing.T, k kind) {
	ctx, cancel := context.WithCancel(t.Context())
	s := k.over(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		readBatch(t, r)
		cancel()
		<-r.Context().Done()
	}), nil)
	results, err := s.Send(ctx, envelopes(t, 1))
	if e := is(t, results[0], unknown, transient); !errors.Is(e, context.Canceled) || err.Error() != e.Target+": context canceled" {
		t.Errorf("error %v", e)
	}
}

// TestB3_ConnectionsAreKeptForManySenders counts connections: 64 senders at once need no more than 64 in all their rounds.
// The SDK's own pool keeps ten and dials again for the others. The network is in memory and the time virtual: net/http gives
// up a connection whose request it believes unwritten for 50 ms, as a busy machine makes it believe.
func TestB3_ConnectionsAreKeptForManySenders(t *testing.T) {
	for name, client := range map[string]func(aws.Config) *sqstransport.Client{
		"lean": sqstransport.NewClient, "SDK": func(cfg aws.Config) *sqstransport.Client { return awssdk.NewClient(cfg) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testB3_ConnectionsAreKeptForManySenders(t, client) })
		})
	}
}

func testB3_ConnectionsAreKeptForManySenders(t *testing.T, client func(aws.Config) *sqstransport.Client) {
	const senders, rounds = 64, 8
	var round sync.WaitGroup
	meet := newBarrier(senders) // all senders of a round are in flight together
	inner := serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := inner(r)
		if err != nil {
			t.Error(err)
			return
		}
		meet.wait(r.Context())
		_, _ = io.Copy(w, answer.Body)
	})}
	network := memnet.New()
	go func() { _ = server.Serve(network) }()
	defer server.Close()
	base := awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) { tr.DialTLSContext = network.Dial })
	s := newSender(t, client(config(base, "https://sqs.eu-west-1.amazonaws.com")), queueURL, nil)
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
	if n := network.Dialled(); n > senders {
		t.Errorf("%d connections for %d senders", n, senders)
	}
}

// TestCertificatesOfTheConfigurationHold has an authority of its own, as AWS_CA_BUNDLE sets it.
func TestCertificatesOfTheConfigurationHold(t *testing.T) {
	each(t, testCertificatesOfTheConfigurationHold)
}

func testCertificatesOfTheConfigurationHold(t *testing.T, k kind) {
	server := httptest.NewTLSServer(accepting(t))
	defer server.Close()
	ca := x509.NewCertPool()
	ca.AddCert(server.Certificate())
	base := awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12}
	})
	if _, err := newSender(t, k.client(config(base, server.URL)), server.URL+"/000000000000/work", nil).Send(t.Context(), envelopes(t, 1)); err != nil {
		t.Error(err)
	}
}

// TestB3_RequestIsOneWrite counts what goes to the socket: headers and body together, so that there is no moment at which
// half a request is sent, and no second packet.
func TestB3_RequestIsOneWrite(t *testing.T) {
	server := httptest.NewServer(accepting(t))
	defer server.Close()
	var writes atomic.Int32
	own := &http.Transport{WriteBufferSize: 16 << 10, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return countedConn{conn, &writes}, err
	}}
	defer own.CloseIdleConnections()
	s := newSender(t, lean.client(config(&http.Client{Transport: own}, server.URL)), server.URL+"/000000000000/work", nil)
	for range 5 {
		if _, err := s.Send(t.Context(), envelopes(t, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if n := writes.Load(); n != 5 {
		t.Errorf("%d writes for 5 requests", n)
	}
}

type countedConn struct {
	net.Conn
	writes *atomic.Int32
}

func (c countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
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
