package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

func TestMisconfiguredTellsAfterASecondLook(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Millisecond, noQueue))
		start := time.Now()
		_, err := c.Fire(t.Context(), number.With(1))
		want(t, err, client.ErrNotSent)
		var cause *transport.Error
		if !errors.As(err, &cause) || cause.Kind != transport.Misconfigured || time.Since(start) > 205*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(time.Hour)
		if rec.Calls() != 2 {
			t.Errorf("%d calls, want none after ErrNotSent", rec.Calls())
		}
		rec.Respond(nil)
		if _, err := c.Fire(t.Context(), number.With(2)); err != nil {
			t.Errorf("mended, but %v", err)
		}
	})
}

func TestMisconfiguredAfterUnknownGoesOn(t *testing.T) {
	var got results
	bubble(t, &client.Options{OnResult: got.add}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(script(lost, noQueue, noQueue, clienttest.Accept))
		start := time.Now()
		receipt, err := c.Fire(t.Context(), number.With(1))
		want(t, err, client.ErrUnconfirmed)
		if took := time.Since(start); took > 300*time.Millisecond || errors.Is(err, client.ErrNotSent) {
			t.Errorf("after %v: %v", took, err)
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if r := got.all(); len(r) != 1 || r[0].ID != receipt.ID || r[0].Err != nil || r[0].Attempts != 4 {
			t.Errorf("OnResult got %+v", r)
		}
	})
}

// TestNotSentOrUnconfirmed goes through what is known when a caller's wait ends.
func TestNotSentOrUnconfirmed(t *testing.T) {
	for name, x := range map[string]struct {
		respond   clienttest.Responder
		fill      int // tasks before it
		fact      error
		delivered bool
		cause     error
	}{
		"in line":                {after(8*time.Second, clienttest.Accept), 1, client.ErrNotSent, false, nil},
		"in flight":              {after(8*time.Second, clienttest.Accept), 0, client.ErrUnconfirmed, true, nil},
		"resting after refusal":  {flaky(throttled, 7*time.Second), 0, client.ErrNotSent, false, nil},
		"unknown, then resting":  {flaky(lost, 7*time.Second), 0, client.ErrUnconfirmed, true, errNet},
		"unknown, then refusals": {script(lost, flaky(throttled, 7*time.Second)), 0, client.ErrUnconfirmed, true, nil},
	} {
		for _, how := range []string{"ConfirmTimeout", "context"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				opts := &client.Options{AttemptTimeout: 20 * time.Second, MaxSenders: 1}
				bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
					rec.Respond(x.respond)
					for i := range x.fill {
						fire(t.Context(), c, text.With(fmt.Sprint(i)))
					}
					ctx, cancel := context.WithTimeoutCause(t.Context(), 4*time.Second, errors.New("gone"))
					defer cancel()
					if how == "ConfirmTimeout" {
						ctx = t.Context()
					}
					_, err := c.Fire(ctx, number.With(1))
					want(t, err, x.fact)
					if errors.Is(err, client.ErrNotSent) == errors.Is(err, client.ErrUnconfirmed) {
						t.Errorf("not one fact: %v", err)
					}
					if how == "context" {
						want(t, err, context.DeadlineExceeded)
					} else if !strings.Contains(err.Error(), "ConfirmTimeout") {
						t.Error(err)
					}
					if x.cause != nil {
						want(t, err, x.cause)
					}
					time.Sleep(2 * time.Minute)
					if got := len(clienttest.Fired(t, rec, number)); (got == 1) != x.delivered {
						t.Errorf("%d delivered afterwards", got)
					}
				})
			})
		}
	}
}

// flaky answers with f until the bubble is d old, and accepts from then on.
func flaky(f clienttest.Responder, d time.Duration) clienttest.Responder {
	return func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
		if time.Since(start2000) < d {
			return f(ctx, call, batch)
		}
		return clienttest.Accept(ctx, call, batch)
	}
}

func TestSendTimeoutEndsATask(t *testing.T) {
	instant := map[string]bool{"unknown": true, "misconfigured": true}
	for name, x := range map[string]struct {
		respond clienttest.Responder
		fact    error
	}{
		"unknown":               {lost, client.ErrUnconfirmed},
		"in flight, no answers": {after(time.Hour, nil), client.ErrUnconfirmed},
		"misconfigured":         {script(lost, noQueue), client.ErrUnconfirmed},
		"late refusals":         {after(8*time.Second, throttled), client.ErrNotSent},
	} {
		t.Run(name, func(t *testing.T) {
			var got results
			opts := &client.Options{OnResult: got.add, AttemptTimeout: 10 * time.Second}
			bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				var last time.Duration
				start := time.Now()
				rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
					last = time.Since(start)
					return x.respond(ctx, call, batch)
				})
				receipt, err := c.Fire(t.Context(), number.With(1))
				want(t, err, client.ErrUnconfirmed)
				if err := c.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				r := got.all()
				if len(r) != 1 || r[0].ID != receipt.ID {
					t.Fatalf("OnResult got %+v", r)
				}
				want(t, r[0].Err, x.fact)
				if took := time.Since(start); took > client.DefaultSendTimeout+10*time.Second || instant[name] && took > client.DefaultSendTimeout {
					t.Errorf("ended after %v", took)
				}
				if last >= client.DefaultSendTimeout || last < 30*time.Second || !strings.Contains(r[0].Err.Error(), "SendTimeout") {
					t.Errorf("last attempt after %v, error %v", last, r[0].Err)
				}
			})
		})
	}
}

// TestLateTaskInLineIsNotSent makes a task wait in line beyond its SendTimeout.
func TestLateTaskInLineIsNotSent(t *testing.T) {
	var got results
	opts := &client.Options{OnResult: got.add, MaxSenders: 1, AttemptTimeout: time.Minute, SendTimeout: 3 * time.Second}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(script(lost, after(8*time.Second, clienttest.Accept)))
		late := fire(t.Context(), c, number.With(1))
		busy := fire(t.Context(), c, text.With("busy"))
		want(t, (<-late).err, client.ErrUnconfirmed)
		want(t, (<-busy).err, client.ErrUnconfirmed)
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		clienttest.RequireNotFired(t, rec, number)
		if r := got.all(); len(r) != 2 {
			t.Errorf("OnResult got %+v", r)
		}
	})
}

func TestRestingTasksHoldNoRequest(t *testing.T) {
	bubble(t, &client.Options{MaxSenders: 1}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			if batch[0].Name() == text.Name() {
				return lost(ctx, call, batch)
			}
			return clienttest.Accept(ctx, call, batch)
		})
		for range 3 { // fewer than a row of failures that means an outage
			fire(t.Context(), c, text.With("resting"))
			if _, err := c.Fire(t.Context(), number.With(0)); err != nil {
				t.Fatal(err)
			}
		}
		for range 3000 {
			time.Sleep(time.Millisecond)
			start := time.Now()
			if _, err := c.Fire(t.Context(), number.With(1)); err != nil || time.Since(start) != 0 {
				t.Errorf("took %v: %v", time.Since(start), err)
			}
		}
	})
}
