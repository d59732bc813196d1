// Package s3store is a claimcheck.Store on an Amazon S3 bucket.
//
// A payload is one object, PREFIX/TASK/DIGEST, written by one PutObject; S3 shows it to every reader from then on, whole
// (Amazon S3 User Guide, "Amazon S3 data consistency model"). The bucket must keep objects for
// claimcheck.MinRetention at least, and should remove them later: template.yaml has a lifecycle rule of 40 days, and
// offload doctor checks it.
//
// A host needs s3:PutObject on the objects below the prefix, and with a key of one's own in AWS KMS kms:GenerateDataKey. A
// worker needs s3:GetObject there and kms:Decrypt; and s3:ListBucket on the bucket, without which S3 says of an object that
// is gone that access to it is denied (Amazon S3 API Reference, GetObject), and the task fails for that reason instead.
package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/internal/awss3"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

// API is what a [Store] calls; [*s3.Client] has it. A host calls PutObject alone, and a worker GetObject alone.
type API interface {
	PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

var _ API = (*s3.Client)(nil)

// actions maps operations to the IAM actions that allow them.
var actions = map[string]string{"PutObject": "s3:PutObject", "GetObject": "s3:GetObject"}

// Actions returns every operation of Amazon S3 that this package calls, and the IAM action that it needs on the objects. The
// map is the caller's.
func Actions() map[string]string { return maps.Clone(actions) }

// NewClient makes a client from a loaded configuration. Connecting takes at most 5 s, and an answer begins within 30 s. On AWS
// each upload carries a CRC32 of its body, unless cfg says otherwise. With an endpoint of one's own (AWS_ENDPOINT_URL,
// AWS_ENDPOINT_URL_S3) buckets are addressed by path, and checksums are sent where S3 asks for them only: other stores may
// know neither. A payload is stored in one attempt, because the client of tasks tries again, and read in up to three. Further
// options are applied last.
func NewClient(cfg aws.Config, opts ...func(*s3.Options)) *s3.Client {
	return awss3.NewClient(cfg, opts...)
}

// DefaultPrefix stands before each key.
const DefaultPrefix = "payloads/"

// Options changes a [Store]. The zero value of each field is its default.
type Options struct {
	// Prefix stands before each key, on both sides alike: segments of letters, digits, '.', '_' and '-', each ended by a slash, 256
	// bytes at most. Default [DefaultPrefix].
	Prefix string
	// AllowPlaintext allows an http endpoint on another machine. Payloads then cross the network unencrypted.
	AllowPlaintext bool
}

// Store is a bucket. Make one with [New]. It is safe for concurrent use.
type Store struct {
	api            API
	bucket, prefix string
	target         string
	keys           awserr.Keys
}

var _ claimcheck.Store = (*Store)(nil)

// New returns the store of a bucket: its name, or the ARN of an access point. It calls nothing. Every problem is
// returned, joined.
func New(api API, bucket string, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if err := errors.Join(awss3.Check(api, bucket, o.AllowPlaintext), checkPrefix(o.Prefix)); err != nil {
		return nil, fmt.Errorf("payload bucket %q: %w", bucket, err)
	}
	return &Store{api: api, bucket: bucket, prefix: o.Prefix, target: fmt.Sprintf("payload bucket %q", bucket)}, nil
}

var segments = regexp.MustCompile(`^([A-Za-z0-9._-]+/)+$`)

func checkPrefix(prefix string) error {
	if !segments.MatchString(prefix) || len(prefix) > 256 || strings.Contains("/"+prefix, "/./") || strings.Contains("/"+prefix, "/../") {
		return fmt.Errorf("Options.Prefix: is %q: must be segments of letters, digits, '.', '_' and '-', each ended by a slash", prefix)
	}
	return nil
}

// Target names the bucket.
func (s *Store) Target() string { return s.target }

// What one call takes at most, with a second more for each whole 128 KiB; ctx may end it sooner.
const (
	callTimeout = 30 * time.Second
	thinLine    = 128 << 10
)

// objectKey is the name of an object: PREFIX + key, if key is one of a payload.
func (s *Store) objectKey(key string) (*string, error) {
	if err := claimcheck.CheckKey(s.target, key); err != nil {
		return nil, err
	}
	return aws.String(s.prefix + key), nil
}

// Put stores a payload; see claimcheck.Store. It makes one attempt. A payload that is there already is written again, and as
// young as a new one.
func (s *Store) Put(ctx context.Context, key string, body []byte) error {
	name, err := s.objectKey(key)
	if err != nil {
		return err
	}
	if err := awserr.Ended(ctx); err != nil {
		return &transport.Error{Target: s.target, Err: err}
	}
	timeout := callTimeout + time.Duration(len(body)/thinLine)*time.Second
	bounded, cancel := awserr.Within(ctx, timeout)
	defer cancel()
	var call awserr.Call
	_, err = s.api.PutObject(bounded, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: name, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
	}, once, s.watched(&call))
	return s.judged(ctx, err, &call, timeout)
}

// Get opens a payload; see claimcheck.Store. The SDK's retries, three attempts by default, end when the answer begins.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	name, err := s.objectKey(key)
	if err != nil {
		return nil, 0, err
	}
	if err := awserr.Ended(ctx); err != nil {
		return nil, 0, &transport.Error{Target: s.target, Err: err}
	}
	var call awserr.Call
	got, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: name}, s.watched(&call))
	if codeOf(err) == "NoSuchKey" {
		return nil, 0, &transport.Error{Code: "NoSuchKey", Target: s.target, Err: fmt.Errorf("%q: %w", *name, claimcheck.ErrNotFound)}
	}
	if err != nil {
		return nil, 0, s.judged(ctx, err, &call, callTimeout)
	}
	if got.ContentLength == nil {
		return nil, 0, &transport.Error{Target: s.target, Err: errors.Join(fmt.Errorf("%q: the answer does not tell its length", *name), got.Body.Close())}
	}
	// net/http tells the end of ctx to a connection in its own time, and until then gives what has arrived.
	return claimcheck.EndWith(ctx, got.Body), *got.ContentLength, nil
}

// once takes the retries away: they would multiply with those of the client of tasks.
func once(o *s3.Options) {
	o.Retryer = aws.NopRetryer{}
	o.RetryMaxAttempts = 0
}

// watched is the options function of one call.
func (s *Store) watched(call *awserr.Call) func(*s3.Options) {
	return func(o *s3.Options) {
		o.HTTPClient, o.Credentials = call.Watch(o.HTTPClient), s.keys.Lend(o.Credentials, call)
	}
}

// judged makes of an error of the SDK one that says what to do.
func (s *Store) judged(ctx context.Context, err error, call *awserr.Call, timeout time.Duration) error {
	if err == nil {
		return nil
	}
	_, e := awserr.Judge(ctx, s.target, codes, err, call, timeout)
	return e
}

func codeOf(err error) string {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
