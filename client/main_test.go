package client_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

func TestMain(m *testing.M) {
	childMain()
	goleak.VerifyTestMain(m)
}

var (
	number = task.Define[int]("test.number")
	text   = task.Define[string]("test.text")
	bulk   = task.Define[int]("test.bulk", task.Queue("bulk"))
)

// small limits make full requests cheap to reach.
var small = transport.Limits{Items: 10, BatchBytes: 1 << 20, MessageBytes: 1 << 19, MaxDelay: time.Minute}

// bubble runs f in a synctest bubble with a client of a recorder, which is closed at the end.
func bubble(t *testing.T, opts *client.Options, f func(t *testing.T, c *client.Client, rec *clienttest.Recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rec := clienttest.NewRecorder(small)
		c := newClient(t, rec, opts)
		f(t, c, rec)
		c.Close(canceled(t)) //nolint:errcheck // what tests leave behind is theirs to judge
	})
}

func newClient(t testing.TB, s transport.Sender, opts *client.Options) *client.Client {
	t.Helper()
	if opts == nil {
		opts = &client.Options{}
	}
	o := *opts
	o.Source = "test"
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := client.New(s, &o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func canceled(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// after answers with f after d, unless the attempt's context ends first: then nobody knows.
func after(d time.Duration, f clienttest.Responder) clienttest.Responder {
	return func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
		select {
		case <-time.After(d):
			return f(ctx, call, batch)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// respond gives every entry the same result.
func respond(r transport.Result) clienttest.Responder {
	return func(_ context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
		return slices.Repeat([]transport.Result{r}, len(batch)), r.Err
	}
}

// script answers call n with the n-th responder, and all later calls with the last.
func script(steps ...clienttest.Responder) clienttest.Responder {
	return func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
		return steps[min(call, len(steps))-1](ctx, call, batch)
	}
}

var (
	errNet    = errors.New("connection reset")
	lost      = respond(transport.Result{Outcome: transport.Unknown, Err: errNet})
	throttled = respond(rejected(transport.Throttled))
	noQueue   = respond(rejected(transport.Misconfigured))
)

func rejected(kind transport.Kind) transport.Result {
	return transport.Result{
		Outcome: transport.Rejected,
		Err:     &transport.Error{Kind: kind, Target: `queue "q"`, Code: kind.String(), Err: errors.New("refused")},
	}
}

// outcome is what a Fire in the background returned.
type outcome struct {
	receipt client.Receipt
	err     error
	took    time.Duration
}

// fire runs Fire in a goroutine of the bubble and waits until it blocks or has returned.
func fire(ctx context.Context, c *client.Client, t task.Task, opts ...task.FireOption) <-chan outcome {
	done := make(chan outcome, 1)
	start := time.Now()
	go func() {
		receipt, err := c.Fire(ctx, t, opts...)
		done <- outcome{receipt, err, time.Since(start)}
	}()
	synctest.Wait()
	return done
}

// results collects what OnResult gets.
type results struct {
	mu       sync.Mutex
	receipts []client.Receipt
}

func (r *results) add(x client.Receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.receipts = append(r.receipts, x)
}

func (r *results) all() []client.Receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.receipts)
}

func ids(envelopes []task.Envelope) []string {
	var s []string
	for _, e := range envelopes {
		s = append(s, e.ID())
	}
	return s
}

// want fails the test unless err matches all the targets.
func want(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error %v\ndoes not match %v", err, target)
		}
	}
}
