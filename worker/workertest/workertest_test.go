package workertest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
	"github.com/offloadhq/offload/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type args struct {
	N int `json:"n"`
}

var (
	definition = task.Define[args]("test.task", task.MaxAttempts(3), task.Backoff(task.Constant(time.Minute)))
	errHandler = errors.New("the handler failed")
)

func muxOf(h func(context.Context, args) error) *worker.Mux {
	m := worker.NewMux()
	worker.Handle(m, definition, h)
	return m
}

func TestRunTellsWhatBecameOfTheTask(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		opts   *workertest.Options
		state  worker.State
		reason string
		sentOn bool
	}{
		"done":         {nil, nil, worker.Done, "", false},
		"retry":        {errHandler, nil, worker.Retry, "", false},
		"last attempt": {errHandler, &workertest.Options{Attempt: 3}, worker.DeadLettered, transport.ReasonExhausted, false},
		"fire options": {errHandler, &workertest.Options{Fire: []task.FireOption{task.MaxAttempts(1)}}, worker.DeadLettered, transport.ReasonExhausted, false},
		"permanent":    {task.Permanent(errHandler), nil, worker.DeadLettered, transport.ReasonPermanent, false},
		"direct":       {errHandler, &workertest.Options{Direct: true}, worker.SentOn, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			var info task.Info
			result := workertest.Run(t, muxOf(func(ctx context.Context, a args) error {
				info, _ = task.InfoFromContext(ctx)
				if a.N != 7 {
					t.Errorf("arguments %+v", a)
				}
				return c.err
			}), definition.With(args{N: 7}), c.opts)
			if result.State != c.state || !errors.Is(result.Err, c.err) || info.ID != workertest.TaskID {
				t.Errorf("result %+v, info %+v", result, info)
			}
			if (result.DeadLetter != nil) != (c.reason != "") || result.DeadLetter != nil && result.DeadLetter.Code != c.reason {
				t.Errorf("dead letter %+v, want %q", result.DeadLetter, c.reason)
			}
			if (result.SentOn != nil) != c.sentOn || result.SentOn != nil && result.SentOn.Attempts() != 1 {
				t.Errorf("sent on %+v", result.SentOn)
			}
			if waits := c.state == worker.Retry || c.state == worker.SentOn; !waits && result.Delay != 0 || result.Delay > time.Minute {
				t.Errorf("delay %v", result.Delay)
			}
		})
	}
}

func TestRunWithADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := workertest.Run(t, muxOf(func(ctx context.Context, _ args) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}), definition.With(args{}), &workertest.Options{Remains: 10 * time.Second})
		if result.State != worker.Retry || !errors.Is(result.Err, worker.ErrDeadline) || result.Took != 9*time.Second {
			t.Errorf("result %+v", result)
		}
	})
}

func TestRunWithAFailingFlush(t *testing.T) {
	result := workertest.Run(t, muxOf(func(context.Context, args) error { return nil }), definition.With(args{}),
		&workertest.Options{Flush: func(context.Context) error { return errHandler }})
	if result.State != worker.Retry || !errors.Is(result.Err, worker.ErrFlush) {
		t.Errorf("result %+v", result)
	}
}

// fatal catches Fatalf.
type fatal struct {
	testing.TB
	message string
}

func (f *fatal) Helper() {}

func (f *fatal) Fatalf(format string, values ...any) {
	f.message = fmt.Sprintf(format, values...)
	panic(f)
}

func TestRunFailsTheTestOnATaskThatCannotBeFired(t *testing.T) {
	for name, c := range map[string]struct {
		mux *worker.Mux
		tk  task.Task
	}{
		"zero task":   {muxOf(func(context.Context, args) error { return nil }), task.Task{}},
		"no handlers": {worker.NewMux(), definition.With(args{})},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fatal{TB: t}
			func() {
				defer func() { _ = recover() }()
				workertest.Run(f, c.mux, c.tk, nil)
			}()
			if f.message == "" {
				t.Error("the test was not failed")
			}
		})
	}
}
