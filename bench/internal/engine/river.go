package engine

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/offloadhq/offload/bench/internal/payload"
	"github.com/offloadhq/offload/bench/internal/queue"
)

type riverEngine struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

type riverWorker struct {
	river.WorkerDefaults[payload.Payload]
	started func(fired, begun time.Time)
}

// Work implements river.Worker.
func (w *riverWorker) Work(_ context.Context, job *river.Job[payload.Payload]) error {
	w.started(job.Args.FiredAt(), time.Now())
	return nil
}

// openRiver starts a client that works too, with a cooldown between fetches; 0 is its default, 100 ms.
func openRiver(ctx context.Context, s queue.Server, cooldown time.Duration, started func(fired, begun time.Time)) (Engine, error) {
	pool, err := queue.RiverOpen(ctx, s)
	if err != nil {
		return nil, err
	}
	all := river.NewWorkers()
	river.AddWorker(all, &riverWorker{started: started})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}}, Workers: all, FetchCooldown: cooldown,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err == nil {
		err = client.Start(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &riverEngine{pool: pool, client: client}, nil
}

// Fire implements [Engine].
func (e *riverEngine) Fire(ctx context.Context) error {
	_, err := e.client.Insert(ctx, payload.New(), nil)
	return err
}

// Close implements [Engine].
func (e *riverEngine) Close(ctx context.Context) error {
	defer e.pool.Close()
	return e.client.StopAndCancel(ctx)
}
