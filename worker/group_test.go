package worker_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

// grouped turns deliveries into those of a FIFO queue, in the given groups.
func grouped(ds []transport.Delivery, groups ...string) []transport.Delivery {
	for i := range ds {
		ds[i].Source = fifoARN
		ds[i].Attributes = map[string]string{"MessageGroupId": groups[i%len(groups)]}
	}
	return ds
}

func TestC14_GroupRunsInOrderAndGroupsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var even, odd []int
		w := newWorker(t, newMux(definition, func(_ context.Context, a args) error {
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			if a.N%2 == 0 {
				even = append(even, a.N)
			} else {
				odd = append(odd, a.N)
			}
			return nil
		}), worker.Options{})
		start := time.Now()
		outcomes := w.Process(t.Context(), grouped(deliver(t, numbered(definition, 10)...), "a", "b"))
		wantStates(t, outcomes, everyN(10, worker.Done)...)
		for i := range 5 {
			if even[i] != 2*i || odd[i] != 2*i+1 {
				t.Fatalf("order: %v and %v", even, odd)
			}
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %v, want 5s: two groups side by side", took)
		}
	})
}

func TestC14_FirstFailureReturnsTheRestOfItsGroup(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errHandler },
		"panic": func(context.Context) error { panic("x") },
	} {
		t.Run(name, func(t *testing.T) {
			var s settler
			var mu sync.Mutex
			ran := map[int]bool{}
			w := newWorker(t, newMux(definition, func(ctx context.Context, a args) error {
				mu.Lock()
				ran[a.N] = true
				mu.Unlock()
				return failing(2, fail)(ctx, a)
			}), worker.Options{Settler: &s})
			outcomes := w.Process(t.Context(), grouped(deliver(t, numbered(definition, 8)...), "a", "b"))
			wantStates(t, outcomes, worker.Done, worker.Done, worker.Retry, worker.Done,
				worker.Returned, worker.Done, worker.Returned, worker.Done)
			if ran[4] || ran[6] || len(ran) != 6 {
				t.Errorf("ran %v", ran)
			}
			if _, ok := s.waits["m2"]; !ok || len(s.waits) != 1 {
				t.Errorf("waits %v: only the record that failed may change its visibility", s.waits)
			}
		})
	}
}

func TestC14_UnstartedRecordsOfAGroupKeepTheirVisibility(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settler
		w := newWorker(t, newMux(definition, func(ctx context.Context, _ args) error { <-ctx.Done(); return nil }), worker.Options{Settler: &s})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		outcomes := w.Process(ctx, grouped(deliver(t, numbered(definition, 3)...), "a"))
		wantStates(t, outcomes, worker.Done, worker.Returned, worker.Returned)
		if len(s.calls) != 0 {
			t.Errorf("calls %v", s.calls)
		}
	})
}

func TestGroupOfAStandardQueueIsNotOrdered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker(t, newMux(definition, func(_ context.Context, a args) error {
			time.Sleep(time.Second)
			return failing(0, func(context.Context) error { return errHandler })(t.Context(), a)
		}), worker.Options{Settler: &settler{}})
		start := time.Now()
		ds := grouped(deliver(t, numbered(definition, 3)...), "tenant")
		for i := range ds {
			ds[i].Source = queueARN
		}
		wantStates(t, w.Process(t.Context(), ds), worker.Retry, worker.Done, worker.Done)
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
	})
}
