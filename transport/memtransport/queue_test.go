package memtransport_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/memtransport"
)

var greet = task.Define[string]("greet")

func fire(t *testing.T, q *memtransport.Queue, n int, opts ...task.FireOption) []task.Envelope {
	t.Helper()
	batch := make([]task.Envelope, n)
	for i := range batch {
		e, err := greet.With(fmt.Sprint(i)).Encode(task.NewID(time.Now()), "/test", time.Now(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		batch[i] = e
	}
	if _, err := q.Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestC8_DeliveryComesBackAfterItsVisibilityTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memtransport.New(&memtransport.Options{VisibilityTimeout: time.Minute, Name: "here"})
		fire(t, q, 1)
		start := time.Now()
		for receives := 1; receives <= 3; receives++ {
			ds, err := q.Receive(t.Context(), 10)
			if err != nil || len(ds) != 1 || ds[0].Receives != receives || ds[0].Source != "here" {
				t.Fatalf("receive %d: %+v, %v", receives, ds, err)
			}
			if took, want := time.Since(start), time.Duration(receives-1)*time.Minute; took != want {
				t.Fatalf("receive %d after %v, want %v", receives, took, want)
			}
		}
	})
}

func TestStaleReceiptsSettleNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memtransport.New(nil)
		fire(t, q, 1)
		old := receive(t, q, 0)
		time.Sleep(memtransport.DefaultVisibilityTimeout)
		if errs := q.Retry(t.Context(), old, []time.Duration{time.Hour}); len(errs) != 1 || !errors.Is(errs[0], memtransport.ErrNotInFlight) {
			t.Fatalf("Retry of a delivery that is due again: %v", errs)
		}
		again := receive(t, q, 0)
		if err := q.Ack(old...); !errors.Is(err, memtransport.ErrNotInFlight) {
			t.Fatalf("Ack of a delivery that another receive has: %v", err)
		}
		if q.Len() != 1 {
			t.Fatal("a stale receipt deleted the message")
		}
		if err := q.Ack(append(old, again...)...); !errors.Is(err, memtransport.ErrNotInFlight) || q.Len() != 0 {
			t.Fatalf("Ack of both receipts: %v, %d left", err, q.Len())
		}
	})
}

func TestC10_MessageThatIsNeverAcknowledgedBecomesADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memtransport.New(&memtransport.Options{MaxReceives: 3})
		sent := fire(t, q, 1)
		for range 3 {
			if len(receive(t, q, time.Minute)) != 1 {
				t.Fatal("gave up before its last receive")
			}
		}
		if ds := receive(t, q, time.Hour); len(ds) != 0 {
			t.Fatalf("received a fourth time: %+v", ds)
		}
		dead := q.DeadLetters()
		if len(dead) != 1 || dead[0].Reason.Code != memtransport.RedriveReason || dead[0].Receives != 3 || string(dead[0].Body) != string(sent[0].Body()) {
			t.Fatalf("dead letters: %+v", dead)
		}
		if c := q.Counts(); c != (memtransport.Counts{Dead: 1}) || c.Left() != 0 {
			t.Fatalf("counts: %+v", c)
		}
	})
}

func TestCountsTellTheStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memtransport.New(nil)
		fire(t, q, 3)
		fire(t, q, 2, task.Delay(time.Minute))
		ds, _ := q.Receive(t.Context(), 1)
		q.DeadLetter(t.Context(), ds, make([]transport.Reason, 1))
		want := memtransport.Counts{Ready: 2, Delayed: 2, InFlight: 1, Dead: 1}
		if c := q.Counts(); c != want || c.Left() != 5 || q.Len() != 5 {
			t.Fatalf("counts: %+v, want %+v", c, want)
		}
	})
}

func TestReceiveWakesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memtransport.New(nil)
		fire(t, q, 1, task.Delay(10*time.Minute))
		start := time.Now()
		go func() {
			time.Sleep(time.Second)
			fire(t, q, 1)
		}()
		if ds, err := q.Receive(t.Context(), 10); err != nil || len(ds) != 1 || time.Since(start) != time.Second {
			t.Fatalf("received %d after %v: %v", len(ds), time.Since(start), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := q.Receive(ctx, 10); !errors.Is(err, context.Canceled) {
			t.Fatalf("Receive after its context ended: %v", err)
		}
	})
}

func TestOwnLimitsHold(t *testing.T) {
	q := memtransport.New(&memtransport.Options{Limits: transport.Limits{MessageBytes: 300}})
	if l := q.Limits(); l != (transport.Limits{MessageBytes: 300}) {
		t.Fatalf("limits: %+v", l)
	}
	e, err := greet.With(strings.Repeat("x", 300)).Encode("id-1", "/test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	results, err := q.Send(t.Context(), []task.Envelope{e})
	if err == nil || results[0].Outcome != transport.Rejected || !strings.Contains(err.Error(), `queue "memory": task "greet", id "id-1": `) {
		t.Fatalf("%+v, %v", results, err)
	}
}

func TestConsumeHandsOutAndAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memtransport.New(&memtransport.Options{Batch: 4, Concurrency: 3, VisibilityTimeout: time.Minute})
		fire(t, q, 50)
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		handled := map[string]int{}
		running, most, refused := 0, 0, 0
		pump := make(chan error, 1)
		go func() {
			pump <- q.Consume(ctx, func(ctx context.Context, ds []transport.Delivery) []bool {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != time.Minute || len(ds) > 4 {
					t.Errorf("a batch of %d with the deadline %v", len(ds), deadline)
				}
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				running--
				acked := make([]bool, len(ds))
				for i, d := range ds {
					handled[string(d.Body)]++
					acked[i] = d.Receives == 2 || i != 1
				}
				acked = acked[:max(1, len(acked)-1)] // the last of several is left out: not acknowledged
				refused += len(ds)
				for _, yes := range acked {
					if yes {
						refused--
					}
				}
				return acked
			})
		}()
		for q.Len() > 0 {
			time.Sleep(time.Second)
		}
		cancel()
		if err := <-pump; !errors.Is(err, context.Canceled) {
			t.Errorf("Consume returned %v", err)
		}
		if len(handled) != 50 || most != 3 {
			t.Errorf("handled %d of 50, at most %d at once, want 3", len(handled), most)
		}
		total := 0
		for _, n := range handled {
			total += n
		}
		if refused == 0 || total != 50+refused {
			t.Errorf("handled %d times in all, although %d of 50 came back", total, refused)
		}
		if len(q.DeadLetters()) != 0 {
			t.Errorf("%d dead letters", len(q.DeadLetters()))
		}
	})
}

func TestConsumeWaitsForItsHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memtransport.New(nil)
		fire(t, q, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var order []string
		err := q.Consume(ctx, func(handler context.Context, _ []transport.Delivery) []bool {
			cancel()
			<-handler.Done()
			time.Sleep(time.Second)
			order = append(order, "handler")
			return []bool{true}
		})
		order = append(order, "consume")
		if !slices.Equal(order, []string{"handler", "consume"}) || !errors.Is(err, context.Canceled) || q.Len() != 0 {
			t.Fatalf("order %v, error %v, %d left", order, err, q.Len())
		}
	})
}

func TestDestination(t *testing.T) {
	if got, want := memtransport.New(nil).Destination(), (transport.Destination{System: "memory", Name: "memory"}); got != want {
		t.Errorf("is %+v, want %+v", got, want)
	}
	if got := memtransport.New(&memtransport.Options{Name: "orders"}).Destination().Name; got != "orders" {
		t.Errorf("is named %q", got)
	}
}
