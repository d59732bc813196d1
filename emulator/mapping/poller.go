package mapping

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// longPoll is how long an idle receive waits: the most that SQS allows.
const longPoll = 20 * time.Second

// AWS tries a throttled batch again until its visibility timeout has passed, and does not say how often.
const (
	firstThrottleWait = 20 * time.Millisecond
	maxThrottleWait   = time.Second
)

const (
	deleteBatch   = 10 // entries in DeleteMessageBatch
	deleteTries   = 3
	deleteTimeout = 30 * time.Second
	maxQueueWait  = 5 * time.Second // between receives that fail
)

// poll is one poller: it gathers a batch, invokes, settles, and begins again.
func (m *Mapping) poll(ctx context.Context, f *fleet) {
	p := poller{m: m}
	for {
		b := p.gather(ctx)
		if len(b.messages) == 0 {
			if ctx.Err() != nil {
				return
			}
			continue
		}
		f.leave()
		switch m.process(ctx, &b) {
		case Errored:
			sleep(ctx, f.failed())
		case Throttled: // says nothing of the function
		default:
			f.succeeded()
		}
		if !f.rejoin(len(p.carry) > 0) {
			return
		}
	}
}

type poller struct {
	m        *Mapping
	carry    []held // received, but did not fit into the last batch
	failures int    // receives in a row that failed
}

// gather returns a batch, or none when a whole long poll gave none or ctx has ended.
func (p *poller) gather(ctx context.Context) batch {
	var b batch
	o := &p.m.o
	full := p.reload(&b)
	for !full && len(b.messages) < o.BatchSize && ctx.Err() == nil {
		wait := longPoll
		if len(b.messages) > 0 {
			if wait = time.Until(b.opened.Add(o.Window)); wait <= 0 {
				break
			}
			wait = min(wait, longPoll)
		}
		received, err := p.m.q.Receive(ctx, min(deleteBatch, o.BatchSize-len(b.messages)), wait)
		if err != nil {
			if len(b.messages) == 0 {
				p.refused(ctx, err)
			}
			break
		}
		p.failures = 0
		if len(received) == 0 && len(b.messages) == 0 {
			break
		}
		full = p.take(&b, received)
	}
	return b
}

// reload puts what is carried into b and says whether b is full. What the queue shows again by now is forgotten.
func (p *poller) reload(b *batch) bool {
	now := time.Now()
	carried := p.carry
	p.carry = nil
	for i, h := range carried {
		if !h.expires.After(now) {
			continue
		}
		if len(b.messages) == p.m.o.BatchSize || !b.add(h, maxPayload, now) {
			p.carry = carried[i:]
			return true
		}
	}
	return false
}

// take puts received messages into b, carries those that do not fit, and says whether b is full.
func (p *poller) take(b *batch, received []Message) bool {
	now := time.Now()
	expires := now.Add(p.m.q.VisibilityTimeout())
	full := false
	for i := range received {
		h, err := p.m.encode(&received[i], expires)
		if err != nil {
			p.m.o.Logger.Error("event source mapping: message cannot be encoded; it stays in the queue",
				"mapping", p.m.o.Name, "message", received[i].MessageID, "error", err)
			continue
		}
		if full || !b.add(h, maxPayload, now) {
			full = true
			p.carry = append(p.carry, h)
		}
	}
	return full
}

// refused waits after a receive that failed, longer each time, and logs the first of a row.
func (p *poller) refused(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	p.failures++
	if p.failures == 1 {
		p.m.o.Logger.Error("event source mapping: receive failed; will go on trying", "mapping", p.m.o.Name, "queue", p.m.o.QueueARN, "error", err)
	}
	sleep(ctx, doubling(firstErrorWait, maxQueueWait, p.failures))
}

// process invokes the function with b and settles its messages.
func (m *Mapping) process(ctx context.Context, b *batch) Outcome {
	result := Batch{Received: len(b.messages), Start: time.Now()}
	response, functionError, err := m.invoke(ctx, b, &result)
	result.Duration = time.Since(result.Start)

	var failed map[string]bool
	switch {
	case errors.Is(err, ErrThrottled):
		result.Outcome, failed = Throttled, b.ids()
		result.Err = fmt.Errorf("%d messages dropped until their visibility timeout passes, received once more and never run: %w", len(b.messages), err)
	case err != nil:
		result.Outcome, result.Err, failed = Errored, err, b.ids()
	case functionError != "":
		result.Outcome, failed = Errored, b.ids()
		result.Err = fmt.Errorf("function error %s: %.500s", functionError, response)
	case !m.o.ReportBatchItemFailures:
		result.Outcome = Succeeded
	default:
		result.Outcome = Succeeded
		if failed, err = failures(response, b.ids()); err != nil {
			result.Outcome, result.Err, failed = Malformed, err, b.ids()
		} else if len(failed) > 0 {
			result.Outcome = Partial
		}
	}
	m.settle(ctx, b, failed, &result)
	m.report(result)
	return result.Outcome
}

// invoke tries until the function is not throttled, the batch's visibility timeout passes, or ctx ends. An invocation
// outlives ctx: messages that are being worked on are settled.
func (m *Mapping) invoke(ctx context.Context, b *batch, result *Batch) ([]byte, string, error) {
	payload, expires := b.payload(), b.expires()
	for {
		response, functionError, err := m.inv.Invoke(context.WithoutCancel(ctx), payload)
		if !errors.Is(err, ErrThrottled) {
			return response, functionError, err
		}
		result.Throttle++
		wait := doubling(firstThrottleWait, maxThrottleWait, result.Throttle)
		if !time.Now().Add(wait).Before(expires) || !sleep(ctx, wait) {
			return nil, "", err
		}
	}
}

// settle deletes what has not failed. A message whose delete fails comes back: that is logged, and is no loss.
func (m *Mapping) settle(ctx context.Context, b *batch, failed map[string]bool, result *Batch) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	var receipts []string
	for _, h := range b.messages {
		if failed[h.id] {
			result.Failed = append(result.Failed, h.id)
		} else {
			receipts = append(receipts, h.receipt)
		}
	}
	for len(receipts) > 0 {
		n := min(deleteBatch, len(receipts))
		if err := m.delete(ctx, receipts[:n]); err != nil {
			result.Err = errors.Join(result.Err, fmt.Errorf("%d messages are done but could not be deleted, so they come again: %w", n, err))
		} else {
			result.Deleted += n
		}
		receipts = receipts[n:]
	}
}

func (m *Mapping) delete(ctx context.Context, receipts []string) error {
	for try := 1; ; try++ {
		err := m.q.Delete(ctx, receipts)
		if err == nil || try == deleteTries || !sleep(ctx, doubling(firstErrorWait, maxQueueWait, try)) {
			return err
		}
	}
}
