// Package awss3 is what the stores on Amazon S3 share: how their client is made, and where it may call.
package awss3

import (
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/offloadhq/offload/internal/awserr"
)

// answerTimeout bounds the wait for the first byte of an answer, so that a connection that died in silence costs a retry
// and not the task's time.
const answerTimeout = 30 * time.Second

// NewClient makes a client from a loaded configuration. Its retries are the SDK's: three attempts. Connecting takes at
// most 5 s, and an answer begins within 30 s. On AWS each request carries a CRC32 of its body, unless cfg says otherwise.
// With an endpoint of one's own (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3) buckets are addressed by path, and checksums are
// sent where S3 asks for them only: other stores may know neither. Further options are applied last.
func NewClient(cfg aws.Config, opts ...func(*s3.Options)) *s3.Client {
	cfg = cfg.Copy()
	cfg.HTTPClient = awserr.Pooled(cfg.HTTPClient)
	cfg.Credentials = awserr.Cached(cfg.Credentials)
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = client.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = answerTimeout })
	}
	return s3.NewFromConfig(cfg, append([]func(*s3.Options){adapt}, opts...)...)
}

// adapt chooses by the endpoint. A configuration that config.LoadDefaultConfig has not made says nothing of checksums, and
// then the SDK would send none.
func adapt(o *s3.Options) {
	if o.BaseEndpoint != nil {
		o.UsePathStyle = true
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	} else if o.RequestChecksumCalculation == aws.RequestChecksumCalculationUnset {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	}
}

// OptionsOf is what can be known of an API that is an SDK client.
func OptionsOf(api any) s3.Options {
	if client, ok := api.(interface{ Options() s3.Options }); ok {
		return client.Options()
	}
	return s3.Options{}
}

// Check returns what is wrong with a store that is to call api for the bucket, joined: no API, no bucket, or an endpoint that
// would take objects unencrypted to another machine, unless plaintext is allowed.
func Check(api any, bucket string, allowPlaintext bool) error {
	var problems []error
	if api == nil {
		problems = append(problems, errors.New("the API is nil: give the client of NewClient"))
	}
	if bucket == "" {
		problems = append(problems, errors.New("the bucket is empty: name one"))
	}
	if endpoint := OptionsOf(api).BaseEndpoint; endpoint != nil && !allowPlaintext {
		if err := awserr.CheckEndpoint(*endpoint); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
