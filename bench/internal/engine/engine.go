// Package engine runs tasks from one end to the other: a client, a queue and a worker that takes them.
package engine

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// Engine is a queue with its worker. Fire is safe for concurrent use.
type Engine interface {
	Fire(ctx context.Context) error
	Close(ctx context.Context) error
}

// The engines. Tuned ones look for work as often as their documentation allows with sense.
const (
	Offload      = "Offload on its emulator"
	AsynqDefault = "asynq, default"
	AsynqTuned   = "asynq, tuned"
	RiverDefault = "River, default"
	RiverTuned   = "River, tuned"
)

// opener starts an engine; started gets, for each task, the time that it was fired, when its handler begins. What the
// handler then does is nothing.
type opener func(ctx context.Context, s queue.Server, started func(fired, begun time.Time)) (Engine, error)

var engines = map[string]opener{
	Offload: openOffload,
	AsynqDefault: func(ctx context.Context, s queue.Server, f func(a, b time.Time)) (Engine, error) {
		return openAsynq(ctx, s, 0, f)
	},
	AsynqTuned: func(ctx context.Context, s queue.Server, f func(a, b time.Time)) (Engine, error) {
		return openAsynq(ctx, s, time.Millisecond, f)
	},
	RiverDefault: func(ctx context.Context, s queue.Server, f func(a, b time.Time)) (Engine, error) {
		return openRiver(ctx, s, 0, f)
	},
	RiverTuned: func(ctx context.Context, s queue.Server, f func(a, b time.Time)) (Engine, error) {
		return openRiver(ctx, s, time.Millisecond, f)
	},
}

// workers is how many tasks a worker runs at once.
const workers = 100

func open(ctx context.Context, name string, s queue.Server, started func(fired, begun time.Time)) (Engine, error) {
	start, ok := engines[name]
	if !ok {
		return nil, fmt.Errorf("engine %q: use one of %s", name, strings.Join(slices.Sorted(maps.Keys(engines)), "; "))
	}
	e, err := start(ctx, s, started)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return e, nil
}

// patience is how long a task may take to start before the engine counts as stuck.
const patience = 2 * time.Minute

// Idle fires n tasks one by one, each some time after the last one has begun, and measures from the call of Fire to the
// beginning of the handler. pause is the longest of those times: where workers poll, it must be a poll's interval at least.
func Idle(ctx context.Context, name string, s queue.Server, n int, pause time.Duration) (sample measure.Sample, err error) {
	began := make(chan time.Duration, 1)
	e, err := open(ctx, name, s, func(fired, begun time.Time) { began <- begun.Sub(fired) })
	if err != nil {
		return sample, err
	}
	defer func() {
		if e := e.Close(ctx); err == nil {
			err = e
		}
	}()
	var h measure.Histogram
	for i := range n + 1 { // the first warms up
		if err := wait(ctx, rand.N(pause)); err != nil {
			return sample, err
		}
		if err := e.Fire(ctx); err != nil {
			return sample, err
		}
		select {
		case d := <-began:
			if i > 0 {
				h.Add(d)
			}
		case <-time.After(patience):
			return sample, fmt.Errorf("%s: task %d did not start within %v", name, i, patience)
		case <-ctx.Done():
			return sample, ctx.Err()
		}
	}
	return measure.Sample{Tasks: h.Count(), P50: h.Quantile(0.5), P99: h.Quantile(0.99)}, nil
}

// Throughput fires tasks from 64 goroutines, for warmUp and then for a window, and measures until the last one has begun.
func Throughput(ctx context.Context, name string, s queue.Server, warmUp, window time.Duration) (sample measure.Sample, err error) {
	var fired, begun atomic.Int64
	e, err := open(ctx, name, s, func(time.Time, time.Time) { begun.Add(1) })
	if err != nil {
		return sample, err
	}
	defer func() {
		if e := e.Close(ctx); err == nil {
			err = e
		}
	}()
	l := measure.Load{
		Goroutines: 64, Window: warmUp,
		Call: func(ctx context.Context) (int, error) {
			if err := e.Fire(ctx); err != nil {
				return 0, err
			}
			fired.Add(1)
			return 1, nil
		},
		Drain: func(ctx context.Context) error {
			if err := until(ctx, func() bool { return begun.Load() >= fired.Load() }); err != nil {
				return fmt.Errorf("%d of %d tasks began: %w", begun.Load(), fired.Load(), err)
			}
			return nil
		},
	}
	if warm := l.Run(ctx); warm.Failures > 0 {
		return sample, fmt.Errorf("warm-up: %s", warm.Problem)
	}
	l.Window = window
	return l.Run(ctx), nil
}

// until polls, as the tasks begin in places that cannot signal.
func until(ctx context.Context, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	for !done() {
		if err := wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
