package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"time"
)

const (
	defaultRegion      = "us-east-1"
	defaultAccount     = "000000000000"
	defaultConcurrency = 10
	defaultInit        = 10 * time.Second // "Lambda execution environment lifecycle": the init phase is limited to 10 seconds
)

// defaultRetryDelays are those of asynchronous invocations ("How Lambda handles errors and retries with asynchronous
// invocation"): one minute before the first retry, two before the second.
var defaultRetryDelays = []time.Duration{time.Minute, 2 * time.Minute}

// Options configure a [Service]. nil and the zero value of a field mean the default. The callbacks are called from
// several goroutines at once, and what calls them waits: they must not block for long, nor call the service's Close.
type Options struct {
	Region    string // default us-east-1
	AccountID string // default 000000000000

	// Env is given to every function: AWS_ENDPOINT_URL and the like. A function's own variable of the same name wins.
	Env map[string]string
	// Concurrency is the most processes of a function that says nothing itself. Default 10.
	Concurrency int
	// InitTimeout is how long a process may take to ask for its first event. Default 10 s, as on AWS.
	InitTimeout time.Duration
	// RetryDelays are the waits before each retry of an asynchronous event that failed; the last one holds for all
	// further ones. Default 1 min and 2 min, as on AWS.
	RetryDelays []time.Duration

	// Deliver takes the record of an asynchronous event that failed for good to its destination. An error is tried
	// again twice, and then logged, record and all. nil: functions with a destination are refused by AddFunction.
	Deliver func(ctx context.Context, arn string, record []byte) error
	// OnLog gets each line that a function writes.
	OnLog func(LogLine)
	// OnInvocation gets a report at the end of each invocation, and for each process that fails in its init.
	OnInvocation func(InvocationReport)
	// Logger gets what an operator must know. Default slog.Default.
	Logger *slog.Logger

	timing timing // not for users: a test that must hold on a busy machine waits longer, or shorter
}

// timing is what the service waits for by itself. A field that is 0 means its default.
type timing struct{ HoldAnswer, ShutdownGrace, ThrottleWait time.Duration }

func (t timing) withDefaults() timing {
	return timing{
		HoldAnswer:    cmp.Or(t.HoldAnswer, defaultHoldAnswer),
		ShutdownGrace: cmp.Or(t.ShutdownGrace, defaultShutdownGrace),
		ThrottleWait:  cmp.Or(t.ThrottleWait, defaultThrottleWait),
	}
}

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

func (o Options) withDefaults() (Options, error) {
	var problems []error
	if o.Region == "" {
		o.Region = defaultRegion
	}
	if o.AccountID == "" {
		o.AccountID = defaultAccount
	} else if !accountPattern.MatchString(o.AccountID) {
		problems = append(problems, fmt.Errorf("AccountID %q: must be 12 digits", o.AccountID))
	}
	if o.Concurrency == 0 {
		o.Concurrency = defaultConcurrency
	} else if o.Concurrency < 0 {
		problems = append(problems, fmt.Errorf("Concurrency %d: must not be negative", o.Concurrency))
	}
	if o.InitTimeout == 0 {
		o.InitTimeout = defaultInit
	} else if o.InitTimeout < 0 {
		problems = append(problems, fmt.Errorf("InitTimeout %v: must not be negative", o.InitTimeout))
	}
	o.RetryDelays = slices.Clone(o.RetryDelays)
	if len(o.RetryDelays) == 0 {
		o.RetryDelays = slices.Clone(defaultRetryDelays)
	}
	for _, d := range o.RetryDelays {
		if d < 0 {
			problems = append(problems, fmt.Errorf("RetryDelays %v: must not be negative", d))
		}
	}
	o.Env = maps.Clone(o.Env)
	o.timing = o.timing.withDefaults()
	if o.OnLog == nil {
		o.OnLog = func(LogLine) {}
	}
	if o.OnInvocation == nil {
		o.OnInvocation = func(InvocationReport) {}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if err := errors.Join(problems...); err != nil {
		return o, fmt.Errorf("lambda: options: %w", err)
	}
	return o, nil
}
