package client_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// chaos is a transport that fails in every way that it is allowed to, and some that it is not. What the server has
// stored is the truth.
type chaos struct {
	server
	mu  sync.Mutex
	rng *rand.Rand
}

func (x *chaos) draw(n int) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.rng.IntN(n)
}

func (x *chaos) respond(ctx context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
	switch x.draw(40) {
	case 0: // before anything is stored
		panic("broken before")
	case 1:
		x.store(batch...)
		panic("broken after")
	case 2:
		return nil, errNet
	case 3: // stored, and the response is late
		x.store(batch...)
		<-ctx.Done()
		return nil, ctx.Err()
	case 4: // a whole set-up refused
		return noQueue(ctx, 0, batch)
	}
	select {
	case <-time.After(time.Duration(x.draw(60)) * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	results := make([]transport.Result, len(batch))
	for i, e := range batch {
		results[i] = x.entry(e)
	}
	if x.draw(20) == 0 {
		results = results[:x.draw(len(results))]
	}
	return results, transport.FirstError(results, len(batch))
}

func (x *chaos) entry(e task.Envelope) transport.Result {
	switch x.draw(20) {
	case 0, 1:
		return rejected(transport.Transient)
	case 2:
		return rejected(transport.Throttled)
	case 3:
		x.store(e)
		return transport.Result{Outcome: transport.Unknown, Err: errNet}
	case 4:
		return transport.Result{Outcome: transport.Unknown, Err: errNet}
	case 5:
		return rejected(transport.Invalid)
	}
	x.store(e)
	return transport.Result{Outcome: transport.Accepted, MessageID: "m"}
}

// TestOracle fires from many callers through chaos, closes in the middle of it, and holds every single statement of the
// client against what the server has: what is acknowledged is stored, what is "not sent" is not, what is unconfirmed
// is told to OnResult once, and the rest is returned by Close.
func TestOracle(t *testing.T) {
	var acked, notSent, unconfirmed int
	for round := range 6 {
		seed := rand.Uint64()
		var got results
		opts := &client.Options{
			OnResult: got.add, ConfirmTimeout: 300 * time.Millisecond, SendTimeout: 2 * time.Second,
			AttemptTimeout: 200 * time.Millisecond, MaxSenders: 1 + round%8, MaxPending: 20 + 30*round,
		}
		bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
			x := &chaos{rng: rand.New(rand.NewPCG(seed, uint64(round)))}
			rec.Respond(x.respond)
			wait := callers(t, c, x)
			time.Sleep(3 * time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(round%7)*500*time.Millisecond)
			defer cancel()
			err := c.Close(ctx)
			receipts := wait()
			for _, r := range receipts {
				switch {
				case r.Err == nil:
					acked++
				case errors.Is(r.Err, client.ErrNotSent):
					notSent++
				default:
					unconfirmed++
				}
			}
			judgeClose(t, err, receipts, slices.Collect(maps.Keys(x.stored)), got.all())
			balance(t, c.Stats())
		})
		if t.Failed() {
			t.Fatalf("round %d, seed %d", round, seed)
		}
	}
	if t.Logf("%d acknowledged, %d not sent, %d unconfirmed", acked, notSent, unconfirmed); min(acked, notSent, unconfirmed) < 100 {
		t.Error("void: a kind of answer is too rare to be judged")
	}
}

// TestOracleBuffered does the same to the mode Buffered: each task for which Fire returned nil is stored, or told to OnResult
// once, and if that is because of Close, returned by Close as well.
func TestOracleBuffered(t *testing.T) {
	stored, told, returned := 0, 0, 0
	for round := range 6 {
		seed := rand.Uint64()
		var got results
		opts := &client.Options{
			Mode: client.Buffered, OnResult: got.add, AttemptTimeout: 200 * time.Millisecond, MaxSenders: 1 + round%8, MaxPending: 20 + 30*round,
		}
		bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
			x := &chaos{rng: rand.New(rand.NewPCG(seed, uint64(round)))}
			rec.Respond(x.respond)
			wait := callers(t, c, x)
			time.Sleep(3 * time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(round%3)*300*time.Millisecond)
			defer cancel()
			closed, _ := errors.AsType[*client.CloseError](c.Close(ctx))
			ends := map[string]error{}
			for _, r := range got.all() {
				if ends[r.ID] != nil || r.Err == nil || r.Envelope == nil || r.Envelope.ID() != r.ID {
					t.Errorf("OnResult got %+v, and before %v", r, ends[r.ID])
				}
				ends[r.ID] = r.Err
			}
			if closed != nil {
				for _, r := range closed.Undelivered {
					if returned++; ends[r.ID] != r.Err { //nolint:errorlint // the same one
						t.Errorf("Close returned %v, OnResult got %v", r.Err, ends[r.ID])
					}
				}
			}
			for _, r := range wait() {
				switch {
				case r.Err != nil:
					t.Errorf("Fire returned %v", r.Err)
				case x.copies(r.ID) == 0 && ends[r.ID] == nil:
					t.Errorf("lost in silence: %+v", r)
				case x.copies(r.ID) > 0 && errors.Is(ends[r.ID], client.ErrNotSent):
					t.Errorf("stored, but told %v", ends[r.ID])
				case ends[r.ID] == nil:
					stored++
				default:
					told++
				}
			}
			balance(t, c.Stats())
		})
		if t.Failed() {
			t.Fatalf("round %d, seed %d", round, seed)
		}
	}
	if t.Logf("%d stored, %d told, %d returned", stored, told, returned); stored < 1000 || min(told, returned) < 50 {
		t.Error("void: an end is too rare to be judged")
	}
}

// callers fires singly and in batches, some impatiently, until the client is closed.
func callers(t *testing.T, c *client.Client, x *chaos) func() []client.Receipt {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var receipts []client.Receipt
	for i := range 16 {
		wg.Go(func() {
			for closed := false; !closed; {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+x.draw(500))*time.Millisecond)
				batch, _ := c.FireBatch(ctx, numbers(1+x.draw(1+i%4*8)))
				cancel()
				time.Sleep(time.Duration(x.draw(20)) * time.Millisecond)
				mu.Lock()
				for _, r := range batch {
					refused, _ := errors.AsType[*client.Error](r.Err)
					// A closed client or a full buffer never took the task on.
					if refused != nil && (refused.Err == client.ErrClosed || errors.Is(refused, client.ErrBufferFull)) { //nolint:errorlint // a cut draining wraps it
						closed = closed || errors.Is(refused, client.ErrClosed)
						continue
					}
					receipts = append(receipts, r)
				}
				mu.Unlock()
			}
		})
	}
	return func() []client.Receipt {
		wg.Wait()
		return receipts
	}
}
