package client_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

// deniedStore is a bucket whose policy has been forgotten.
type deniedStore struct{ denied atomic.Bool }

func (*deniedStore) Target() string { return "bucket" }

func (s *deniedStore) Put(context.Context, string, []byte) error {
	if !s.denied.Load() {
		return nil
	}
	return &transport.Error{Kind: transport.Misconfigured, Code: "AccessDenied", Target: "bucket", Err: errors.New("denied")}
}

func (*deniedStore) Get(context.Context, string) (io.ReadCloser, int64, error) {
	return nil, 0, claimcheck.ErrNotFound
}

// TestB9_FailureOfOneTaskAloneStopsNoOther has a store of payloads that refuses everything, and a transport that is well: large
// tasks fail, each after its own time, and the route goes on for the others at once. When the store is mended, so do they.
func TestB9_FailureOfOneTaskAloneStopsNoOther(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *client.Client, rec *clienttest.Recorder) {
		store := &deniedStore{}
		store.denied.Store(true)
		checked, err := claimcheck.NewSender(rec, store, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, checked, nil)
		defer c.Close(canceled(t)) //nolint:errcheck // what tests leave behind is theirs to judge
		large := text.With(strings.Repeat("0", small.MessageBytes))
		var waiting []<-chan outcome
		for range 8 {
			waiting = append(waiting, fire(t.Context(), c, large))
			for range 5 {
				began := time.Now()
				if _, err := c.Fire(t.Context(), number.With(1)); err != nil || time.Since(began) > 0 {
					t.Fatalf("a small task: %v after %v", err, time.Since(began))
				}
			}
			<-time.After(300 * time.Millisecond)
		}
		if h := c.Health(); h.State != client.Healthy {
			t.Errorf("health %+v", h)
		}
		for _, done := range waiting[:len(waiting)/2] {
			o := <-done
			want(t, o.err, client.ErrNotSent)
			if !strings.Contains(o.err.Error(), "AccessDenied") || o.took > client.DefaultConfirmTimeout {
				t.Errorf("a large task: %v after %v", o.err, o.took)
			}
		}
		store.denied.Store(false)
		if _, err := c.Fire(t.Context(), large); err != nil {
			t.Errorf("when the store is mended: %v", err)
		}
		var got []task.Envelope
		for _, e := range rec.Envelopes() {
			if _, elsewhere := e.Payload(); elsewhere {
				got = append(got, e)
			}
		}
		if len(got) == 0 {
			t.Error("no payload was taken out")
		}
	})
}
