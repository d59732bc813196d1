package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/internal/memnet"
	"github.com/offloadhq/offload/jobs/webhook"
	"github.com/offloadhq/offload/task"
)

// memory is where the receiver of inBubble is.
const memory = "http://192.0.2.1"

// inBubble has a receiver and a handler on virtual time, with a network in memory between them.
func inBubble(t *testing.T, receiver http.HandlerFunc, opts webhook.Options, f func(*testing.T, *webhook.Handler, *memnet.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network, server := memnet.New(), &http.Server{Handler: receiver}
		go func() { _ = server.Serve(network) }()
		defer server.Close()
		h := newHandler(t, opts)
		h.Transport().DialContext = network.Dial
		f(t, h, network)
	})
}

// block answers nothing until the client has gone.
func block(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server notices that the client is gone only after the body
	<-r.Context().Done()
}

func TestSlowReceiver(t *testing.T) {
	t.Run("timeout", func(t *testing.T) {
		inBubble(t, block, webhook.Options{Timeout: 20 * time.Millisecond}, func(t *testing.T, h *webhook.Handler, _ *memnet.Network) {
			start := time.Now()
			err := h.Handle(attempt(t, 1), delivery(memory))
			if !errors.Is(err, context.DeadlineExceeded) || task.IsPermanent(err) {
				t.Errorf("error %v, want a deadline to be retried", err)
			}
			if took := time.Since(start); took != 20*time.Millisecond {
				t.Errorf("a timeout of 20ms took %v", took)
			}
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		inBubble(t, block, webhook.Options{}, func(t *testing.T, h *webhook.Handler, _ *memnet.Network) {
			ctx, cancel := context.WithCancel(attempt(t, 1))
			time.AfterFunc(20*time.Millisecond, cancel)
			err := h.Handle(ctx, delivery(memory))
			if !errors.Is(err, context.Canceled) || task.IsPermanent(err) {
				t.Errorf("error %v, want a cancellation to be retried", err)
			}
		})
	})
	t.Run("dawdling body", func(t *testing.T) {
		inBubble(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "o")
			_ = http.NewResponseController(w).Flush()
			block(w, r)
		}, webhook.Options{Timeout: 500 * time.Millisecond}, func(t *testing.T, h *webhook.Handler, _ *memnet.Network) {
			start := time.Now()
			if err := h.Handle(attempt(t, 1), delivery(memory)); err != nil {
				t.Errorf("error %v, want none: the answer was 200", err)
			}
			if took := time.Since(start); took != 500*time.Millisecond {
				t.Errorf("a timeout of 500ms took %v", took)
			}
		})
	})
}

// One handler serves a whole batch, and connections are used again.
func TestConcurrentDeliveries(t *testing.T) {
	var requests atomic.Int32
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, "thanks")
	}, webhook.Options{}, func(t *testing.T, h *webhook.Handler, network *memnet.Network) {
		for range 25 {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := h.Handle(attempt(t, 1), delivery(memory)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			synctest.Wait() // net/http gives connections back after the answer
		}
		if n := requests.Load(); n != 100 {
			t.Errorf("%d requests, want 100", n)
		}
		if n := network.Dialled(); n > 4 {
			t.Errorf("%d connections for 100 requests, 4 at a time: they are not used again", n)
		}
	})
}

// A connection that died while nobody used it, in a frozen process for example, does not cost an attempt.
func TestDeadPooledConnection(t *testing.T) {
	var requests atomic.Int32
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1) != 2 {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close() // without an answer
	}, webhook.Options{}, func(t *testing.T, h *webhook.Handler, _ *memnet.Network) {
		for range 2 {
			if err := h.Handle(attempt(t, 1), delivery(memory)); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		if n := requests.Load(); n != 3 {
			t.Errorf("%d requests, want 3: the second was repeated", n)
		}
	})
}
