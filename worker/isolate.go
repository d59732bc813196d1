package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// ErrGoexit says that a handler, or a goroutine started by [Go], ended by runtime.Goexit (which is what
// testing.T.FailNow does) instead of returning. The record counts as failed.
var ErrGoexit = errors.New("handler ended its goroutine by runtime.Goexit instead of returning")

// PanicError is a panic of a handler, a middleware or a goroutine started by [Go].
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine that panicked
}

// Error reads "panic: " and the value. The stack is not in it.
func (e *PanicError) Error() string { return fmt.Sprint("panic: ", e.Value) }

// Unwrap returns Value if it is an error, else nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// newPanicError is called by the deferred function that recovered v: the stack still holds the place of the panic.
func newPanicError(v any) error { return &PanicError{v, debug.Stack()} }

type groupKey struct{}

// group is the goroutines of one handler.
type group struct {
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu     sync.Mutex // of those below
	closed bool
	err    error
}

// Go runs f in a goroutine that belongs to the handler of ctx: the record waits for it, and its error, panic or
// runtime.Goexit fails the record and ends the handler's context with that as the cause. When the handler itself
// fails, the context ends for f. A plain go statement has none of this: a panic there ends the process and with it the
// whole batch.
//
// f gets ctx and may call Go again. Go does not block. It panics if ctx is not that of a handler that a worker runs, or if the
// handler has ended.
func Go(ctx context.Context, f func(context.Context) error) {
	g, ok := ctx.Value(groupKey{}).(*group)
	if !ok {
		panic("worker.Go: the context is not that of a handler: run the handler in a worker (in tests with workertest.Run)")
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		panic("worker.Go: the handler of this context has ended")
	}
	g.wg.Add(1)
	g.mu.Unlock()
	go func() {
		err := ErrGoexit
		defer func() {
			if r := recover(); r != nil {
				err = newPanicError(r)
			}
			if err != nil {
				g.fail(err)
			}
			g.wg.Done()
		}()
		err = f(ctx)
	}()
}

// fail notes the first error and ends the context of the handler.
func (g *group) fail(err error) {
	g.mu.Lock()
	if g.err == nil {
		g.err = err
	}
	g.mu.Unlock()
	g.cancel(err)
}

// wait returns the first error when all goroutines have ended. From then on no more can be started.
func (g *group) wait() error {
	g.wg.Wait()
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.wg.Wait() // for one that a stranger to the group started between the two lines above
	return g.err
}

// isolate calls f with a context that [Go] can use, makes an error of a panic, and returns when all that f started with
// Go has ended. A runtime.Goexit of f goes through isolate, after the same wait.
func isolate(ctx context.Context, f func(context.Context) error) (err error) {
	g := &group{}
	ctx, g.cancel = context.WithCancelCause(ctx)
	err = ErrGoexit
	defer func() {
		if r := recover(); r != nil {
			err = newPanicError(r)
		}
		if err != nil {
			g.cancel(err)
		}
		err = firstOf(g.wait(), err)
		g.cancel(nil)
	}()
	return f(context.WithValue(ctx, groupKey{}, g))
}

// firstOf joins the error of a goroutine with that of its handler, which is often just the end of the context that the
// first one brought about.
func firstOf(goroutine, handler error) error {
	switch {
	case goroutine == nil || errors.Is(handler, goroutine):
		return handler
	case handler == nil || errors.Is(handler, context.Canceled):
		return goroutine
	}
	return fmt.Errorf("%w; and in a goroutine of the handler: %w", handler, goroutine)
}

// guard calls f and makes an error of a panic.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = newPanicError(r)
		}
	}()
	return f()
}

// stackOf returns the stack of a panic, "" if err is none.
func stackOf(err error) string {
	if p, ok := errors.AsType[*PanicError](err); ok {
		return string(p.Stack)
	}
	return ""
}
