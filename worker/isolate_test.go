package worker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/worker"
)

func TestE2_PanicInGoroutineOfTheHandler(t *testing.T) {
	o := oneBad(t, func(ctx context.Context) error {
		worker.Go(ctx, func(context.Context) error { panic(errHandler) })
		<-ctx.Done() // the panic ends the handler
		return ctx.Err()
	})
	if p, ok := errors.AsType[*worker.PanicError](o.Err); !ok || p.Value != any(errHandler) {
		t.Errorf("error %v, want the panic of the goroutine", o.Err)
	}
}

func TestE2_RecordWaitsForItsGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		w := newWorker(t, newMux(definition, func(ctx context.Context, _ args) error {
			for range 3 {
				worker.Go(ctx, func(ctx context.Context) error {
					time.Sleep(time.Hour)
					worker.Go(ctx, func(context.Context) error { // a goroutine may start more
						time.Sleep(time.Hour)
						ended.Add(1)
						return nil
					})
					return nil
				})
			}
			return nil
		}), worker.Options{})
		wantStates(t, w.Process(t.Context(), deliver(t, definition.With(args{}))), worker.Done)
		if ended.Load() != 3 {
			t.Errorf("%d goroutines had ended when the record was done, want 3", ended.Load())
		}
	})
}

func TestE2_GoroutineEnds(t *testing.T) {
	for name, f := range map[string]func(ctx context.Context) error{
		"an error fails the record": func(ctx context.Context) error {
			worker.Go(ctx, func(context.Context) error { return errHandler })
			return nil
		},
		"a permanent error stays one": func(ctx context.Context) error {
			worker.Go(ctx, func(context.Context) error { return fmt.Errorf("x: %w", errHandler) })
			<-ctx.Done()
			return fmt.Errorf("handler: %w", context.Cause(ctx))
		},
		"the handler's error ends the context of its goroutines": func(ctx context.Context) error {
			worker.Go(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil })
			return errHandler
		},
		"so does its panic": func(ctx context.Context) error {
			worker.Go(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil })
			panic(errHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if o := oneBad(t, f); !errors.Is(o.Err, errHandler) {
				t.Errorf("error %v, want %v", o.Err, errHandler)
			}
		})
	}
}

func TestE2_GoOutsideAHandlerPanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil {
			t.Error("no panic")
		}
	}()
	worker.Go(t.Context(), func(context.Context) error { return nil })
}

func TestE2_GoAfterTheHandlerPanics(t *testing.T) {
	var kept context.Context
	w := newWorker(t, newMux(definition, func(ctx context.Context, _ args) error { kept = ctx; return nil }), worker.Options{})
	w.Process(t.Context(), deliver(t, definition.With(args{})))
	defer func() {
		if r := recover(); r == nil {
			t.Error("no panic")
		}
	}()
	worker.Go(kept, func(context.Context) error { return nil })
}

func TestE3_GoexitFailsTheRecord(t *testing.T) {
	for name, f := range map[string]func(ctx context.Context) error{
		"handler": func(context.Context) error { runtime.Goexit(); return nil },
		"its goroutine": func(ctx context.Context) error {
			worker.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil })
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			if o := oneBad(t, f); !errors.Is(o.Err, worker.ErrGoexit) {
				t.Errorf("error %v, want ErrGoexit", o.Err)
			}
		})
	}
}
