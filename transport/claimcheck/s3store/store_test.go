package s3store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"github.com/offloadhq/offload/internal/awss3/awss3test"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/s3store"
	"github.com/offloadhq/offload/transport/claimcheck/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts the server of a bucket and returns it with the configuration of its clients.
func serve(tb testing.TB, b *awss3test.Bucket, start func(http.Handler) *httptest.Server) (*httptest.Server, aws.Config) {
	tb.Helper()
	server := start(b)
	client := server.Client()
	tb.Cleanup(func() { client.CloseIdleConnections(); server.Close() })
	return server, aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	}
}

func open(tb testing.TB, api s3store.API) *s3store.Store {
	tb.Helper()
	s, err := s3store.New(api, awss3test.Name, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// sooner retries as often as the SDK does, and waits less.
func sooner(o *s3.Options) {
	o.Retryer = retry.AddWithMaxBackoffDelay(o.Retryer, time.Millisecond)
}

func newStore(tb testing.TB) (*s3store.Store, *awss3test.Bucket) {
	b := awss3test.New()
	_, cfg := serve(tb, b, httptest.NewServer)
	return open(tb, s3store.NewClient(cfg, sooner)), b
}

func key(body []byte) string {
	sum := sha256.Sum256(body)
	return claimcheck.Key("01KJ7Z3Q5ZABCDEFGHJKMNPQRS", hex.EncodeToString(sum[:]))
}

// G6: on AWS the SDK sends checksums behind the body when TLS protects it, and in a header otherwise; a foreign store gets
// none, because it may know neither.
func TestG6_StoreWithEachFraming(t *testing.T) {
	asOnAWS := func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	}
	for name, c := range map[string]struct {
		start   func(http.Handler) *httptest.Server
		opts    []func(*s3.Options)
		framing string
	}{
		"foreign store":       {httptest.NewServer, nil, "none"},
		"foreign store, TLS":  {httptest.NewTLSServer, nil, "none"},
		"checksums":           {httptest.NewServer, []func(*s3.Options){asOnAWS}, "header"},
		"checksums, with TLS": {httptest.NewTLSServer, []func(*s3.Options){asOnAWS}, "trailer"},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Stores(t, func(tb testing.TB) storetest.Target {
				b := awss3test.New()
				tb.Cleanup(func() {
					for _, framing := range b.Framings() {
						if framing != c.framing {
							tb.Errorf("checksums: %s, want %s", framing, c.framing)
						}
					}
				})
				server, cfg := serve(tb, b, c.start)
				opts := append([]func(*s3.Options){sooner}, c.opts...)
				return storetest.Target{
					Store: open(tb, s3store.NewClient(cfg, opts...)),
					Again: func() claimcheck.Store { return open(tb, s3store.NewClient(cfg, opts...)) },
					Break: server.Close,
					Count: func() int {
						objects, _ := b.Objects()
						return len(objects)
					},
				}
			})
		})
	}
}

// Each call of the store has its IAM action, and no action is without a call.
func TestH3_Actions(t *testing.T) {
	got := s3store.Actions()
	calls := reflect.TypeFor[s3store.API]()
	for i := range calls.NumMethod() {
		if name := calls.Method(i).Name; got[name] == "" {
			t.Errorf("%s has no action", name)
		}
	}
	if len(got) != calls.NumMethod() {
		t.Errorf("%d actions, %d calls", len(got), calls.NumMethod())
	}
}

// G3, G4: the object is below the prefix, whatever the task is called.
func TestG3_ObjectsAreBelowThePrefix(t *testing.T) {
	b := awss3test.New()
	_, cfg := serve(t, b, httptest.NewServer)
	for _, prefix := range []string{"", "a/", "very/deep/"} {
		s, err := s3store.New(s3store.NewClient(cfg), awss3test.Name, &s3store.Options{Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"01KJ7Z3Q5ZABCDEFGHJKMNPQRS", "../../x", "order-7"} {
			if err := s.Put(t.Context(), claimcheck.Key(id, strings.Repeat("ab", 32)), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	objects, _ := b.Objects()
	for name := range objects {
		_, rest, ok := strings.Cut(name, "payloads/")
		for _, prefix := range []string{"a/", "very/deep/"} {
			if after, found := strings.CutPrefix(name, prefix); found {
				rest, ok = after, true
			}
		}
		if !ok || claimcheck.CheckKey("x", rest) != nil {
			t.Errorf("object %q", name)
		}
	}
	if len(objects) != 9 {
		t.Errorf("%d objects", len(objects))
	}
}

// A payload is stored in one attempt: whoever sends tasks tries again, and retries must not multiply. It is read in three.
func TestA6_AttemptsDoNotMultiply(t *testing.T) {
	s, b := newStore(t)
	body := []byte("x")
	for f, kind := range map[awss3test.Fault]transport.Kind{
		awss3test.SlowDown: transport.Throttled, awss3test.LoseAnswer: transport.Transient, awss3test.Conflict: transport.Throttled,
		awss3test.Forbidden: transport.Misconfigured, awss3test.NoBucket: transport.Misconfigured,
	} {
		before, _ := b.Seen()
		b.Fail("put", f)
		err := s.Put(t.Context(), key(body), body)
		after, _ := b.Seen()
		if made := strings.Count(after, "put") - strings.Count(before, "put"); err == nil || transport.KindOf(err) != kind || made != 1 {
			t.Errorf("fault %d: %v of the kind %v after %d attempts, want %v", f, err, transport.KindOf(err), made, kind)
		}
	}
	if err := s.Put(t.Context(), key(body), body); err != nil {
		t.Fatal(err)
	}
	b.Fail("get", awss3test.SlowDown, awss3test.LoseAnswer)
	r, size, err := s.Get(t.Context(), key(body))
	if err != nil || size != 1 {
		t.Fatalf("%v, %d bytes", err, size)
	}
	_ = r.Close()
	b.Fail("get", awss3test.SlowDown, awss3test.SlowDown, awss3test.SlowDown)
	if _, _, err := s.Get(t.Context(), key(body)); transport.KindOf(err) != transport.Throttled || errors.Is(err, claimcheck.ErrNotFound) {
		t.Errorf("err = %v", err)
	}
}

// Without s3:ListBucket an object that is gone looks like one that may not be read: the hint says so.
func TestG2_DeniedIsNotMissing(t *testing.T) {
	s, b := newStore(t)
	b.Fail("get", awss3test.Forbidden)
	_, _, err := s.Get(t.Context(), key(nil))
	if errors.Is(err, claimcheck.ErrNotFound) || transport.KindOf(err) != transport.Misconfigured || !strings.Contains(err.Error(), "s3:ListBucket") {
		t.Errorf("denied: %v", err)
	}
	b.Fail("get", awss3test.NoBucket)
	if _, _, err := s.Get(t.Context(), key(nil)); errors.Is(err, claimcheck.ErrNotFound) || transport.KindOf(err) != transport.Misconfigured {
		t.Errorf("no bucket: %v", err)
	}
	if _, _, err := s.Get(t.Context(), key(nil)); !errors.Is(err, claimcheck.ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
}

// A body that breaks off is an error of the reading, and no shorter payload.
func TestBrokenOffBodyIsAnError(t *testing.T) {
	s, b := newStore(t)
	body := bytes.Repeat([]byte("0123456789"), 50_000)
	if err := s.Put(t.Context(), key(body), body); err != nil {
		t.Fatal(err)
	}
	b.Fail("get", awss3test.BreakOff)
	r, size, err := s.Get(t.Context(), key(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err == nil || size != int64(len(body)) {
		t.Errorf("%d bytes of %d without an error", n, size)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	far := s3store.NewClient(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://192.0.2.1")})
	near := s3store.NewClient(aws.Config{Region: "us-east-1"})
	for says, err := range map[string]error{
		"the API is nil":                 second(s3store.New(nil, "b", nil)),
		"the bucket is empty":            second(s3store.New(near, "", nil)),
		"unencrypted to another machine": second(s3store.New(far, "b", nil)),
		`Options.Prefix: is "x"`:         second(s3store.New(near, "b", &s3store.Options{Prefix: "x"})),
		`Options.Prefix: is "/x/"`:       second(s3store.New(near, "b", &s3store.Options{Prefix: "/x/"})),
		`Options.Prefix: is "x//"`:       second(s3store.New(near, "b", &s3store.Options{Prefix: "x//"})),
		`Options.Prefix: is "../"`:       second(s3store.New(near, "b", &s3store.Options{Prefix: "../"})),
		`Options.Prefix: is "a/./b/"`:    second(s3store.New(near, "b", &s3store.Options{Prefix: "a/./b/"})),
		`Options.Prefix: is "a b/"`:      second(s3store.New(near, "b", &s3store.Options{Prefix: "a b/"})),
		`Options.Prefix: is "aaa`:        second(s3store.New(near, "b", &s3store.Options{Prefix: strings.Repeat("a", 256) + "/"})),
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("err = %v, want %q", err, says)
		}
	}
	if _, err := s3store.New(far, "b", &s3store.Options{AllowPlaintext: true, Prefix: "a-b/c_d.e/"}); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// noLength is a store whose answers do not say how long they are.
type noLength struct{ s3store.API }

func (noLength) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader("x"))}, nil
}

func TestAnswerWithoutALengthIsAnError(t *testing.T) {
	r, _, err := open(t, noLength{}).Get(t.Context(), key(nil))
	if r != nil || err == nil || !strings.Contains(err.Error(), "does not tell its length") {
		t.Errorf("err = %v", err)
	}
}

func ExampleNew() {
	cfg := aws.Config{Region: "eu-central-1"} // of config.LoadDefaultConfig
	payloads, err := s3store.New(s3store.NewClient(cfg), "offload-payloads", nil)
	if err != nil {
		panic(err)
	}
	_, _ = claimcheck.NewResolver(payloads, nil) // for worker.Options.Payloads
	fmt.Println(payloads.Target())
	// Output: payload bucket "offload-payloads"
}
