package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/offloadhq/offload/internal/backoff"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

// logOutcome writes one line for what became of each task: never its arguments. Of dead letters and stuck handlers the
// worker has written it, with reason and stack.
func logOutcome(log *slog.Logger) func(worker.Outcome) {
	return func(o worker.Outcome) {
		if o.State == worker.DeadLettered || o.State == worker.Stuck {
			return
		}
		level := slog.LevelInfo
		if !o.Acked() {
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{
			slog.String("task", o.Name), slog.String("id", o.ID), slog.Int("attempt", o.Attempt),
			slog.Duration("waited", o.Waited), slog.Duration("took", o.Took),
		}
		if o.Delay > 0 {
			attrs = append(attrs, slog.Duration("again_in", o.Delay))
		}
		if o.Err != nil {
			attrs = append(attrs, slog.String("error", o.Err.Error()))
		}
		if o.SettleErr != nil {
			attrs = append(attrs, slog.String("settle_error", o.SettleErr.Error()))
		}
		log.LogAttrs(context.Background(), level, o.State.String(), attrs...)
	}
}

// readable writes durations as text (1.5s): slog's own JSON form is a count of nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().Round(10 * time.Microsecond).String())
	}
	return a
}

// maxBackoff makes every failed attempt come back within the given time, whatever its policy says. Empty: policies hold.
func maxBackoff(value string) (worker.Middleware, error) {
	if value == "" {
		return nil, nil
	}
	limit, err := time.ParseDuration(value)
	if err != nil {
		return nil, fmt.Errorf("OFFLOAD_MAX_BACKOFF %q: must be a duration such as 1s: %w", value, err)
	}
	return func(next worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
			err := next.Handle(ctx, d)
			if err == nil || task.IsPermanent(err) {
				return err
			}
			return task.RetryAfter(err, backoff.FullJitter(limit))
		})
	}, nil
}
