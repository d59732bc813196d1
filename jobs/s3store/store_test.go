package s3store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"github.com/offloadhq/offload/internal/awss3/awss3test"
	"github.com/offloadhq/offload/jobs/s3store"
	"github.com/offloadhq/offload/jobs/storetest"
	"github.com/offloadhq/offload/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const part = 5 << 20 // the smallest that S3 takes

// serve starts the server of a bucket and returns the configuration of its clients.
func serve(tb testing.TB, b *awss3test.Bucket, start func(http.Handler) *httptest.Server) aws.Config {
	tb.Helper()
	server := start(b)
	client := server.Client()
	tb.Cleanup(func() { client.CloseIdleConnections(); server.Close() })
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	}
}

func open(tb testing.TB, api s3store.API) *s3store.Store {
	tb.Helper()
	s, err := s3store.New(api, awss3test.Name, &s3store.Options{PartBytes: part})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// newStore returns a store whose client retries as often as it does by default, only sooner.
func newStore(tb testing.TB) (*s3store.Store, *awss3test.Bucket) {
	b := awss3test.New()
	sooner := func(o *s3.Options) { o.Retryer = retry.AddWithMaxBackoffDelay(o.Retryer, time.Millisecond) }
	return open(tb, s3store.NewClient(serve(tb, b, httptest.NewServer), sooner)), b
}

// G6: on AWS the SDK sends checksums behind the body when TLS protects it, and in a header otherwise; a foreign store gets
// none. Each is a whole store, parts included.
func TestG6_StoreWithEachFraming(t *testing.T) {
	asOnAWS := func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
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
					if _, unfinished := b.Seen(); unfinished != 0 {
						tb.Errorf("%d uploads are unfinished", unfinished)
					}
					for framing := range slices.Values(b.Framings()) {
						if framing != c.framing {
							tb.Errorf("checksums: %s, want %s", framing, c.framing)
						}
					}
				})
				s := open(tb, s3store.NewClient(serve(tb, b, c.start), c.opts...))
				return storetest.Target{Store: s, Objects: b.Objects, Big: part}
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

// parts is an object of two full parts and a bit.
func parts() string { return strings.Repeat("p", 2*part) + "end" }

func TestB1_LostAnswersAreAskedForAgain(t *testing.T) {
	for op, object := range map[string]string{"put": "small", "create": parts(), "part": parts()} {
		t.Run(op, func(t *testing.T) {
			s, b := newStore(t)
			b.Fail(op, awss3test.LoseAnswer)
			if err := s.Put(t.Context(), "k", strings.NewReader(object)); err != nil {
				t.Fatal(err)
			}
			if objects, _ := b.Objects(); objects["k"] != object || len(objects) != 1 {
				t.Errorf("the object is %d bytes long, want %d", len(objects["k"]), len(object))
			}
		})
	}
}

// The end of an upload cannot be repeated. The object is there, Put says that it may be, and the task that runs again
// replaces it with itself.
func TestB1_LostAnswerToTheEndOfAnUpload(t *testing.T) {
	s, b := newStore(t)
	b.Fail("complete", awss3test.LoseAnswer)
	err := s.Put(t.Context(), "k", strings.NewReader(parts()))
	if err == nil || task.IsPermanent(err) || !strings.Contains(err.Error(), "the next attempt writes the object again") {
		t.Errorf("err = %v", err)
	}
	if objects, _ := b.Objects(); objects["k"] != parts() {
		t.Errorf("the object is %d bytes long, want all", len(objects["k"]))
	}
	if err := s.Put(t.Context(), "k", strings.NewReader(parts())); err != nil {
		t.Error(err)
	}
}

func TestB4_BusyStoreIsAskedAgain(t *testing.T) {
	for op, object := range map[string]string{"put": "small", "create": parts(), "part": parts(), "complete": parts()} {
		t.Run(op, func(t *testing.T) {
			s, b := newStore(t)
			b.Fail(op, awss3test.SlowDown)
			if err := s.Put(t.Context(), "k", strings.NewReader(object)); err != nil {
				t.Fatal(err)
			}
			if objects, _ := b.Objects(); objects["k"] != object {
				t.Errorf("the object is %d bytes long, want %d", len(objects["k"]), len(object))
			}
		})
	}
}

// A refusal leaves the old object and no part behind, is not permanent, and says what to do.
func TestRefusalsLeaveTheOldObject(t *testing.T) {
	for _, op := range []string{"put", "create", "part", "complete"} {
		for f, says := range map[awss3test.Fault]string{
			awss3test.SlowDown: "SlowDown", awss3test.Conflict: "ConditionalRequestConflict", awss3test.Exists: "PreconditionFailed",
			awss3test.Forbidden: "the role needs s3:PutObject", awss3test.NoBucket: "check the bucket's name and region",
		} {
			t.Run(fmt.Sprint(op, " ", says), func(t *testing.T) {
				s, b := newStore(t)
				if err := s.Put(t.Context(), "k", strings.NewReader("old")); err != nil {
					t.Fatal(err)
				}
				b.Fail(op, f, f, f) // each attempt of the SDK
				object := parts()
				if op == "put" {
					object = "new"
				}
				err := s.Put(t.Context(), "k", strings.NewReader(object))
				if err == nil || task.IsPermanent(err) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), `store "a-bucket": put "k"`) {
					t.Errorf("err = %v, want one that is not permanent and says %q", err, says)
				}
				if objects, _ := b.Objects(); objects["k"] != "old" {
					t.Errorf("the object is %.20q, want the old one", objects["k"])
				}
				if requests, unfinished := b.Seen(); unfinished != 0 {
					t.Errorf("%d uploads are unfinished after %s", unfinished, requests)
				}
			})
		}
	}
}

// A small object is one request, one of exactly two parts has two.
func TestRequests(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		want string
	}{
		"empty":         {0, "put"},
		"small":         {100, "put"},
		"nearly a part": {part - 1, "put"},
		"a part":        {part, "create part complete"},
		"two parts":     {2 * part, "create part part complete"},
		"and a bit":     {2*part + 1, "create part part part complete"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := newStore(t)
			if err := s.Put(t.Context(), "k", strings.NewReader(strings.Repeat("x", c.size))); err != nil {
				t.Fatal(err)
			}
			if got, _ := b.Seen(); got != c.want {
				t.Errorf("requests %q, want %q", got, c.want)
			}
		})
	}
}

// The parts are freed also when nobody waits any more.
func TestCancelledUploadIsAborted(t *testing.T) {
	s, b := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	source := io.MultiReader(strings.NewReader(parts()), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil }))
	if err := s.Put(ctx, "k", source); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if requests, unfinished := b.Seen(); unfinished != 0 || !strings.HasSuffix(requests, "abort") {
		t.Errorf("%d uploads are unfinished after %s", unfinished, requests)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// manyParts answers without keeping anything.
type manyParts struct{ s3store.API }

func (manyParts) CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	return &s3.CreateMultipartUploadOutput{UploadId: aws.String("u")}, nil
}

func (manyParts) UploadPart(_ context.Context, in *s3.UploadPartInput, _ ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	if aws.ToInt32(in.PartNumber) > 10_000 {
		return nil, errors.New("part 10001")
	}
	return &s3.UploadPartOutput{ETag: aws.String("e")}, nil
}

func (manyParts) AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	return &s3.AbortMultipartUploadOutput{}, nil
}

func TestTooLargeIsPermanent(t *testing.T) {
	err := open(t, manyParts{}).Put(t.Context(), "k", endless{})
	if !task.IsPermanent(err) || !strings.Contains(err.Error(), "raise Options.PartBytes") {
		t.Errorf("err = %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestOptionsAreChecked(t *testing.T) {
	far := s3store.NewClient(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://192.0.2.1")})
	for says, err := range map[string]error{
		"the API is nil":                 second(s3store.New(nil, "b", nil)),
		"the bucket is empty":            second(s3store.New(far, "", nil)),
		"PartBytes 5: must be":           second(s3store.New(far, "b", &s3store.Options{PartBytes: 5})),
		"unencrypted to another machine": second(s3store.New(far, "b", nil)),
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("err = %v, want %q", err, says)
		}
	}
	if _, err := s3store.New(far, "b", &s3store.Options{AllowPlaintext: true}); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// Memory follows the object, not the part: most results are small.
func TestSmallObjectsNeedNoPart(t *testing.T) {
	s := open(t, swallow{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const puts = 20
	for range puts {
		if err := s.Put(t.Context(), "k", iotest.OneByteReader(strings.NewReader("small"))); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if bytes := (after.TotalAlloc - before.TotalAlloc) / puts; bytes > 256<<10 {
		t.Errorf("a small Put takes %d bytes", bytes)
	}
}

type swallow struct{ s3store.API }

func (swallow) PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return &s3.PutObjectOutput{}, nil
}
