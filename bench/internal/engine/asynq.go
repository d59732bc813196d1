package engine

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hibiken/asynq"

	"github.com/offloadhq/offload/bench/internal/payload"
	"github.com/offloadhq/offload/bench/internal/queue"
)

type asynqEngine struct {
	producer queue.Producer
	server   *asynq.Server
}

// openAsynq starts a server that looks for tasks every interval; 0 is its default, a second.
func openAsynq(ctx context.Context, s queue.Server, interval time.Duration, started func(fired, begun time.Time)) (Engine, error) {
	producer, err := queue.Open(ctx, queue.Asynq, s)
	if err != nil {
		return nil, err
	}
	server := asynq.NewServer(asynq.RedisClientOpt{Addr: s.Address}, asynq.Config{
		Concurrency: workers, TaskCheckInterval: interval, LogLevel: asynq.FatalLevel,
	})
	err = server.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		begun := time.Now()
		var p payload.Payload
		if err := json.Unmarshal(t.Payload(), &p); err != nil {
			return err
		}
		started(p.FiredAt(), begun)
		return nil
	}))
	if err != nil {
		return nil, err
	}
	return &asynqEngine{producer: producer, server: server}, nil
}

// Fire implements [Engine].
func (e *asynqEngine) Fire(ctx context.Context) error {
	_, err := e.producer.Produce(ctx)
	return err
}

// Close implements [Engine].
func (e *asynqEngine) Close(ctx context.Context) error {
	e.server.Shutdown()
	return e.producer.Close(ctx)
}
