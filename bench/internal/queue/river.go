package queue

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/offloadhq/offload/bench/internal/payload"
)

// RiverPool is how many connections its pool holds: more than the default of pgx (four, on a small machine), so that
// commits of many goroutines can share an fsync.
const RiverPool = 32

// RiverOpen connects to the server, makes the tables of River where they are not, and empties them.
func RiverOpen(ctx context.Context, s Server) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(s.Address)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = RiverPool
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func prepare(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := pool.Exec(ctx, "TRUNCATE river_job"); err != nil {
		return fmt.Errorf("truncate: %w", err)
	}
	return nil
}

type riverQueue struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
	many   int // jobs a call; 0: one by Insert
}

func openRiverInsert(ctx context.Context, s Server) (Producer, error) { return openRiver(ctx, s, 0) }

func openRiverMany(ctx context.Context, s Server) (Producer, error) { return openRiver(ctx, s, 100) }

func openRiver(ctx context.Context, s Server, many int) (Producer, error) {
	pool, err := RiverOpen(ctx, s)
	if err != nil {
		return nil, err
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &riverQueue{pool: pool, client: client, many: many}, nil
}

// Produce implements [Producer].
func (q *riverQueue) Produce(ctx context.Context) (int, error) {
	if q.many == 0 {
		if _, err := q.client.Insert(ctx, payload.New(), nil); err != nil {
			return 0, err
		}
		return 1, nil
	}
	jobs := make([]river.InsertManyParams, q.many)
	for i := range jobs {
		jobs[i].Args = payload.New()
	}
	return q.client.InsertManyFast(ctx, jobs)
}

// Drain implements [Producer].
func (q *riverQueue) Drain(context.Context) error { return nil }

// Close implements [Producer].
func (q *riverQueue) Close(context.Context) error {
	q.pool.Close()
	return nil
}
