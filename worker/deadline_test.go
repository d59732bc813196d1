package worker_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

func TestE4_DeadlineKeepsWhatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settler
		w := newWorker(t, newMux(definition, func(ctx context.Context, a args) error {
			if a.N%3 != 1 {
				time.Sleep(time.Second)
				return nil
			}
			<-ctx.Done() // slow: 1, 4 and 7
			if cause := context.Cause(ctx); !errors.Is(cause, worker.ErrDeadline) {
				t.Errorf("cause %v, want ErrDeadline", cause)
			}
			return ctx.Err()
		}), worker.Options{Settler: &s})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		outcomes := w.Process(ctx, deliver(t, numbered(definition, 10)...))
		for i, o := range outcomes {
			want := worker.Done
			if i%3 == 1 && i < 9 {
				want = worker.Retry
				if !errors.Is(o.Err, worker.ErrDeadline) {
					t.Errorf("record %d: error %v, want ErrDeadline", i, o.Err)
				}
			}
			if o.State != want {
				t.Errorf("record %d: %v, want %v", i, o.State, want)
			}
		}
		if took := time.Since(start); took != 57*time.Second { // 5 % of a minute before its end
			t.Errorf("handlers ended after %v, want 57s", took)
		}
	})
}

func TestE4_UnstartedRecordsAreReturnedUnrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settler
		calls := 0
		w := newWorker(t, newMux(definition, func(ctx context.Context, _ args) error {
			calls++
			<-ctx.Done()
			return nil // it noticed, and made it
		}), worker.Options{Settler: &s, Concurrency: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ds := deliver(t, numbered(definition, 3)...)
		ds[1].Receives, ds[2].Receives = 10, 15 // not dead-lettered: they did not run
		outcomes := w.Process(ctx, ds)
		wantStates(t, outcomes, worker.Done, worker.Returned, worker.Returned)
		if calls != 1 || len(s.buried) != 0 {
			t.Errorf("%d calls, dead letters %v", calls, s.buried)
		}
		if d, ok := s.waits["m1"]; !ok || d != 0 || len(s.waits) != 2 {
			t.Errorf("waits %v, want m1 and m2 visible at once", s.waits)
		}
		if o := outcomes[1]; !errors.Is(o.Err, worker.ErrDeadline) || o.ID != "t1" || o.Name != "test.task" || o.Acked() {
			t.Errorf("outcome: %+v", o)
		}
	})
}

func TestE4_InvocationThatCannotStartAnythingTouchesNothing(t *testing.T) {
	var s settler
	w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &s})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcomes := w.Process(ctx, deliver(t, numbered(definition, 2)...))
	wantStates(t, outcomes, worker.Returned, worker.Returned)
	if len(s.calls) != 0 {
		t.Errorf("calls %v: a batch made visible at once comes back at once, for ever", s.calls)
	}
}

func TestE4_Margin(t *testing.T) {
	for _, c := range []struct{ remains, option, works time.Duration }{
		{15 * time.Minute, 0, 15*time.Minute - 45*time.Second},
		{20 * time.Second, 0, 19 * time.Second},
		{5 * time.Second, 0, 4 * time.Second},
		{time.Second, 0, 500 * time.Millisecond},
		{time.Minute, 10 * time.Second, 50 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			called := false
			w := newWorker(t, newMux(definition, func(ctx context.Context, _ args) error {
				called = true
				if d, ok := ctx.Deadline(); !ok || d.Sub(start) != c.works {
					t.Errorf("of %v the handler gets %v, want %v", c.remains, d.Sub(start), c.works)
				}
				return nil
			}), worker.Options{Margin: c.option})
			ctx, cancel := context.WithTimeout(t.Context(), c.remains)
			defer cancel()
			w.Process(ctx, deliver(t, definition.With(args{})))
			if !called {
				t.Errorf("of %v the handler gets nothing, want %v", c.remains, c.works)
			}
		})
	}
}

func TestE4_StuckHandlerIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settler
		var stuck []worker.Outcome
		release := make(chan struct{})
		w := newWorker(t, newMux(definition, failing(1, func(context.Context) error { <-release; return nil })),
			worker.Options{Settler: &s, OnStuck: func(o worker.Outcome) { stuck = append(stuck, o) }})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		ds := deliver(t, numbered(definition, 3)...)
		ds[1].Receives = 10 // its last attempt, and still no dead letter: nobody knows how it ends
		outcomes := w.Process(ctx, ds)
		wantStates(t, outcomes, worker.Done, worker.Stuck, worker.Done)
		if len(s.calls) != 0 {
			t.Errorf("calls %v: the visibility of a stuck record is not to be touched", s.calls)
		}
		if len(stuck) != 1 || stuck[0].ID != "t1" || stuck[0].Attempt != 10 {
			t.Errorf("OnStuck got %+v, want t1 once", stuck)
		}
		if took := time.Since(start); took >= 10*time.Second || took < 9*time.Second {
			t.Errorf("the answer came after %v of 10s", took)
		}
		close(release)
	})
}

func TestE4_StuckRecordDoesNotHoldTheSettlerUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settler
		release := make(chan struct{})
		defer close(release)
		w := newWorker(t, newMux(definition, func(_ context.Context, a args) error {
			if a.N == 0 {
				<-release
			}
			return errHandler
		}), worker.Options{Settler: &s})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		wantStates(t, w.Process(ctx, deliver(t, numbered(definition, 2)...)), worker.Stuck, worker.Retry)
		if _, ok := s.waits["m1"]; !ok { // the recording settler refuses a context that has ended
			t.Errorf("waits %v, want m1 settled before the deadline", s.waits)
		}
	})
}

func TestE4_TimeoutOfTheAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		definition task.Definition[args]
		fire       []task.FireOption
		want       time.Duration
	}{
		"definition":   {task.Define[args]("test.task", task.Timeout(2*time.Second)), nil, 2 * time.Second},
		"firing":       {definition, []task.FireOption{task.Timeout(3 * time.Second)}, 3 * time.Second},
		"firing first": {task.Define[args]("test.task", task.Timeout(2*time.Second)), []task.FireOption{task.Timeout(3 * time.Second)}, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorker(t, newMux(c.definition, func(ctx context.Context, _ args) error {
					<-ctx.Done()
					return ctx.Err()
				}), worker.Options{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				e := encode(t, definition.With(args{}), c.fire...)
				outcomes := w.Process(ctx, []transport.Delivery{{Source: queueARN, MessageID: "m", Body: e.Body(), Receives: 1}})
				if o := outcomes[0]; !errors.Is(o.Err, worker.ErrTimeout) || !errors.Is(o.Err, context.DeadlineExceeded) || errors.Is(o.Err, worker.ErrDeadline) {
					t.Errorf("error %v, want ErrTimeout", o.Err)
				}
				if took := time.Since(start); took != c.want || outcomes[0].Took != c.want {
					t.Errorf("took %v, told %v, want %v", took, outcomes[0].Took, c.want)
				}
			})
		})
	}
}

func TestCancelledCallerStillSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settler
		ctx, cancel := context.WithCancel(t.Context())
		both := make(chan struct{}) // closed when both run: what has not started would be returned
		w := newWorker(t, newMux(definition, func(ctx context.Context, a args) error {
			if a.N == 0 {
				<-both
				cancel()
				return nil
			}
			close(both)
			<-ctx.Done()
			time.Sleep(time.Hour) // no deadline, so it is waited for
			return ctx.Err()
		}), worker.Options{Settler: &s})
		outcomes := w.Process(ctx, deliver(t, numbered(definition, 2)...))
		wantStates(t, outcomes, worker.Done, worker.Retry)
		if !slices.Equal(s.calls, []string{"retry"}) || len(s.waits) != 1 {
			t.Errorf("calls %v, waits %v: settling must not hang on the caller's context", s.calls, s.waits)
		}
	})
}
