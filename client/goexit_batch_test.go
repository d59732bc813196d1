package client_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
)

// exiting are arguments that end the goroutine of whoever encodes them.
type exiting struct{}

func (exiting) MarshalJSON() ([]byte, error) {
	runtime.Goexit()
	return nil, nil
}

// TestA15_BatchThatIsEndedOnItsWayInCounts has the goroutine of a caller end between two of its tasks.
func TestA15_BatchThatIsEndedOnItsWayInCounts(t *testing.T) {
	for name, tasks := range map[string][]task.Task{
		"Create":  {number.With(1), bulk.With(2), number.With(3)}, // there is no route for the second
		"encoder": {number.With(1), bulk.With(2), task.Define[exiting]("test.exiting").With(exiting{})},
	} {
		t.Run(name, func(t *testing.T) {
			created := 0
			opts := &client.Options{Mode: client.Buffered, Hooks: client.Hooks{
				Create: func(ctx context.Context, _ task.Firing) (context.Context, []task.FireOption) {
					if created++; created == 3 && name == "Create" {
						runtime.Goexit()
					}
					return ctx, nil
				},
			}}
			bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				var s spoilt
				s.try(func() {
					_, _ = c.FireBatch(t.Context(), tasks)
					t.Error("FireBatch has returned")
				})
				s.try(func() { _, _ = c.Fire(t.Context(), tasks[2]) })
				if err := c.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				balance(t, c.Stats())
				if n := len(rec.Envelopes()); n != map[string]int{"Create": 1, "encoder": 0}[name] {
					t.Errorf("%d sent", n)
				}
			})
		})
	}
}

// TestA15_BatchThatIsEndedInItsWaitIsTakenBack has a hook end the caller of a batch, whose patience is over, at the first task that
// is taken back: so are the others, and OnResult tells what becomes of those in flight.
func TestA15_BatchThatIsEndedInItsWaitIsTakenBack(t *testing.T) {
	const all = 25
	var told results
	exited := false
	opts := &client.Options{MaxSenders: 1, OnResult: told.add, Hooks: client.Hooks{Ended: func(client.Receipt, time.Duration) {
		if !exited {
			exited = true
			runtime.Goexit()
		}
	}}}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(2*time.Second, clienttest.Accept))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var s spoilt
		s.try(func() {
			_, _ = c.FireBatch(ctx, numbers(all))
			t.Error("FireBatch has returned")
		})
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		sent := len(rec.Envelopes())
		if stats := c.Stats(); sent == 0 || len(told.all()) != sent || int(stats.Rejected) != all-sent {
			t.Errorf("of %d tasks %d were sent, %d told, %d taken back", all, sent, len(told.all()), stats.Rejected)
		}
	})
}
