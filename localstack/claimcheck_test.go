package localstack_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/offloadhq/offload/localstack"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/dirstore"
	"github.com/offloadhq/offload/transport/claimcheck/s3store"
	"github.com/offloadhq/offload/transport/claimcheck/storetest"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

// newBucket makes a bucket that goes when the test ends.
func newBucket(tb testing.TB, cfg aws.Config) string {
	tb.Helper()
	api := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	name := "suite-" + strings.ToLower(rand.Text())
	if _, err := api.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(tb.Context())
		for pages := s3.NewListObjectsV2Paginator(api, &s3.ListObjectsV2Input{Bucket: &name}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				tb.Error(err)
				return
			}
			for _, o := range page.Contents {
				if _, err := api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &name, Key: o.Key}); err != nil {
					tb.Error(err)
				}
			}
		}
		if _, err := api.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name}); err != nil {
			tb.Error(err)
		}
	})
	return name
}

func bucketStore(tb testing.TB, cfg aws.Config, bucket string, opts ...func(*s3.Options)) *s3store.Store {
	tb.Helper()
	s, err := s3store.New(s3store.NewClient(cfg, opts...), bucket, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// payloadStore is the place of payloads beside the queues of a target: its S3, or a directory for the emulator, which has none.
func (x target) payloadStore(tb testing.TB) claimcheck.Store {
	tb.Helper()
	if x.name != "emulator" {
		return bucketStore(tb, x.aws, newBucket(tb, x.aws))
	}
	s, err := dirstore.Open(tb.TempDir(), &dirstore.Options{NoSync: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// asOnAWS sends checksums, as a client without an endpoint of its own does.
func asOnAWS(o *s3.Options) {
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
}

// G6: the store of payloads passes its suite on LocalStack's S3: without checksums, as a store with an endpoint of its own
// does by default, and with those of AWS, in a header (http) and behind the body (https). (The emulator has no S3, and moto
// answers 500 to two uploads of one object at once.)
func TestG6_PayloadStore(t *testing.T) {
	x := target{"localstack", clientConfig(t, localstack.Require(t).Endpoint)}
	for name, c := range map[string]struct {
		cfg  aws.Config
		opts []func(*s3.Options)
	}{
		"http":                  {x.aws, nil},
		"http, with checksums":  {x.aws, []func(*s3.Options){asOnAWS}},
		"https, with checksums": {overTLS(x.aws), []func(*s3.Options){asOnAWS}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Stores(t, func(tb testing.TB) storetest.Target {
				bucket := newBucket(tb, c.cfg)
				return storetest.Target{
					Store: bucketStore(tb, c.cfg, bucket, c.opts...),
					Again: func() claimcheck.Store { return bucketStore(tb, c.cfg, bucket, c.opts...) },
				}
			})
		})
	}
}

// overTLS is the configuration for the same endpoint by https. LocalStack speaks both on one port, with a certificate that
// nobody has signed for this name.
func overTLS(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.BaseEndpoint = aws.String(strings.Replace(*cfg.BaseEndpoint, "http://", "https://", 1))
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a LocalStack on this machine
	})
	return cfg
}

// The suite of senders with a claim check in front of SQS: half of what it sends goes by way of the store.
func TestSQSSenderWithAClaimCheck(t *testing.T) {
	onEach(t, func(t *testing.T, x target) {
		transporttest.Senders(t, transporttest.SenderHarness{Make: func(tb testing.TB) transporttest.Destination {
			network := newFaults(throttledSQS)
			q, store := newQueue(tb, sqsOf(x), nil), x.payloadStore(tb)
			cfg := x.aws.Copy()
			cfg.HTTPClient = network
			sender, err := sqstransport.New(sqstransport.NewClient(cfg), q.url, nil)
			if err != nil {
				tb.Fatal(err)
			}
			return storetest.InFront(tb, transporttest.Destination{
				Sender:     sender,
				Resolution: 2 * time.Second,
				MaxWait:    3 * time.Second,
				LoseAnswer: network.loseAnswer,
				Refuse:     network.refuseNext,
				Hold:       network.hold,
				Arrived:    q.arrivals,
			}, store, claimcheck.Options{Threshold: 16 << 10, MaxBytes: 2 << 20})
		}})
	})
}
