package cli_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/offloadhq/offload/internal/cli"
)

func raise(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		t.Fatal(err)
	}
}

func TestFirstSignalEndsTheContext(t *testing.T) {
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // not under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	for _, s := range signals {
		ctx, release := cli.WithSignals(t.Context())
		raise(t, s)
		waitFor(t, s.String(), func() bool { return ctx.Err() != nil })
		release()
	}
}

func TestSecondInterruptWaitsNoLonger(t *testing.T) {
	ctx, release := cli.WithSignals(t.Context())
	defer release()
	raise(t, syscall.SIGTERM)
	<-ctx.Done()
	err := cli.StopWithin(ctx, time.Hour, func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			t.Errorf("the first signal has ended the wait: %v", err)
		}
		raise(t, syscall.SIGINT)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if !errors.Is(err, cli.ErrHurry) {
		t.Fatalf("err = %v", err)
	}
	// And whatever is stopped after that is not waited for either.
	_ = cli.StopWithin(ctx, time.Hour, func(ctx context.Context) error { <-ctx.Done(); return nil })
}

// A process group that is told to end may tell it twice, by way of make.
func TestSecondSIGTERMChangesNothing(t *testing.T) {
	ctx, release := cli.WithSignals(t.Context())
	defer release()
	raise(t, syscall.SIGTERM)
	<-ctx.Done()
	raise(t, syscall.SIGTERM)
	err := cli.StopWithin(ctx, 100*time.Millisecond, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("err = %v", err)
	}
}
