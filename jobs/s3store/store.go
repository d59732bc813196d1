package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/offloadhq/offload/internal/awss3"
	"github.com/offloadhq/offload/jobs"
)

// The limits of Amazon S3 ("Amazon S3 multipart upload limits").
const (
	minPart  = 5 << 20
	maxPart  = 5 << 30
	maxParts = 10_000
)

// DefaultPartBytes is the size of a part, and what a Put of a larger object holds in memory.
const DefaultPartBytes = 8 << 20

// Options changes a [Store]. The zero value of each field is its default.
type Options struct {
	// PartBytes is the size of a part, 5 MiB to 5 GiB; default [DefaultPartBytes]. An object has 10,000 parts at most: 78 GiB
	// by default.
	PartBytes int
	// AllowPlaintext allows an http endpoint on another machine. Objects then cross the network unencrypted.
	AllowPlaintext bool
}

// Store is a bucket. Make one with [New]. It is safe for concurrent use.
type Store struct {
	api       API
	bucket    string
	part      int
	algorithm types.ChecksumAlgorithm // of an upload in parts; "" for none
}

var _ jobs.Store = (*Store)(nil)

// New returns the store of a bucket: its name, or the ARN of an access point. It calls nothing. Every problem is
// returned, joined.
func New(api API, bucket string, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.PartBytes == 0 {
		o.PartBytes = DefaultPartBytes
	}
	problems := []error{awss3.Check(api, bucket, o.AllowPlaintext)}
	if o.PartBytes < minPart || o.PartBytes > maxPart {
		problems = append(problems, fmt.Errorf("PartBytes %d: must be %d to %d", o.PartBytes, minPart, maxPart))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("store %q: %w", bucket, err)
	}
	s := &Store{api: api, bucket: bucket, part: o.PartBytes}
	if awss3.OptionsOf(api).RequestChecksumCalculation == aws.RequestChecksumCalculationWhenSupported {
		s.algorithm = types.ChecksumAlgorithmCrc32 // that of the parts, of which S3 must know from the start
	}
	return s, nil
}

// Put stores what r yields; see jobs.Store. It looks at ctx before each read of r, in pieces of 64 KiB, and holds one
// part in memory. It blocks until S3 has confirmed the object. A refusal by S3 is not permanent: a bucket or a
// permission that is missing can be mended while the task waits. An object that needs more than 10,000 parts is.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {
	if err := jobs.CheckKey(key); err != nil {
		return fmt.Errorf("store %q: %w", s.bucket, err)
	}
	if err := s.put(ctx, key, r); err != nil {
		return fmt.Errorf("store %q: put %q: %w", s.bucket, key, explained(err))
	}
	return nil
}

func (s *Store) put(ctx context.Context, key string, r io.Reader) error {
	source := &source{r: r, part: s.part}
	first, err := source.next(ctx)
	if err != nil {
		return err
	}
	if !source.ended {
		return s.upload(ctx, key, first, source)
	}
	_, err = s.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(first), ContentLength: aws.Int64(int64(len(first))),
	})
	return err
}

// source reads the parts of an object.
type source struct {
	r     io.Reader
	part  int
	buf   []byte
	ended bool // the part that was read last is the last
}

// piece is how much is read between two looks at ctx.
const piece = 64 << 10

// next reads the next part, which is valid until the next call: a full one, unless the source has ended.
func (s *source) next(ctx context.Context) ([]byte, error) {
	n := 0
	for n < s.part {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.grow(n)
		m, err := s.r.Read(s.buf[n:min(len(s.buf), n+piece)])
		n += m
		if err == io.EOF { // not errors.Is: a wrapped EOF is a source that broke off
			s.ended = true
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return s.buf[:n], nil
}

// grow makes room for the next piece: most objects are small, and need no buffer of a whole part.
func (s *source) grow(used int) {
	if used < len(s.buf) {
		return
	}
	bigger := make([]byte, min(s.part, max(piece, 2*used)))
	copy(bigger, s.buf)
	s.buf = bigger
}
