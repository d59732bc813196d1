package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

func TestD5_AttemptsAreSpacedByThePolicy(t *testing.T) {
	for name, c := range map[string]struct {
		backoff task.BackoffFunc
		err     error
		within  func(attempt int) (least, most time.Duration)
	}{
		"exponential": {task.Exponential(time.Minute, time.Hour), errHandler, func(n int) (time.Duration, time.Duration) {
			return 0, min(time.Minute<<(n-1), time.Hour)
		}},
		"retry after": {task.Constant(time.Second), fmt.Errorf("x: %w", task.RetryAfter(errHandler, 90*time.Second)), func(int) (time.Duration, time.Duration) {
			return 90 * time.Second, 90 * time.Second
		}},
		"beyond what a queue holds": {task.Constant(1000 * time.Hour), task.RetryAfter(errHandler, 100*time.Hour), func(int) (time.Duration, time.Duration) {
			return transport.MaxHold, transport.MaxHold
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const attempts = 8
				d := task.Define[args]("test.task", task.Backoff(c.backoff), task.MaxAttempts(attempts))
				var s settler
				var at []time.Time
				w := newWorker(t, newMux(d, func(context.Context, args) error { at = append(at, time.Now()); return c.err }), worker.Options{Settler: &s})
				ds := deliver(t, d.With(args{}))
				for ds[0].Receives = 1; w.Process(t.Context(), ds)[0].State == worker.Retry; ds[0].Receives++ {
					time.Sleep(s.waits["m0"]) // the queue keeps it invisible
				}
				if len(at) != attempts || s.buried["m0"].Code != transport.ReasonExhausted {
					t.Fatalf("%d attempts, reason %+v; want %d and exhausted", len(at), s.buried["m0"], attempts)
				}
				for n := 1; n < attempts; n++ {
					least, most := c.within(n)
					if gap := at[n].Sub(at[n-1]); gap < least || gap > most {
						t.Errorf("after attempt %d: %v, want %v to %v", n, gap, least, most)
					}
				}
			})
		})
	}
}

func TestD5_FullJitterSpreadsAFailedBatch(t *testing.T) {
	d := task.Define[args]("test.task", task.Backoff(task.Constant(time.Hour)))
	var s settler
	w := newWorker(t, newMux(d, func(context.Context, args) error { return errHandler }), worker.Options{Settler: &s})
	w.Process(t.Context(), deliver(t, numbered(d, 200)...))
	quarters := [4]int{}
	for _, wait := range s.waits {
		quarters[min(3, int(wait/(15*time.Minute)))]++
	}
	for _, n := range quarters { // 50 expected, standard deviation 6
		if n < 15 {
			t.Fatalf("waits in each quarter of the hour: %v of 200", quarters)
		}
	}
	if len(s.calls) != 1 {
		t.Errorf("%d calls for one kind", len(s.calls))
	}
}

func TestD5_WaitCountsFromTheFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settler
		w := newWorker(t, newMux(definition, func(_ context.Context, a args) error {
			if a.N == 0 {
				return task.RetryAfter(errHandler, time.Minute)
			}
			time.Sleep(40 * time.Second) // a slow batch mate
			return nil
		}), worker.Options{Settler: &s})
		outcomes := w.Process(t.Context(), deliver(t, numbered(definition, 2)...))
		if s.waits["m0"] != 20*time.Second || outcomes[0].Delay != time.Minute {
			t.Errorf("asked for %v, told %v; want 20s and 1m0s", s.waits["m0"], outcomes[0].Delay)
		}
	})
}

func TestMaxAttempts(t *testing.T) {
	for name, c := range map[string]struct {
		fire     []task.FireOption
		earlier  int // attempts in the envelope
		receives int
		want     worker.State
	}{
		"first":                             {nil, 0, 1, worker.Retry},
		"last but one":                      {nil, 0, 4, worker.Retry},
		"last":                              {nil, 0, 5, worker.DeadLettered},
		"beyond":                            {nil, 0, 7, worker.DeadLettered},
		"attempts of the direct road count": {nil, 1, 4, worker.DeadLettered},
		"a firing may ask for less":         {[]task.FireOption{task.MaxAttempts(2)}, 0, 2, worker.DeadLettered},
		"or for more":                       {[]task.FireOption{task.MaxAttempts(9)}, 0, 8, worker.Retry},
		"up to what the queue allows":       {[]task.FireOption{task.MaxAttempts(1000)}, 0, 12, worker.DeadLettered},
		"where those of the direct road count too": {[]task.FireOption{task.MaxAttempts(1000)}, 1, 11, worker.DeadLettered},
		"and no more": {[]task.FireOption{task.MaxAttempts(1000)}, 0, 11, worker.Retry},
	} {
		t.Run(name, func(t *testing.T) {
			d := task.Define[args]("test.task", task.MaxAttempts(5))
			w := newWorker(t, newMux(d, failing(0, func(context.Context) error { return errHandler })), worker.Options{Settler: &settler{}, MaxReceiveCount: 12})
			e := encode(t, d.With(args{}), c.fire...)
			if c.earlier > 0 {
				var err error
				if e, err = e.Again(c.earlier, 0, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			wantStates(t, w.Process(t.Context(), []transport.Delivery{{Source: queueARN, MessageID: "m", Body: e.Body(), Receives: c.receives}}), c.want)
		})
	}
}

// TestSettlerErrorsAreHonouredOneByOne has four records that are to be retried and four that are to be dead-lettered;
// the settler fails for half of each.
func TestSettlerErrorsAreHonouredOneByOne(t *testing.T) {
	var logs bytes.Buffer
	errQueue := errors.New("queue is down")
	odd := func(d transport.Delivery) error {
		if strings.ContainsAny(d.MessageID, "1357") {
			return errQueue
		}
		return nil
	}
	s := settler{fail: odd, bury: odd}
	w := newWorker(t, newMux(definition, func(_ context.Context, a args) error {
		if a.N >= 4 {
			return task.Permanent(errHandler)
		}
		return errHandler
	}), worker.Options{Settler: &s, Logger: slog.New(slog.NewTextHandler(&logs, nil))})
	outcomes := w.Process(t.Context(), deliver(t, numbered(definition, 8)...))
	wantStates(t, outcomes, worker.Retry, worker.Failed, worker.Retry, worker.Failed,
		worker.DeadLettered, worker.Failed, worker.DeadLettered, worker.Failed)
	for i, o := range outcomes {
		if o.Acked() != (o.State == worker.DeadLettered) || errors.Is(o.SettleErr, errQueue) != (i%2 == 1) || !errors.Is(o.Err, errHandler) {
			t.Errorf("record %d: %+v", i, o)
		}
	}
	if len(s.calls) != 2 {
		t.Errorf("calls %v, want one of each kind", s.calls)
	}
	for _, want := range []string{"id=t1", "id=t3", "id=t5", "id=t7", "task=test.task"} {
		if !strings.Contains(logs.String(), want) {
			t.Errorf("the log does not name %s:\n%s", want, &logs)
		}
	}
}

// badSettler answers as no Settler should.
type badSettler struct{ errs func() []error }

func (s badSettler) Retry(context.Context, []transport.Delivery, []time.Duration) []error {
	return s.errs()
}

func (s badSettler) DeadLetter(context.Context, []transport.Delivery, []transport.Reason) []error {
	return s.errs()
}

func TestBadSettlerLosesNothing(t *testing.T) {
	for name, errs := range map[string]func() []error{
		"panics":       func() []error { panic("settler") },
		"short answer": func() []error { return []error{} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, newMux(definition, func(_ context.Context, a args) error {
				return []error{nil, errHandler, task.Permanent(errHandler)}[a.N]
			}), worker.Options{Settler: badSettler{errs}})
			outcomes := w.Process(t.Context(), deliver(t, numbered(definition, 3)...))
			wantStates(t, outcomes, worker.Done, worker.Failed, worker.Failed)
		})
	}
}

func TestWithoutSettlerAllIsReportedFailed(t *testing.T) {
	w := newWorker(t, newMux(definition, func(_ context.Context, a args) error {
		return []error{nil, errHandler, task.Permanent(errHandler)}[a.N]
	}), worker.Options{})
	ds := deliver(t, numbered(definition, 3)...)
	ds[1].Receives = 15
	ds = append(ds, transport.Delivery{Source: queueARN, MessageID: "m3", Body: []byte("hello"), Receives: 1})
	outcomes := w.Process(t.Context(), ds)
	wantStates(t, outcomes, worker.Done, worker.Failed, worker.Failed, worker.Failed)
}

func TestD10_FlushComesBeforeTheAnswer(t *testing.T) {
	var order []string
	s := settler{fail: func(transport.Delivery) error { order = append(order, "settle"); return nil }}
	w := newWorker(t, newMux(definition, failing(0, func(context.Context) error { order = append(order, "handler"); return errHandler })),
		worker.Options{Settler: &s, Flush: func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("Flush has no bound")
			}
			order = append(order, "flush")
			return nil
		}})
	w.Process(t.Context(), deliver(t, definition.With(args{})))
	if got := strings.Join(order, " "); got != "handler flush settle" {
		t.Errorf("order: %s", got)
	}
}

func TestD10_FailedFlushAcknowledgesNothingThatRan(t *testing.T) {
	errFlush := errors.New("queue is down")
	for name, flush := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errFlush },
		"panic": func(context.Context) error { panic(errFlush) },
		"hangs": func(ctx context.Context) error { <-ctx.Done(); return errFlush },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s settler
				w := newWorker(t, newMux(definition, func(_ context.Context, a args) error {
					return []error{nil, nil, task.Permanent(errHandler)}[a.N]
				}), worker.Options{Settler: &s, Flush: flush})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				ds := deliver(t, numbered(definition, 3)...)
				ds[1].Receives = 10 // its last attempt
				outcomes := w.Process(ctx, ds)
				wantStates(t, outcomes, worker.Retry, worker.DeadLettered, worker.DeadLettered)
				for _, o := range outcomes[:2] {
					if !errors.Is(o.Err, worker.ErrFlush) || !errors.Is(o.Err, errFlush) {
						t.Errorf("error %v, want ErrFlush and its cause", o.Err)
					}
				}
				if errors.Is(outcomes[2].Err, worker.ErrFlush) {
					t.Error("the record that failed by itself has lost its own error")
				}
			})
		})
	}
}

func TestOnOutcomeHearsOfEachOnceAndMayPanic(t *testing.T) {
	var heard []string
	w := newWorker(t, newMux(definition, failing(1, func(context.Context) error { return errHandler })), worker.Options{
		Settler: &settler{},
		OnOutcome: func(o worker.Outcome) {
			heard = append(heard, o.MessageID+" "+o.State.String())
			panic("hook")
		},
	})
	wantStates(t, w.Process(t.Context(), deliver(t, numbered(definition, 3)...)), worker.Done, worker.Retry, worker.Done)
	if got := strings.Join(heard, ", "); got != "m0 done, m1 retry, m2 done" {
		t.Errorf("heard %s", got)
	}
}

func TestBackoffThatPanicsLeavesTheRecordToTheQueue(t *testing.T) {
	d := task.Define[args]("test.task", task.Backoff(func(int) time.Duration { panic("backoff") }))
	w := newWorker(t, newMux(d, failing(0, func(context.Context) error { return errHandler })), worker.Options{Settler: &settler{}})
	wantStates(t, w.Process(t.Context(), deliver(t, numbered(d, 2)...)), worker.Failed, worker.Done)
}
