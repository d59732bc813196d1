package main

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/dirstore"
	"github.com/offloadhq/offload/jobs/s3store"
	"github.com/offloadhq/offload/transport/claimcheck"
	payloaddir "github.com/offloadhq/offload/transport/claimcheck/dirstore"
	payloadbucket "github.com/offloadhq/offload/transport/claimcheck/s3store"
)

// checkSettings names every setting that is missing, and where it comes from.
func checkSettings(getenv func(string) string) error {
	var missing []error
	need := func(name, source string) {
		if getenv(name) == "" {
			missing = append(missing, fmt.Errorf("%s is not set: Environment of the function in template.yaml gives it %s", name, source))
		}
	}
	need("OFFLOAD_QUEUE_URL", "the URL of its queue")
	need("OFFLOAD_DEAD_LETTER_QUEUE_URL", "the URL of its dead-letter queue")
	if getenv("OUT") == "" {
		need("OFFLOAD_RESULTS_BUCKET", "the name of ResultsBucket (on a laptop OUT, a directory, takes its place)")
	}
	return errors.Join(missing...)
}

// newStore opens the place of the results: the directory OUT, or else the bucket.
func newStore(cfg aws.Config, getenv func(string) string) (jobs.Store, error) {
	if out := getenv("OUT"); out != "" {
		return dirstore.Open(out, nil)
	}
	cfg = forS3(cfg, getenv)
	return s3store.New(s3store.NewClient(cfg), getenv("OFFLOAD_RESULTS_BUCKET"), &s3store.Options{AllowPlaintext: inLocalStack(getenv)})
}

// payloadMemory bounds the payloads in memory: 512 MB are what the function has, and 320 MiB of it is for images.
const payloadMemory = 2 * claimcheck.DefaultMaxBytes

// newPayloads opens the place of payloads that were too large for a message: the directory OFFLOAD_PAYLOADS_DIR, or else the
// bucket OFFLOAD_PAYLOADS_BUCKET. Without either such tasks fail, and are tried again until there is one.
func newPayloads(cfg aws.Config, getenv func(string) string) (*claimcheck.Resolver, error) {
	var store claimcheck.Store
	if dir := getenv("OFFLOAD_PAYLOADS_DIR"); dir != "" {
		s, err := payloaddir.Open(dir, nil)
		if err != nil {
			return nil, err
		}
		store = s
	} else if bucket := getenv("OFFLOAD_PAYLOADS_BUCKET"); bucket != "" {
		s, err := payloadbucket.New(payloadbucket.NewClient(forS3(cfg, getenv)), bucket, &payloadbucket.Options{AllowPlaintext: inLocalStack(getenv)})
		if err != nil {
			return nil, err
		}
		store = s
	}
	return claimcheck.NewResolver(store, &claimcheck.ResolverOptions{MaxMemory: payloadMemory})
}

// forS3 gives S3 its own endpoint.
func forS3(cfg aws.Config, getenv func(string) string) aws.Config {
	cfg.BaseEndpoint = nil // that of cfg may be the queues' own
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		if address := getenv(name); address != "" && getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != "true" {
			cfg.BaseEndpoint = &address
		}
	}
	return cfg
}

// inLocalStack says whether LocalStack runs the function: it tells its functions its host by this variable. They may be
// containers, and reach it by plain http at an address of Docker's network.
func inLocalStack(getenv func(string) string) bool { return getenv("LOCALSTACK_HOSTNAME") != "" }
