package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	queueARN = "arn:aws:sqs:eu-central-1:123456789012:tasks"
	fifoARN  = "arn:aws:sqs:eu-central-1:123456789012:tasks.fifo"
)

var errHandler = errors.New("the handler failed")

type args struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
}

// settler records what it is asked for. fail and bury answer for one delivery each, nil means yes.
type settler struct {
	fail func(transport.Delivery) error // of Retry
	bury func(transport.Delivery) error // of DeadLetter

	mu         sync.Mutex
	calls      []string
	waits      map[string]time.Duration
	buried     map[string]transport.Reason
	deliveries []transport.Delivery // of DeadLetter
}

func (s *settler) Retry(ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, "retry")
	errs := make([]error, len(ds))
	for i, d := range ds {
		if errs[i] = ctx.Err(); errs[i] == nil && s.fail != nil {
			errs[i] = s.fail(d)
		}
		if errs[i] != nil {
			continue
		}
		if s.waits == nil {
			s.waits = map[string]time.Duration{}
		}
		s.waits[d.MessageID] = after[i]
	}
	return errs
}

func (s *settler) DeadLetter(ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, "dead letter")
	errs := make([]error, len(ds))
	for i, d := range ds {
		if errs[i] = ctx.Err(); errs[i] == nil && s.bury != nil {
			errs[i] = s.bury(d)
		}
		if errs[i] != nil {
			continue
		}
		if s.buried == nil {
			s.buried = map[string]transport.Reason{}
		}
		s.buried[d.MessageID] = why[i]
		s.deliveries = append(s.deliveries, d)
	}
	return errs
}

// sender records envelopes; answer gives the result of each try.
type sender struct {
	answer func(try int) transport.Result
	tries  int
	sent   []task.Envelope
}

func (s *sender) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	s.tries++
	r := transport.Result{Outcome: transport.Accepted}
	if s.answer != nil {
		r = s.answer(s.tries)
	}
	if r.Outcome == transport.Accepted {
		s.sent = append(s.sent, batch...)
	}
	return []transport.Result{r}, r.Err
}

func (s *sender) Limits() transport.Limits { return transport.Limits{MaxDelay: 15 * time.Minute} }

// newMux registers h for d.
func newMux[T any](d task.Definition[T], h func(context.Context, T) error, mw ...worker.Middleware) *worker.Mux {
	m := worker.NewMux()
	worker.Handle(m, d, h, mw...)
	return m
}

func newWorker(t testing.TB, m *worker.Mux, o worker.Options) *worker.Worker {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	w, err := worker.New(m, &o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func encode(t testing.TB, tk task.Task, opts ...task.FireOption) task.Envelope {
	t.Helper()
	e, err := tk.Encode("task-1", "/test", time.Now(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// deliver makes a delivery of the queue for each task: message m0 with task t0, and so on.
func deliver(t testing.TB, tasks ...task.Task) []transport.Delivery {
	t.Helper()
	ds := make([]transport.Delivery, len(tasks))
	for i, tk := range tasks {
		ds[i] = transport.Delivery{
			Source: queueARN, MessageID: fmt.Sprintf("m%d", i), Receipt: fmt.Sprintf("r%d", i),
			Body: encode(t, tk, task.ID(fmt.Sprintf("t%d", i))).Body(), Receives: 1,
		}
	}
	return ds
}

// numbered makes n tasks of d with arguments 0 to n-1.
func numbered(d task.Definition[args], n int) []task.Task {
	tasks := make([]task.Task, n)
	for i := range tasks {
		tasks[i] = d.With(args{N: i})
	}
	return tasks
}

func states(outcomes []worker.Outcome) []worker.State {
	var all []worker.State
	for _, o := range outcomes {
		all = append(all, o.State)
	}
	return all
}

func wantStates(t testing.TB, outcomes []worker.Outcome, want ...worker.State) {
	t.Helper()
	if got := states(outcomes); !slices.Equal(got, want) {
		t.Errorf("states: %v, want %v", got, want)
		for _, o := range outcomes {
			t.Logf("%+v", o)
		}
	}
}

// everyN repeats a state.
func everyN(n int, s worker.State) []worker.State { return slices.Repeat([]worker.State{s}, n) }
