package transporttest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// SenderFailures runs the suite as [Senders] does, or the one check that is named, and returns what each check that fails
// says.
func SenderFailures(t *testing.T, h SenderHarness, only string) map[string]string {
	failures := map[string]string{}
	for _, c := range senderChecks {
		if only != "" && only != c.name {
			continue
		}
		run(t, h.Run, func(t *testing.T) {
			record(t, c.name, failures, func(tb testing.TB) {
				if d := h.Make(tb); c.needs(d) == "" {
					c.run(tb, d)
				}
			})
		})
	}
	return failures
}

// SettlerFailures runs the suite as [Settlers] does, or the one check that is named, and returns what each check that fails
// says.
func SettlerFailures(t *testing.T, h SettlerHarness, only string) map[string]string {
	failures := map[string]string{}
	for _, c := range settlerChecks {
		if only != "" && only != c.name {
			continue
		}
		run(t, h.Run, func(t *testing.T) {
			record(t, c.name, failures, func(tb testing.TB) {
				if s := h.Make(tb); !c.breaks || s.BreakDeadLetters != nil {
					c.run(tb, s)
				}
			})
		})
	}
	return failures
}

func record(t *testing.T, name string, failures map[string]string, check func(testing.TB)) {
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{TB: t, ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(r)
	}()
	<-done
	cancel()
	for _, f := range r.cleanups {
		f()
	}
	if r.failed {
		failures[name] = r.said
	}
}

// recorder is a testing.TB that fails alone.
type recorder struct {
	testing.TB
	ctx context.Context //nolint:containedctx // what Context returns

	mu       sync.Mutex
	failed   bool   // guarded by mu
	said     string // guarded by mu: the first failure
	cleanups []func()
}

func (r *recorder) fail(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.failed {
		r.said = text
	}
	r.failed = true
}

func (r *recorder) Helper()                           {}
func (r *recorder) Context() context.Context          { return r.ctx }
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any)                 { r.fail(fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.fail(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
