package client_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// TestA8_RenewedCredentialsAreNoAlarm has keys that expire and are fresh at the second look: callers see nothing of it.
func TestA8_RenewedCredentialsAreNoAlarm(t *testing.T) {
	expired := respond(transport.Result{Outcome: transport.Rejected, Err: &transport.Error{
		Kind: transport.Misconfigured, Code: "ExpiredToken", Err: errors.New("expired"),
	}})
	var mu sync.Mutex
	var states []client.State
	opts := &client.Options{Hooks: client.Hooks{Health: func(h client.Health) {
		mu.Lock()
		defer mu.Unlock()
		states = append(states, h.State)
	}}}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(script(expired, clienttest.Accept))
		if _, err := c.FireBatch(t.Context(), numbers(100)); err != nil {
			t.Error(err)
		}
		if got := clienttest.Fired(t, rec, number); len(got) != 100 {
			t.Errorf("%d delivered", len(got))
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(states) != 2 || states[0] != client.Failing || states[1] != client.Healthy {
			t.Errorf("health went through %v", states)
		}
	})
}

// TestHealthIsToldInOrder holds the hook up in the first change while the route goes through others.
func TestHealthIsToldInOrder(t *testing.T) {
	var mu sync.Mutex
	var states []client.State
	calls := 0
	opts := &client.Options{Mode: client.Buffered, Hooks: client.Hooks{Health: func(h client.Health) {
		mu.Lock()
		calls++
		first := calls == 1
		mu.Unlock()
		if first {
			time.Sleep(time.Minute)
		}
		mu.Lock()
		defer mu.Unlock()
		states = append(states, h.State)
	}}}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(script(noQueue, clienttest.Accept))
		if _, err := c.Fire(t.Context(), number.With(1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // the second look finds it mended
		if h := c.Health(); h.State != client.Healthy {
			t.Fatalf("health is %v", h.State)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(states, []client.State{client.Failing, client.Healthy}) {
			t.Errorf("told %v", states)
		}
	})
}

// TestBlockedLetsTheRestingGo has a caller whose task rests after a refusal when everything turns out to be refused.
func TestBlockedLetsTheRestingGo(t *testing.T) {
	bubble(t, &client.Options{ConfirmTimeout: time.Minute}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		broken := false
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			switch {
			case broken:
				return noQueue(ctx, call, batch)
			case batch[0].Name() == number.Name():
				return throttled(ctx, call, batch)
			}
			return clienttest.Accept(ctx, call, batch)
		})
		resting := fire(t.Context(), c, number.With(0))
		for range 500 { // the good ones keep the breaker closed, and the other rests longer and longer
			fire(t.Context(), c, text.With("good"))
			time.Sleep(20 * time.Millisecond)
			synctest.Wait()
		}
		broken = true
		start := time.Now()
		_, err := c.Fire(t.Context(), text.With("blocked"))
		want(t, err, client.ErrNotSent)
		o := <-resting
		if want(t, o.err, client.ErrNotSent); time.Since(start) > 250*time.Millisecond {
			t.Errorf("told after %v", time.Since(start))
		}
	})
}
