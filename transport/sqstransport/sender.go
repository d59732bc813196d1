package sqstransport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/internal/pack"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// Sender sends envelopes to one standard queue. It is safe for concurrent use.
type Sender struct {
	queues api.Queues
	facts  api.Facts
	url    string
	target string
	opts   Options
}

var (
	_ transport.Sender    = (*Sender)(nil)
	_ transport.Addressed = (*Sender)(nil)
	_ transport.Forgetful = (*Sender)(nil)
)

// New makes a sender to the queue at queueURL. It makes no request. It returns every problem of its arguments, joined:
// a client that cannot work (see [NewClient]), a URL that is none of a queue, an option out of range, and an endpoint
// that would take tasks unencrypted to another machine (that of the client if its configuration names one, else that of the URL).
func New(c *Client, queueURL string, opts *Options) (*Sender, error) {
	target := fmt.Sprintf("queue %q", queueURL)
	if c == nil || c.queues == nil {
		return nil, fmt.Errorf("%s: the client is nil: pass sqstransport.NewClient(cfg)", target)
	}
	facts := c.queues.Facts()
	o, err := opts.fill(queueURL, facts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	return &Sender{queues: c.queues, facts: facts, url: queueURL, target: target, opts: o}, nil
}

// Limits returns those of Amazon SQS: 10 envelopes and 1 MiB a request, 15 minutes of delay, and a body that leaves room
// for the attributes of a dead letter.
func (s *Sender) Limits() transport.Limits {
	return transport.Limits{
		Items:        maxEntries,
		BatchBytes:   maxBatchBytes,
		MessageBytes: s.opts.MaxMessageBytes - transport.MaxReasonBytes,
		MaxDelay:     maxDelay,
	}
}

// Destination names the queue.
func (s *Sender) Destination() transport.Destination {
	d := transport.Destination{System: "aws_sqs", URL: s.url, Region: s.facts.Region, Server: hostOf(cmp.Or(s.facts.Endpoint, s.url))}
	if id, err := nameOf(s.url); err == nil {
		d.Name = id.name
	}
	return d
}

// Forgets says that a Sender keeps nothing of what it has sent.
func (s *Sender) Forgets() transport.Sender { return s }

// Send delivers the batch in as many SendMessageBatch requests as it takes, each tried once. What is left of a delay
// is rounded up to whole seconds. The traceparent of a task goes into the message's AWSTraceHeader too, as an X-Ray header, except in a
// Lambda function, where the request carries that of the invocation.
//
// An entry is Accepted when the answer names it as successful with the digest of the body that was sent; Rejected when
// the answer, or the refusal of the whole request, says so, or when nothing was sent; Unknown in all other cases. What
// no queue would take (an empty body, a forbidden character, too many bytes, too long a delay) is Rejected without a
// request. When a request is refused because of its contents, its entries are sent once more, each alone, so
// that one bad entry never fails its mates; nothing of the refused request was stored. Errors are [*transport.Error].
func (s *Sender) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	room := parcelRooms.Get().(*parcelRoom)
	defer room.free()
	p := parcel{batch: batch, results: results, messages: room.messages[:0], places: room.places[:0]}
	for i := range batch {
		e := &batch[i]
		if err := s.check(e); err != nil {
			results[i] = transport.Result{Outcome: transport.Rejected, Err: err}
			continue
		}
		p.messages = append(p.messages, api.Message{Body: e.Body(), Trace: traceHeader(ctx, e)})
		p.places = append(p.places, i)
	}
	if n := pack.Prefix(p.messages, size, maxEntries, maxBatchBytes); n == len(p.messages) {
		s.request(ctx, p)
	} else {
		s.requests(ctx, p)
	}
	return results, transport.FirstError(results, len(batch))
}

// requests sends as many requests as the parcel takes.
func (s *Sender) requests(ctx context.Context, p parcel) {
	var group errgroup.Group
	group.SetLimit(s.opts.Concurrency)
	for at, part := range pack.Requests(p.messages, size, maxEntries, maxBatchBytes) {
		group.Go(func() error {
			s.request(ctx, p.part(at, at+len(part)))
			return nil
		})
	}
	_ = group.Wait() // every error is in the results
}

// parcel is what goes into a request, or into several: messages, and the place of each in the batch and in the results. Delays
// are set for each request anew.
type parcel struct {
	batch    []task.Envelope
	results  []transport.Result
	messages []api.Message
	places   []int
}

// parcelRoom is the memory for a parcel of the usual size, which nobody reads once Send returns.
type parcelRoom struct {
	messages [maxEntries]api.Message
	places   [maxEntries]int
}

var parcelRooms = sync.Pool{New: func() any { return new(parcelRoom) }}

func (r *parcelRoom) free() {
	clear(r.messages[:])
	parcelRooms.Put(r)
}

func (p parcel) part(from, to int) parcel {
	p.messages, p.places = p.messages[from:to], p.places[from:to]
	return p
}

func size(m api.Message) int { return len(m.Body) }

// request sends one request and writes the results of its messages, and of no others.
func (s *Sender) request(ctx context.Context, p parcel) {
	if len(p.messages) == 0 {
		return
	}
	outcome, err := s.call(ctx, p)
	if err == nil {
		return
	}
	if outcome == transport.Rejected && err.Kind == transport.Invalid && len(p.messages) > 1 {
		for i := range p.messages {
			s.request(ctx, p.part(i, i+1))
		}
		return
	}
	for _, at := range p.places {
		p.results[at] = transport.Result{Outcome: outcome, Err: err}
	}
}

// call makes the request. Without an error, the results are those of the answer.
func (s *Sender) call(parent context.Context, p parcel) (transport.Outcome, *transport.Error) {
	if err := awserr.Ended(parent); err != nil {
		return transport.Rejected, &transport.Error{Target: s.target, Err: err}
	}
	now := time.Now()
	for i, at := range p.places {
		p.messages[i].Delay = seconds(p.batch[at].DelayLeft(now))
	}
	ctx, cancel := awserr.Within(parent, s.opts.Timeout)
	defer cancel()
	var call awserr.Call
	answer, err := s.queues.SendMessageBatch(ctx, s.url, p.messages, &call)
	if err == nil {
		read(s.target, answer, p.messages, func(i int, r transport.Result) { p.results[p.places[i]] = r })
		return transport.Accepted, nil
	}
	outcome, e := awserr.Judge(parent, s.target, codes, err, &call, s.opts.Timeout)
	return outcome, withRegions(e, s.url, s.facts)
}

// check says why no queue would take e, nil if it may.
func (s *Sender) check(e *task.Envelope) error {
	var err error
	switch {
	case e.Size() == 0:
		err = errors.New("an empty envelope")
	case e.Size() > s.opts.MaxMessageBytes:
		err = fmt.Errorf("%d bytes: more than the %d that the queue takes", e.Size(), s.opts.MaxMessageBytes)
	case e.Delay() > maxDelay:
		err = fmt.Errorf("delay %v: more than the %v that Amazon SQS takes", e.Delay(), maxDelay)
	default:
		err = checkText(e.Body())
	}
	if err == nil {
		return nil
	}
	return &transport.Error{Kind: transport.Invalid, Target: s.target, Err: fmt.Errorf("task %q, id %q: %w", e.Name(), e.ID(), err)}
}

// seconds rounds up, so that nothing starts too early.
func seconds(d time.Duration) int32 {
	return int32((max(d, 0) + time.Second - 1) / time.Second)
}
