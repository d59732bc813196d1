package client_test

import (
	"context"
	"fmt"
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

// tally notes the number of envelopes of every call, in the order of the calls.
type tally struct {
	mu    sync.Mutex
	sizes []int
}

func (x *tally) before(f clienttest.Responder) clienttest.Responder {
	return func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
		x.mu.Lock()
		if missing := call - len(x.sizes); missing > 0 {
			x.sizes = append(x.sizes, make([]int, missing)...)
		}
		x.sizes[call-1] = len(batch)
		x.mu.Unlock()
		return f(ctx, call, batch)
	}
}

func (x *tally) want(t *testing.T, what string, sizes ...int) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	// Calls that open together arrive in any order.
	if got := slices.Sorted(slices.Values(x.sizes)); !slices.Equal(got, slices.Sorted(slices.Values(sizes))) {
		t.Errorf("%s: requests %v, want %v", what, got, sizes)
	}
}

// gate answers each call when the test lets it.
type gate chan struct{}

func (g gate) answer(f clienttest.Responder) clienttest.Responder {
	return func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
		<-g
		return f(ctx, call, batch)
	}
}

// TestNaturalBatching goes through the rule step by step.
func TestNaturalBatching(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		pass := make(gate)
		var requests tally
		rec.Respond(requests.before(pass.answer(clienttest.Accept)))
		var waiting []<-chan outcome
		fireN := func(n int) {
			for range n {
				waiting = append(waiting, fire(t.Context(), c, number.With(len(waiting))))
			}
		}
		step := func(what string, wantRequests ...int) {
			t.Helper()
			synctest.Wait()
			requests.want(t, what, wantRequests...)
		}
		fireN(2)
		step("fewer than two in flight: each goes out at once", 1, 1)
		fireN(9)
		step("two in flight: tasks gather", 1, 1)
		fireN(1)
		step("a full request waits: it opens", 1, 1, 10)
		fireN(4)
		step("they gather again", 1, 1, 10)
		pass <- struct{}{}
		step("two are still in flight", 1, 1, 10)
		pass <- struct{}{}
		step("one is: it takes what waits", 1, 1, 10, 4)
		pass <- struct{}{}
		step("nothing waits, nothing follows", 1, 1, 10, 4)
		fireN(1)
		step("fewer than two are in flight", 1, 1, 10, 4, 1)
		fireN(21)
		step("two full requests open, and one task waits", 1, 1, 10, 4, 1, 10, 10)
		fireN(9)
		step("a third", 1, 1, 10, 4, 1, 10, 10, 10)
		close(pass)
		for _, w := range waiting {
			if o := <-w; o.err != nil {
				t.Error(o.err)
			}
		}
	})
}

func TestBatchesFillByBytes(t *testing.T) {
	limits := transport.Limits{Items: 10, BatchBytes: 4 << 10}
	synctest.Test(t, func(t *testing.T) {
		rec := clienttest.NewRecorder(limits)
		c := newClient(t, rec, nil)
		var requests tally
		rec.Respond(requests.before(after(time.Second, clienttest.Accept)))
		var waiting []<-chan outcome
		for range 2 + 5 { // each about 1.2 KiB: three to a request
			waiting = append(waiting, fire(t.Context(), c, text.With(strings.Repeat("x", 1000))))
		}
		requests.want(t, "the third opens when its bytes are full", 1, 1, 3)
		waiting = append(waiting, fire(t.Context(), c, text.With(strings.Repeat("x", 10_000))))
		for _, w := range waiting {
			if o := <-w; o.err != nil {
				t.Error(o.err)
			}
		}
		requests.want(t, "the oversize one goes alone, and with it all before it", 1, 1, 1, 2, 3)
	})
}

func TestSendersScaleToTheirMaximumAndBack(t *testing.T) {
	bubble(t, &client.Options{MaxSenders: 8}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var mu sync.Mutex
		inFlight, most := 0, 0
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			mu.Lock()
			inFlight++
			most = max(most, inFlight)
			mu.Unlock()
			defer func() {
				mu.Lock()
				inFlight--
				mu.Unlock()
			}()
			return after(10*time.Millisecond, clienttest.Accept)(ctx, call, batch)
		})
		receipts, err := c.FireBatch(t.Context(), numbers(1000))
		if err != nil || len(receipts) != 1000 {
			t.Fatal(err)
		}
		if most != 8 || rec.Calls() != 100 {
			t.Errorf("%d in flight at most, %d requests", most, rec.Calls())
		}
	})
}

func numbers(n int) []task.Task {
	tasks := make([]task.Task, n)
	for i := range tasks {
		tasks[i] = number.With(i)
	}
	return tasks
}

// TestRequestsStayFullUnderLoad holds the number of requests when callers fire again as soon as they have an answer.
func TestRequestsStayFullUnderLoad(t *testing.T) {
	const callers, fires = 256, 40
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			return after(5*time.Millisecond+rand.N(10*time.Millisecond), clienttest.Accept)(ctx, call, batch)
		})
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for i := range fires {
					if _, err := c.Fire(t.Context(), number.With(i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		ratio := float64(rec.Calls()) / (callers * fires)
		if t.Logf("%.3f requests a task", ratio); ratio > 0.12 {
			t.Errorf("%.3f requests a task, want at most 0.12", ratio)
		}
	})
}

// TestFirstComeFirstServed holds that tasks leave in the order of their firing.
func TestFirstComeFirstServed(t *testing.T) {
	bubble(t, &client.Options{MaxSenders: 1}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Millisecond, clienttest.Accept))
		var waiting []<-chan outcome
		for i := range 95 {
			waiting = append(waiting, fire(t.Context(), c, number.With(i)))
		}
		for _, w := range waiting {
			<-w
		}
		for i, n := range clienttest.Fired(t, rec, number) {
			if n != i {
				t.Fatalf("task %d left in place %d", n, i)
			}
		}
		if rec.Calls() != 11 {
			t.Errorf("%d calls", rec.Calls())
		}
	})
}

// TestNobodyStarves holds that under constant overload neither a new task nor one that is tried again waits longer
// than the line is.
func TestNobodyStarves(t *testing.T) {
	bubble(t, &client.Options{MaxSenders: 1, ConfirmTimeout: time.Minute}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		failures := map[string]int{}
		rec.Respond(after(10*time.Millisecond, func(_ context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
			results, _ := clienttest.Accept(t.Context(), 0, batch)
			for i, e := range batch {
				if e.Name() == text.Name() && failures[e.ID()] < 3 {
					failures[e.ID()]++
					results[i] = rejected(transport.Transient)
				}
			}
			return results, nil
		}))
		for w := range 100 { // ten times what one request takes, without end
			go func() {
				for i := 0; t.Context().Err() == nil && time.Now().Before(start2000.Add(8*time.Second)); i++ {
					if _, err := c.Fire(t.Context(), number.With(w)); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		time.Sleep(time.Second)
		start := time.Now()
		receipt, err := c.Fire(t.Context(), text.With("again and again"))
		if took := time.Since(start); err != nil || receipt.Attempts != 4 || took > 4*(11*10*time.Millisecond)+350*time.Millisecond {
			t.Errorf("took %v, receipt %+v", took, receipt)
		}
		time.Sleep(time.Minute)
	})
}

// start2000 is when the clock of every bubble starts (testing/synctest, "Time").
var start2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestFireBatch(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(10*time.Millisecond, clienttest.Accept))
		tasks := append(numbers(49), bulk.With(1), task.Task{}, text.With("mixed"))
		start := time.Now()
		receipts, err := c.FireBatch(t.Context(), tasks)
		want(t, err, client.ErrNoRoute, task.ErrInvalid)
		if !strings.HasPrefix(err.Error(), "batch: 2 of 52 tasks failed") {
			t.Error(err)
		}
		seen := map[string]bool{}
		for i, r := range receipts {
			if failed := i == 49 || i == 50; failed != (r.Err != nil) || r.ID == "" || seen[r.ID] {
				t.Errorf("receipt %d: %+v", i, r)
			}
			seen[r.ID] = true
		}
		if rec.Calls() != 5 || time.Since(start) != 10*time.Millisecond {
			t.Errorf("%d requests in %v, want 5 at once", rec.Calls(), time.Since(start))
		}
		if got := clienttest.Fired(t, rec, number); len(got) != 49 {
			t.Errorf("%d delivered", len(got))
		}
		if receipts, err := c.FireBatch(t.Context(), nil); err != nil || len(receipts) != 0 {
			t.Errorf("an empty batch: %v, %v", receipts, err)
		}
	})
}

func TestFireBatchRefusesOneIDForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := clienttest.New(t)
		receipts, err := c.FireBatch(t.Context(), numbers(3), task.ID("one"))
		want(t, err, task.ErrInvalid, client.ErrNotSent)
		if rec.Calls() != 0 || len(receipts) != 3 || !strings.Contains(err.Error(), "task.ID") {
			t.Errorf("%d calls, receipts %v, error %v", rec.Calls(), receipts, err)
		}
		if receipts, err := c.FireBatch(t.Context(), numbers(1), task.ID("one")); err != nil || receipts[0].ID != "one" {
			t.Error(receipts, err)
		}
	})
}

func TestFireBatchWaitsOnceForAll(t *testing.T) {
	bubble(t, &client.Options{ConfirmTimeout: time.Second, AttemptTimeout: 5 * time.Second, MaxSenders: 2}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(3*time.Second, clienttest.Accept))
		start := time.Now()
		receipts, err := c.FireBatch(t.Context(), numbers(50))
		want(t, err, client.ErrNotSent, client.ErrUnconfirmed)
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
		counts := map[string]int{}
		for _, r := range receipts {
			want(t, r.Err, map[bool]error{true: client.ErrUnconfirmed, false: client.ErrNotSent}[r.Attempts > 0])
			counts[fmt.Sprint(r.Attempts)]++
		}
		if counts["1"] != 20 || counts["0"] != 30 {
			t.Errorf("attempts %v", counts)
		}
		if err := c.Flush(t.Context()); err != nil || len(rec.Envelopes()) != 20 {
			t.Errorf("delivered %d, %v", len(rec.Envelopes()), err)
		}
	})
}
