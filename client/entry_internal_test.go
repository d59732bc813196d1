package client

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// instant accepts everything at once.
type instant struct{}

func (instant) Limits() transport.Limits { return transport.Limits{Items: 10} }

func (instant) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	for i := range results {
		results[i].Outcome = transport.Accepted
	}
	return results, nil
}

// TestEntriesAreUsedAgainByNobodyElse reads, as Close does when its patience ends, what is in flight, while entries end and
// are used again. It is for the race detector most of all.
func TestEntriesAreUsedAgainByNobodyElse(t *testing.T) {
	for _, mode := range []Mode{Buffered, Confirmed} {
		t.Run(mode.String(), func(t *testing.T) { useEntriesAgain(t, mode) })
	}
}

func useEntriesAgain(t *testing.T, mode Mode) {
	c, err := New(instant{}, &Options{Mode: mode, Source: "test", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r := c.routes[""]
	var firing, looking sync.WaitGroup
	var over atomic.Bool
	looking.Go(func() {
		for !over.Load() {
			if n, tasks := inFlight(r); n != tasks {
				t.Errorf("%d entries in the requests in flight, %d counted", n, tasks)
				return
			}
		}
	})
	for range 4 {
		firing.Go(func() {
			for i := range 2000 {
				if _, err := c.Fire(t.Context(), probe.With(struct{}{})); err != nil {
					t.Errorf("task %d: %v", i, err)
					return
				}
			}
		})
	}
	firing.Wait()
	over.Store(true)
	looking.Wait()
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// inFlight counts the entries whose place is flying, as abandon finds them, and what the route counts.
func inFlight(r *route) (found, counted int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for q := r.flights.First(); q != nil; q = q.node.Next() {
		for _, e := range q.entries {
			if e.place == flying {
				found++
			}
		}
	}
	return found, r.flights.load.Tasks
}
