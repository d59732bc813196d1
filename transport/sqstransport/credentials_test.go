package sqstransport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/awssdk"
)

// provider gives credentials with the keys key-1, key-2 and so on, or the error.
type provider struct {
	err   error
	asked atomic.Int32
}

func (p *provider) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "key-" + strconv.Itoa(int(p.asked.Add(1))), SecretAccessKey: "b"}, p.err
}

// signedBy reports that a request was signed with the n-th key of a provider.
func signedBy(r *http.Request, n int) bool {
	return strings.Contains(r.Header.Get("Authorization"), "Credential=key-"+strconv.Itoa(n)+"/")
}

func TestCredentialsThatCannotBeLoadedAreRejected(t *testing.T) {
	each(t, testCredentialsThatCannotBeLoadedAreRejected)
}

func testCredentialsThatCannotBeLoadedAreRejected(t *testing.T, k kind) {
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
		cfg := config(doFunc(func(*http.Request) (*http.Response, error) { requests++; return nil, io.EOF }), endpoint)
		cfg.Credentials = aws.NewCredentialsCache(&provider{err: c.err})
		results, _ := newSender(t, k.client(cfg), queueURL, nil).Send(t.Context(), envelopes(t, 1))
		if e := is(t, results[0], rejected, c.kind); !strings.Contains(e.Hint, c.hint) || requests != 0 {
			t.Errorf("%s: %d requests, error %v", name, requests, e)
		}
	}
}

func TestA8_RefusedCredentialsAreLoadedAgain(t *testing.T) {
	each(t, testA8_RefusedCredentialsAreLoadedAgain)
}

func testA8_RefusedCredentialsAreLoadedAgain(t *testing.T, k kind) {
	for code, want := range map[string]int32{"ExpiredTokenException": 3, "InvalidClientTokenId": 3, "SignatureDoesNotMatch": 3, "AccessDenied": 1, "QueueDoesNotExist": 1} {
		var p provider
		cfg := config(doFunc(func(*http.Request) (*http.Response, error) { return answer(403, `{"__type":"`+code+`"}`), nil }), endpoint)
		cfg.Credentials = aws.NewCredentialsCache(&p)
		for range 3 {
			results, _ := newSender(t, k.client(cfg), queueURL, nil).Send(t.Context(), envelopes(t, 1))
			is(t, results[0], rejected, misconfigured)
		}
		if got := p.asked.Load(); got != want {
			t.Errorf("%s: credentials were loaded %d times in 3 calls, want %d", code, got, want)
		}
	}
}

// TestA8_ParallelRefusalsLoadOnce has eight requests refused, four of them after new credentials were loaded.
func TestA8_ParallelRefusalsLoadOnce(t *testing.T) { each(t, testA8_ParallelRefusalsLoadOnce) }

func testA8_ParallelRefusalsLoadOnce(t *testing.T, k kind) {
	var p provider
	arrived, release := make(chan struct{}), make(chan struct{})
	accept := serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })
	cfg := config(doFunc(func(r *http.Request) (*http.Response, error) {
		if !signedBy(r, 1) {
			return accept(r)
		}
		arrived <- struct{}{}
		<-release
		return answer(403, `{"__type":"ExpiredTokenException"}`), nil
	}), endpoint)
	cfg.Credentials = aws.NewCredentialsCache(&p)
	s := newSender(t, k.client(cfg), queueURL, nil)
	outcomes := make(chan transport.Outcome)
	for range 8 {
		go func() {
			results, _ := s.Send(t.Context(), envelopes(t, 1))
			outcomes <- results[0].Outcome
		}()
	}
	for range 8 {
		<-arrived
	}
	for range 2 {
		for range 4 {
			release <- struct{}{}
		}
		for range 4 {
			if o := <-outcomes; o != rejected {
				t.Errorf("a refused request is %v", o)
			}
		}
		if _, err := s.Send(t.Context(), envelopes(t, 1)); err != nil || p.asked.Load() != 2 {
			t.Errorf("credentials were loaded %d times, want 2: %v", p.asked.Load(), err)
		}
	}
}

// TestA8_ProviderWithoutCacheIsAskedOnce gives a provider as it is, which may call a service each time.
func TestA8_ProviderWithoutCacheIsAskedOnce(t *testing.T) {
	for name, client := range map[string]func(aws.Config) *sqstransport.Client{
		"lean": sqstransport.NewClient, "SDK": func(cfg aws.Config) *sqstransport.Client { return awssdk.NewClient(cfg) },
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			accept := serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })
			var refuse atomic.Bool
			cfg := config(doFunc(func(r *http.Request) (*http.Response, error) {
				if refuse.Load() {
					return answer(403, `{"__type":"ExpiredTokenException"}`), nil
				}
				return accept(r)
			}), endpoint)
			cfg.Credentials = &p
			s := newSender(t, client(cfg), queueURL, nil)
			for round := range int32(3) {
				for range 3 {
					if _, err := s.Send(t.Context(), envelopes(t, 1)); err != nil {
						t.Fatal(err)
					}
				}
				if got := p.asked.Load(); got != round+1 {
					t.Errorf("credentials were loaded %d times, %d times refused", got, round)
				}
				refuse.Store(true)
				results, _ := s.Send(t.Context(), envelopes(t, 1))
				is(t, results[0], rejected, misconfigured)
				refuse.Store(false)
			}
		})
	}
}
