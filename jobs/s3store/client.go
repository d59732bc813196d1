package s3store

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/offloadhq/offload/internal/awss3"
)

// API is what a [Store] calls; [*s3.Client] has it.
type API interface {
	PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, opts ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(ctx context.Context, in *s3.UploadPartInput, opts ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, opts ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, opts ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
}

var _ API = (*s3.Client)(nil)

// actions maps operations to the IAM actions that allow them (Amazon S3 User Guide, "Multipart upload API and
// permissions": parts have no action of their own).
var actions = map[string]string{
	"PutObject":               "s3:PutObject",
	"CreateMultipartUpload":   "s3:PutObject",
	"UploadPart":              "s3:PutObject",
	"CompleteMultipartUpload": "s3:PutObject",
	"AbortMultipartUpload":    "s3:AbortMultipartUpload",
}

// Actions returns every operation of Amazon S3 that this package calls, and the IAM action that it needs on the keys of
// the objects. The map is the caller's.
func Actions() map[string]string { return maps.Clone(actions) }

// NewClient makes a client from a loaded configuration. Its retries are the SDK's: three attempts. Connecting takes at
// most 5 s, and an answer begins within 30 s. On AWS each request carries a CRC32 of its body, unless cfg says otherwise.
// With an endpoint of one's own (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3) buckets are addressed by path, and checksums are
// sent where S3 asks for them only: other stores may know neither. Further options are applied last.
func NewClient(cfg aws.Config, opts ...func(*s3.Options)) *s3.Client {
	return awss3.NewClient(cfg, opts...)
}
