package client_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// slow takes up to 50 ms, or 3 s once in a while, and heeds its context.
func slow(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
	d := time.Duration(rand.IntN(50)) * time.Millisecond
	if rand.IntN(10) == 0 {
		d = 3 * time.Second
	}
	return after(d, clienttest.Accept)(ctx, call, batch)
}

func TestA3_CloseUnderLoadDeliversOrReturns(t *testing.T) {
	for name, grace := range map[string]time.Duration{"drained": time.Minute, "cut short": 20 * time.Millisecond, "at once": 0} {
		t.Run(name, func(t *testing.T) {
			var got results
			bubble(t, &client.Options{OnResult: got.add, MaxSenders: 4}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				rec.Respond(slow)
				fired := loadUntilClosed(t, c)
				time.Sleep(time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), grace)
				defer cancel()
				err := c.Close(ctx)
				receipts := fired()
				judgeClose(t, err, receipts, ids(rec.Envelopes()), got.all())
				if name == "drained" && err != nil {
					t.Error(err)
				}
				if name != "drained" {
					want(t, err, client.ErrClosed, context.DeadlineExceeded)
				}
			})
		})
	}
}

// loadUntilClosed fires from 64 goroutines, some of them impatient, until the client is closed. The function it returns
// waits for them and gives the receipts of all tasks but those that a closed client refused.
func loadUntilClosed(t *testing.T, c *client.Client) func() []client.Receipt {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var receipts []client.Receipt
	for i := range 64 {
		wg.Go(func() {
			for {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i)*20*time.Millisecond)
				r, err := c.Fire(ctx, number.With(i))
				cancel()
				if errors.Is(err, client.ErrClosed) && r.Attempts == 0 && !strings.Contains(err.Error(), "cut short") {
					return
				}
				mu.Lock()
				receipts = append(receipts, r)
				mu.Unlock()
			}
		})
	}
	return func() []client.Receipt {
		wg.Wait()
		return receipts
	}
}

// judgeClose is the oracle: nothing is lost that is not returned, and nothing is told wrongly.
func judgeClose(t *testing.T, err error, receipts []client.Receipt, delivered []string, told []client.Receipt) {
	t.Helper()
	stored := map[string]bool{}
	for _, id := range delivered {
		stored[id] = true
	}
	returned := map[string]error{}
	if closed, ok := errors.AsType[*client.CloseError](err); ok {
		for _, r := range closed.Undelivered {
			if returned[r.ID] != nil || r.Err == nil {
				t.Errorf("returned twice, or without error: %+v", r)
			}
			returned[r.ID] = r.Err
		}
	}
	ends := map[string]client.Receipt{}
	for _, r := range told {
		if _, twice := ends[r.ID]; twice {
			t.Errorf("OnResult was called twice for %s", r.ID)
		}
		ends[r.ID] = r
	}
	for _, r := range receipts {
		end, owed := ends[r.ID]
		switch {
		case r.Err == nil && !stored[r.ID]:
			t.Errorf("acknowledged and lost: %+v", r)
		case errors.Is(r.Err, client.ErrNotSent) && stored[r.ID]:
			t.Errorf("ErrNotSent, but delivered: %+v", r)
		case errors.Is(r.Err, client.ErrUnconfirmed) != owed:
			t.Errorf("OnResult called: %v, for %v", owed, r.Err)
		case owed && end.Err == nil && !stored[r.ID]:
			t.Errorf("OnResult told of a delivery that was none: %+v", end)
		case errors.Is(end.Err, client.ErrNotSent) && stored[r.ID]:
			t.Errorf("OnResult told ErrNotSent, but delivered: %+v", end)
		case errors.Is(end.Err, client.ErrClosed) && returned[r.ID] == nil:
			t.Errorf("cut short and not returned: %+v", end)
		case errors.Is(r.Err, client.ErrClosed) && returned[r.ID] == nil,
			!errors.Is(r.Err, client.ErrClosed) && returned[r.ID] != nil && !owed:
			t.Errorf("returned with %v, but Fire with %v", returned[r.ID], r.Err)
		case r.Err == nil && returned[r.ID] != nil:
			t.Errorf("acknowledged and returned: %+v", r)
		}
		delete(stored, r.ID)
		delete(ends, r.ID)
	}
	if len(stored) > 0 || len(ends) > 0 {
		t.Errorf("delivered what nobody fired: %v, %v", slices.Collect(maps.Keys(stored)), ends)
	}
}

func TestA15_FireAndCloseRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := clienttest.NewRecorder(small)
		for range 10 {
			c := newClient(t, rec, nil)
			var wg sync.WaitGroup
			atClose := make(chan int, 4)
			for i := range 64 {
				wg.Go(func() {
					for j := range 20 {
						if i%16 == 0 && j == 10 {
							if err := c.Close(t.Context()); err != nil {
								t.Error(err)
							}
							atClose <- len(rec.Envelopes())
						}
						_, err := c.Fire(t.Context(), number.With(j))
						if err != nil && !errors.Is(err, client.ErrClosed) {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			for range cap(atClose) {
				if n := <-atClose; n != len(rec.Envelopes()) {
					t.Fatalf("%d tasks were delivered after Close", len(rec.Envelopes())-n)
				}
			}
			_, err := c.Fire(t.Context(), number.With(0))
			want(t, err, client.ErrClosed, client.ErrNotSent)
			_, err = c.FireBatch(t.Context(), numbers(3))
			want(t, err, client.ErrClosed)
			if err := c.Close(canceled(t)); err != nil {
				t.Errorf("closing again: %v", err)
			}
		}
	})
}

func TestCloseCutShortSendsNoMore(t *testing.T) {
	bubble(t, &client.Options{MaxSenders: 1}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(3*time.Second, clienttest.Accept))
		flying := fire(t.Context(), c, number.With(0))
		var waiting []<-chan outcome
		for range 30 {
			waiting = append(waiting, fire(t.Context(), c, number.With(1)))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		closed, ok := errors.AsType[*client.CloseError](c.Close(ctx))
		if !ok || len(closed.Undelivered) != 31 {
			t.Errorf("Close returned %v", closed)
		}
		want(t, (<-flying).err, client.ErrUnconfirmed, client.ErrClosed, context.DeadlineExceeded)
		for _, w := range waiting {
			want(t, (<-w).err, client.ErrNotSent, client.ErrClosed, context.DeadlineExceeded)
		}
		time.Sleep(time.Hour)
		if rec.Calls() != 1 {
			t.Errorf("%d calls", rec.Calls())
		}
	})
}

func TestCloseCutShortEndsTheResting(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(lost)
		for range 5 {
			fire(t.Context(), c, number.With(1))
		}
		time.Sleep(4 * time.Second)
		calls, start := rec.Calls(), time.Now()
		closed, ok := errors.AsType[*client.CloseError](c.Close(canceled(t)))
		if took := time.Since(start); took != 0 || !ok || len(closed.Undelivered) != 5 {
			t.Errorf("after %v: %v", took, closed)
		}
		want(t, closed, client.ErrUnconfirmed, errNet)
		time.Sleep(time.Hour)
		if rec.Calls() != calls {
			t.Errorf("%d calls after Close", rec.Calls()-calls)
		}
	})
}

func TestCloseReturnsTheSameToAll(t *testing.T) {
	bubble(t, &client.Options{ConfirmTimeout: time.Second, AttemptTimeout: time.Hour}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Hour, clienttest.Accept))
		_, err := c.FireBatch(t.Context(), numbers(10))
		want(t, err, client.ErrUnconfirmed)
		errs := make(chan error, 2)
		start := time.Now()
		for _, patience := range []time.Duration{time.Minute, 10 * time.Second} {
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				errs <- c.Close(ctx)
			}()
		}
		first, second := <-errs, <-errs
		if time.Since(start) != 10*time.Second || first == nil || first.Error() != second.Error() {
			t.Errorf("after %v: %v and %v", time.Since(start), first, second)
		}
		closed, ok := errors.AsType[*client.CloseError](c.Close(t.Context()))
		if !ok || len(closed.Undelivered) != 10 || !errors.Is(closed.Err, context.DeadlineExceeded) {
			t.Errorf("closing again: %+v", closed)
		}
		want(t, closed, client.ErrUnconfirmed, context.DeadlineExceeded)
		if !strings.HasPrefix(closed.Error(), "close: undelivered tasks: 10, the first: ") {
			t.Error(closed)
		}
	})
}

// TestCloseDoesNotWaitForADeafSender uses a Sender that breaks its contract.
func TestCloseDoesNotWaitForADeafSender(t *testing.T) {
	var got results
	bubble(t, &client.Options{ConfirmTimeout: time.Second, OnResult: got.add}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		pass := make(gate)
		rec.Respond(pass.answer(clienttest.Accept))
		receipts, err := c.FireBatch(t.Context(), numbers(10))
		want(t, err, client.ErrUnconfirmed)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		closed, ok := errors.AsType[*client.CloseError](c.Close(ctx))
		if took := time.Since(start); took != 2*time.Second || !ok || len(closed.Undelivered) != 10 {
			t.Errorf("after %v: %v", took, closed)
		}
		close(pass)
		synctest.Wait()
		if told := got.all(); len(told) != len(receipts) {
			t.Errorf("OnResult was called %d times", len(told))
		}
	})
}

func TestCloseWaitsForOnResult(t *testing.T) {
	pass := make(chan struct{})
	synctest.Test(t, func(t *testing.T) {
		pass = make(chan struct{})
		rec := clienttest.NewRecorder(small)
		c := newClient(t, rec, &client.Options{ConfirmTimeout: time.Second, OnResult: func(client.Receipt) { <-pass }})
		rec.Respond(after(2*time.Second, clienttest.Accept))
		_, err := c.Fire(t.Context(), number.With(1))
		want(t, err, client.ErrUnconfirmed)
		done := make(chan error, 1)
		go func() { done <- c.Close(t.Context()) }()
		time.Sleep(time.Hour)
		select {
		case err := <-done:
			t.Errorf("Close returned %v while OnResult ran", err)
		default:
		}
		close(pass)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestCloseTellsThatOnResultHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pass := make(chan struct{})
		rec := clienttest.NewRecorder(small)
		c := newClient(t, rec, &client.Options{ConfirmTimeout: time.Second, OnResult: func(client.Receipt) { <-pass }})
		rec.Respond(after(2*time.Second, clienttest.Accept))
		_, err := c.Fire(t.Context(), number.With(1))
		want(t, err, client.ErrUnconfirmed)
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = c.Close(ctx)
		want(t, err, context.DeadlineExceeded)
		if err == nil || !strings.Contains(err.Error(), "OnResult has not returned") {
			t.Error(err)
		}
		close(pass)
	})
}

func TestFlushWaitsForWhatWasAcceptedBefore(t *testing.T) {
	bubble(t, &client.Options{ConfirmTimeout: time.Millisecond, AttemptTimeout: time.Minute}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		if err := c.Flush(t.Context()); err != nil {
			t.Errorf("flushing nothing: %v", err)
		}
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			n, _ := number.Decode(batch[0])
			return after(time.Duration(n)*time.Second, clienttest.Accept)(ctx, call, batch)
		})
		start := time.Now()
		flushed := make(chan string, 10)
		flush := func(name string) {
			go func() {
				if err := c.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				flushed <- fmt.Sprintf("%s after %v", name, time.Since(start).Truncate(time.Second))
			}()
			synctest.Wait()
		}
		<-fire(t.Context(), c, number.With(10))
		flush("first")
		<-fire(t.Context(), c, number.With(5)) // ends before the first, and the second waits for both
		flush("second")
		flush("third")
		time.Sleep(7 * time.Second)
		<-fire(t.Context(), c, number.With(30))
		for range 3 {
			if s := <-flushed; !strings.HasSuffix(s, "after 10s") {
				t.Error(s)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := c.Flush(ctx)
		want(t, err, context.DeadlineExceeded)
		if !strings.HasPrefix(err.Error(), "flush: 1 tasks are pending") {
			t.Error(err)
		}
		if err := c.Flush(t.Context()); err != nil || len(rec.Envelopes()) != 3 {
			t.Errorf("%v, %d delivered", err, len(rec.Envelopes()))
		}
	})
}

// TestA3_SlowOnDropHidesNothing has an OnDrop that takes longer than Close has, in the middle of a batch.
func TestA3_SlowOnDropHidesNothing(t *testing.T) {
	opts := &client.Options{Mode: client.Buffered, MaxPending: 5, OnDrop: func(client.Receipt) { time.Sleep(10 * time.Second) }}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Minute, clienttest.Accept))
		closed := make(chan error, 1)
		time.AfterFunc(time.Second, func() { closed <- c.Close(canceled(t)) })
		receipts, _ := c.FireBatch(t.Context(), numbers(6))
		returned := map[string]bool{}
		if e, ok := errors.AsType[*client.CloseError](<-closed); ok {
			for _, r := range e.Undelivered {
				returned[r.ID] = true
			}
		}
		want(t, receipts[5].Err, client.ErrBufferFull)
		for i, r := range receipts[:5] {
			if r.Err == nil && !returned[r.ID] {
				t.Errorf("task %d is lost in silence", i)
			}
		}
	})
}
