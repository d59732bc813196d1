package client_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// TestA7_ThinLineHasTimeForLargeRequests has a line that takes 150 kB a second.
func TestA7_ThinLineHasTimeForLargeRequests(t *testing.T) {
	bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			bytes := 0
			for _, e := range batch {
				bytes += e.Size()
			}
			return after(time.Duration(bytes)*time.Second/150_000, clienttest.Accept)(ctx, call, batch)
		})
		large := make([]task.Task, 10)
		for i := range large {
			large[i] = text.With(strings.Repeat("x", 100_000))
		}
		if _, err := c.FireBatch(t.Context(), large); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(t.Context()); err != nil || rec.Calls() != 1 || len(rec.Envelopes()) != 10 {
			t.Errorf("%d requests, %d delivered: %v", rec.Calls(), len(rec.Envelopes()), err)
		}
	})
}
