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

func nothing(context.Context, args) error { return nil }

func TestHandlePanicsNamingTheTask(t *testing.T) {
	for name, c := range map[string]struct {
		register func(m *worker.Mux)
		want     string
	}{
		"name twice": {func(m *worker.Mux) { worker.Handle(m, definition, nothing) }, `"test.task"`},
		"alias is a name": {func(m *worker.Mux) {
			worker.Handle(m, task.Define[args]("test.new", task.Aliases("test.task")), nothing)
		}, `"test.task"`},
		"name is an alias": {func(m *worker.Mux) {
			worker.Handle(m, task.Define[args]("test.a", task.Aliases("test.b")), nothing)
			worker.Handle(m, task.Define[args]("test.b"), nothing)
		}, `"test.b"`},
		"zero definition": {func(m *worker.Mux) { worker.Handle(m, task.Definition[args]{}, nothing) }, "task.Define"},
		"nil handler":     {func(m *worker.Mux) { worker.Handle(m, task.Define[args]("test.nil"), nil) }, `"test.nil"`},
		"nil mux":         {func(*worker.Mux) { worker.Handle(nil, task.Define[args]("test.nil"), nothing) }, "NewMux"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMux(definition, nothing)
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, c.want) || !strings.HasPrefix(r, "worker.Handle: ") {
					t.Errorf("panic %q, want one with %s", r, c.want)
				}
			}()
			c.register(m)
		})
	}
}

func TestNewWarnsOfAMissingSettler(t *testing.T) {
	for _, s := range []transport.Settler{nil, &settler{}} {
		var out bytes.Buffer
		if _, err := worker.New(newMux(task.Define[args]("test.warned"), nothing), &worker.Options{
			Settler: s, Logger: slog.New(slog.NewTextHandler(&out, nil)),
		}); err != nil {
			t.Fatal(err)
		}
		if warned := strings.Contains(out.String(), "worker has no Settler"); warned != (s == nil) {
			t.Errorf("with the Settler %v it says %q", s, out.String())
		}
	}
}

func TestNewReturnsEveryProblem(t *testing.T) {
	m := newMux(task.Define[args]("test.eager", task.MaxAttempts(16), task.Aliases("test.old")), nothing)
	_, err := worker.New(m, &worker.Options{Concurrency: -1, Margin: -1})
	for _, want := range []string{"Concurrency", "Margin", `task "test.eager": MaxAttempts(16) is more than the queue's maxReceiveCount, 15`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "test.old") {
		t.Errorf("error %v names an alias", err)
	}
	for _, m := range []*worker.Mux{nil, worker.NewMux()} {
		if _, err := worker.New(m, nil); err == nil || !strings.Contains(err.Error(), "worker.Handle") {
			t.Errorf("mux without handlers: error %v", err)
		}
	}
	if _, err := worker.New(m, &worker.Options{MaxReceiveCount: 16}); err != nil {
		t.Errorf("MaxAttempts as large as MaxReceiveCount: %v", err)
	}
	if _, err := worker.New(newMux(definition, nothing), nil); err != nil {
		t.Errorf("nil options: %v", err)
	}
}

func TestMiddlewareIsComposedOnce(t *testing.T) {
	made := 0
	count := func(next worker.Handler) worker.Handler { made++; return next }
	m := worker.NewMux(count, nil)
	worker.Handle(m, definition, nothing, count)
	w := newWorker(t, m, worker.Options{})
	for range 3 {
		wantStates(t, w.Process(t.Context(), deliver(t, definition.With(args{}))), worker.Done)
	}
	if made != 2 {
		t.Errorf("the middleware was called %d times, want 2", made)
	}
}

func TestMiddlewareMayReplaceTheBody(t *testing.T) {
	var got int
	other := deliver(t, definition.With(args{N: 2}))[0].Body // as long as the body that it replaces
	swap := func(next worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
			d.Body = other
			return next.Handle(ctx, d)
		})
	}
	torn := func(next worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
			d.Body = []byte("torn")
			return next.Handle(ctx, d)
		})
	}
	handle := func(_ context.Context, a args) error { got = a.N; return nil }
	ds := deliver(t, definition.With(args{N: 1}))
	wantStates(t, newWorker(t, newMux(definition, handle, swap), worker.Options{}).Process(t.Context(), ds), worker.Done)
	if got != 2 {
		t.Errorf("the handler got %d, want 2", got)
	}
	outcomes := newWorker(t, newMux(definition, handle, torn), worker.Options{Settler: &settler{}}).Process(t.Context(), ds)
	wantStates(t, outcomes, worker.DeadLettered)
}

func TestRecoveryShowsAPanicToTheOuterMiddleware(t *testing.T) {
	var seen error
	look := func(next worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
			seen = next.Handle(ctx, d)
			return seen
		})
	}
	bad := func(worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(context.Context, transport.Delivery) error { panic("middleware") })
	}
	w := newWorker(t, newMux(definition, nothing, look, worker.Recovery(), bad), worker.Options{})
	w.Process(t.Context(), deliver(t, definition.With(args{})))
	if _, ok := errors.AsType[*worker.PanicError](seen); !ok {
		t.Errorf("the outer middleware saw %v", seen)
	}
}

func TestLoggingWritesALineForEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		log := slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		m := worker.NewMux(worker.Logging(log))
		worker.Handle(m, definition, func(_ context.Context, a args) error {
			time.Sleep(time.Second)
			return []error{nil, errHandler, task.Permanent(errHandler)}[a.N]
		})
		newWorker(t, m, worker.Options{Concurrency: 1}).Process(t.Context(), deliver(t, numbered(definition, 3)...))
		want := `level=INFO msg="task done" id=t0 task=test.task attempt=1 took=1s
level=WARN msg="task failed" id=t1 task=test.task attempt=1 took=1s error="the handler failed"
level=ERROR msg="task failed for good" id=t2 task=test.task attempt=1 took=1s error="the handler failed"
`
		if logs.String() != want {
			t.Errorf("log:\n%s\nwant:\n%s", &logs, want)
		}
	})
}

func TestOutcomeTellsHowLongTheTaskWaitedAndTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker(t, newMux(definition, func(context.Context, args) error { time.Sleep(time.Second); return nil }), worker.Options{})
		ds := deliver(t, definition.With(args{}))
		time.Sleep(time.Minute)
		if o := w.Process(t.Context(), ds)[0]; o.Waited != time.Minute || o.Took != time.Second {
			t.Errorf("waited %v, took %v; want 1m0s and 1s", o.Waited, o.Took)
		}
		ds[0].Body = []byte(`{"specversion":"1.0","id":"1","source":"/x","type":"test.task","data":{}}`) // time is optional
		if o := w.Process(t.Context(), ds)[0]; o.State != worker.Done || o.Waited != 0 {
			t.Errorf("outcome %+v, want no wait of a task without time", o)
		}
	})
}

func TestStateString(t *testing.T) {
	for s, want := range map[worker.State]string{
		worker.Failed: "failed", worker.Done: "done", worker.Retry: "retry", worker.SentOn: "sent on",
		worker.DeadLettered: "dead-lettered", worker.Returned: "returned", worker.Stuck: "stuck", 99: "State(99)",
	} {
		if s.String() != want {
			t.Errorf("%d: %q, want %q", s, s.String(), want)
		}
	}
}
