package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/offloadhq/offload/task"
)

// abortTimeout bounds the cleaning up after an upload that failed.
const abortTimeout = 5 * time.Second

// upload stores an object of more than one part, the first of which has been read.
func (s *Store) upload(ctx context.Context, key string, part []byte, rest *source) error {
	created, err := s.api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key, ChecksumAlgorithm: s.algorithm})
	if err != nil {
		return err
	}
	complete := false
	defer func() { // also when the source panics
		if !complete {
			s.abort(ctx, key, created.UploadId)
		}
	}()
	var done []types.CompletedPart
	for len(part) > 0 { // the last one is empty when the object ends with a part
		p, err := s.send(ctx, key, created.UploadId, len(done)+1, part)
		if err != nil {
			return err
		}
		done = append(done, p)
		if rest.ended {
			break
		}
		if part, err = rest.next(ctx); err != nil {
			return err
		}
	}
	_, err = s.api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: created.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	})
	complete = err == nil
	return err
}

// send stores one part and returns what the end of the upload must say of it: its checksum too, if it has one.
func (s *Store) send(ctx context.Context, key string, upload *string, number int, part []byte) (types.CompletedPart, error) {
	if number > maxParts {
		return types.CompletedPart{}, task.Permanent(fmt.Errorf("the object is larger than %d parts of %d bytes: raise Options.PartBytes", maxParts, s.part))
	}
	n := aws.Int32(int32(number)) //nolint:gosec // at most 10,000
	sent, err := s.api.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.bucket, Key: &key, UploadId: upload, PartNumber: n, Body: bytes.NewReader(part), ContentLength: aws.Int64(int64(len(part))),
	})
	if err != nil {
		return types.CompletedPart{}, fmt.Errorf("part %d: %w", number, err)
	}
	return types.CompletedPart{
		PartNumber: n, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32,
	}, nil
}

// abort frees the parts of an upload that has failed, also when ctx has ended. Where that fails too, the lifecycle rule of
// the bucket does it. After an end whose answer was lost there is nothing to free, and S3 says so.
func (s *Store) abort(ctx context.Context, key string, upload *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, _ = s.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: upload})
}

// advice is what to do about the refusals that a deployment runs into. Source: Amazon S3 API Reference, "Error responses".
var advice = map[string]string{
	"NoSuchBucket":      "check the bucket's name and region",
	"PermanentRedirect": "the bucket is in another region: set the client's region to that",
	"AccessDenied":      "the role needs s3:PutObject and s3:AbortMultipartUpload on the key, and kms:GenerateDataKey and kms:Decrypt when the bucket has a KMS key",
	"NoSuchUpload":      "the upload was ended by somebody else, or the answer to its end was lost; the next attempt writes the object again",
}

// explained adds to an error what to do next.
func explained(err error) error {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		if todo := advice[api.ErrorCode()]; todo != "" {
			return fmt.Errorf("%w: %s", err, todo)
		}
	}
	return err
}
