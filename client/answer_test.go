package client_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// server stores what arrives, whatever the client learns of it.
type server struct {
	mu     sync.Mutex
	stored map[string]int // id to copies
}

func (s *server) store(batch ...task.Envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored == nil {
		s.stored = map[string]int{}
	}
	for _, e := range batch {
		s.stored[e.ID()]++
	}
}

func (s *server) copies(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored[id]
}

// then stores the batch and answers with f.
func (s *server) then(f clienttest.Responder) clienttest.Responder {
	return func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
		s.store(batch...)
		return f(ctx, call, batch)
	}
}

func TestB1_LostResponseIsSentAgainWithTheSameID(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var s server
		rec.Respond(script(s.then(lost), s.then(clienttest.Accept)))
		receipt, err := c.Fire(t.Context(), number.With(1))
		if err != nil || receipt.Attempts != 2 || s.copies(receipt.ID) != 2 || len(s.stored) != 1 {
			t.Errorf("receipt %+v, stored %v", receipt, s.stored)
		}
	})
}

func TestB2_SlowResponseIsUnknown(t *testing.T) {
	bubble(t, &client.Options{AttemptTimeout: 100 * time.Millisecond}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var s server
		rec.Respond(script(s.then(after(time.Hour, clienttest.Accept)), s.then(clienttest.Accept)))
		start := time.Now()
		receipt, err := c.Fire(t.Context(), number.With(1))
		if took := time.Since(start); err != nil || receipt.Attempts != 2 || took < 100*time.Millisecond || took > 150*time.Millisecond {
			t.Errorf("took %v, receipt %+v", took, receipt)
		}
		if s.copies(receipt.ID) != 2 {
			t.Errorf("stored %v", s.stored)
		}
	})
}

func TestA7_HungRequestHoldsUpNoOther(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(script(after(time.Hour, clienttest.Accept), clienttest.Accept))
		hung := fire(t.Context(), c, number.With(0))
		start := time.Now()
		if _, err := c.FireBatch(t.Context(), numbers(100)); err != nil || time.Since(start) != 0 {
			t.Errorf("took %v: %v", time.Since(start), err)
		}
		o := <-hung
		if o.err != nil || o.receipt.Attempts != 2 || o.took > client.DefaultConfirmTimeout/2 {
			t.Errorf("one hung connection under the defaults: %v after %v, attempts %d", o.err, o.took, o.receipt.Attempts)
		}
	})
}

func TestB6_OneUnknownEntryIsSentAgainAlone(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var batches [][]string
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			batches = append(batches, ids(batch))
			results, _ := clienttest.Accept(ctx, call, batch)
			if call == 1 {
				results[4] = transport.Result{Outcome: transport.Unknown, Err: errors.New("digest mismatch")}
			}
			return results, transport.FirstError(results, len(batch))
		})
		receipts, err := c.FireBatch(t.Context(), numbers(10))
		if err != nil || len(batches) != 2 || !slices.Equal(batches[1], []string{receipts[4].ID}) {
			t.Errorf("%v: sent %v", err, batches)
		}
	})
}

func TestB7_PartialBatchFailureSendsAgainWhatFailed(t *testing.T) {
	const tasks = 10_000
	opts := &client.Options{ConfirmTimeout: 10 * time.Minute, SendTimeout: 10 * time.Minute}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var s server
		rec.Respond(after(5*time.Millisecond, func(_ context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
			results := make([]transport.Result, len(batch))
			for i, e := range batch {
				if rand.IntN(3) == 0 {
					results[i] = rejected(transport.Kind(rand.IntN(2))) // Transient or Throttled
					continue
				}
				s.store(e)
				results[i] = transport.Result{Outcome: transport.Accepted}
			}
			return results, transport.FirstError(results, len(batch))
		}))
		receipts, err := c.FireBatch(t.Context(), numbers(tasks))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range receipts {
			if s.copies(r.ID) != 1 {
				t.Fatalf("task %s is stored %d times", r.ID, s.copies(r.ID))
			}
		}
		if len(s.stored) != tasks {
			t.Errorf("%d tasks stored", len(s.stored))
		}
	})
}

func TestB8_WhatTheAnswerLacksIsUnknown(t *testing.T) {
	cause := errors.New("the proxy says <html>")
	for name, garbage := range map[string]clienttest.Responder{
		"nil":        func(context.Context, int, []task.Envelope) ([]transport.Result, error) { return nil, nil },
		"nil, error": func(context.Context, int, []task.Envelope) ([]transport.Result, error) { return nil, cause },
		"short": func(context.Context, int, []task.Envelope) ([]transport.Result, error) {
			return make([]transport.Result, 0), nil
		},
		"zero":        respond(transport.Result{}),
		"no outcome":  respond(transport.Result{Outcome: 77}),
		"no reason":   respond(transport.Result{Outcome: transport.Rejected}),
		"panic":       func(context.Context, int, []task.Envelope) ([]transport.Result, error) { panic("sender is broken") },
		"panic error": func(context.Context, int, []task.Envelope) ([]transport.Result, error) { panic(cause) },
		"goexit": func(context.Context, int, []task.Envelope) ([]transport.Result, error) {
			runtime.Goexit()
			return nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, &client.Options{ConfirmTimeout: time.Second}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				rec.Respond(script(garbage, clienttest.Accept))
				receipt, err := c.Fire(t.Context(), number.With(1))
				if err != nil || receipt.Attempts != 2 {
					t.Errorf("receipt %+v, error %v", receipt, err)
				}
				rec.Respond(garbage)
				receipt, err = c.Fire(t.Context(), number.With(1))
				fact := client.ErrUnconfirmed
				if name == "no reason" {
					fact = client.ErrNotSent
				}
				want(t, err, fact)
				for word, tells := range map[string]string{"panic": "sender is broken", "goexit": "Goexit", "nil, error": "<html>"} {
					if name == word && !strings.Contains(err.Error(), tells) {
						t.Errorf("%v does not tell %q", err, tells)
					}
				}
				if name == "nil, error" || name == "panic error" {
					want(t, err, cause)
				}
			})
		})
	}
}

func TestB8_ShortAnswerCountsForWhatItHas(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			results, err := clienttest.Accept(ctx, call, batch)
			return results[:(len(results)+1)/2], err
		})
		if _, err := c.FireBatch(t.Context(), numbers(10)); err != nil {
			t.Error(err)
		}
		got := clienttest.Fired(t, rec, number)
		slices.Sort(got)
		if len(got) != 10 || len(rec.Envelopes()) != 10 || !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("accepted %v", got)
		}
	})
}

func TestA13_OneBadTaskFailsAlone(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		attempts := 0
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			results, _ := clienttest.Accept(ctx, call, batch)
			for i, e := range batch {
				if n, err := number.Decode(e); err == nil && n == 500 {
					attempts++
					results[i] = rejected(transport.Invalid)
				}
			}
			return results, transport.FirstError(results, len(batch))
		})
		receipts, err := c.FireBatch(t.Context(), numbers(1000))
		var batch *client.BatchError
		if !errors.As(err, &batch) || len(batch.Failed) != 1 || batch.Failed[0] != receipts[500] {
			t.Fatal(err)
		}
		want(t, receipts[500].Err, task.ErrInvalid, client.ErrNotSent)
		var cause *transport.Error
		if !errors.As(receipts[500].Err, &cause) || cause.Kind != transport.Invalid {
			t.Errorf("the transport's error is lost in %v", receipts[500].Err)
		}
		if n := len(rec.Envelopes()); n != 999 || attempts != 1 {
			t.Errorf("%d delivered, the bad one was sent %d times", n, attempts)
		}
	})
}
