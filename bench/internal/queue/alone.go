package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"

	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/payload"
)

// The subjects of Alone.
const (
	FireAlone    = "Offload, Buffered, Fire alone"
	FireAppender = "Offload, Buffered, Fire alone of arguments that encode themselves"
)

const (
	// aRound is how many tasks are fired before they are sent.
	aRound = 1000
	// inARow is how many of them are fired between two readings of the clock, one of which takes a tenth of what Fire does.
	inARow = 10
)

// Alone measures Fire in the mode Buffered, one call after the other, and nothing else: nothing is sent meanwhile. Between two
// rounds what was fired is sent, so that its memory serves the next round, as it does in a program that goes on. The sample's
// allocations are those of With and Fire, its times those of Fire, each the mean of ten calls. After each round json.Marshal is
// timed like Fire: a processor that others use as well is as slow for it.
func Alone(ctx context.Context, subject string, warmUp, window time.Duration) (s measure.Sample, err error) {
	bind, err := binder(subject)
	if err != nil {
		return s, err
	}
	g := newGate()
	c, err := client.New(g, &client.Options{Mode: client.Buffered, MaxSenders: 1})
	if err != nil {
		return s, err
	}
	defer func() {
		g.open()
		err = errors.Join(err, c.Close(ctx))
	}()
	began, latency, beside := time.Now(), &measure.Histogram{}, &measure.Histogram{}
	for time.Since(began) < warmUp+window {
		warm := time.Since(began) < warmUp
		if warm {
			s, latency, beside = measure.Sample{}, &measure.Histogram{}, &measure.Histogram{}
		}
		if _, err := c.Fire(ctx, bind(0)); err != nil { // it occupies the one sender
			return s, err
		}
		if err := fireRound(ctx, c, bind, &s, latency); err != nil {
			return s, err
		}
		if err := marshalRound(beside); err != nil {
			return s, err
		}
		g.open()
		if err := c.Flush(ctx); err != nil {
			return s, err
		}
		g.shut()
	}
	s.P50, s.P99, s.Beside = latency.Quantile(0.5), latency.Quantile(0.99), beside.Quantile(0.5)
	return s, nil
}

// fireRound fires a round, and adds it to the sample.
func fireRound(ctx context.Context, c *client.Client, bind func(i int) task.Task, s *measure.Sample, latency *measure.Histogram) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, began := measure.CPU(), time.Now()
	var row [inARow]task.Task
	for range aRound / inARow {
		for i := range row {
			row[i] = bind(i)
		}
		called := time.Now()
		for i := range row {
			if _, err := c.Fire(ctx, row[i]); err != nil {
				return err
			}
		}
		latency.Add(time.Since(called) / inARow)
	}
	s.Wall += time.Since(began)
	s.CPU += measure.CPU() - cpu
	runtime.ReadMemStats(&after)
	s.Tasks += aRound
	s.Allocs += after.Mallocs - before.Mallocs
	s.Bytes += after.TotalAlloc - before.TotalAlloc
	return nil
}

// marshalRound encodes the arguments of a round, and does nothing with them.
func marshalRound(latency *measure.Histogram) error {
	var row [inARow]payload.Payload
	for range aRound / inARow {
		for i := range row {
			row[i] = payload.New()
		}
		called := time.Now()
		for i := range row {
			if _, err := json.Marshal(row[i]); err != nil {
				return err
			}
		}
		latency.Add(time.Since(called) / inARow)
	}
	return nil
}

// binder makes what makes the tasks of a row, by their places in it.
func binder(subject string) (func(i int) task.Task, error) {
	switch subject {
	case FireAlone:
		return func(int) task.Task { return payload.Placed.With(payload.New()) }, nil
	case FireAppender:
		own := new([inARow]payload.Own)
		return func(i int) task.Task {
			own[i].Payload = payload.New() // Fire has read the one of the last row
			return payload.PlacedOwn.With(&own[i])
		}, nil
	}
	return nil, fmt.Errorf("subject %q: use %q or %q", subject, FireAlone, FireAppender)
}

// gate holds what it gets until it is opened, and keeps nothing.
type gate struct{ current atomic.Pointer[chan struct{}] }

func newGate() *gate {
	g := &gate{}
	g.shut()
	return g
}

func (g *gate) shut() {
	held := make(chan struct{})
	g.current.Store(&held)
}

func (g *gate) open() { close(*g.current.Load()) }

// Limits implements [transport.Sender].
func (*gate) Limits() transport.Limits { return memory{}.Limits() }

// Forgets implements [transport.Forgetful].
func (g *gate) Forgets() transport.Sender { return g }

// Send implements [transport.Sender].
func (g *gate) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	<-*g.current.Load()
	return memory{}.Send(ctx, batch)
}
