package memtransport_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/memtransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

func TestSender(t *testing.T) {
	transporttest.Senders(t, transporttest.SenderHarness{Run: synctest.Test, Make: func(tb testing.TB) transporttest.Destination {
		q := memtransport.New(nil)
		start := time.Now()
		return transporttest.Destination{
			Sender: q,
			TooBig: q.Limits().MessageBytes + 1,
			Arrived: func() (all []transporttest.Arrival) {
				for q.Len() > 0 {
					ds := receive(tb, q, time.Hour)
					for _, d := range ds {
						all = append(all, transporttest.Arrival{Body: d.Body, Delay: time.Since(start)})
					}
					if err := q.Ack(ds...); err != nil {
						tb.Fatal(err)
					}
				}
				return all
			},
		}
	}})
}

func TestSettler(t *testing.T) {
	transporttest.Settlers(t, transporttest.SettlerHarness{Run: synctest.Test, Make: func(tb testing.TB) transporttest.Source {
		q := memtransport.New(nil)
		seen := 0
		return transporttest.Source{
			Settler: q,
			Deliver: func(bodies ...[]byte) []transport.Delivery {
				for _, b := range bodies {
					q.Put(b)
				}
				ds, err := q.Receive(tb.Context(), len(bodies))
				if err != nil || len(ds) != len(bodies) {
					tb.Fatalf("received %d of %d: %v", len(ds), len(bodies), err)
				}
				return ds
			},
			Receive: func(wait time.Duration) []transport.Delivery { return receive(tb, q, wait) },
			DeadLetters: func() (all []transporttest.DeadLetter) {
				for _, l := range q.DeadLetters()[seen:] {
					seen++
					all = append(all, transporttest.DeadLetter{Body: l.Body, Attributes: l.Reason.Attributes()})
				}
				return all
			},
		}
	}})
}

// receive waits up to wait for what is due, 0 meaning only what is due now.
func receive(tb testing.TB, q *memtransport.Queue, wait time.Duration) []transport.Delivery {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), wait+time.Nanosecond)
	defer cancel()
	ds, err := q.Receive(ctx, 100)
	if err != nil && ctx.Err() == nil {
		tb.Fatal(err)
	}
	return ds
}
