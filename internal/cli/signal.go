package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// hurryKey is the key of the context that ends when the user will not wait any longer.
type hurryKey struct{}

// WithSignals returns a context that ends with the first SIGINT (Ctrl-C), SIGTERM or SIGHUP (the terminal was closed;
// not under nohup, which ignores it). A SIGINT after that tells every [StopWithin] of this context to wait no longer.
// release ends the watch, and the context.
func WithSignals(parent context.Context) (_ context.Context, release func()) {
	hurry, hasten := context.WithCancel(context.WithoutCancel(parent))
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, hurryKey{}, hurry))
	watched := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		watched = append(watched, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, watched...)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case s := <-signals:
				// SIGTERM may come twice of one wish: from make, and to the group of make.
				if ctx.Err() != nil && s == os.Interrupt {
					hasten()
				}
				cancel(fmt.Errorf("signal: %v", s))
			case <-quit:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(quit)
		<-ended
		cancel(context.Canceled)
		hasten()
	}
}

// ErrHurry is the cause of the context that [StopWithin] gives, when the user does not wait for its end.
var ErrHurry = errors.New("Ctrl-C was pressed once more")

// StopWithin calls stop with a context that outlives ctx by at most d, and less if the user presses Ctrl-C once more
// (see [WithSignals]). It returns what stop does.
func StopWithin(ctx context.Context, d time.Duration, stop func(context.Context) error) error {
	bounded, end := context.WithTimeoutCause(context.WithoutCancel(ctx), d, fmt.Errorf("it had %v", d))
	defer end()
	bounded, cancel := context.WithCancelCause(bounded)
	defer cancel(nil)
	if hurry, ok := ctx.Value(hurryKey{}).(context.Context); ok {
		defer context.AfterFunc(hurry, func() { cancel(ErrHurry) })() //nolint:contextcheck // hurry comes out of ctx
	}
	return stop(bounded)
}
