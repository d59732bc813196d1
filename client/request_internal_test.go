package client

import (
	"context"
	"slices"
	"testing"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// watching is a Sender that looks at the requests of its route.
type watching struct {
	route    *route
	requests []*request
}

func (*watching) Limits() transport.Limits { return transport.Limits{Items: 1} }

func (w *watching) Send(context.Context, []task.Envelope) ([]transport.Result, error) {
	w.route.mu.Lock()
	defer w.route.mu.Unlock()
	w.requests = append(w.requests, w.route.flights.First())
	return []transport.Result{{Outcome: transport.Accepted}}, nil
}

// TestRequestsKeepNoSuccessors holds that a Sender which keeps the envelopes of one request keeps no later one with them.
func TestRequestsKeepNoSuccessors(t *testing.T) {
	w := &watching{}
	c, err := New(w, &Options{Source: "test", MaxSenders: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.route = c.standard
	if _, err := c.FireBatch(t.Context(), slices.Repeat([]task.Task{probe.With(struct{}{})}, 5)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, q := range w.requests {
		if q.successor != nil {
			t.Errorf("request %d of %d has the successor %v", i, len(w.requests), q.successor)
		}
	}
}
