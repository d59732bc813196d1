package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
)

func TestOnResultIsSerialAndMayPanicAndFire(t *testing.T) {
	var got results
	var c *client.Client
	running := 0
	opts := &client.Options{ConfirmTimeout: time.Second, OnResult: func(r client.Receipt) {
		if running++; running != 1 { // the race detector watches too
			t.Errorf("%d calls at once", running)
		}
		time.Sleep(time.Millisecond)
		if _, err := c.Fire(context.Background(), text.With("from OnResult")); err != nil {
			t.Error(err)
		}
		got.add(r)
		running--
		panic("OnResult is broken")
	}}
	synctest.Test(t, func(t *testing.T) {
		rec := clienttest.NewRecorder(small)
		c = newClient(t, rec, opts)
		rec.Respond(flaky(after(2*time.Second, clienttest.Accept), 2*time.Second))
		receipts, err := c.FireBatch(t.Context(), numbers(100))
		want(t, err, client.ErrUnconfirmed)
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		told := map[string]bool{}
		for _, r := range got.all() {
			told[r.ID] = true
		}
		for _, r := range receipts {
			if told[r.ID] != errors.Is(r.Err, client.ErrUnconfirmed) {
				t.Errorf("told %v of %v", told[r.ID], r.Err)
			}
		}
		if n := len(clienttest.Fired(t, rec, text)); n != len(told) || n != len(got.all()) || n == 0 {
			t.Errorf("fired %d, told %d times of %d", n, len(got.all()), len(told))
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
