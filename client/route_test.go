package client

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

type nowhere struct{}

func (nowhere) Limits() transport.Limits { return transport.Limits{} }
func (nowhere) Send(context.Context, []task.Envelope) ([]transport.Result, error) {
	return nil, errors.New("nowhere")
}

// TestA3_FireRacesWithClose has Close end the routes between the admission of a task and its place in line.
func TestA3_FireRacesWithClose(t *testing.T) {
	for _, mode := range []Mode{Confirmed, Buffered} {
		t.Run(mode.String(), func(t *testing.T) {
			var told []Receipt
			c, err := New(nowhere{}, &Options{
				Mode: mode, Source: "test", Logger: slog.New(slog.DiscardHandler), OnResult: func(r Receipt) { told = append(told, r) },
			})
			if err != nil {
				t.Fatal(err)
			}
			c.routes[""].abort(ErrClosed)
			one, _ := c.Fire(t.Context(), probe.With(struct{}{}))
			many, _ := c.FireBatch(t.Context(), []task.Task{probe.With(struct{}{}), probe.With(struct{}{})})
			for _, r := range append(many, one) {
				if !errors.Is(r.Err, ErrClosed) || !errors.Is(r.Err, ErrNotSent) || r.Envelope == nil {
					t.Errorf("receipt %+v", r)
				}
			}
			if err := c.Close(t.Context()); err != nil || len(told) > 0 {
				t.Errorf("told once more: %v and %v", err, told)
			}
		})
	}
}
