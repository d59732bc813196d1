package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// Logging writes one line for each attempt when it ends: Info "task done", Warn "task failed", Error "task failed for
// good" for a permanent error; with id, name, attempt and duration, and the error. Arguments are never logged. A nil logger
// is slog.Default(). What an attempt led to (a wait, a dead letter) is told by [Options].OnOutcome.
func Logging(log *slog.Logger) Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
			start := time.Now()
			err := next.Handle(ctx, d)
			info, _ := task.InfoFromContext(ctx)
			level, message := slog.LevelInfo, "task done"
			switch {
			case task.IsPermanent(err):
				level, message = slog.LevelError, "task failed for good"
			case err != nil:
				level, message = slog.LevelWarn, "task failed"
			}
			attrs := make([]slog.Attr, 0, 5)
			attrs = append(attrs, slog.String("id", info.ID), slog.String("task", info.Name),
				slog.Int("attempt", info.Attempt), slog.Duration("took", time.Since(start)))
			if err != nil {
				attrs = append(attrs, slog.Any("error", err))
			}
			to := log
			if to == nil {
				to = slog.Default()
			}
			to.LogAttrs(ctx, level, message, attrs...)
			return err
		})
	}
}

// Recovery turns a panic of what it wraps into a [*PanicError]. The worker does so by itself around every handler and
// around the whole chain; use Recovery where an outer middleware must see the panic of an inner one as an error.
func Recovery() Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
			return isolate(ctx, func(ctx context.Context) error { return next.Handle(ctx, d) })
		})
	}
}
