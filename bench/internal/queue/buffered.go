package queue

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// most is how many tasks a buffered producer lets wait: a process that fires without end faster than it sends would fill
// any buffer, and then measure nothing but that.
const most = 20_000

// buffered fires in the mode Buffered. Produce returns before its task is acknowledged.
type buffered struct {
	offload
	fired atomic.Int64
	sent  *counter
}

func openBuffered(_ context.Context, s Server) (Producer, error) {
	sender, err := newSender(s)
	if err != nil {
		return nil, err
	}
	return newBuffered(sender)
}

// openMemory has a Sender that has accepted everything at once: what is left is the client.
func openMemory(context.Context, Server) (Producer, error) { return newBuffered(memory{}) }

func newBuffered(sender transport.Sender) (Producer, error) {
	sent := &counter{Sender: sender}
	c, err := client.New(sent, &client.Options{Mode: client.Buffered})
	if err != nil {
		return nil, err
	}
	return &buffered{offload: offload{client: c}, sent: sent}, nil
}

// Pace implements [Pacer].
func (q *buffered) Pace(ctx context.Context) {
	for q.fired.Load()-q.sent.accepted.Load() > most && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// Produce implements [Producer].
func (q *buffered) Produce(ctx context.Context) (int, error) {
	n, err := q.offload.Produce(ctx)
	q.fired.Add(int64(n))
	return n, err
}

// counter counts what a Sender has accepted.
type counter struct {
	transport.Sender
	accepted atomic.Int64
}

// Send implements [transport.Sender].
func (c *counter) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results, err := c.Sender.Send(ctx, batch)
	n := 0
	for i := range batch {
		if transport.ResultAt(results, i).Outcome == transport.Accepted {
			n++
		}
	}
	c.accepted.Add(int64(n))
	return results, err
}

// Forgets says that it keeps what the Sender behind keeps.
func (c *counter) Forgets() transport.Sender {
	if f, ok := c.Sender.(transport.Forgetful); ok && f.Forgets() == c.Sender {
		return c
	}
	return nil
}

// memory accepts without doing anything, in batches as Amazon SQS takes them.
type memory struct{}

// Limits implements [transport.Sender].
func (memory) Limits() transport.Limits {
	return transport.Limits{Items: batchSize, BatchBytes: 1 << 20}
}

// Forgets implements [transport.Forgetful].
func (memory) Forgets() transport.Sender { return memory{} }

// Send implements [transport.Sender].
func (memory) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	for i := range results {
		results[i] = transport.Result{Outcome: transport.Accepted, MessageID: "m"}
	}
	return results, nil
}
