package client_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

func TestFireTakesOneRoundTrip(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(10*time.Millisecond, clienttest.Accept))
		start := time.Now()
		receipt, err := c.Fire(t.Context(), number.With(7))
		if took := time.Since(start); err != nil || took != 10*time.Millisecond {
			t.Fatalf("took %v, error %v", took, err)
		}
		n, e := clienttest.RequireFired(t, rec, number)
		if n != 7 || e.ID() != receipt.ID || e.Source() != "test" || receipt.Name != "test.number" ||
			receipt.MessageID == "" || receipt.Attempts != 1 {
			t.Errorf("args %d, envelope %s, receipt %+v", n, e.ID(), receipt)
		}
	})
}

type traceKey struct{}

func TestA1_RequestContextEndsOnlyTheWait(t *testing.T) {
	var got results
	bubble(t, &client.Options{OnResult: got.add}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var trace any
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			trace = ctx.Value(traceKey{})
			return after(20*time.Millisecond, clienttest.Accept)(ctx, call, batch)
		})
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), traceKey{}, "abc"), 5*time.Millisecond)
		defer cancel()
		receipt, err := c.Fire(ctx, number.With(1))
		want(t, err, client.ErrUnconfirmed, context.DeadlineExceeded)
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, e := clienttest.RequireFired(t, rec, number); e.ID() != receipt.ID {
			t.Errorf("delivered %s, fired %s", e.ID(), receipt.ID)
		}
		if r := got.all(); len(r) != 1 || r[0].ID != receipt.ID || r[0].Err != nil || r[0].MessageID == "" {
			t.Errorf("OnResult got %+v", r)
		}
		if trace != "abc" {
			t.Errorf("the send saw the value %v", trace)
		}
		if rec.Calls() != 1 {
			t.Errorf("%d calls", rec.Calls())
		}
	})
}

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("no") }

type cycle struct{ Next *cycle }

func TestA16_WhatCannotBeEncodedIsAnError(t *testing.T) {
	loop := &cycle{}
	loop.Next = loop
	for name, x := range map[string]any{
		"nan": math.NaN(), "infinity": math.Inf(1), "channel": make(chan int), "function": func() {},
		"cycle": loop, "panic": panics{}, "deep": map[string]any{"a": []any{panics{}}}, "map key": map[float64]int{1: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, rec := clienttest.New(t)
			receipt, err := c.Fire(t.Context(), task.Define[any]("test.any").With(x))
			want(t, err, task.ErrInvalid, client.ErrNotSent)
			if receipt.ID == "" || !errors.Is(receipt.Err, task.ErrInvalid) {
				t.Errorf("receipt %+v", receipt)
			}
			if rec.Calls() != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestA15_PayloadIsReadBeforeFireReturns(t *testing.T) {
	bubble(t, &client.Options{ConfirmTimeout: time.Millisecond}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Second, clienttest.Accept))
		payload := []string{"before"}
		def := task.Define[[]string]("test.slice")
		_, err := c.Fire(t.Context(), def.With(payload))
		want(t, err, client.ErrUnconfirmed)
		payload[0] = "after"
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _ := clienttest.RequireFired(t, rec, def); got[0] != "before" {
			t.Errorf("delivered %q", got[0])
		}
	})
}

// TestRefusals holds that whatever can be refused is refused at once, with nothing sent.
func TestRefusals(t *testing.T) {
	overhead := func() int {
		e, err := text.With("").Encode(strings.Repeat("0", 26), "test", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return e.Size()
	}()
	cause := errors.New("the client hung up")
	for name, x := range map[string]struct {
		task task.Task
		opts []task.FireOption
		ctx  func(context.Context) context.Context
		want []error
		text string
	}{
		"too large": {
			task: text.With(strings.Repeat("x", small.MessageBytes-overhead+1)),
			want: []error{task.ErrTooLarge, task.ErrInvalid}, text: "encoded to 524289 bytes, and class \"\" takes 524288",
		},
		"delay":      {task: number.With(1), opts: []task.FireOption{task.Delay(61 * time.Second)}, want: []error{task.ErrDelay, task.ErrInvalid}, text: "1m1s"},
		"no route":   {task: bulk.With(1), want: []error{client.ErrNoRoute}, text: `class "bulk"`},
		"zero task":  {want: []error{task.ErrInvalid}, text: "Definition.With"},
		"bad option": {task: number.With(1), opts: []task.FireOption{task.MaxAttempts(-1)}, want: []error{task.ErrInvalid}, text: "MaxAttempts(-1)"},
		"ended": {task: number.With(1), ctx: func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}, want: []error{context.Canceled}},
		"ended cause": {task: number.With(1), ctx: func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(cause)
			return ctx
		}, want: []error{context.Canceled, cause}, text: "hung up"},
		"hops": {task: number.With(1), ctx: func(ctx context.Context) context.Context {
			return task.WithInfo(ctx, task.Info{Hops: task.MaxHops})
		}, want: []error{task.ErrHops, task.ErrInvalid}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				ctx := t.Context()
				if x.ctx != nil {
					ctx = x.ctx(ctx)
				}
				start := time.Now()
				receipt, err := c.Fire(ctx, x.task, x.opts...)
				want(t, err, append(x.want, client.ErrNotSent)...)
				if !strings.Contains(err.Error(), x.text) {
					t.Errorf("error %q does not tell %q", err, x.text)
				}
				if rec.Calls() != 0 || time.Since(start) != 0 || receipt.ID == "" || receipt.Err == nil {
					t.Errorf("%d calls after %v, receipt %+v", rec.Calls(), time.Since(start), receipt)
				}
			})
		})
	}
}

func TestC1_TheLargestTaskFits(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		e, err := text.With("").Encode(strings.Repeat("0", 26), "test", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Fire(t.Context(), text.With(strings.Repeat("x", small.MessageBytes-e.Size()))); err != nil {
			t.Error(err)
		}
		if _, e := clienttest.RequireFired(t, rec, text); e.Size() != small.MessageBytes {
			t.Errorf("size %d", e.Size())
		}
	})
}

func TestFireInAHandlerCountsHops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := clienttest.New(t)
		ctx := task.WithInfo(t.Context(), task.Info{Hops: 3, Headers: map[string]string{"traceparent": "of-the-handler", "tracestate": "kept"}})
		own := make([]task.FireOption, 1, 4)
		own[0] = task.Header("tenant", "own")
		if _, err := c.Fire(ctx, number.With(1), own...); err != nil {
			t.Fatal(err)
		}
		_, e := clienttest.RequireFired(t, rec, number)
		if h := e.Headers(); e.Hops() != 4 || h["traceparent"] != "of-the-handler" || h["tracestate"] != "kept" || h["tenant"] != "own" {
			t.Errorf("hops %d, headers %v", e.Hops(), h)
		}
		if own[:2][1] != nil {
			t.Error("the caller's slice was written to")
		}
	})
}

func TestFireWithIDKeepsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := clienttest.New(t)
		receipt, err := c.Fire(t.Context(), number.With(1), task.ID("order-7"))
		if _, e := clienttest.RequireFired(t, rec, number); err != nil || receipt.ID != "order-7" || e.ID() != "order-7" {
			t.Errorf("receipt %+v, envelope %s", receipt, e.ID())
		}
		receipt, err = c.Fire(t.Context(), task.Define[any]("test.any").With(make(chan int)), task.ID("order-8"))
		if err == nil || receipt.ID != "order-8" {
			t.Errorf("a refused task has the receipt %+v", receipt)
		}
	})
}

func TestRoutesByClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		standard, other := clienttest.NewRecorder(small), clienttest.NewRecorder(small)
		c := newClient(t, standard, &client.Options{Routes: map[string]transport.Sender{"bulk": other}})
		for _, x := range []task.Task{number.With(1), bulk.With(2)} {
			if _, err := c.Fire(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		receipts, err := c.FireBatch(t.Context(), []task.Task{number.With(3), bulk.With(4)}, task.Queue("bulk"))
		if err != nil || receipts[0].Class != "bulk" {
			t.Fatal(receipts, err)
		}
		if n, m := len(standard.Envelopes()), len(other.Envelopes()); n != 1 || m != 3 {
			t.Errorf("standard %d, bulk %d", n, m)
		}
	})
}

func TestFireWithoutContextDoesNotPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := clienttest.New(t)
		var none context.Context
		if _, err := c.Fire(none, number.With(1)); err != nil {
			t.Error(err)
		}
		if _, err := c.FireBatch(none, []task.Task{number.With(1)}); err != nil {
			t.Error(err)
		}
	})
}

func TestDefaultClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { client.SetDefault(nil) })
		client.SetDefault(nil)
		_, err := client.Fire(t.Context(), number.With(1))
		want(t, err, client.ErrNoDefault, client.ErrNotSent)
		c, rec := clienttest.New(t)
		client.SetDefault(c)
		if _, err := client.Fire(t.Context(), number.With(5)); err != nil || client.Default() != c {
			t.Error(err)
		}
		if n, _ := clienttest.RequireFired(t, rec, number); n != 5 {
			t.Error(n)
		}
	})
}

// TestIdleClientHasNoGoroutine relies on synctest: a goroutine or timer left blocked would end the bubble in deadlock.
func TestIdleClientHasNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := clienttest.NewRecorder(small)
		rec.Respond(script(lost, clienttest.Accept))
		if _, err := newClient(t, rec, nil).Fire(t.Context(), number.With(1)); err != nil {
			t.Error(err)
		}
	})
}
