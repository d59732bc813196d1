package client_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

type order struct {
	ID    int      `json:"id"`
	Email string   `json:"email"`
	Lines []string `json:"lines"`
}

var (
	orderPlaced = task.Define[order]("order.placed")
	anOrder     = order{42, "somebody@example.com", []string{"one", "two", "three"}}
	benchLimits = transport.Limits{Items: 10, BatchBytes: 1 << 20}
	manyCallers = []int{1, 64, 256, 2048}
	roundTrip   = 10 * time.Millisecond
	// acceptResults serve every request, so that what is measured is the client.
	acceptResults = slices.Repeat([]transport.Result{{Outcome: transport.Accepted, MessageID: "m"}}, benchLimits.Items)
)

// far accepts everything after a round trip in real time.
type far struct {
	roundTrip time.Duration
	requests  atomic.Int64
}

func (f *far) Limits() transport.Limits { return benchLimits }

func (f *far) Forgets() transport.Sender { return f }

func (f *far) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	f.requests.Add(1)
	if f.roundTrip > 0 {
		time.Sleep(f.roundTrip)
	}
	return acceptResults[:len(batch)], nil
}

// fireNaive is what a program does without a client: a goroutine, a channel and a request a task.
func fireNaive(ctx context.Context, s transport.Sender, t task.Task) error {
	e, err := t.Encode(task.NewID(time.Now()), "bench", time.Now())
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, err := s.Send(ctx, []task.Envelope{e})
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// BenchmarkFire is the cost of Fire itself, with a transport that answers at once. Compare client with naive.
func BenchmarkFire(b *testing.B) {
	for _, callers := range manyCallers[:3] {
		b.Run(fmt.Sprintf("client/callers=%d", callers), func(b *testing.B) {
			benchClient(b, callers, 0)
		})
		b.Run(fmt.Sprintf("naive/callers=%d", callers), func(b *testing.B) {
			s := &far{}
			drive(b, callers, func(ctx context.Context) error { return fireNaive(ctx, s, orderPlaced.With(anOrder)) })
		})
	}
}

// held is a transport that holds what it gets until it is released.
type held struct{ gate atomic.Pointer[chan struct{}] }

func newHeld() *held {
	h := &held{}
	h.hold()
	return h
}

func (h *held) hold() {
	gate := make(chan struct{})
	h.gate.Store(&gate)
}

func (h *held) release() { close(*h.gate.Load()) }

func (h *held) Limits() transport.Limits { return benchLimits }

func (h *held) Forgets() transport.Sender { return h }

func (h *held) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	<-*h.gate.Load()
	return acceptResults[:len(batch)], nil
}

// ownOrder is an order that encodes itself.
type ownOrder struct{ order }

// AppendJSON knows that the texts of anOrder need no escapes.
func (o *ownOrder) AppendJSON(b []byte) ([]byte, error) {
	b = strconv.AppendInt(append(b, `{"id":`...), int64(o.ID), 10)
	b = append(append(append(b, `,"email":"`...), o.Email...), `","lines":[`...)
	for i, line := range o.Lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), line...), '"')
	}
	return append(b, "]}"...), nil
}

var ownPlaced = task.Define[*ownOrder]("order.placed")

// BenchmarkFireAlone is Fire in the mode Buffered and nothing else: what is fired is sent when the clock is stopped, and its
// memory serves the next round.
func BenchmarkFireAlone(b *testing.B) {
	b.Run("encoding-json", func(b *testing.B) { benchAlone(b, orderPlaced.With(anOrder)) })
	b.Run("appender", func(b *testing.B) { benchAlone(b, ownPlaced.With(&ownOrder{anOrder})) })
}

func benchAlone(b *testing.B, bound task.Task) {
	h := newHeld()
	c, err := client.New(h, &client.Options{Mode: client.Buffered, Source: "bench", MaxSenders: 1})
	if err != nil {
		b.Fatal(err)
	}
	fire := func(n int) {
		for range n {
			if _, err := c.Fire(b.Context(), bound); err != nil {
				b.Fatal(err)
			}
		}
	}
	deliver := func() {
		h.release()
		if err := c.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		h.hold()
		fire(1) // occupies the one sender
	}
	const round = 1000
	fire(round)
	deliver()
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= round {
		fire(min(left, round))
		b.StopTimer()
		deliver()
		b.StartTimer()
	}
	b.StopTimer()
	h.release()
	if err := c.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkBufferedFire is one caller in the mode Buffered, and everything that goes on behind it, with a transport that
// answers at once.
func BenchmarkBufferedFire(b *testing.B) {
	benchBuffered(b, 0)
}

// BenchmarkBufferedRoundTrip is the same over a round trip of 10 ms in real time.
func BenchmarkBufferedRoundTrip(b *testing.B) { benchBuffered(b, roundTrip) }

func benchBuffered(b *testing.B, roundTrip time.Duration) {
	s := &far{roundTrip: roundTrip}
	c, err := client.New(s, &client.Options{Mode: client.Buffered, Source: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	full := 0
	for b.Loop() {
		for {
			_, err := c.Fire(b.Context(), orderPlaced.With(anOrder))
			if err == nil {
				break
			}
			if !errors.Is(err, client.ErrBufferFull) {
				b.Fatal(err)
			}
			full++
			runtime.Gosched()
		}
	}
	b.StopTimer()
	if err := c.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(s.requests.Load())/float64(b.N), "requests/task")
	b.ReportMetric(float64(full)/float64(b.N), "full/task")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkJournaledFire is Fire in the mode Journaled, with a transport that answers at once: for one caller and for 64
// who share syncs.
func BenchmarkJournaledFire(b *testing.B) {
	for _, sync := range []journal.Sync{journal.SyncInterval, journal.SyncAlways} {
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%v/callers=%d", sync, callers), func(b *testing.B) {
				j := openJournal(b, b.TempDir(), journal.Options{Sync: sync})
				c, err := client.New(&far{}, &client.Options{Mode: client.Journaled, Journal: j, Source: "bench"})
				if err != nil {
					b.Fatal(err)
				}
				drive(b, callers, func(ctx context.Context) error {
					_, err := c.Fire(ctx, orderPlaced.With(anOrder))
					return err
				})
				b.StopTimer()
				b.ReportMetric(float64(c.Stats().Spilled)/float64(b.N), "spilled/task")
				if err := errors.Join(c.Close(b.Context()), j.Close()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// BenchmarkRoundTrip fires over a round trip of 10 ms in real time, and reports tasks a second and requests a task.
func BenchmarkRoundTrip(b *testing.B) {
	for _, callers := range manyCallers {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { benchClient(b, callers, roundTrip) })
	}
}

func benchClient(b *testing.B, callers int, roundTrip time.Duration) {
	s := &far{roundTrip: roundTrip}
	c, err := client.New(s, &client.Options{Source: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	drive(b, callers, func(ctx context.Context) error {
		_, err := c.Fire(ctx, orderPlaced.With(anOrder))
		return err
	})
	b.StopTimer()
	b.ReportMetric(float64(s.requests.Load())/float64(b.N), "requests/task")
	if err := c.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// drive shares b.N calls among callers.
func drive(b *testing.B, callers int, fire func(context.Context) error) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := fire(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}
