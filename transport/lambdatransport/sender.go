package lambdatransport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"golang.org/x/sync/errgroup"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// The limits of an asynchronous invocation.
const (
	// maxEvent is what Lambda takes (AWS Lambda Developer Guide, "Lambda quotas").
	maxEvent = 1 << 20
	// recordRoom is what Lambda's record around a failed event may take: the OnFailure destination is a queue with the
	// same limit of 1 MiB ("Capturing records of Lambda asynchronous invocations").
	recordRoom = 32 << 10
	accepted   = 202
)

// DefaultTimeout bounds one request.
const DefaultTimeout = 10 * time.Second

// Options changes a [Sender]. The zero value of each field is its default.
type Options struct {
	// Timeout bounds each request, from dialling to the end of the answer. Default [DefaultTimeout]. What is not
	// answered by then is Unknown.
	Timeout time.Duration
	// Concurrency is how many requests one Send of more than one envelope has in flight. Default 16.
	Concurrency int
	// AllowPlaintext allows an http endpoint on another machine. Tasks then cross the network unencrypted.
	AllowPlaintext bool
}

// Sender invokes one function. It is safe for concurrent use.
type Sender struct {
	api      API
	function string
	target   string
	opts     Options
	keys     awserr.Keys
}

var (
	_ transport.Sender    = (*Sender)(nil)
	_ transport.Addressed = (*Sender)(nil)
)

// New makes a sender to a function, given by its name, partial ARN or ARN, each of which may end in :ALIAS or :VERSION.
// It makes no request. It returns every problem of its arguments, joined, and refuses a client whose endpoint
// would take tasks unencrypted to another machine.
func New(api API, function string, opts *Options) (*Sender, error) {
	s := &Sender{api: api, function: function, target: fmt.Sprintf("function %q", function)}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Timeout == 0 {
		s.opts.Timeout = DefaultTimeout
	}
	if s.opts.Concurrency == 0 {
		s.opts.Concurrency = 16
	}
	if err := errors.Join(s.problems()...); err != nil {
		return nil, fmt.Errorf("%s: %w", s.target, err)
	}
	return s, nil
}

func (s *Sender) problems() (problems []error) {
	if strings.Trim(s.function, " \t\r\n/") == "" {
		problems = append(problems, errors.New("needs a name or an ARN"))
	}
	if s.opts.Timeout < 0 {
		problems = append(problems, fmt.Errorf("Timeout %v: must not be negative", s.opts.Timeout))
	}
	if s.opts.Concurrency < 0 {
		problems = append(problems, fmt.Errorf("Concurrency %d: must not be negative", s.opts.Concurrency))
	}
	if s.api == nil {
		return append(problems, errors.New("the API is nil: pass lambdatransport.NewClient(cfg)"))
	}
	if endpoint := endpointOf(s.api); endpoint != "" && !s.opts.AllowPlaintext {
		if err := awserr.CheckEndpoint(endpoint); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

// Limits returns those of an asynchronous invocation: one envelope a request, no delay, and 1 MiB less the 32 KiB that
// Lambda's own record of a failed event may add on its way to a dead-letter queue.
func (s *Sender) Limits() transport.Limits {
	return transport.Limits{Items: 1, BatchBytes: maxEvent, MessageBytes: maxEvent - recordRoom}
}

// Destination names the function, without its alias or version.
func (s *Sender) Destination() transport.Destination {
	d := transport.Destination{System: "aws_lambda", Region: regionOf(s.api)}
	if parts := strings.Split(s.function, ":"); parts[0] == "arn" && len(parts) > 6 {
		d.Region, d.Name = parts[3], parts[6] // arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME
	} else if len(parts) > 2 && parts[1] == "function" {
		d.Name = parts[2] // ACCOUNT:function:NAME
	} else {
		d.Name = parts[0]
	}
	if u, err := url.Parse(endpointOf(s.api)); err == nil {
		d.Server = u.Host
	}
	return d
}

// Send invokes the function once for each envelope, up to Options.Concurrency at a time, with the type Event. An
// envelope is Accepted when Lambda answers 202; MessageID is then the id of the request, which is also that of the
// invocation. It is Rejected when Lambda refuses it or nothing was sent; Unknown in all other cases. A delay, and what
// Lambda never takes (more than 1 MiB, no JSON), is Rejected without a request. Errors are [*transport.Error].
func (s *Sender) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	if len(batch) == 1 {
		results[0] = s.send(ctx, batch[0])
		return results, transport.FirstError(results, 1)
	}
	var group errgroup.Group
	group.SetLimit(s.opts.Concurrency)
	for i, e := range batch {
		group.Go(func() error {
			results[i] = s.send(ctx, e)
			return nil
		})
	}
	_ = group.Wait() // every error is in the results
	return results, transport.FirstError(results, len(batch))
}

func (s *Sender) send(parent context.Context, e task.Envelope) transport.Result {
	if err := check(e); err != nil {
		err = fmt.Errorf("task %q, id %q: %w", e.Name(), e.ID(), err)
		return transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Kind: transport.Invalid, Target: s.target, Err: err}}
	}
	if err := awserr.Ended(parent); err != nil {
		return transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Target: s.target, Err: err}}
	}
	ctx, cancel := awserr.Within(parent, s.opts.Timeout)
	defer cancel()
	var call awserr.Call
	out, err := s.api.Invoke(ctx, &lambda.InvokeInput{
		FunctionName:   aws.String(s.function),
		InvocationType: types.InvocationTypeEvent,
		Payload:        e.Body(),
	}, watched(&call, &s.keys))
	if err != nil {
		outcome, judged := awserr.Judge(parent, s.target, codes, err, &call, s.opts.Timeout)
		return transport.Result{Outcome: outcome, Err: judged}
	}
	return s.read(out)
}

// read judges an answer without an error.
func (s *Sender) read(out *lambda.InvokeOutput) transport.Result {
	if out == nil || out.StatusCode != accepted {
		status := int32(0)
		if out != nil {
			status = out.StatusCode
		}
		err := fmt.Errorf("the answer has status %d, not 202: %w", status, transport.ErrNoResult)
		return transport.Result{Err: &transport.Error{Target: s.target, Err: err}}
	}
	id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	return transport.Result{Outcome: transport.Accepted, MessageID: id}
}

// check says why Lambda would never take e as it is, nil if it may.
func check(e task.Envelope) error {
	switch {
	case e.Size() == 0:
		return errors.New("an empty envelope")
	case e.Size() > maxEvent:
		return fmt.Errorf("%d bytes: an asynchronous event is at most %d", e.Size(), maxEvent)
	case e.Delay() > 0:
		return fmt.Errorf("delay %v: an asynchronous invocation takes none: use a queue", e.Delay())
	case !json.Valid(bytes.TrimSpace(e.Body())):
		return errors.New("the body is not JSON")
	}
	return nil
}
