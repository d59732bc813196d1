package queue

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"

	"github.com/offloadhq/offload/bench/internal/payload"
)

// offload fires with options that name a mode and nothing else.
type offload struct{ client *client.Client }

func openConfirmed(_ context.Context, s Server) (Producer, error) {
	c, err := NewClient(s, nil)
	return &offload{client: c}, err
}

// NewClient makes a client for the server, with the Sender that is the default.
func NewClient(s Server, opts *client.Options) (*client.Client, error) {
	sender, err := newSender(s)
	if err != nil {
		return nil, err
	}
	return client.New(sender, opts)
}

// newSender makes the one that is the default.
func newSender(s Server) (transport.Sender, error) {
	cfg, err := awsConfig(s)
	if err != nil {
		return nil, err
	}
	return sqstransport.New(sqstransport.NewClient(cfg), queueURL(s), nil)
}

// Produce implements [Producer].
func (q *offload) Produce(ctx context.Context) (int, error) {
	if _, err := q.client.Fire(ctx, payload.Placed.With(payload.New())); err != nil {
		return 0, err
	}
	return 1, nil
}

// Drain implements [Producer].
func (q *offload) Drain(ctx context.Context) error { return q.client.Flush(ctx) }

// Close implements [Producer].
func (q *offload) Close(ctx context.Context) error { return q.client.Close(ctx) }

// bareSender hands ten tasks that are encoded already to the Sender, without a client: what the sending itself costs.
type bareSender struct {
	prompt
	sender  transport.Sender
	batches [64][]task.Envelope
	next    atomic.Uint64
}

func openSender(_ context.Context, s Server) (Producer, error) {
	sender, err := newSender(s)
	if err != nil {
		return nil, err
	}
	q := &bareSender{sender: sender}
	now := time.Now()
	for n := range q.batches {
		for range batchSize {
			e, err := payload.Placed.With(payload.New()).Encode(task.NewID(now), "bench", now)
			if err != nil {
				return nil, err
			}
			q.batches[n] = append(q.batches[n], e)
		}
	}
	return q, nil
}

// Produce implements [Producer].
func (q *bareSender) Produce(ctx context.Context) (int, error) {
	batch := q.batches[q.next.Add(1)%uint64(len(q.batches))]
	if _, err := q.sender.Send(ctx, batch); err != nil {
		return 0, err
	}
	return len(batch), nil
}
