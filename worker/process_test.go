package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

var definition = task.Define[args]("test.task")

// failing makes a handler that does f for the argument n and returns nil for all others.
func failing(n int, f func(context.Context) error) func(context.Context, args) error {
	return func(ctx context.Context, a args) error {
		if a.N == n {
			return f(ctx)
		}
		return nil
	}
}

// oneBad wants record 4 of ten, and no other, to fail and to be retried.
func oneBad(t *testing.T, f func(context.Context) error) worker.Outcome {
	t.Helper()
	var s settler
	w := newWorker(t, newMux(definition, failing(4, f)), worker.Options{Settler: &s})
	outcomes := w.Process(t.Context(), deliver(t, numbered(definition, 10)...))
	want := everyN(10, worker.Done)
	want[4] = worker.Retry
	wantStates(t, outcomes, want...)
	if len(s.waits) != 1 || !slices.Equal(s.calls, []string{"retry"}) {
		t.Errorf("settled %v in the calls %v, want message m4 in one call", s.waits, s.calls)
	}
	if _, ok := s.waits["m4"]; !ok {
		t.Errorf("settled %v, want m4", s.waits)
	}
	return outcomes[4]
}

func TestE1_PanicLeavesTheOthersDone(t *testing.T) {
	o := oneBad(t, func(context.Context) error { panic(fmt.Errorf("wrapped: %w", errHandler)) })
	p, ok := errors.AsType[*worker.PanicError](o.Err)
	if !ok || !errors.Is(o.Err, errHandler) {
		t.Fatalf("error %v: want a PanicError that unwraps to the cause", o.Err)
	}
	if !strings.Contains(string(p.Stack), "TestE1_Panic") {
		t.Errorf("the stack does not show the place of the panic:\n%s", p.Stack)
	}
}

func TestE1_PanicInMiddleware(t *testing.T) {
	bad := func(worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(context.Context, transport.Delivery) error { panic("middleware") })
	}
	w := newWorker(t, newMux(definition, failing(-1, nil), bad), worker.Options{Settler: &settler{}})
	outcomes := w.Process(t.Context(), deliver(t, numbered(definition, 2)...))
	wantStates(t, outcomes, worker.Retry, worker.Retry)
}

func TestE1_PanicStackGoesWithTheDeadLetter(t *testing.T) {
	var s settler
	w := newWorker(t, newMux(definition, failing(0, func(context.Context) error { panic("x") })), worker.Options{Settler: &s})
	ds := deliver(t, definition.With(args{}))
	ds[0].Receives = 10
	wantStates(t, w.Process(t.Context(), ds), worker.DeadLettered)
	if why := s.buried["m0"]; !strings.Contains(why.Stack, "TestE1_PanicStack") || why.Message != "panic: x" {
		t.Errorf("reason: %+v", why)
	}
}

func TestE8_UnknownNameIsKeptAndThenDeadLettered(t *testing.T) {
	var logs bytes.Buffer
	var s settler
	w := newWorker(t, newMux(task.Define[args]("test.other"), failing(-1, nil)), worker.Options{
		Settler: &s, Logger: slog.New(slog.NewTextHandler(&logs, nil)),
	})
	// A firing that asks for one attempt does not lose its task to a rolling deploy: no handler has tried it.
	ds := deliver(t, definition.With(args{}))
	ds[0].Body = encode(t, definition.With(args{}), task.MaxAttempts(1)).Body()
	for receives := 1; receives < worker.DefaultMaxReceiveCount; receives++ {
		ds[0].Receives = receives
		outcomes := w.Process(t.Context(), ds)
		wantStates(t, outcomes, worker.Retry)
		if !errors.Is(outcomes[0].Err, worker.ErrUnknownName) {
			t.Fatalf("error %v, want ErrUnknownName", outcomes[0].Err)
		}
	}
	if n := strings.Count(logs.String(), "has no handler"); n != 1 {
		t.Errorf("the name was logged %d times, want once:\n%s", n, &logs)
	}
	ds[0].Receives = worker.DefaultMaxReceiveCount
	wantStates(t, w.Process(t.Context(), ds), worker.DeadLettered)
	if why := s.buried["m0"]; why.Code != transport.ReasonUnknown || why.Name != "test.task" || why.TaskID != "task-1" || why.Attempt != 15 || why.Source != queueARN {
		t.Errorf("reason: %+v", why)
	}
}

func TestE8_NewerEnvelopeIsKeptAndThenDeadLettered(t *testing.T) {
	var s settler
	w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &s})
	ds := deliver(t, definition.With(args{}))
	ds[0].Body = bytes.Replace(ds[0].Body, []byte(`{`), []byte(`{"offloadreader":99,`), 1)
	outcomes := w.Process(t.Context(), ds)
	wantStates(t, outcomes, worker.Retry)
	if o := outcomes[0]; !errors.Is(o.Err, task.ErrNewerEnvelope) || o.ID != "t0" || o.Name != "test.task" {
		t.Errorf("outcome: %+v", o)
	}
	ds[0].Receives = worker.DefaultMaxReceiveCount
	wantStates(t, w.Process(t.Context(), ds), worker.DeadLettered)
	if why := s.buried["m0"]; why.Code != transport.ReasonNewer {
		t.Errorf("reason: %+v", why)
	}
}

func TestE8_AliasReachesTheHandler(t *testing.T) {
	renamed := task.Define[args]("test.renamed", task.Aliases("test.task"))
	var name string
	w := newWorker(t, newMux(renamed, func(ctx context.Context, _ args) error {
		info, _ := task.InfoFromContext(ctx)
		name = info.Name
		return nil
	}), worker.Options{})
	wantStates(t, w.Process(t.Context(), deliver(t, definition.With(args{}))), worker.Done)
	if name != "test.task" {
		t.Errorf("the handler saw the name %q, want the one on the wire", name)
	}
}

func TestE9_HostileBodiesAreDeadLetteredAtOnce(t *testing.T) {
	good := string(encode(t, definition.With(args{N: 7})).Body())
	for name, body := range map[string]string{
		"empty":         "",
		"no JSON":       "hello",
		"no object":     `[1]`,
		"doubled key":   strings.Replace(good, `"type":`, `"type":"test.other","type":`, 1),
		"folded key":    strings.Replace(good, `"type":`, `"Type":"test.other","type":`, 1),
		"no id":         `{"specversion":"1.0","type":"test.task","source":"/x","data":{}}`,
		"deep":          strings.Repeat("[", 100_000),
		"deep data":     `{"specversion":"1.0","id":"1","type":"test.task","source":"/x","data":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
		"negative":      strings.Replace(good, `{`, `{"offloadattempt":-1,`, 1),
		"not a number":  strings.Replace(good, `{`, `{"offloadattempt":"1",`, 1),
		"huge number":   strings.Replace(good, `{`, `{"offloadattempt":`+strings.Repeat("9", 1000)+`,`, 1),
		"bytes":         "\xff\xfe\x00",
		"cut in middle": good[:len(good)/2],
	} {
		t.Run(name, func(t *testing.T) {
			var s settler
			called := false
			w := newWorker(t, newMux(definition, func(context.Context, args) error { called = true; return nil }), worker.Options{Settler: &s})
			ds := []transport.Delivery{{Source: queueARN, MessageID: "m0", Body: []byte(body), Receives: 1}}
			outcomes := w.Process(t.Context(), ds)
			wantStates(t, outcomes, worker.DeadLettered)
			if !errors.Is(outcomes[0].Err, task.ErrMalformed) || s.buried["m0"].Code != transport.ReasonMalformed {
				t.Errorf("error %v, reason %+v", outcomes[0].Err, s.buried["m0"])
			}
			if called {
				t.Error("the handler was called")
			}
			if got := string(s.deliveries[0].Body); got != body {
				t.Errorf("dead letter %q, want the body unchanged", got)
			}
		})
	}
}

func TestE9_ArgumentsThatDoNotDecodeArePermanent(t *testing.T) {
	var s settler
	w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &s})
	other := task.Define[map[string]string]("test.task")
	outcomes := w.Process(t.Context(), deliver(t, other.With(map[string]string{"n": "seven"})))
	wantStates(t, outcomes, worker.DeadLettered)
	if why := s.buried["m0"]; why.Code != transport.ReasonPermanent || why.TaskID != "t0" || !strings.Contains(why.Message, "test.task") {
		t.Errorf("reason: %+v", why)
	}
}

func TestE10_PermanentErrorRunsOnce(t *testing.T) {
	var s settler
	calls := 0
	w := newWorker(t, newMux(definition, func(context.Context, args) error {
		calls++
		return fmt.Errorf("charge: %w", task.Permanent(errHandler))
	}), worker.Options{Settler: &s})
	outcomes := w.Process(t.Context(), deliver(t, definition.With(args{})))
	wantStates(t, outcomes, worker.DeadLettered)
	if !outcomes[0].Acked() || outcomes[0].Reason != transport.ReasonPermanent || calls != 1 {
		t.Errorf("outcome %+v after %d calls", outcomes[0], calls)
	}
	want := transport.Reason{Code: transport.ReasonPermanent, Message: "charge: the handler failed", TaskID: "t0", Name: "test.task", Attempt: 1, Source: queueARN}
	if s.buried["m0"] != want {
		t.Errorf("reason %+v, want %+v", s.buried["m0"], want)
	}
}

func TestExpiredTaskIsDeadLetteredUnrun(t *testing.T) {
	var s settler
	called := false
	w := newWorker(t, newMux(definition, func(context.Context, args) error { called = true; return nil }), worker.Options{Settler: &s})
	e, err := definition.With(args{}).Encode("task-1", "/test", time.Now().Add(-2*time.Hour), task.Expires(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ds := []transport.Delivery{{Source: queueARN, MessageID: "m0", Body: e.Body(), Receives: 1}}
	wantStates(t, w.Process(t.Context(), ds), worker.DeadLettered)
	if called || s.buried["m0"].Code != transport.ReasonExpired {
		t.Errorf("called %v, reason %+v", called, s.buried["m0"])
	}
}

func TestC5_DuplicatesReachTheHandlerWithOneID(t *testing.T) {
	var ids []string
	w := newWorker(t, newMux(definition, func(ctx context.Context, _ args) error {
		info, _ := task.InfoFromContext(ctx)
		ids = append(ids, info.ID)
		return nil
	}), worker.Options{Concurrency: 1})
	ds := deliver(t, definition.With(args{}))
	twin := ds[0]
	twin.MessageID = "another" // a second copy of a task has another message id
	wantStates(t, w.Process(t.Context(), append(ds, twin)), worker.Done, worker.Done)
	if !slices.Equal(ids, []string{"t0", "t0"}) {
		t.Errorf("ids %v", ids)
	}
}

func TestC10_CrashedAttemptsCount(t *testing.T) {
	// A record that ended its worker each time has a receive count, and no other trace. The first attempt that does return is
	// the last one.
	var s settler
	var info task.Info
	w := newWorker(t, newMux(definition, func(ctx context.Context, _ args) error {
		info, _ = task.InfoFromContext(ctx)
		return errHandler
	}), worker.Options{Settler: &s})
	ds := deliver(t, definition.With(args{}))
	ds[0].Receives = 12
	wantStates(t, w.Process(t.Context(), ds), worker.DeadLettered)
	if why := s.buried["m0"]; why.Code != transport.ReasonExhausted || why.Attempt != 12 || info.Attempt != 12 || info.MaxAttempts != 10 {
		t.Errorf("reason %+v, info %+v", why, info)
	}
}

func TestInfoReachesTheHandler(t *testing.T) {
	var got task.Info
	w := newWorker(t, newMux(definition, func(ctx context.Context, _ args) error {
		got, _ = task.InfoFromContext(ctx)
		return nil
	}), worker.Options{})
	now := time.Now()
	e, err := definition.With(args{}).Encode("id-1", "/api", now, task.Header("tenant", "a"), task.MaxAttempts(3), task.Expires(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Again(1, 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.Process(t.Context(), []transport.Delivery{{Source: queueARN, MessageID: "m", Body: again.Body(), Receives: 1}})
	fired := e.Time()
	if got.ID != "id-1" || got.Name != "test.task" || got.Source != "/api" || got.Attempt != 2 || got.MaxAttempts != 3 ||
		!got.FiredAt.Equal(fired) || !got.Expires.Equal(fired.Add(time.Hour)) || got.Hops != 0 || got.Headers["tenant"] != "a" {
		t.Errorf("info: %+v", got)
	}
}

func TestD11_InvocationsMayRunConcurrently(t *testing.T) {
	var s settler
	w := newWorker(t, newMux(definition, failing(1, func(context.Context) error { return errHandler })), worker.Options{Settler: &s})
	unknown := task.Define[args]("test.unknown")
	ds := deliver(t, definition.With(args{}), definition.With(args{N: 1}), unknown.With(args{}))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				wantStates(t, w.Process(t.Context(), ds), worker.Done, worker.Retry, worker.Retry)
			}
		})
	}
	wg.Wait()
}

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		w := newWorker(t, newMux(definition, func(context.Context, args) error {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		}), worker.Options{Concurrency: 3})
		start := time.Now()
		wantStates(t, w.Process(t.Context(), deliver(t, numbered(definition, 9)...)), everyN(9, worker.Done)...)
		if most.Load() != 3 || time.Since(start) != 3*time.Second {
			t.Errorf("%d at once, %v in all; want 3 and 3s", most.Load(), time.Since(start))
		}
	})
}
