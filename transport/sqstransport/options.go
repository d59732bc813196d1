package sqstransport

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// The limits of Amazon SQS ("Amazon SQS message quotas").
const (
	maxEntries    = 10
	maxBatchBytes = 1 << 20
	maxDelay      = 15 * time.Minute
)

// DefaultTimeout bounds one request.
const DefaultTimeout = 10 * time.Second

// Options changes a [Sender]. The zero value of each field is its default.
type Options struct {
	// MaxMessageBytes is the queue's MaximumMessageSize, 16 KiB to 1 MiB. Default 1 MiB, as queues have it unless they
	// say less. Limits().MessageBytes is transport.MaxReasonBytes below it.
	MaxMessageBytes int
	// Timeout bounds each request, from dialling to the end of the answer. Default [DefaultTimeout]. What is not
	// answered by then is Unknown.
	Timeout time.Duration
	// Concurrency is how many requests one Send of more than one request has in flight. Default 4.
	Concurrency int
	// AllowPlaintext allows an http endpoint on another machine. Tasks then cross the network unencrypted.
	AllowPlaintext bool
}

func (o *Options) fill(queueURL string, facts api.Facts) (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = maxBatchBytes
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Concurrency == 0 {
		c.Concurrency = 4
	}
	var problems []error
	if least := 2 * transport.MaxReasonBytes; c.MaxMessageBytes < least || c.MaxMessageBytes > maxBatchBytes {
		problems = append(problems, fmt.Errorf("MaxMessageBytes %d: must be %d to %d", c.MaxMessageBytes, least, maxBatchBytes))
	}
	if c.Timeout < 0 {
		problems = append(problems, fmt.Errorf("Timeout %v: must not be negative", c.Timeout))
	}
	if c.Concurrency < 0 {
		problems = append(problems, fmt.Errorf("Concurrency %d: must not be negative", c.Concurrency))
	}
	if facts.Problem != nil {
		problems = append(problems, facts.Problem)
	}
	if _, err := nameOf(queueURL); err != nil {
		problems = append(problems, err)
	}
	endpoint := queueURL
	if facts.Endpoint != "" {
		endpoint = facts.Endpoint // requests go there, whatever host the queue URL names
	}
	if !c.AllowPlaintext {
		if err := awserr.CheckEndpoint(endpoint); err != nil {
			problems = append(problems, err)
		}
	}
	return c, errors.Join(problems...)
}

// identity is the account and the name of a queue: what its URL and its ARN both have.
type identity struct{ account, name string }

// nameOf reads the last two parts of a queue URL's path.
func nameOf(queueURL string) (identity, error) {
	u, err := url.Parse(queueURL)
	if err != nil {
		return identity{}, fmt.Errorf("queue URL %q: %w", queueURL, err)
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return identity{}, fmt.Errorf("queue URL %q: must be an http or https URL, as GetQueueUrl returns it", queueURL)
	}
	id, ok := lastTwo(u.Path, '/')
	if !ok {
		return identity{}, fmt.Errorf("queue URL %q: must end in /ACCOUNT/NAME, as GetQueueUrl returns it", queueURL)
	}
	return id, nil
}

func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Host
}
