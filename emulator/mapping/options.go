package mapping

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// The limits of the CreateEventSourceMapping API (AWS Lambda API Reference) for SQS.
const (
	defaultBatchSize   = 10
	maxBatchSize       = 10_000
	maxWindow          = 300 * time.Second
	minConcurrency     = 2
	maxConcurrency     = 1000
	accountConcurrency = 1250 // of a mapping without ScalingConfig ("Configuring scaling behavior for SQS event source mappings")
)

// Options configure a mapping. The zero value of a field is its default; QueueARN has none and is needed.
type Options struct {
	// Name stands for the mapping in logs and errors: its logical id. Default: the queue's name.
	Name string
	// QueueARN is eventSourceARN in the event, and gives awsRegion. A name that ends in .fifo means a FIFO queue.
	QueueARN string
	// BatchSize is the most messages in a batch: default 10, at most 10,000, and at most 10 without a window or for FIFO.
	BatchSize int
	// Window is MaximumBatchingWindowInSeconds: how long a batch waits to be filled, from its first message on. 0, the
	// default, to 300 s; not for FIFO. With 0 the function is invoked with what one receive gives, at once.
	Window time.Duration
	// MaximumConcurrency is that of ScalingConfig: the most batches at once, 2 to 1000. 0 means that it is not set.
	MaximumConcurrency int
	// Limit caps the batches at once where MaximumConcurrency is not set: default 1,250, as on AWS. Whoever runs
	// fewer processes than an AWS account allows gives the number here, or its mappings meet throttles that AWS has not.
	Limit int
	// ReportBatchItemFailures is that of FunctionResponseTypes. Without it the function's answer is not read: whatever it
	// names as failed is deleted.
	ReportBatchItemFailures bool
	// Disabled is Enabled: false. [Mapping.Run] then waits for its context and receives nothing.
	Disabled bool
	// FilterPatterns are those of FilterCriteria. They are not supported: New refuses any.
	FilterPatterns []string
	// OnBatch, if not nil, is told of each batch when it has ended. It is called from several goroutines at once, and the
	// mapping waits for it.
	OnBatch func(Batch)
	// Logger gets what an operator must know: receives and deletes that fail, batches dropped after throttles. Default:
	// slog.Default.
	Logger *slog.Logger
}

// withDefaults returns a filled copy, or every problem, joined.
func (o Options) withDefaults() (Options, error) {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	arn := strings.Split(o.QueueARN, ":")
	if len(arn) != 6 || arn[0] != "arn" || arn[2] != "sqs" || arn[3] == "" || arn[5] == "" {
		bad("QueueARN %q: is not arn:aws:sqs:REGION:ACCOUNT:NAME", o.QueueARN)
	} else if o.Name == "" {
		o.Name = arn[5]
	}
	if o.BatchSize == 0 {
		o.BatchSize = defaultBatchSize
	}
	if o.BatchSize < 1 || o.BatchSize > maxBatchSize {
		bad("BatchSize %d: must be 1 to %d", o.BatchSize, maxBatchSize)
	}
	if o.Window < 0 || o.Window > maxWindow {
		bad("Window %v: must be 0 to %v", o.Window, maxWindow)
	}
	if o.fifo() {
		if o.BatchSize > defaultBatchSize {
			bad("BatchSize %d: a FIFO queue allows at most %d", o.BatchSize, defaultBatchSize)
		}
		if o.Window > 0 {
			bad("Window %v: a FIFO queue allows none", o.Window)
		}
	} else if o.BatchSize > defaultBatchSize && o.Window < time.Second {
		bad("BatchSize %d: more than %d needs a Window (MaximumBatchingWindowInSeconds) of at least 1 s", o.BatchSize, defaultBatchSize)
	}
	if o.MaximumConcurrency != 0 && (o.MaximumConcurrency < minConcurrency || o.MaximumConcurrency > maxConcurrency) {
		bad("MaximumConcurrency %d: must be %d to %d", o.MaximumConcurrency, minConcurrency, maxConcurrency)
	}
	if o.Limit < 0 {
		bad("Limit %d: must not be negative", o.Limit)
	}
	if len(o.FilterPatterns) > 0 {
		bad("FilterCriteria: is not supported by the emulator; on AWS it deletes what does not match. Remove it, or filter in the function")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, errors.Join(problems...)
}

func (o *Options) fifo() bool { return strings.HasSuffix(o.QueueARN, ".fifo") }

// concurrency is the most batches at once.
func (o *Options) concurrency() int {
	switch {
	case o.MaximumConcurrency > 0:
		return o.MaximumConcurrency
	case o.Limit > 0:
		return min(o.Limit, accountConcurrency)
	}
	return accountConcurrency
}
