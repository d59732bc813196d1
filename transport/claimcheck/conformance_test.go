package claimcheck_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/storetest"
	"github.com/offloadhq/offload/transport/memtransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

// The suite of senders, with a claim check in front of the transport: with what messages take by default, and with little,
// so that half of the suite's envelopes travel without their data.
func TestSender(t *testing.T) {
	for name, o := range map[string]claimcheck.Options{
		"above the transport's limit": {MaxBytes: 3 << 20},
		"stored":                      {MaxBytes: 2 << 20, Threshold: claimcheck.MinThreshold, NoCompression: true},
		"compressed":                  {MaxBytes: 2 << 20, Threshold: claimcheck.MinThreshold},
	} {
		t.Run(name, func(t *testing.T) {
			transporttest.Senders(t, transporttest.SenderHarness{Run: synctest.Test, Make: func(tb testing.TB) transporttest.Destination {
				q, store := memtransport.New(&memtransport.Options{Limits: transport.Limits{
					Items: 10, BatchBytes: 1 << 20, MessageBytes: 1<<20 - transport.MaxReasonBytes, MaxDelay: time.Hour,
				}}), newShelf()
				start := time.Now()
				return storetest.InFront(tb, transporttest.Destination{
					Sender: q,
					Arrived: func() (all []transporttest.Arrival) {
						for q.Len() > 0 {
							ds, err := q.Receive(tb.Context(), 100)
							if err != nil {
								tb.Fatal(err)
							}
							for _, d := range ds {
								all = append(all, transporttest.Arrival{Body: d.Body, Delay: time.Since(start)})
							}
							if err := q.Ack(ds...); err != nil {
								tb.Fatal(err)
							}
						}
						return all
					},
				}, store, o)
			}})
		})
	}
}
