package queue

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/offloadhq/offload/bench/internal/certificate"
	"github.com/offloadhq/offload/bench/internal/payload"
)

// asynqQueue enqueues with the client's defaults.
type asynqQueue struct{ client *asynq.Client }

func openAsynq(ctx context.Context, s Server) (Producer, error) {
	secured, err := redisTLS(s)
	if err != nil {
		return nil, err
	}
	if err := flush(ctx, s.Address, secured); err != nil {
		return nil, err
	}
	return &asynqQueue{client: asynq.NewClient(asynq.RedisClientOpt{Addr: s.Address, TLSConfig: secured})}, nil
}

// redisTLS is nil for a server without.
func redisTLS(s Server) (*tls.Config, error) {
	if s.Certificate == "" {
		return nil, nil //nolint:nilnil // that is how the client of Redis is told
	}
	return certificate.Config([]byte(s.Certificate))
}

// flush removes what earlier cases left.
func flush(ctx context.Context, address string, secured *tls.Config) error {
	client := redis.NewClient(&redis.Options{Addr: address, TLSConfig: secured})
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
