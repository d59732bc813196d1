package queue_test

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/bench/internal/fakesqs"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// serve starts a fake SQS on a network in memory and tells what it has counted.
func serve(t *testing.T) (queue.Server, func() fakesqs.Counts) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended, where := make(chan error, 1), make(chan queue.Server, 1)
	network := newPipes()
	go func() {
		// With a round trip, in a bubble, no answer comes before its request is written: the SDK's client does not bear that.
		ended <- fakesqs.ServeOn(ctx, network, &fakesqs.Server{RoundTrip: time.Millisecond}, func(url string, certificate []byte) {
			where <- queue.Server{Name: "fake", Address: url, Certificate: string(certificate), Queue: fakesqs.AuditPrefix + "q", Dial: network.Dial}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s := <-where
	client, err := queue.HTTPClient(s)
	if err != nil {
		t.Fatal(err)
	}
	return s, func() fakesqs.Counts {
		c, err := fakesqs.ReadCounts(t.Context(), client, s.Address)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// TestProducersDeliver: what a producer says it has handed over is what arrives, and each task is another one. In a bubble the
// clock stands still while anyone works, so nothing is sent again, however slow the machine.
func TestProducersDeliver(t *testing.T) {
	for name, perCall := range map[string]int{
		queue.SDK: 1, queue.SDKPool: 1, queue.SDKBatch: 10, queue.Sender: 10, queue.Confirmed: 1, queue.Buffered: 1,
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { delivers(t, name, perCall) }) })
	}
}

func delivers(t *testing.T, name string, perCall int) {
	s, counts := serve(t)
	p, err := queue.Open(t.Context(), name, s)
	if err != nil {
		t.Fatal(err)
	}
	const calls = 30
	for range calls {
		if pacer, ok := p.(queue.Pacer); ok {
			pacer.Pace(t.Context())
		}
		if n, err := p.Produce(t.Context()); n != perCall || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := p.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := queue.HTTPClient(s)
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := fakesqs.ReadNumbers(t.Context(), client, s.Address, s.Queue)
	if c := counts(); err != nil || c.Messages != calls*perCall || len(numbers) != calls*perCall || c.Requests > calls {
		t.Errorf("%+v and %d numbers after %d calls of %d; %v", c, len(numbers), calls, perCall, err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProducersTellFailures(t *testing.T) {
	for _, name := range []string{queue.Bare, queue.SDK, queue.SDKBatch, queue.Sender, queue.Confirmed} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := serve(t)
				s.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
				p, err := queue.Open(t.Context(), name, s)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if n, err := p.Produce(ctx); n != 0 || err == nil {
					t.Errorf("handed over %d: %v", n, err)
				}
				cancel()
				_ = p.Close(ctx) // what was not sent is an error, as it should be
			})
		})
	}
}

func TestBareAndMemory(t *testing.T) { synctest.Test(t, bareAndMemory) }

func bareAndMemory(t *testing.T) {
	s, counts := serve(t)
	for _, name := range []string{queue.Bare, queue.Memory} {
		p, err := queue.Open(t.Context(), name, s)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := p.Produce(t.Context()); n != 1 || err != nil {
			t.Error(name, n, err)
		}
		if err := p.Drain(t.Context()); err != nil {
			t.Error(name, err)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(name, err)
		}
	}
	if c := counts(); c.Requests != 0 {
		t.Errorf("they sent to SQS: %+v", c)
	}
}

// TestStoresShareTheirDisk: each works in a folder of its own, and many callers at once.
func TestStoresShareTheirDisk(t *testing.T) {
	s := queue.Server{Name: "disk", Address: t.TempDir()}
	for _, name := range []string{queue.JournalAlways, queue.JournalInterval, queue.SQLite, queue.Bolt} {
		t.Run(name, func(t *testing.T) {
			p, err := queue.Open(t.Context(), name, s)
			if err != nil {
				t.Fatal(err)
			}
			var callers sync.WaitGroup
			for range 8 {
				callers.Go(func() {
					for range 5 {
						if n, err := p.Produce(t.Context()); n != 1 || err != nil {
							t.Error(n, err)
						}
					}
				})
			}
			callers.Wait()
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if n, err := p.Produce(t.Context()); n != 0 || err == nil {
				t.Errorf("stored %d after the end: %v", n, err)
			}
		})
	}
	if left, err := os.ReadDir(s.Address); err != nil || len(left) != 4 {
		t.Errorf("folders %v, %v", left, err)
	}
}

func TestOpenNamesWhatItKnows(t *testing.T) {
	_, err := queue.Open(t.Context(), "none", queue.Server{})
	if err == nil || !strings.Contains(err.Error(), queue.RiverMany) {
		t.Error(err)
	}
	if _, err := queue.Open(t.Context(), queue.SDK, queue.Server{Name: "near", Certificate: "x"}); err == nil || !strings.Contains(err.Error(), "near") {
		t.Error(err)
	}
}
