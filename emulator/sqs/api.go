package sqs

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// maxReceiveInProcess bounds a Receive in this process: the largest batch of an
// event source mapping. Over HTTP it is 10, as on AWS.
const maxReceiveInProcess = 10_000

// ReceiveInput says what a Receive wants.
type ReceiveInput struct {
	Max        int            // 1 to 10,000 messages; zero is 1
	Wait       time.Duration  // how long to wait for the first message; zero or less is not at all
	Visibility *time.Duration // 0 to 12 h; nil is the queue's own timeout
}

// QueueInfo describes a queue at one moment.
type QueueInfo struct {
	Name, ARN string

	Visible  int // messages that a Receive can get now
	InFlight int // received, neither deleted nor visible again
	Delayed  int // sent, not yet visible for the first time

	VisibilityTimeout  time.Duration
	Delay              time.Duration
	Retention          time.Duration
	ReceiveWait        time.Duration
	MaximumMessageSize int    // bytes
	DeadLetterARN      string // of the redrive policy, or ""
	MaxReceiveCount    int    // of the redrive policy, or 0
	Created            time.Time
}

// CreateQueue creates a standard queue and returns its ARN. Attributes have
// AWS's names and text values (VisibilityTimeout: "30"). A queue of that name
// with the same values for the attributes given is no error; with other values
// it is ErrQueueNameExists. A dead-letter queue must exist before a queue whose
// RedrivePolicy names it. tags may be nil.
//
// Source: Amazon SQS API Reference, CreateQueue. The waits that AWS asks for
// (1 s before the first use, 60 s after a delete) are not needed.
func (s *Service) CreateQueue(name string, attributes, tags map[string]string) (arn string, err error) {
	ctx := context.Background()
	doErr := s.do(ctx, func(o *owner, now time.Time) {
		var q *queue
		if q, err = o.registry.create(now, name, attributes, tags); err == nil {
			arn = q.arn
		}
	})
	if doErr != nil {
		err = doErr
	}
	if err != nil {
		return "", fmt.Errorf("queue %q: create: %w", name, err)
	}
	return arn, nil
}

// QueueURL returns the URL of the queue with that ARN as a client that reaches
// this service at host (127.0.0.1:4566) uses it. The queue need not exist.
func (s *Service) QueueURL(host, arn string) string {
	return s.queueURL(host, arn[strings.LastIndexByte(arn, ':')+1:])
}

func (s *Service) queueURL(host, name string) string {
	return "http://" + host + "/" + s.options.AccountID + "/" + name
}

// Send stores a message and returns its id. When it returns nil, a Receive can
// get the message as soon as its delay is over. A message that SQS would refuse
// is an *Error; a queue that is not there is ErrQueueDoesNotExist.
func (s *Service) Send(ctx context.Context, arn string, msg Outgoing) (messageID string, err error) {
	err = msg.checkShape()
	var p parcel
	if err == nil {
		p, err = msg.pack()
	}
	if err != nil {
		return "", fmt.Errorf("queue %q: send: %w", arn, err)
	}
	err = s.at(ctx, arn, func(o *owner, q *queue, now time.Time) (err error) {
		messageID, err = o.registry.send(now, q, p)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("queue %q: send: %w", arn, err)
	}
	return messageID, nil
}

// Receive takes up to in.Max messages and hides them for the visibility
// timeout. It returns as soon as there is one, and waits up to in.Wait for it;
// no message within that time is an empty answer and no error. When ctx ends
// first, its error is returned and no message is left in flight.
//
// With 120,000 messages in flight it returns ErrOverLimit if in.Wait is zero,
// and waits otherwise.
func (s *Service) Receive(ctx context.Context, arn string, in ReceiveInput) ([]Message, error) {
	in.Max = max(in.Max, 1)
	in.Wait = max(in.Wait, 0)
	if in.Max > maxReceiveInProcess {
		return nil, fmt.Errorf("queue %q: receive: Max is %d, want 1 to %d", arn, in.Max, maxReceiveInProcess)
	}
	if v := in.Visibility; v != nil && (*v < 0 || *v > maxVisibility) {
		return nil, fmt.Errorf("queue %q: receive: Visibility is %v, want 0 to %v", arn, *v, maxVisibility)
	}
	got, err := s.receive(ctx, func(r *registry) (*queue, error) { return r.at(arn) }, &in)
	if err != nil {
		return nil, fmt.Errorf("queue %q: receive: %w", arn, err)
	}
	return got, nil
}

// receive is Receive for a queue found by find. A negative in.Wait is the
// queue's own wait.
func (s *Service) receive(ctx context.Context, find func(*registry) (*queue, error), in *ReceiveInput) ([]Message, error) {
	var (
		q    *queue
		got  []Message
		fail error
		wait = in.Wait
		w    = &waiter{in.Max, in.Visibility, make(chan answer, 1)}
	)
	err := s.do(ctx, func(o *owner, now time.Time) {
		if q, fail = find(o.registry); fail != nil {
			return
		}
		if wait < 0 {
			wait = q.settings.wait
		}
		if got = o.registry.receive(now, q, in.Max, in.Visibility); len(got) > 0 {
			return
		}
		if wait > 0 {
			o.wait(q, w)
		} else if q.inFlight >= q.limit {
			fail = newError(codeOverLimit, "Too many messages in flight: %d. Delete some, or let them become visible again.", q.inFlight)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case fail != nil || len(got) > 0 || wait == 0:
		return got, fail
	}
	return s.await(ctx, q, w, wait)
}

// await waits for the answer to w. When the time is over or ctx ends, w leaves
// the row in the same step in which it is known that it was not answered; an
// answer that came before is used, or undone if ctx has ended.
func (s *Service) await(ctx context.Context, q *queue, w *waiter, wait time.Duration) ([]Message, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case a := <-w.answer:
		return a.messages, a.err
	case <-timer.C:
	case <-ctx.Done():
	}
	var a answer
	err := s.do(context.WithoutCancel(ctx), func(o *owner, now time.Time) {
		if o.leave(q, w) {
			return
		}
		a = <-w.answer
		if ctx.Err() != nil {
			q.unreceive(now, a.receipts())
		}
	})
	switch {
	case err != nil:
		return nil, err
	case a.err != nil:
		return nil, a.err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return a.messages, nil
}

func (a answer) receipts() []receipt {
	receipts := make([]receipt, 0, len(a.messages))
	for _, m := range a.messages {
		if r, ok := parseReceipt(m.ReceiptHandle); ok {
			receipts = append(receipts, r)
		}
	}
	return receipts
}

// Delete deletes the messages of the receipt handles. A handle that is stale
// (the message was received again since, or is gone) deletes nothing and is no
// error. A handle that is none of this queue's is ErrReceiptInvalid, and then
// nothing is deleted.
func (s *Service) Delete(ctx context.Context, arn string, receipts ...string) error {
	err := s.at(ctx, arn, func(_ *owner, q *queue, now time.Time) error {
		parsed := make([]receipt, len(receipts))
		for i, handle := range receipts {
			r, err := q.receipt(handle)
			if err != nil {
				return err
			}
			parsed[i] = r
		}
		for _, r := range parsed {
			q.remove(now, r)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("queue %q: delete: %w", arn, err)
	}
	return nil
}

// ChangeVisibility hides a received message for d from now on; zero makes it
// visible at once. The next receive uses the queue's timeout again. The total
// since the receive may not exceed 12 h. A message that is not in flight by
// this receipt is ErrMessageNotInflight.
//
// Source: Amazon SQS API Reference, ChangeMessageVisibility.
func (s *Service) ChangeVisibility(ctx context.Context, arn, receipt string, d time.Duration) error {
	if d < 0 || d > maxVisibility {
		return fmt.Errorf("queue %q: change visibility to %v: want 0 to %v", arn, d, maxVisibility)
	}
	err := s.at(ctx, arn, func(_ *owner, q *queue, now time.Time) error {
		r, err := q.receipt(receipt)
		if err != nil {
			return err
		}
		return q.changeVisibility(now, r, d)
	})
	if err != nil {
		return fmt.Errorf("queue %q: change visibility: %w", arn, err)
	}
	return nil
}

// Attributes returns the counts and the settings of a queue. The counts are
// exact here, where AWS approximates.
func (s *Service) Attributes(ctx context.Context, arn string) (QueueInfo, error) {
	var info QueueInfo
	err := s.at(ctx, arn, func(_ *owner, q *queue, now time.Time) error {
		n, set := q.counts(now), q.settings
		info = QueueInfo{
			Name: q.name, ARN: q.arn,
			Visible: n.visible, InFlight: n.inFlight, Delayed: n.delayed,
			VisibilityTimeout: set.visibility, Delay: set.delay, Retention: set.retention,
			ReceiveWait: set.wait, MaximumMessageSize: set.maxSize,
			DeadLetterARN: set.redrive.target, MaxReceiveCount: set.redrive.maxReceive,
			Created: q.created,
		}
		return nil
	})
	if err != nil {
		return QueueInfo{}, fmt.Errorf("queue %q: attributes: %w", arn, err)
	}
	return info, nil
}

// at has the owner run f on the queue with that ARN.
func (s *Service) at(ctx context.Context, arn string, f func(o *owner, q *queue, now time.Time) error) error {
	var fail error
	err := s.do(ctx, func(o *owner, now time.Time) {
		var q *queue
		if q, fail = o.registry.at(arn); fail == nil {
			fail = f(o, q, now)
		}
	})
	if err != nil {
		return err
	}
	return fail
}
