package queue

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/offloadhq/offload/bench/internal/payload"
)

// asynqQueue enqueues with the client's defaults.
type asynqQueue struct{ client *asynq.Client }

func openAsynq(ctx context.Context, s Server) (Producer, error) {
	if err := flush(ctx, s); err != nil {
		return nil, err
	}
	return &asynqQueue{client: asynq.NewClient(asynq.RedisClientOpt{Addr: s.Address})}, nil
}

// flush removes what earlier cases left.
func flush(ctx context.Context, s Server) error {
	client := redis.NewClient(&redis.Options{Addr: s.Address})
	return errors.Join(client.FlushAll(ctx).Err(), client.Close())
}

// Produce implements [Producer].
func (q *asynqQueue) Produce(ctx context.Context) (int, error) {
	payload, err := json.Marshal(payload.New())
	if err != nil {
		return 0, err
	}
	if _, err := q.client.EnqueueContext(ctx, asynq.NewTask("bench:placed", payload)); err != nil {
		return 0, err
	}
	return 1, nil
}

// Drain implements [Producer].
func (q *asynqQueue) Drain(context.Context) error { return nil }

// Close implements [Producer].
func (q *asynqQueue) Close(context.Context) error { return q.client.Close() }
