package client_test

import (
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

func TestBufferIsBoundedByTasks(t *testing.T) {
	other := clienttest.NewRecorder(small)
	opts := &client.Options{MaxPending: 10, Routes: map[string]transport.Sender{"bulk": other}}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Second, clienttest.Accept))
		receipts, err := c.FireBatch(t.Context(), numbers(12))
		want(t, err, client.ErrBufferFull, client.ErrNotSent)
		for i, r := range receipts {
			if (r.Err != nil) != (i >= 10) {
				t.Errorf("receipt %d: %+v", i, r)
			}
		}
		if !strings.Contains(err.Error(), "MaxPending is 10") {
			t.Error(err)
		}
		var waiting []<-chan outcome
		for range 9 {
			waiting = append(waiting, fire(t.Context(), c, number.With(1)))
		}
		start := time.Now()
		if _, err := c.Fire(t.Context(), bulk.With(1)); err != nil { // the tenth, on another route
			t.Error(err)
		}
		waiting = append(waiting, fire(t.Context(), c, number.With(1)))
		_, err = c.Fire(t.Context(), bulk.With(1))
		want(t, err, client.ErrBufferFull)
		if time.Since(start) != 0 {
			t.Errorf("blocked for %v", time.Since(start))
		}
		for _, w := range waiting {
			if o := <-w; o.err != nil {
				t.Error(o.err)
			}
		}
	})
}

func TestBufferIsBoundedByBytes(t *testing.T) {
	e, err := text.With("xx").Encode(task.NewID(time.Now()), "test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, &client.Options{MaxPendingBytes: 3 * (e.Size() + 1280)}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Second, clienttest.Accept))
		fire(t.Context(), c, text.With("xx"))
		fire(t.Context(), c, text.With("xx"))
		_, err := c.Fire(t.Context(), text.With("xxx"))
		want(t, err, client.ErrBufferFull)
		last := fire(t.Context(), c, text.With("xx"))
		if o := <-last; o.err != nil {
			t.Error(o.err)
		}
		_, err = c.Fire(t.Context(), text.With(strings.Repeat("x", 2*(e.Size()+1280))+"xxx"))
		want(t, err, task.ErrTooLarge)
		if err == nil || !strings.Contains(err.Error(), "MaxPendingBytes") {
			t.Error(err)
		}
	})
}

// TestRoomIsFreeOnceFireReturns holds that a caller never meets its own last task in a full buffer.
func TestRoomIsFreeOnceFireReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 8
		c := newClient(t, clienttest.NewRecorder(small), &client.Options{MaxPending: callers})
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for i := range 1500 {
					if _, err := c.Fire(t.Context(), number.With(i)); err != nil {
						t.Errorf("task %d: %v", i, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// TestSlowOnResultFillsTheBuffer holds that ends which nobody takes do not pile up.
func TestSlowOnResultFillsTheBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pass := make(chan struct{})
		rec := clienttest.NewRecorder(small)
		c := newClient(t, rec, &client.Options{MaxPending: 2, ConfirmTimeout: time.Second, OnResult: func(client.Receipt) { <-pass }})
		rec.Respond(after(2*time.Second, clienttest.Accept))
		_, err := c.FireBatch(t.Context(), numbers(2))
		want(t, err, client.ErrUnconfirmed)
		time.Sleep(time.Minute)
		_, err = c.Fire(t.Context(), number.With(1))
		want(t, err, client.ErrBufferFull)
		close(pass)
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		rec.Respond(nil)
		if _, err := c.Fire(t.Context(), number.With(1)); err != nil {
			t.Error(err)
		}
	})
}
