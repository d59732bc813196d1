package sqstransport_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

var keys = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret/with+signs", SessionToken: "token=="}

// holder gives the credentials that it holds.
type holder struct {
	mu    sync.Mutex
	keys  aws.Credentials // guarded by mu
	asked int             // guarded by mu
}

func (h *holder) Retrieve(context.Context) (aws.Credentials, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	return h.keys, nil
}

// accepting says yes to every entry.
func accepting(tb testing.TB) http.Handler {
	inner := serve(tb, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := inner(r)
		if err != nil {
			tb.Error(err)
			return
		}
		_, _ = io.Copy(w, answer.Body)
	})
}

// TestSignaturesStandBeforeAServerThatChecksThem goes over a socket, to an endpoint with a path that needs escapes.
func TestSignaturesStandBeforeAServerThatChecksThem(t *testing.T) {
	each(t, testSignaturesStandBeforeAServerThatChecksThem)
}

func testSignaturesStandBeforeAServerThatChecksThem(t *testing.T, k kind) {
	v := &verifier{handler: accepting(t), region: "eu-west-1", keys: keys}
	server := httptest.NewServer(v)
	defer server.Close()
	for _, path := range []string{"", "/", "/under", "/a b/ü"} {
		cfg := config(nil, server.URL+path)
		cfg.Region = "eu-west-1"
		cfg.Credentials = aws.NewCredentialsCache(&holder{keys: keys})
		s := newSender(t, k.client(cfg), server.URL+"/000000000000/work", nil)
		batch := append(envelopes(t, 9), envelope(t, "\x00\"\\\u2028ü😀"))
		if _, err := s.Send(t.Context(), batch); err != nil {
			t.Errorf("endpoint path %q: %v", path, err)
		}
	}
}

// TestSignaturesOfTheWrongKeyAreRefused shows that the verifier verifies.
func TestSignaturesOfTheWrongKeyAreRefused(t *testing.T) {
	each(t, testSignaturesOfTheWrongKeyAreRefused)
}

func testSignaturesOfTheWrongKeyAreRefused(t *testing.T, k kind) {
	server := httptest.NewServer(&verifier{handler: accepting(t), region: "eu-west-1", keys: keys})
	defer server.Close()
	for name, change := range map[string]func(*aws.Config, *aws.Credentials){
		"another secret": func(_ *aws.Config, c *aws.Credentials) { c.SecretAccessKey += "x" },
		"another key":    func(_ *aws.Config, c *aws.Credentials) { c.AccessKeyID += "x" },
		"no token":       func(_ *aws.Config, c *aws.Credentials) { c.SessionToken = "" },
		"another region": func(cfg *aws.Config, _ *aws.Credentials) { cfg.Region = "eu-west-2" },
		"anonymous":      func(cfg *aws.Config, _ *aws.Credentials) { cfg.Credentials = aws.AnonymousCredentials{} },
	} {
		cfg, own := config(nil, server.URL), keys
		cfg.Region, cfg.Credentials = "eu-west-1", nil
		change(&cfg, &own)
		if cfg.Credentials == nil {
			cfg.Credentials = &holder{keys: own}
		}
		results, _ := newSender(t, k.client(cfg), server.URL+"/000000000000/work", nil).Send(t.Context(), envelopes(t, 1))
		if e := is(t, results[0], rejected, misconfigured); e.Hint == "" {
			t.Errorf("%s: %v", name, e)
		}
	}
}

// TestA8_RotatedCredentialsAreTakenUp rotates the keys under a cache that thinks them good for ever.
func TestA8_RotatedCredentialsAreTakenUp(t *testing.T) { each(t, testA8_RotatedCredentialsAreTakenUp) }

func testA8_RotatedCredentialsAreTakenUp(t *testing.T, k kind) {
	v := &verifier{handler: accepting(t), region: "us-east-1", keys: keys}
	server := httptest.NewServer(v)
	defer server.Close()
	provider := &holder{keys: keys}
	cfg := config(nil, server.URL)
	cfg.Credentials = aws.NewCredentialsCache(provider)
	s := newSender(t, k.client(cfg), server.URL+"/000000000000/work", nil)
	send := func() transport.Result {
		results, _ := s.Send(t.Context(), envelopes(t, 1))
		return results[0]
	}
	is(t, send(), transport.Accepted, 0)
	fresh := keys
	fresh.SessionToken = "fresh"
	v.mu.Lock()
	v.keys = fresh
	v.mu.Unlock()
	if e := is(t, send(), rejected, misconfigured); e.Code != "ExpiredTokenException" { // the provider has the old ones still
		t.Errorf("refused with %v", e)
	}
	provider.mu.Lock()
	provider.keys = fresh
	provider.mu.Unlock()
	is(t, send(), transport.Accepted, 0)
	is(t, send(), transport.Accepted, 0)
	if provider.asked != 2 {
		t.Errorf("credentials were loaded %d times, want 2", provider.asked)
	}
}

// TestTokenGoesWithItsKeysOnly changes to keys that have no token.
func TestTokenGoesWithItsKeysOnly(t *testing.T) { each(t, testTokenGoesWithItsKeysOnly) }

func testTokenGoesWithItsKeysOnly(t *testing.T, k kind) {
	v := &verifier{handler: accepting(t), region: "us-east-1", keys: keys}
	provider := &holder{keys: keys}
	cfg := config(&network{handler: v}, endpoint)
	cfg.Credentials = aws.NewCredentialsCache(provider)
	s := newSender(t, k.client(cfg), queueURL, nil)
	send := func() transport.Result {
		results, _ := s.Send(t.Context(), envelopes(t, 1))
		return results[0]
	}
	is(t, send(), transport.Accepted, 0)
	v.keys.SessionToken, provider.keys.SessionToken = "", ""
	is(t, send(), rejected, misconfigured)
	is(t, send(), transport.Accepted, 0)
}

// TestPortOfTheSchemeIsNoPartOfTheHost: a service sees the host without it, so the signature has it without.
func TestPortOfTheSchemeIsNoPartOfTheHost(t *testing.T) {
	each(t, testPortOfTheSchemeIsNoPartOfTheHost)
}

func testPortOfTheSchemeIsNoPartOfTheHost(t *testing.T, k kind) {
	v := &verifier{handler: accepting(t), region: "us-east-1", keys: keys}
	cfg := config(doFunc(func(r *http.Request) (*http.Response, error) {
		if r.Host != "sqs.us-east-1.amazonaws.com" {
			t.Errorf("the host is %q", r.Host)
		}
		w := httptest.NewRecorder()
		v.ServeHTTP(w, r)
		return w.Result(), nil
	}), "https://sqs.us-east-1.amazonaws.com:443")
	cfg.Credentials = &holder{keys: keys}
	s := newSender(t, k.client(cfg), queueURL, nil)
	for range 2 {
		results, _ := s.Send(t.Context(), envelopes(t, 1))
		is(t, results[0], transport.Accepted, 0)
	}
}

// TestA9_WrongClockIsCorrected has a service whose clock jumps. The lean client tells the first refusal as one that
// passes; that of the SDK learns of the clock with it too.
func TestA9_WrongClockIsCorrected(t *testing.T) { each(t, testA9_WrongClockIsCorrected) }

func testA9_WrongClockIsCorrected(t *testing.T, k kind) {
	var ahead time.Duration
	v := &verifier{handler: accepting(t), region: "us-east-1", keys: keys, now: func() time.Time { return time.Now().Add(ahead) }}
	cfg := config(&network{handler: v}, endpoint)
	cfg.Credentials = &holder{keys: keys}
	s := newSender(t, k.client(cfg), queueURL, nil)
	off := cfg
	off.DisableClockSkewCorrection = true
	own := newSender(t, k.client(off), queueURL, nil)
	for _, ahead = range []time.Duration{0, time.Hour, 2 * time.Minute, -26 * time.Hour, 0} {
		results, _ := s.Send(t.Context(), envelopes(t, 1))
		switch {
		case results[0].Outcome == transport.Accepted:
		case k.name == lean.name:
			if e := is(t, results[0], rejected, transient); !strings.Contains(e.Hint, "clock") {
				t.Errorf("%v ahead: %v", ahead, e)
			}
		default:
			is(t, results[0], rejected, misconfigured)
		}
		for range 2 {
			results, err := s.Send(t.Context(), envelopes(t, 1))
			if is(t, results[0], transport.Accepted, 0); err != nil {
				t.Errorf("%v ahead, again: %v", ahead, err)
			}
		}
		results, _ = own.Send(t.Context(), envelopes(t, 1))
		if ahead.Abs() < 5*time.Minute {
			is(t, results[0], transport.Accepted, 0)
		} else {
			is(t, results[0], rejected, misconfigured)
		}
	}
	if len(v.times) < 10 {
		t.Errorf("%d requests passed", len(v.times))
	}
}

// TestA9_AnswerOutOfACacheSaysNothingOfTheClock: nor does one without a date.
func TestA9_AnswerOutOfACacheSaysNothingOfTheClock(t *testing.T) {
	for name, h := range map[string]http.Header{
		"a cache":    {"Date": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, "Age": {"3600"}},
		"no date":    {},
		"a bad date": {"Date": {"tomorrow"}},
	} {
		var signed []string
		s := lean.sender(t, func(r *http.Request) (*http.Response, error) {
			signed = append(signed, r.Header.Get("X-Amz-Date"))
			a := answer(403, `{"__type":"SignatureDoesNotMatch"}`)
			a.Header = h
			return a, nil
		})
		for range 2 {
			results, _ := s.Send(t.Context(), []task.Envelope{envelope(t, "x")})
			is(t, results[0], rejected, misconfigured)
		}
		for _, at := range signed {
			if at, err := time.Parse(stamp, at); err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("%s: signed for %v, %v", name, at, err)
			}
		}
	}
}

// TestBuffersOfRequestsAreTheirOwn has a server that often answers before it has read a request, and hangs up. The next
// request must not write into what is still being read: the verifier would see another body than was signed.
func TestBuffersOfRequestsAreTheirOwn(t *testing.T) {
	var requests atomic.Int32
	v := &verifier{handler: accepting(t), region: "us-east-1", keys: keys}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%3 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable) // the body is not read
			return
		}
		v.ServeHTTP(w, r)
	}))
	defer server.Close()
	cfg := config(nil, server.URL)
	cfg.Credentials = &holder{keys: keys}
	s := newSender(t, lean.client(cfg), server.URL+"/000000000000/work", nil)
	batch := append(envelopes(t, 7), sized(t, 60<<10), envelope(t, "last"))
	var senders sync.WaitGroup
	var accepted atomic.Int32
	for range 16 {
		senders.Go(func() {
			for range 20 {
				results, err := s.Send(t.Context(), batch)
				for _, r := range results {
					if r.Outcome == transport.Rejected {
						t.Errorf("refused: %v", err)
					}
				}
				if err == nil {
					accepted.Add(1)
				}
			}
		})
	}
	senders.Wait()
	if accepted.Load() < 100 {
		t.Errorf("%d of 320 requests were accepted", accepted.Load())
	}
}
