package sqstransport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

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
	entries := make([]entry, 0, len(batch))
	for i, e := range batch {
		if err := s.check(e); err != nil {
			results[i] = transport.Result{Outcome: transport.Rejected, Err: err}
			continue
		}
		entries = append(entries, entry{at: i, envelope: &batch[i], Message: api.Message{Body: e.Body(), Trace: traceHeader(ctx, e)}})
	}
	if n := pack.Prefix(entries, entry.size, maxEntries, maxBatchBytes); n == len(entries) {
		s.request(ctx, entries, results)
		return results, transport.FirstError(results, len(batch))
	}
	var group errgroup.Group
	group.SetLimit(s.opts.Concurrency)
	for _, part := range pack.Requests(entries, entry.size, maxEntries, maxBatchBytes) {
		group.Go(func() error {
			s.request(ctx, part, results)
			return nil
		})
	}
	_ = group.Wait() // every error is in the results
	return results, transport.FirstError(results, len(batch))
}

// entry is one message of a request, and its place in the batch. Its delay is set for each request anew.
type entry struct {
	at       int
	envelope *task.Envelope
	api.Message
}

func (e entry) size() int { return len(e.Body) }

// request sends one request and writes the results of its entries, and of no others.
func (s *Sender) request(ctx context.Context, entries []entry, results []transport.Result) {
	if len(entries) == 0 {
		return
	}
	answer, outcome, err := s.call(ctx, entries)
	if err == nil {
		for i, r := range read(s.target, answer, entries) {
			results[entries[i].at] = r
		}
		return
	}
	if outcome == transport.Rejected && err.Kind == transport.Invalid && len(entries) > 1 {
		for i := range entries {
			s.request(ctx, entries[i:i+1], results)
		}
		return
	}
	for _, e := range entries {
		results[e.at] = transport.Result{Outcome: outcome, Err: err}
	}
}

func (s *Sender) call(parent context.Context, entries []entry) (api.Answer, transport.Outcome, *transport.Error) {
	if err := awserr.Ended(parent); err != nil {
		return api.Answer{}, transport.Rejected, &transport.Error{Target: s.target, Err: err}
	}
	messages := make([]api.Message, len(entries))
	now := time.Now()
	for i, e := range entries {
		messages[i] = e.Message
		messages[i].Delay = seconds(e.envelope.DelayLeft(now))
	}
	ctx, cancel := context.WithTimeout(parent, s.opts.Timeout)
	defer cancel()
	var call awserr.Call
	answer, err := s.queues.SendMessageBatch(ctx, s.url, messages, &call)
	if err == nil {
		return answer, transport.Accepted, nil
	}
	outcome, e := awserr.Judge(parent, s.target, codes, err, &call, s.opts.Timeout)
	return api.Answer{}, outcome, withRegions(e, s.url, s.facts)
}

// check says why no queue would take e, nil if it may.
func (s *Sender) check(e task.Envelope) error {
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

// checkText finds what SQS takes in no message: everything but #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD |
// #x10000 to #x10FFFF (SendMessage, MessageBody).
func checkText(body []byte) error {
	for i := 0; i < len(body); {
		c := body[i]
		if c >= 0x20 && c < utf8.RuneSelf || c == '\t' || c == '\n' || c == '\r' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && n == 1 {
			return fmt.Errorf("byte %d: is not UTF-8", i)
		}
		if r < 0x20 || r == 0xfffe || r == 0xffff {
			return fmt.Errorf("byte %d: the character %U, which Amazon SQS does not take", i, r)
		}
		i += n
	}
	return nil
}

// seconds rounds up, so that nothing starts too early.
func seconds(d time.Duration) int32 {
	return int32((max(d, 0) + time.Second - 1) / time.Second)
}
