package sqstransport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/internal/pack"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// Queue is a queue that deliveries come from, and where its dead letters go.
type Queue struct {
	URL           string
	DeadLetterURL string // "" if it has none: then DeadLetter returns an error for its deliveries
	// AllowPlaintext allows http to another machine, for the URLs or the endpoint of the client. Dead letters then cross the
	// network unencrypted.
	AllowPlaintext bool
}

// checkPlaintext returns an error for each place that requests about the queue would reach unencrypted over a network.
func (q Queue) checkPlaintext(endpoint string) (problems []error) {
	if q.AllowPlaintext {
		return nil
	}
	if endpoint != "" {
		return []error{awserr.CheckEndpoint(endpoint)} // requests go there, whatever host the URLs name
	}
	problems = append(problems, awserr.CheckEndpoint(q.URL))
	if q.DeadLetterURL != "" {
		problems = append(problems, awserr.CheckEndpoint(q.DeadLetterURL))
	}
	return problems
}

// Settler settles what the given queues delivered. It makes one attempt for each delivery and is safe for concurrent
// use.
type Settler struct {
	client api.Queues
	facts  api.Facts
	queues map[identity]Queue
	first  Queue
}

var _ transport.Settler = (*Settler)(nil)

// NewSettler makes a settler. A delivery finds its queue by the account and the name in its source, the queue's ARN; one
// with source "" (a direct invocation) uses the first queue, for its dead letter. It makes no request. It returns
// every problem, joined: a client that cannot work (see [NewClient]), no queue, a URL that is none of a queue, two queues
// with one account and name, plain http to another machine that [Queue] does not allow.
func NewSettler(c *Client, queues ...Queue) (*Settler, error) {
	s := &Settler{queues: map[identity]Queue{}}
	var problems []error
	if c == nil || c.queues == nil {
		problems = append(problems, errors.New("the client is nil: pass sqstransport.NewClient(cfg)"))
	} else {
		s.client, s.facts = c.queues, c.queues.Facts()
		problems = append(problems, s.facts.Problem)
	}
	if len(queues) == 0 {
		problems = append(problems, errors.New("needs at least one queue"))
	} else {
		s.first = queues[0]
	}
	for _, q := range queues {
		id, err := nameOf(q.URL)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if _, taken := s.queues[id]; taken {
			problems = append(problems, fmt.Errorf("queue %q: there are two queues of this account and name", q.URL))
		}
		s.queues[id] = q
		problems = append(problems, q.checkPlaintext(s.facts.Endpoint)...)
		if q.DeadLetterURL == "" {
			continue
		}
		if _, err := nameOf(q.DeadLetterURL); err != nil {
			problems = append(problems, fmt.Errorf("dead-letter %w", err))
		} else if q.DeadLetterURL == q.URL {
			problems = append(problems, fmt.Errorf("queue %q: is its own dead-letter queue", q.URL))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("settler: %w", err)
	}
	return s, nil
}

// queueOf finds the queue that d came from.
func (s *Settler) queueOf(d transport.Delivery) (Queue, error) {
	id, err := identityOfARN(d.Source)
	if err != nil {
		return Queue{}, err
	}
	q, ok := s.queues[id]
	if !ok {
		return Queue{}, fmt.Errorf("source %q: is none of the settler's queues: name it in NewSettler", d.Source)
	}
	return q, nil
}

// Retry changes the visibility of each delivery (ChangeMessageVisibilityBatch, ten at a time) to its wait, rounded up to
// whole seconds and held between 0 and [transport.MaxHold]. A direct invocation cannot be given back: its error
// says so.
func (s *Settler) Retry(ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
	j := newJob(len(ds))
	for i, d := range ds {
		switch q, err := s.queueOf(d); {
		case d.Source == "":
			j.errs[i] = errors.New(`source "": a direct invocation has no queue to go back to`)
		case err != nil:
			j.errs[i] = err
		case i >= len(after):
			j.errs[i] = fmt.Errorf("queue %q: no wait was given for message %q", q.URL, d.MessageID)
		default:
			j.add(q.URL, i)
		}
	}
	return j.run(func(url string, at []int) {
		for _, part := range pack.Requests(at, func(int) int { return 0 }, maxEntries, 0) {
			s.retry(ctx, url, part, ds, after, j.errs)
		}
	})
}

func (s *Settler) retry(ctx context.Context, url string, at []int, ds []transport.Delivery, after []time.Duration, errs []error) {
	changes := make([]api.Visibility, len(at))
	for i, n := range at {
		changes[i] = api.Visibility{Receipt: ds[n].Receipt, Timeout: seconds(min(after[n], transport.MaxHold))}
	}
	answer, err := s.call(ctx, url, func(ctx context.Context, watch *awserr.Call) (api.Answer, error) {
		return s.client.ChangeMessageVisibilityBatch(ctx, url, changes, watch)
	})
	fillErrors(errs, at, err, url)
	if err != nil {
		return
	}
	for _, success := range answer.Successful {
		if i, ok := index(success.ID, len(at)); ok {
			errs[at[i]] = nil
		}
	}
	for _, failure := range answer.Failed {
		if i, ok := index(failure.ID, len(at)); ok {
			errs[at[i]] = entryError(targetOf(url), failure)
		}
	}
}

// DeadLetter sends each delivery, its body unchanged and the reason as message attributes, to the dead-letter queue of
// its source (SendMessageBatch, packed by count and by bytes of bodies and attributes). Of a body so large that the
// reason finds no room, attributes are left out, the longest first; envelopes of a [Sender] always have the room. It
// deletes nothing from the source.
func (s *Settler) DeadLetter(ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
	j := newJob(len(ds))
	letters := make([]letter, len(ds))
	for i, d := range ds {
		q, err := s.first, error(nil)
		if d.Source != "" {
			q, err = s.queueOf(d)
		}
		switch {
		case err != nil:
			j.errs[i] = err
		case q.DeadLetterURL == "":
			j.errs[i] = fmt.Errorf("queue %q: has no dead-letter queue: name it in NewSettler", q.URL)
		case i >= len(why):
			j.errs[i] = fmt.Errorf("queue %q: no reason was given for message %q", q.URL, d.MessageID)
		default:
			if j.errs[i] = checkLetter(d.Body); j.errs[i] == nil {
				letters[i] = newLetter(d.Body, why[i].Attributes())
				j.add(q.DeadLetterURL, i)
			}
		}
	}
	return j.run(func(url string, at []int) {
		size := func(i int) int { return letters[i].size }
		for _, part := range pack.Requests(at, size, maxEntries, maxBatchBytes) {
			s.bury(ctx, url, part, letters, j.errs)
		}
	})
}

// bury sends the letters at the given places in one request. One that is refused for its contents is tried alone: it
// must not keep the others back.
func (s *Settler) bury(ctx context.Context, url string, at []int, letters []letter, errs []error) {
	messages := make([]api.Message, len(at))
	for i, n := range at {
		messages[i] = letters[n].Message
	}
	answer, err := s.call(ctx, url, func(ctx context.Context, watch *awserr.Call) (api.Answer, error) {
		return s.client.SendMessageBatch(ctx, url, messages, watch)
	})
	switch {
	case err == nil:
		read(targetOf(url), answer, messages, func(i int, r transport.Result) { errs[at[i]] = r.Err })
	case err.Kind == transport.Invalid && len(at) > 1:
		for i := range at {
			s.bury(ctx, url, at[i:i+1], letters, errs)
		}
	default:
		fillErrors(errs, at, err, url)
	}
}

// call runs one request with its time limit and judges its error.
func (s *Settler) call(parent context.Context, url string, do func(context.Context, *awserr.Call) (api.Answer, error)) (api.Answer, *transport.Error) {
	if err := awserr.Ended(parent); err != nil {
		return api.Answer{}, &transport.Error{Target: targetOf(url), Err: err}
	}
	ctx, cancel := awserr.Within(parent, DefaultTimeout)
	defer cancel()
	var watch awserr.Call
	answer, err := do(ctx, &watch)
	if err == nil {
		return answer, nil
	}
	_, e := awserr.Judge(parent, targetOf(url), codes, err, &watch, DefaultTimeout)
	return api.Answer{}, withRegions(e, url, s.facts)
}

func targetOf(url string) string { return fmt.Sprintf("queue %q", url) }

// fillErrors gives every place at the error of the whole request; nil reads as: the answer does not name it.
func fillErrors(errs []error, at []int, err *transport.Error, url string) {
	for _, n := range at {
		if err != nil {
			errs[n] = err
		} else {
			errs[n] = missing(targetOf(url))
		}
	}
}

// job groups deliveries by the queue that a request goes to.
type job struct {
	errs  []error
	byURL map[string][]int
}

func newJob(n int) *job { return &job{errs: make([]error, n), byURL: map[string][]int{}} }

func (j *job) add(url string, i int) { j.byURL[url] = append(j.byURL[url], i) }

// run does the queues one after the other, in a fixed order, and returns the errors, nil if there are none.
func (j *job) run(do func(url string, at []int)) []error {
	for _, url := range slices.Sorted(maps.Keys(j.byURL)) {
		do(url, j.byURL[url])
	}
	if !slices.ContainsFunc(j.errs, func(err error) bool { return err != nil }) {
		return nil
	}
	return j.errs
}
