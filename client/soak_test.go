package client_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// TestT2_B7_FaultMixWithOutage fires steadily in the mode Buffered through a transport that fails in every way, with an
// outage of half an hour in the middle, which fills the buffer. Each task is stored, or told to OnResult, or was refused
// with an error: the counts are equal.
func TestT2_B7_FaultMixWithOutage(t *testing.T) {
	tasks, seed := scaled(40_000, 200_000, 2_000_000), rand.Uint64()
	// A quarter is fired before the outage, half in it, and the rest after it; the buffer holds half of what the outage is fired.
	const outage = 30 * time.Minute
	perTick := max(1, tasks/40_000)
	share, during := tasks/4, tasks/2
	every := outage / time.Duration(during/perTick)
	var got results
	dropped := 0
	opts := &client.Options{
		Mode: client.Buffered, OnResult: got.add, AttemptTimeout: time.Second, MaxPending: during / 2, MaxPendingBytes: 1 << 30,
		OnDrop: func(client.Receipt) { dropped++ },
	}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		x := &chaos{rng: rand.New(rand.NewPCG(seed, 0))}
		var down, up time.Time
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			if now := time.Now(); !down.IsZero() && now.After(down) && now.Before(up) {
				return lost(ctx, call, batch)
			}
			return x.respond(ctx, call, batch)
		})
		fired, refused := map[string]bool{}, 0
		fireSome := func(ticks int) {
			for range ticks {
				for range perTick {
					r, err := c.Fire(t.Context(), number.With(len(fired)))
					if err == nil {
						fired[r.ID] = true
					} else if refused++; !errors.Is(err, client.ErrBufferFull) {
						t.Fatal(err)
					}
				}
				time.Sleep(every)
			}
		}
		fireSome(share / perTick)
		synctest.Wait()
		down, up = time.Now(), time.Now().Add(outage)
		if refused > 0 {
			t.Errorf("%d refused without need", refused)
		}
		fireSome(during / perTick)
		full := refused
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		fireSome((tasks - share - during) / perTick)
		if closed, ok := errors.AsType[*client.CloseError](c.Close(t.Context())); ok {
			for _, r := range closed.Undelivered {
				want(t, r.Err, task.ErrInvalid) // refused in the last moment, and told to OnResult too
			}
		}
		told := map[string]bool{}
		for _, r := range got.all() {
			told[r.ID] = true
		}
		stored := 0
		for id := range fired {
			if x.copies(id) > 0 {
				stored++
			} else if !told[id] {
				t.Fatalf("task %s is lost, seed %d", id, seed)
			}
		}
		s := c.Stats()
		balance(t, s)
		if full < during/4 || refused != full || dropped != refused || s.Dropped != uint64(refused) || s.AtRisk().Tasks != 0 {
			t.Errorf("refused %d, %d of them in the outage, hook %d, %+v", refused, full, dropped, s)
		}
		t.Logf("fired %d, refused %d in the outage; stored %d, told %d; %.3f requests a task", len(fired), full, stored, len(told), float64(s.Requests)/float64(len(fired)))
		if len(x.stored) < len(fired)/2 || len(told) == 0 {
			t.Error("void: hardly anything arrived, or nothing was told")
		}
	})
}
